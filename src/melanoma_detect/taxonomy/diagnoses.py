"""The nine diagnoses of the ISIC set, and the coarse labels of the data sets that do not separate them."""

from dataclasses import dataclass, field
from typing import Literal

Malignancy = Literal["malignant", "indeterminate", "benign"]


@dataclass(frozen=True)
class Diagnosis:
    """One diagnosis of the taxonomy.

    Attributes:
        code: The short name, as `"MEL"`.
        name: The name that class folders of the nine-class set carry, in lower case.
        malignancy: `"malignant"`, `"indeterminate"` (actinic keratosis: a precursor of squamous cell carcinoma) or
            `"benign"`.
        aliases: Other spellings, in lower case. The subtypes of the ISIC archive come on top of them.
    """

    code: str
    name: str
    malignancy: Malignancy
    aliases: tuple[str, ...] = field(default=(), repr=False)

    @property
    def spellings(self) -> frozenset[str]:
        """The code, the name and the aliases, in lower case."""
        return frozenset((self.code.lower(), self.name, *self.aliases))


@dataclass(frozen=True)
class Coarse:
    """A coarse label, which covers several diagnoses.

    Attributes:
        name: As the data sets write it, in lower case.
        codes: The diagnoses that it covers.
        aliases: Other spellings, in lower case, with spaces for hyphens.
    """

    name: str
    codes: tuple[str, ...]
    aliases: tuple[str, ...] = field(default=(), repr=False)


def spelling_list(text: str) -> tuple[str, ...]:
    """Return the spellings in a text that separates them by bars.

    Args:
        text: The spellings.

    Returns:
        Each without the blanks around it.

    Examples:
        >>> spelling_list("nevus | common nevus")
        ('nevus', 'common nevus')
    """
    return tuple(" ".join(part.split()) for part in text.split("|") if part.strip())


# Spellings beside the archive's: of HAM10000, the ISIC challenges, BCN20000, PAD-UFES-20, Derm7pt, PH2, MED-NODE,
# Fitzpatrick17k, DDI and MILK10k, and in German, French, Spanish, Portuguese, Italian and Dutch.
DIAGNOSES: tuple[Diagnosis, ...] = (
    Diagnosis(
        "AK",
        "actinic keratosis",
        "indeterminate",
        spelling_list(
            """ack | solar keratosis | solar or actinic keratosis | actinic or solar keratosis | keratosis actinica
            | keratosis solaris | senile keratosis | bowenoid actinic keratosis | pigmented actinic keratosis
            | actinic cheilitis | solar cheilitis | aktinische keratose | aktinische keratosen | solare keratose
            | keratose actinique | keratoses actiniques | queratosis actinica | queratosis actinicas
            | queratosis solar | ceratose actinica | ceratoses actinicas | queratose actinica | cheratosi attinica
            | cheratosi attiniche | actinische keratose | actinische keratosen"""
        ),
    ),
    Diagnosis(
        "BCC",
        "basal cell carcinoma",
        "malignant",
        spelling_list(
            """basal cell epithelioma | basalioma | basal cell cancer | basocellular carcinoma | rodent ulcer
            | pigmented basal cell carcinoma | nodular basal cell carcinoma | superficial basal cell carcinoma
            | infiltrative basal cell carcinoma | infiltrating basal cell carcinoma
            | morpheaform basal cell carcinoma | sclerosing basal cell carcinoma | micronodular basal cell carcinoma
            | basal cell carcinoma morpheiform | basal cell carcinoma morpheaform | bcc nodular | nodular bcc
            | bcc superficial | superficial bcc | pigmented bcc | bcc pigmented
            | solid cystic basal cell carcinoma | basosquamous carcinoma | fibroepithelioma of pinkus | basaliom
            | basaliome | basalzellkarzinom | basalzellkarzinome | basalzellcarcinom | carcinome basocellulaire
            | carcinomes basocellulaires | epithelioma basocellulaire | carcinoma basocelular
            | carcinomas basocelulares | carcinoma de celulas basales | carcinoma de celulas basais
            | epitelioma basocelular | carcinoma basocellulare | carcinomi basocellulari | epitelioma basocellulare
            | basaalcelcarcinoom | basocellulair carcinoom | basaalcelcarcinomen"""
        ),
    ),
    Diagnosis(
        "DF",
        "dermatofibroma",
        "benign",
        spelling_list(
            """fibrous histiocytoma | benign fibrous histiocytoma | dermatofibrom | dermatofibrome | histiozytom
            | histiocytofibrome | histiocitoma fibroso | dermatofibromi | dermatofibroom | dermatofibromen"""
        ),
    ),
    Diagnosis(
        "MEL",
        "melanoma",
        "malignant",
        spelling_list(
            """malignant melanoma | melanoma maligna | cutaneous melanoma | melanoma of skin | melanoma of the skin
            | melanoma invasive | invasive melanoma | melanoma in situ | malignant melanoma in situ
            | in situ melanoma | melanoma insitu | lentigo maligna | lentigo maligna melanoma | lmm
            | melanoma lentigo maligna | nodular melanoma | melanoma nodular | nodular melanoma nm
            | superficial spreading melanoma | superficial spreading melanoma ssm | ssm
            | melanoma superficial spreading | melanoma superficial spreading type | melanoma nodular type
            | acral lentiginous melanoma | acral melanoma
            | melanoma acral lentiginous | melanoma acral | alm | amelanotic melanoma | melanoma amelanotic
            | desmoplastic melanoma | spitzoid melanoma | spitz melanoma | nevoid melanoma | mucosal melanoma
            | subungual melanoma | melanoma metastasis | metastatic melanoma | melanoma metastatic
            | metastasis of melanoma | recurrent melanoma | early melanoma | thin melanoma
            | melanoma less than 0.76 mm | melanoma 0.76 to 1.5 mm | melanoma more than 1.5 mm
            | malignant melanocytic proliferation | malignant melanocytic proliferation melanoma
            | malignant blue nevus | melanotic melanoma | melanom | melanome | malignes melanom | maligne melanome
            | bosartiges melanom | hautmelanom | melanoma in situ lentigo maligna | melanome malin
            | melanomes malins | melanoma maligno | melanomas malignos | melanomi | melanoma cutaneo
            | melanoma cutaneo maligno | melanoom | melanomen | melanom in situ | melanome in situ
            | melanoom in situ | melanoma nodulare | kwaadaardig melanoom | maligne melanoom | schwarzer hautkrebs"""
        ),
    ),
    Diagnosis(
        "NV",
        "nevus",
        "benign",
        spelling_list(
            """nev | nevuses | melanocytic nevus | benign nevus | benign melanocytic nevus | nevus benign | mole
            | benign mole | nevocytic nevus | nevocellular nevus | nevus cell nevus | pigmented nevus | common nevus
            | common melanocytic nevus | acquired nevus | acquired melanocytic nevus | atypical nevus
            | atypical mole | atypical melanocytic nevus | dysplastic nevus | dysplastic melanocytic nevus
            | clark nevus | clark s nevus | blue nevus | nevus bleu | congenital nevus
            | congenital melanocytic nevus | combined nevus | compound nevus | dermal nevus | intradermal nevus
            | junctional nevus | junction nevus | recurrent nevus | persistent nevus | halo nevus | sutton nevus
            | spitz nevus | nevus spitz | reed nevus | reed or spitz nevus | spitz or reed nevus | spitz reed nevus
            | reed spitz nevus | nevus of reed | nevus of spitz | pigmented spindle cell nevus
            | pigmented spindle cell nevus of reed | atypical spindle cell nevus of reed | acral nevus
            | nevus spilus | speckled lentiginous nevus | balloon cell nevus | deep penetrating nevus
            | lentiginous nevus | meyerson nevus | agminated nevus | miescher nevus | unna nevus
            | special site nevus | eclipse nevus | cockade nevus | nevus sutton | navus | navi | navuszellnavus
            | navuszellnavi | navuszellnevus | muttermal | muttermale | leberfleck | leberflecke
            | melanozytarer navus | melanozytare navi | dysplastischer navus | blauer navus | nevus melanocytaire
            | nevi melanocytaires | grain de beaute | nevus dysplasique | nevo | nevos | nevo melanocitico
            | nevos melanociticos | nevo atipico | nevos atipicos
            | nevus melanocitico | lunar | lunares | nevo displasico | nevo displastico
            | nevo melanocitico benigno | nevo melanocitario | neo melanocitico | nevi melanocitici | nevo blu
            | nevo azul | moedervlek | moedervlekken | melanocytaire nevus | melanocytaire nevi | navuszellnaevus
            | nevuszellnevus | melanozytaerer nevus | melanozytaere nevi"""
        ),
    ),
    Diagnosis(
        "BKL",
        "pigmented benign keratosis",
        "benign",
        spelling_list("benign keratosis | benign keratosis-like lesion | pbk"),
    ),
    Diagnosis(
        "SK",
        "seborrheic keratosis",
        "benign",
        spelling_list(
            """sek | seborrheic wart | senile wart | verruca seborrhoica | verruca senilis | basal cell papilloma
            | seborrheic keratosis irritated | irritated seborrheic keratosis | seborrheic keratosis clonal
            | clonal seborrheic keratosis | pigmented seborrheic keratosis | seborrheic keratosis pigmented
            | seborrheic keratosis ruff | seborrheic keratosis smooth | stucco keratosis | dermatosis papulosa nigra
            | seborrhoische keratose | seborrhoische keratosen | alterswarze | alterswarzen | keratose seborrheique
            | keratoses seborrheiques | verrue seborrheique | queratosis seborreica | queratosis seborreicas
            | ceratose seborreica | ceratoses seborreicas | queratose seborreica | cheratosi seborroica
            | cheratosi seborroiche | seborroische keratose | seborroische keratosen | seborrhoische wrat
            | ouderdomswrat"""
        ),
    ),
    Diagnosis(
        "SCC",
        "squamous cell carcinoma",
        "malignant",
        spelling_list(
            """sccka | squamous cell cancer | spinocellular carcinoma | epidermoid carcinoma | squamous carcinoma
            | invasive squamous cell carcinoma | squamous cell carcinoma in situ | squamous cell carcinoma invasive
            | scc in situ | sccis | bowen disease | morbus bowen | bowen | bowen carcinoma
            | squamous cell carcinoma keratoacanthoma | keratoacanthoma | squamous cell carcinoma or keratoacanthoma
            | squamous cell carcinoma and keratoacanthoma | intraepidermal carcinoma
            | intraepidermal squamous cell carcinoma | intraepithelial squamous cell carcinoma | iec
            | verrucous carcinoma | cutaneous squamous cell carcinoma | cscc | plattenepithelkarzinom
            | plattenepithelkarzinome | plattenepithelcarcinom | spinaliom | spinaliome | spinozellulares karzinom
            | stachelzellkarzinom | keratoakanthom | carcinome epidermoide | carcinomes epidermoides
            | carcinome spinocellulaire | carcinomes spinocellulaires | maladie de bowen | carcinoma espinocelular
            | carcinomas espinocelulares | carcinoma epidermoide | carcinomas epidermoides | carcinoma escamoso
            | carcinoma de celulas escamosas | enfermedad de bowen | doenca de bowen | queratoacantoma
            | ceratoacantoma | carcinoma spinocellulare | carcinomi spinocellulari | carcinoma squamocellulare
            | carcinoma a cellule squamose | malattia di bowen | cheratoacantoma | plaveiselcelcarcinoom
            | plaveiselcelcarcinomen | spinocellulair carcinoom | ziekte van bowen"""
        ),
    ),
    Diagnosis(
        "VASC",
        "vascular lesion",
        "benign",
        spelling_list(
            """vasc lesion | vascular | vsc | pyo | angioma | hemangioma | cherry angioma | cherry hemangioma
            | senile angioma | angiokeratoma | pyogenic granuloma | granuloma pyogenic | granuloma pyogenicum
            | lobular capillary hemangioma | spider angioma | spider nevus | venous lake | telangiectasia
            | telangiectases | port wine stain | nevus flammeus | salmon patch | infantile hemangioma
            | strawberry hemangioma | arteriovenous hemangioma | targetoid hemosiderotic hemangioma
            | hobnail hemangioma | vascular tumor | vascular malformation | hemorrhage | hematoma
            | subungual hematoma | subungual hemorrhage | subcorneal hemorrhage | glomangioma
            | vascular lesions and hemorrhage | lymphangioma circumscriptum
            | gefassveranderung | gefassveranderungen | gefasslasion
            | gefasslasionen | hamangiom | hamangiome | angiom | angiome | angiokeratom | hemangiome
            | lesion vasculaire | lesions vasculaires | lesion vascular | lesiones vasculares | lesao vascular
            | lesoes vasculares | lesione vascolare | lesioni vascolari | hemangiom | hemangioom | emangioma
            | vasculaire laesie | vaatlaesie"""
        ),
    ),
)

# Labels of the data sets which do not separate diagnoses. The archive's parents come on top of them.
COARSE: tuple[Coarse, ...] = (
    Coarse(
        "akiec",
        ("AK", "SCC"),
        spelling_list(
            """actinic keratoses | actinic keratoses and intraepithelial carcinoma | intraepithelial carcinoma
            | actinic keratoses and intraepithelial carcinomae | actinic keratosis and intraepithelial carcinoma
            | actinic keratoses and intraepithelial carcinoma bowen disease
            | actinic keratosis or intraepithelial carcinoma | actinic keratosis intraepithelial carcinoma
            | actinic keratosis intraepidermal carcinoma | actinic keratosis bowen disease
            | actinic keratoses and intraepidermal carcinoma | actinic keratosis or intraepidermal carcinoma
            | actinic keratosis or squamous cell carcinoma | actinic keratosis or bowen disease"""
        ),
    ),
    Coarse(
        "bkl",
        ("BKL", "SK"),
        spelling_list(
            """benign keratosis | benign keratosis like lesion | benign keratosis like lesions
            | benign keratinocytic lesion | benign keratosis lesion | benign lichenoid keratosis
            | lichenoid keratosis | lichen planus like keratosis | lplk | blk | solar lentigo | actinic lentigo
            | senile lentigo | lentigo senilis | lentigo solaris | sun spot | lentigo nos | ink spot lentigo
            | clear cell acanthoma | large cell acanthoma | acantholytic acanthoma | epidermolytic acanthoma
            | melanoacanthoma | inverted follicular keratosis | seborrheic keratosis or solar lentigo
            | solar lentigo or seborrheic keratosis
            | solar lentigo seborrheic keratosis lichen planus like keratosis | benigne keratose | benigne keratosen
            | pigmented benign keratosis or seborrheic keratosis | lentigo solar | lentigo actinico
            | lentigo actinique | lentigo solaire"""
        ),
    ),
    Coarse(
        "nevus or seborrheic keratosis",
        ("NV", "SK"),
        ("nevus or sk", "seborrheic keratosis or nevus", "nv sk", "nevus sk"),
    ),
    Coarse(
        "keratinocyte carcinoma",
        ("BCC", "SCC"),
        spelling_list(
            """keratinocytic carcinoma | keratinocyte cancer | nmsc | non melanoma skin cancer
            | nonmelanoma skin cancer | non melanocytic carcinoma | bcc or scc | bcc scc
            | basal cell carcinoma or squamous cell carcinoma"""
        ),
    ),
)

MELANOMA = "MEL"
