"""Taxonomy: what labels mean, their malignancy, positions and levels."""

import csv
from collections import Counter

import pytest

import melanoma_detect as md
from melanoma_detect.taxonomy import (
    COARSE,
    DIAGNOSES,
    covers,
    find,
    finest,
    is_known,
    malignancy,
    meaning,
    positions,
    preferred_name,
)

FITZPATRICK17K = """acanthosis nigricans | acne | acne vulgaris | acquired autoimmune bullous diseaseherpes gestationis
    | acrodermatitis enteropathica | actinic keratosis | allergic contact dermatitis | aplasia cutis | basal cell carcinoma
    | basal cell carcinoma morpheiform | becker nevus | behcets disease | calcinosis cutis | cheilitis | congenital nevus
    | dariers disease | dermatofibroma | dermatomyositis | disseminated actinic porokeratosis | drug eruption
    | drug induced pigmentary changes | dyshidrotic eczema | eczema | ehlers danlos syndrome | epidermal nevus
    | epidermolysis bullosa | erythema annulare centrifigum | erythema elevatum diutinum | erythema multiforme
    | erythema nodosum | factitial dermatitis | fixed eruptions | folliculitis | fordyce spots | granuloma annulare
    | granuloma pyogenic | hailey hailey disease | halo nevus | hidradenitis | ichthyosis vulgaris | incontinentia pigmenti
    | juvenile xanthogranuloma | kaposi sarcoma | keloid | keratosis pilaris | langerhans cell histiocytosis
    | lentigo maligna | lichen amyloidosis | lichen planus | lichen simplex | livedo reticularis | lupus erythematosus
    | lupus subacute | lyme disease | lymphangioma | malignant melanoma | melanoma | milia | mucinosis | mucous cyst
    | mycosis fungoides | myiasis | naevus comedonicus | necrobiosis lipoidica | nematode infection | neurodermatitis
    | neurofibromatosis | neurotic excoriations | neutrophilic dermatoses | nevocytic nevus
    | nevus sebaceous of jadassohn | papilomatosis confluentes and reticulate | paronychia | pediculosis lids
    | perioral dermatitis | photodermatoses | pilar cyst | pilomatricoma | pityriasis lichenoides chronica
    | pityriasis rosea | pityriasis rubra pilaris | porokeratosis actinic | porokeratosis of mibelli | porphyria
    | port wine stain | prurigo nodularis | psoriasis | pustular psoriasis | pyogenic granuloma | rhinophyma | rosacea
    | sarcoidosis | scabies | scleroderma | scleromyxedema | seborrheic dermatitis | seborrheic keratosis
    | solid cystic basal cell carcinoma | squamous cell carcinoma | stasis edema | stevens johnson syndrome | striae
    | sun damaged skin | superficial spreading melanoma ssm | syringoma | telangiectases | tick bite | tuberous sclerosis
    | tungiasis | urticaria | urticaria pigmentosa | vitiligo | xanthomas | xeroderma pigmentosum"""
DDI = """melanoma-in-situ mycosis-fungoides squamous-cell-carcinoma-in-situ basal-cell-carcinoma squamous-cell-carcinoma
    melanoma-acral-lentiginous basal-cell-carcinoma-superficial squamous-cell-carcinoma-keratoacanthoma
    subcutaneous-t-cell-lymphoma melanocytic-nevi seborrheic-keratosis-irritated focal-acral-hyperkeratosis
    hyperpigmentation lipoma foreign-body-granuloma blue-nevus verruca-vulgaris acrochordon wart epidermal-nevus
    abrasions-ulcerations-and-physical-injuries basal-cell-carcinoma-nodular epidermal-cyst acquired-digital-fibrokeratoma
    seborrheic-keratosis trichilemmoma pyogenic-granuloma neurofibroma syringocystadenoma-papilliferum
    nevus-lipomatosus-superficialis benign-keratosis inverted-follicular-keratosis onychomycosis dermatofibroma
    trichofolliculoma lymphocytic-infiltrations prurigo-nodularis kaposi-sarcoma scar eccrine-poroma angioleiomyoma keloid
    hematoma metastatic-carcinoma melanoma angioma folliculitis atypical-spindle-cell-nevus-of-reed xanthogranuloma
    eczema-spongiotic-dermatitis arteriovenous-hemangioma acne-cystic verruciform-xanthoma molluscum-contagiosum
    condyloma-accuminatum morphea neuroma dysplastic-nevus nodular-melanoma-(nm) actinic-keratosis
    pigmented-spindle-cell-nevus-of-reed dermatomyositis glomangioma cellular-neurothekeoma fibrous-papule
    graft-vs-host-disease lichenoid-keratosis reactive-lymphoid-hyperplasia coccidioidomycosis leukemia-cutis
    sebaceous-carcinoma chondroid-syringoma tinea-pedis solar-lentigo clear-cell-acanthoma abscess
    blastic-plasmacytoid-dendritic-cell-neoplasm acral-melanotic-macule"""


def read_rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_nine_diagnoses_with_unique_spellings():
    assert [entry.code for entry in DIAGNOSES] == ["AK", "BCC", "DF", "MEL", "NV", "BKL", "SK", "SCC", "VASC"]
    spellings = [spelling for entry in DIAGNOSES for spelling in entry.spellings]
    assert len(spellings) == len(set(spellings))


def test_every_spelling_is_found():
    for diagnosis in DIAGNOSES:
        assert {find(spelling).code for spelling in diagnosis.spellings} == {diagnosis.code}
    for coarse in COARSE:
        assert {meaning(spelling) for spelling in (coarse.name, *coarse.aliases)} == {frozenset(coarse.codes)}


@pytest.mark.parametrize(
    ("code", "labels"),
    [
        ("MEL", "melanoma|MEL|Melanoma NOS|Melanoma, NOS|MELANOMA_IN_SITU|melanoma (in situ)"),
        ("MEL", "melanoma (less than 0.76 mm)"),
        ("MEL", "melanoma (0.76 to 1.5 mm)|melanoma (more than 1.5 mm)|melanoma metastasis"),
        ("MEL", "Melanoma Invasive, Acral or Acral-lentiginous"),
        ("MEL", "Lentigo maligna|lentigo-maligna melanoma|nodular-melanoma-(nm)"),
        ("MEL", "superficial spreading melanoma ssm|Malignant Melanoma"),
        ("MEL", "Melanom|mélanome|me\u0301lanome|MÉLANOMES|Melanoma maligno|melanoma in-situ|melanomas|Melanoom"),
        ("MEL", "MEL: Melanoma Invasive"),
        ("NV", "nv|NEV|Naevus|naevi|Melanocytic-Nevi|Melanocytic nevi (nv)|Common Nevus|Atypical Nevus"),
        ("NV", "clark nevus|reed or spitz nevus"),
        ("NV", "recurrent nevus|Nevus, Spilus|Nävus|Na\u0308vus|Nävi|nævus|lunar|nevo melanocítico"),
        ("NV", "NV: Nevus, NOS, Dermal|Moles|blue-nevus"),
        ("BCC", "bcc|Basal_Cell_Carcinoma|Basal Cell Carcinoma (BCC)|Basaliom|Basalzellkarzinom"),
        ("BCC", "carcinome basocellulaire|BasalCellCarcinoma"),
        ("BCC", "carcinoma basocelular|basal-cell-carcinoma-nodular"),
        ("BCC", "Basal cell carcinoma, Sclerosing or morpheaform|BCCs"),
        ("SCC", "scc|SCCKA|Keratoacanthoma|Bowen's disease|Bowen’s disease"),
        ("SCC", "Squamous cell carcinoma in situ, Bowens disease"),
        ("SCC", "Plattenepithelkarzinom|carcinoma espinocelular|carcinoma de células escamosas"),
        ("SCC", "SCCKA: Squamous cell carcinoma, Invasive"),
        ("AK", "ak|ACK|Actinic Keratosis|Solar or actinic keratosis|queratosis actínica|ceratose actínica"),
        ("AK", "Aktinische Keratose"),
        ("SK", "sk|SEK|seborrheic_keratosis|Seborrhoeic Keratosis|seborrheic keratoses|queratosis seborreica"),
        ("SK", "Seborrhoische Keratose"),
        ("SK", "seborrheic-keratosis-irritated|Seborrheic keratosis, Clonal|BKL: Seborrheic keratosis"),
        ("BKL", "bkl|BKL|pigmented  benign keratosis|BENIGN_KERATOSIS-LIKE_LESION"),
        ("BKL", "Benign Keratosis-like Lesions (BKL)"),
        ("DF", "df|Dermatofibroma|dermatofibromas|Dermatofibrom|Dermatofibroma, Cellular"),
        ("VASC", "vasc|vascular lesions|Hemangioma|Haemangioma, Cherry|angiokeratoma|pyogenic-granuloma"),
        ("VASC", "granuloma pyogenic"),
        ("VASC", "Subungual hemorrhage|Hemorrhagic lesions|port wine stain|lésion vasculaire"),
    ],
)
def test_find_knows_every_spelling(code, labels):
    for label in labels.split("|"):
        assert (label, find(label) and find(label).code) == (label, code)


@pytest.mark.parametrize(
    "label",
    [
        "not melanoma",
        "no melanoma",
        "non-melanoma",
        "NonMelanoma",
        "NotMelanoma",
        "nonmelanoma",
        "melanoma?",
        "melanoma excluded",
        "melanoma: excluded",
        "melanoma - excluded",
        "no evidence of melanoma",
        "suspected melanoma",
        "r/o melanoma",
        "melanoma (benign)",
        "melanoma vs nevus",
        "melanoma or nevus",
        "melanoma/nevus",
        "nevus: melanoma",
        "melanosis",
        "melan",
        "family history of melanoma",
        "melanoma unlikely",
        "lentigo",
        "Non melanoma skin cancer",
        "+melanoma",
        "!melanoma",
        "~melanoma",
        "melanoma=0",
        "0 melanoma",
        "nevus with melanoma",
        "ex melanoma",
    ],
)
def test_nothing_is_guessed_from_a_part(label):
    assert find(label) is None
    assert meaning(label) != {"MEL"}
    assert positions([label], code="MEL") == ()


@pytest.mark.parametrize(
    "label", ["no nevus", "nevus?", "Nevus sebaceus", "Nevus comedonicus", "Epidermal nevus", "Nevus anemicus"]
)
def test_not_every_nevus_is_melanocytic(label):
    assert find(label) is None


@pytest.mark.parametrize(
    "label",
    ["BCC?", "no BCC", "Dermatofibrosarcoma protuberans", "Angiosarcoma cutaneous", "Kaposi sarcoma", "ak or scc"],
)
def test_a_name_within_another_is_not_found(label):
    assert find(label) is None


def test_find_does_not_guess():
    assert find("melanomas?") is None
    assert find("") is None
    assert find("?") is None


def test_malignancy_of_the_nine():
    assert {entry.code for entry in DIAGNOSES if entry.malignancy == "malignant"} == {"BCC", "MEL", "SCC"}
    assert find("AK").malignancy == "indeterminate"


@pytest.mark.parametrize(
    ("expected", "labels"),
    [
        ("malignant", "malignant|Malignant|MAL_OTH|Merkel cell carcinoma|Kaposi's sarcoma|dfsp"),
        ("malignant", "Mycosis fungoides, Folliculotropic|skin cancer"),
        ("malignant", "Collision - At least one malignant proliferation|Malignant epidermal proliferations|nmsc"),
        ("malignant", "Sezary syndrome"),
        ("benign", "benign|Benign|BEN_OTH|INF|scar|Scar, Keloid|melanosis|lentigo|Solar lentigo|wart"),
        ("benign", "non-malignant|Nevus sebaceus|non-neoplastic"),
        ("indeterminate", "indeterminate|Atypical Spitz tumor|atypical melanocytic proliferation|ACK"),
        ("indeterminate", "Indeterminate melanocytic proliferations"),
        (None, "akiec|other|miscellaneous|not melanoma|foo|"),
    ],
)
def test_malignancy(expected, labels):
    for label in labels.split("|"):
        assert (label, malignancy(label)) == (label, expected)


def test_positions():
    classes = ["nevus", "melanoma", "BCC", "freckle"]
    assert positions(classes, code="MEL") == (1,)
    assert positions(classes, malignant=True) == (1, 2)
    assert positions(["a", "b"], code="MEL") == ()


def test_positions_of_labels_outside_the_nine():
    classes = [
        "Melanoma Invasive",
        "Melanoma in situ",
        "malignant",
        "Merkel cell carcinoma",
        "Kaposi sarcoma",
        "benign",
        "scar",
        "foo",
    ]
    assert positions(classes, code="MEL") == (0, 1)
    assert positions(classes, malignant=True) == (0, 1, 2, 3, 4)
    assert positions(["benign", "malignant"], code="MEL") == ()


def test_a_coarse_label_means_several_diagnoses():
    assert meaning("akiec") == {"AK", "SCC"}
    assert meaning("AKIEC") == meaning("Actinic keratoses") == {"AK", "SCC"}
    assert meaning("Benign keratosis-like lesions") == {"BKL", "SK"}
    assert meaning("Solar lentigo") == meaning("lichenoid keratosis") == meaning("lentigo NOS") == {"BKL", "SK"}
    assert meaning("nevus or seborrheic keratosis") == {"NV", "SK"}
    assert meaning("nv") == {"NV"}
    assert meaning("Foo_bar") == meaning("foo bar") == {"foo bar"}


def test_covers():
    assert covers("malignant", "Melanoma Invasive, Nodular")
    assert covers("malignant", "Merkel cell carcinoma")
    assert covers("benign", "scar")
    assert covers("Benign", "bkl")
    assert covers("Benign melanocytic proliferations", "Nevus, Reed")
    assert covers("not melanoma", "malignant") is False  # which may be melanoma
    assert covers("not melanoma", "BCC")
    assert covers("benign", "ACK") is False
    assert covers("benign", "foo") is False
    assert covers("bkl", "benign") is False
    assert covers("foo", "Foo")


def test_spellings_join_under_one_name():
    assert preferred_name("Wart") == preferred_name("verruca_vulgaris") == "verruca"
    assert preferred_name("NEV") == preferred_name("Nevus, Acral") == "nevus"
    assert preferred_name("BKL: Solar lentigo") == preferred_name("bkl") == "bkl"
    assert preferred_name("Foo_Bar") == preferred_name("foo-bar") == "foo bar"


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (
            ["Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma in situ", "", ""],
            "Melanoma in situ",
        ),
        (
            ["Malignant", "", "Melanoma Invasive", "Melanoma Invasive, Superficial spreading"],
            "Melanoma Invasive, Superficial spreading",
        ),
        (["Benign", "NaN", "Nevus", "Nevus, of a new kind", "N/A"], "Nevus"),
        (["Benign", "", ""], "Benign"),
        (["foo", "bar", ""], "bar"),
        (["", "NaN", "unknown"], ""),
        ([], ""),
    ],
)
def test_the_finest_level_that_is_known(levels, expected):
    assert finest(levels) == expected


def test_milk10ks_two_labels_in_one():
    assert meaning("AKIEC: Squamous cell carcinoma in situ, Bowens disease") == {"SCC"}
    assert meaning("BKL: Clear cell acanthoma") == {"BKL", "SK"}
    assert preferred_name("INF: Porokeratosis") == "porokeratosis"
    # Its group says that it is no vascular lesion of the nine, and that the collision is no melanoma.
    assert preferred_name("BEN_OTH: Benign soft tissue proliferations - Vascular") == "other benign"
    assert preferred_name("MAL_OTH: Collision - At least one malignant proliferation") == "other malignant"
    assert not is_known("MEL: Nevus")


def test_fitzpatrick17k_is_known():
    labels = [" ".join(label.split()) for label in FITZPATRICK17K.split("|")]
    assert [label for label in labels if not is_known(label)] == []
    assert Counter(map(malignancy, labels)) == {"benign": 103, "malignant": 10, "indeterminate": 1}
    assert {label for label in labels if malignancy(label) == "malignant"} == {
        "basal cell carcinoma",
        "basal cell carcinoma morpheiform",
        "kaposi sarcoma",
        "lentigo maligna",
        "malignant melanoma",
        "melanoma",
        "mycosis fungoides",
        "solid cystic basal cell carcinoma",
        "squamous cell carcinoma",
        "superficial spreading melanoma ssm",
    }


def test_ddi_is_known():
    labels = DDI.split()
    assert [label for label in labels if not is_known(label)] == []
    assert {label for label in labels if malignancy(label) == "malignant"} == {
        "basal-cell-carcinoma",
        "basal-cell-carcinoma-nodular",
        "basal-cell-carcinoma-superficial",
        "blastic-plasmacytoid-dendritic-cell-neoplasm",
        "kaposi-sarcoma",
        "leukemia-cutis",
        "melanoma",
        "melanoma-acral-lentiginous",
        "melanoma-in-situ",
        "metastatic-carcinoma",
        "mycosis-fungoides",
        "nodular-melanoma-(nm)",
        "sebaceous-carcinoma",
        "squamous-cell-carcinoma",
        "squamous-cell-carcinoma-in-situ",
        "squamous-cell-carcinoma-keratoacanthoma",
        "subcutaneous-t-cell-lymphoma",
    }


def test_a_diagnosis_prints_without_its_spellings():
    assert repr(md.taxonomy.find("mel")) == "Diagnosis(code='MEL', name='melanoma', malignancy='malignant')"


@pytest.mark.real_data
def test_every_label_of_the_real_tables_is_known(real_folder):
    columns = ("label", "diagnosis", "dx", "isic2019_diagnosis", "diagnosis_full", "diagnostic", "benign_malignant")
    paths = [*real_folder.glob("*/metadata.csv"), *(real_folder / "tables").glob("*.csv")]
    unknown = {
        (path.name, cell)
        for path in paths
        for row in read_rows(path)
        for column in columns
        if (cell := row.get(column, "")) and not md.taxonomy.is_missing(cell) and not is_known(cell)
    }
    assert len(paths) > 10
    assert unknown == set()


@pytest.mark.real_data
def test_published_labels_agree_with_the_diagnoses_of_milk10k(real_folder):
    rows = {
        row["image"].split("/")[1].partition(".")[0]: row for row in read_rows(real_folder / "milk10k/metadata.csv")
    }
    published = read_rows(real_folder / "tables/MILK10k_Training_Supplement.csv")
    found = {"dermoscopy": Counter(), "clinical": Counter()}
    for row in published:
        if row["isic_id"] in rows:
            diagnosis = find(row["diagnosis_full"])
            found[rows[row["isic_id"]]["image_type"]][
                diagnosis.code if diagnosis else malignancy(row["diagnosis_full"])
            ] += 1
    # The figures of the data's own README; "bkl" is found as BKL.
    assert found["dermoscopy"] == {
        "AK": 122,
        "BCC": 2498,
        "BKL": 194,
        "DF": 47,
        "MEL": 420,
        "NV": 685,
        "SK": 333,
        "SCC": 653,
        "VASC": 44,
        "benign": 94,
        "malignant": 9,
    }
    assert found["clinical"] == {
        "AK": 122,
        "BCC": 2505,
        "BKL": 196,
        "DF": 49,
        "MEL": 423,
        "NV": 683,
        "SK": 334,
        "SCC": 653,
        "VASC": 45,
        "benign": 94,
        "malignant": 9,
    }
