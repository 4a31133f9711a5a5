"""The tables of the field's data sets in the form in which they are published: one small file of each, with drawn images."""

import zlib
from collections import Counter

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md

openpyxl = pytest.importorskip("openpyxl")
h5py = pytest.importorskip("h5py")

NAMES = {"MEL": "melanoma", "NV": "nevus", "BCC": "basal cell carcinoma", "SK": "seborrheic keratosis"}


def draw(path, diagnosis="nevus"):
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(path.as_posix().encode())
    Image.fromarray(md.draw_lesion(diagnosis, seed=seed, size=32).pixels).save(path)


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def load(*args, **settings):
    return md.load_dataset(*args, **{"image_size": (32, 32), "test": 1, "validation": 0, **settings})


def labels(data):
    """Return the label of each image by its name, as the taxonomy's code where it is one of the nine diagnoses."""
    return {record.path.stem: code(record.label) for record in data.records}


def code(label):
    return found.code if (found := md.taxonomy.find(label)) else label.lower()


def groups(data):
    """Return the names of the images that share a group, for groups of two and more."""
    members = {}
    for record in data.records:
        members.setdefault(record.group, []).append(record.path.stem)
    return sorted(sorted(names) for names in members.values() if len(names) > 1)


def test_isic_2016_has_no_header(tmp_path):
    for number in range(4):
        draw(tmp_path / "images" / f"ISIC_000000{number}.jpg")
    training = write(
        tmp_path / "ISBI2016_ISIC_Part3_Training_GroundTruth.csv",
        "ISIC_0000000,benign\nISIC_0000001,malignant\nISIC_0000002,benign\nISIC_0000003,malignant\n",
    )
    expected = {"ISIC_0000000": "benign", "ISIC_0000001": "malignant"}
    assert labels(load(images=tmp_path / "images", labels=training)).items() >= expected.items()
    test = write(
        tmp_path / "ISBI2016_ISIC_Part3_Test_GroundTruth.csv",
        "ISIC_0000000,0.0\nISIC_0000001,1.0\nISIC_0000002,0.0\nISIC_0000003,1.0\n",
    )
    assert labels(load(images=tmp_path / "images", labels=test)).items() >= expected.items()


def test_isic_2017_calls_what_is_neither_a_nevus(tmp_path):
    rows = "ISIC_0000000,0.0,0.0\nISIC_0000002,1.0,0.0\nISIC_0000003,0.0,1.0\n"
    table = write(
        tmp_path / "ISIC-2017_Training_Part3_GroundTruth.csv", "image_id,melanoma,seborrheic_keratosis\n" + rows
    )
    for name in ("ISIC_0000000", "ISIC_0000002", "ISIC_0000003"):
        draw(tmp_path / "ISIC-2017_Training_Data" / f"{name}.jpg")
    write(
        tmp_path / "ISIC-2017_Training_Data" / "ISIC-2017_Training_Data_metadata.csv",
        "image_id,age_approximate,sex\nISIC_0000000,55,female\nISIC_0000002,unknown,unknown\nISIC_0000003,30,male\n",
    )
    data = load(images=tmp_path / "ISIC-2017_Training_Data", labels=table)
    assert labels(data) == {"ISIC_0000000": "NV", "ISIC_0000002": "MEL", "ISIC_0000003": "SK"}
    assert {record.path.stem: dict(record.metadata).get("age_approximate") for record in data.records} == {
        "ISIC_0000000": "55",
        "ISIC_0000002": None,
        "ISIC_0000003": "30",
    }


def test_isic_2018_takes_lesions_from_the_groupings(tmp_path):
    write(
        tmp_path / "ISIC2018_Task3_Training_GroundTruth" / "ISIC2018_Task3_Training_GroundTruth.csv",
        "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\nISIC_0024306,0.0,1.0,0.0,0.0,0.0,0.0,0.0\n"
        "ISIC_0024307,0.0,1.0,0.0,0.0,0.0,0.0,0.0\nISIC_0024308,1.0,0.0,0.0,0.0,0.0,0.0,0.0\n",
    )
    write(
        tmp_path / "ISIC2018_Task3_Training_LesionGroupings.csv",
        "image,lesion_id,diagnosis_confirm_type\nISIC_0024306,HAM_0000550,follow_up\n"
        "ISIC_0024307,HAM_0000550,follow_up\nISIC_0024308,HAM_0001477,histopathology\n",
    )
    for number in (6, 7, 8):
        draw(tmp_path / "ISIC2018_Task3_Training_Input" / f"ISIC_002430{number}.jpg")
    data = load(tmp_path)
    assert labels(data) == {"ISIC_0024306": "NV", "ISIC_0024307": "NV", "ISIC_0024308": "MEL"}
    assert groups(data) == [["ISIC_0024306", "ISIC_0024307"]]


@pytest.mark.parametrize("named", ["folder", "GroundTruth", "Metadata"])
def test_isic_2019_is_two_tables(tmp_path, named):
    write(
        tmp_path / "ISIC_2019_Training_GroundTruth.csv",
        "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\nISIC_0000000,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "ISIC_0000001_downsampled,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "ISIC_0000002,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n",
    )
    write(
        tmp_path / "ISIC_2019_Training_Metadata.csv",
        "image,age_approx,anatom_site_general,lesion_id,sex\nISIC_0000000,55,anterior torso,,female\n"
        "ISIC_0000001_downsampled,30,anterior torso,MSK4_0011169,female\nISIC_0000002,60,,MSK4_0011169,female\n",
    )
    for name in ("ISIC_0000000", "ISIC_0000001_downsampled", "ISIC_0000002"):
        draw(tmp_path / "ISIC_2019_Training_Input" / f"{name}.jpg")
    table = tmp_path / f"ISIC_2019_Training_{named}.csv"
    source = {"images": tmp_path / "ISIC_2019_Training_Input", "labels": table}
    data = load(tmp_path) if named == "folder" else load(**source)
    assert Counter(labels(data).values()) == {"NV": 1, "MEL": 2}
    assert groups(data) == [["ISIC_0000001_downsampled", "ISIC_0000002"]]


def test_isic_2020_is_benign_where_it_names_no_diagnosis(tmp_path):
    table = write(
        tmp_path / "ISIC_2020_Training_GroundTruth.csv",
        "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target\n"
        "ISIC_2637011,IP_7279968,male,45.0,head/neck,unknown,benign,0\n"
        "ISIC_0015719,IP_3075186,female,45.0,upper extremity,nevus,benign,0\n"
        "ISIC_0149568,IP_0962375,female,55.0,upper extremity,melanoma,malignant,1\n"
        "ISIC_0188432,IP_0962375,female,55.0,torso,seborrheic keratosis,benign,0\n",
    )
    for name in ("ISIC_2637011", "ISIC_0015719", "ISIC_0149568", "ISIC_0188432"):
        draw(tmp_path / "train" / f"{name}.jpg")
    data = load(images=tmp_path / "train", labels=table)
    assert labels(data) == {
        "ISIC_2637011": "benign",
        "ISIC_0015719": "NV",
        "ISIC_0149568": "MEL",
        "ISIC_0188432": "SK",
    }
    assert groups(data) == [["ISIC_0149568", "ISIC_0188432"]]


def test_the_target_of_isic_2020_alone_says_malignant(tmp_path):
    table = write(tmp_path / "train.csv", "image_name,patient_id,target\nISIC_2637011,IP_1,0\nISIC_0149568,IP_2,1\n")
    for name in ("ISIC_2637011", "ISIC_0149568"):
        draw(tmp_path / "train" / f"{name}.jpg")
    found = labels(load(images=tmp_path / "train", labels=table))
    assert found == {"ISIC_2637011": "benign", "ISIC_0149568": "malignant"}


@pytest.mark.parametrize("packed", [False, True])
def test_isic_2024_has_levels_and_an_hdf5_file(tmp_path, packed):
    write(
        tmp_path / "train-metadata.csv",
        "isic_id,target,patient_id,age_approx,sex,anatom_site_general,tbp_lv_A,lesion_id,iddx_full,iddx_1,iddx_2,iddx_3,iddx_4,"
        "iddx_5,mel_mitotic_index,mel_thick_mm,tbp_lv_dnn_lesion_confidence\n"
        "ISIC_0015670,0,IP_1235828,60.0,male,lower extremity,20.24,,Benign,Benign,,,,,,,97.5\n"
        "ISIC_0082829,1,IP_8170065,65.0,male,lower extremity,31.7,IL_1,Malignant::Malignant melanocytic proliferations "
        "(Melanoma)::Melanoma in situ,Malignant,Malignant melanocytic proliferations (Melanoma),Melanoma in situ,,,,,3.1\n"
        "ISIC_0096034,0,IP_6724798,60.0,male,,24.5,,Benign::Benign melanocytic proliferations::Nevus,Benign,Benign melanocytic "
        "proliferations,Nevus,,,,,100.0\n",
    )
    names = ("ISIC_0015670", "ISIC_0082829", "ISIC_0096034")
    for name in names:
        draw(tmp_path / "train-image" / "image" / f"{name}.jpg")
    if packed:
        with h5py.File(tmp_path / "train-image.hdf5", "w") as file:
            for name in names:
                path = tmp_path / "train-image" / "image" / f"{name}.jpg"
                file[name] = np.void(path.read_bytes())
                path.unlink()
    data = load(tmp_path)
    assert labels(data) == {"ISIC_0015670": "benign", "ISIC_0082829": "MEL", "ISIC_0096034": "NV"}
    assert "tbp_lv_A" not in data.records[0].metadata


def test_the_archive_gives_levels_from_coarse_to_fine(tmp_path):
    table = write(
        tmp_path / "metadata.csv",
        "isic_id,attribution,copyright_license,age_approx,anatom_site_general,anatom_site_special,concomitant_biopsy,"
        "diagnosis_1,diagnosis_2,diagnosis_3,diagnosis_4,diagnosis_5,diagnosis_confirm_type,image_type,lesion_id,patient_id,sex\n"
        "ISIC_0000001,MSK,CC-0,60,anterior torso,,True,Malignant,Malignant melanocytic proliferations (Melanoma),Melanoma "
        'Invasive,"Melanoma Invasive, Superficial spreading",,histopathology,dermoscopic,IL_1,IP_1,male\n'
        "ISIC_0000002,MSK,CC-0,30,,,False,Benign,,,,,,dermoscopic,IL_2,IP_1,female\n"
        "ISIC_0000003,MSK,CC-0,30,,,False,Benign,Benign melanocytic proliferations,Nevus,,,,dermoscopic,IL_3,IP_2,female\n",
    )
    for number in (1, 2, 3):
        draw(tmp_path / "images" / f"ISIC_000000{number}.jpg")
    data = load(images=tmp_path / "images", labels=table)
    assert labels(data) == {"ISIC_0000001": "MEL", "ISIC_0000002": "benign", "ISIC_0000003": "NV"}
    assert groups(data) == [["ISIC_0000001", "ISIC_0000002"]]


@pytest.mark.parametrize(("name", "delimiter"), [("HAM10000_metadata.csv", ","), ("HAM10000_metadata.tab", "\t")])
def test_ham10000_in_two_folders(tmp_path, name, delimiter):
    text = (
        "lesion_id,image_id,dx,dx_type,age,sex,localization,dataset\n"
        "HAM_0000118,ISIC_0027419,bkl,histo,80.0,male,scalp,vidir_modern\n"
        "HAM_0000118,ISIC_0025030,bkl,histo,80.0,male,scalp,vidir_modern\n"
        "HAM_0002730,ISIC_0026769,mel,histo,80.0,unknown,scalp,vidir_modern\n"
    )
    write(tmp_path / name, text.replace(",", delimiter))
    draw(tmp_path / "HAM10000_images_part_1" / "ISIC_0027419.jpg")
    draw(tmp_path / "HAM10000_images_part_1" / "ISIC_0025030.jpg")
    draw(tmp_path / "HAM10000_images_part_2" / "ISIC_0026769.jpg")
    data = load(tmp_path)
    assert {record.path.stem: record.label for record in data.records}["ISIC_0027419"] == "bkl"
    assert labels(data)["ISIC_0026769"] == "MEL"
    assert groups(data) == [["ISIC_0025030", "ISIC_0027419"]]
    assert "sex" not in next(record for record in data.records if record.path.stem == "ISIC_0026769").metadata


@pytest.mark.parametrize("part", ["GroundTruth", "Metadata", "Supplement"])
def test_milk10k_is_three_tables_by_lesion_and_by_image(tmp_path, part):
    write(
        tmp_path / "MILK10k_Training_GroundTruth.csv",
        "lesion_id,AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC\n"
        "IL_0000652,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "IL_0003176,0.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n",
    )
    head = "lesion_id,image_type,isic_id,attribution,copyright_license,image_manipulation,age_approx,sex,skin_tone_class,site\n"
    rest = ",MILK study team,CC-BY-NC,altered,70,male,1,head_neck_face\n"
    write(
        tmp_path / "MILK10k_Training_Metadata.csv",
        f"{head}IL_0000652,clinical: close-up,ISIC_8149219{rest}IL_0000652,dermoscopic,ISIC_4671410{rest}"
        f"IL_0003176,dermoscopic,ISIC_0051817{rest}",
    )
    write(
        tmp_path / "MILK10k_Training_Supplement.csv",
        "isic_id,diagnosis_full,diagnosis_confirm_type,invasion_thickness_interval\n"
        "ISIC_8149219,Basal cell carcinoma,histopathology,\nISIC_4671410,Basal cell carcinoma,histopathology,\n"
        "ISIC_0051817,Seborrheic keratosis,histopathology,\n",
    )
    for lesion, name in (
        ("IL_0000652", "ISIC_8149219"),
        ("IL_0000652", "ISIC_4671410"),
        ("IL_0003176", "ISIC_0051817"),
    ):
        draw(tmp_path / "MILK10k_Training_Input" / lesion / f"{name}.jpg")
    table = tmp_path / f"MILK10k_Training_{part}.csv"
    data = load(images=tmp_path / "MILK10k_Training_Input", labels=table)
    assert labels(data) == {"ISIC_8149219": "BCC", "ISIC_4671410": "BCC", "ISIC_0051817": "SK"}
    assert groups(data) == [["ISIC_4671410", "ISIC_8149219"]]
    assert Counter(record.metadata["image_type"] for record in data.records)["dermoscopic"] == 2


def test_bcn20000_has_a_split(tmp_path):
    table = write(
        tmp_path / "bcn_20k_train.csv",
        "bcn_filename,age_approx,anatom_site_general,diagnosis,lesion_id,capture_date,sex,split\n"
        + "".join(
            f"BCN_000000000{number}.jpg,55.0,anterior torso,{'MEL' if number % 2 else 'NV'},BCN_000388{number // 2},2012-05-16,"
            f"male,{'train' if number < 4 else 'test'}\n"
            for number in range(8)
        ),
    )
    for number in range(8):
        draw(tmp_path / "BCN_20k_train" / f"BCN_000000000{number}.jpg")
    data = load(images=tmp_path / "BCN_20k_train", labels=table, test=0.2)
    assert Counter(record.split for record in data.records) == {"train": 4, "test": 4}
    assert set(labels(data).values()) == {"MEL", "NV"}


def test_pad_ufes_20_names_png_files(tmp_path):
    table = write(
        tmp_path / "metadata.csv",
        "patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,"
        "cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,hurt,"
        "changed,bleed,elevation,img_id,biopsed\n"
        "PAT_1516,1765,,,,,8,,,,,,,,ARM,,,NEV,False,False,False,False,False,False,PAT_1516_1765_530.png,False\n"
        "PAT_46,881,False,False,POMERANIA,POMERANIA,55,False,FEMALE,True,True,True,True,3.0,NECK,6.0,5.0,BCC,True,True,False,"
        "True,True,True,PAT_46_881_939.png,True\n"
        "PAT_46,882,False,False,UNK,UNK,55,False,FEMALE,True,True,True,True,3.0,FACE,6.0,5.0,ACK,UNK,True,False,True,True,True,"
        "PAT_46_882_940.png,True\n",
    )
    for name in ("PAT_1516_1765_530", "PAT_46_881_939", "PAT_46_882_940"):
        draw(tmp_path / "imgs_part_1" / f"{name}.png")
    data = load(images=tmp_path / "imgs_part_1", labels=table)
    assert labels(data) == {"PAT_1516_1765_530": "NV", "PAT_46_881_939": "BCC", "PAT_46_882_940": "AK"}
    assert groups(data) == [["PAT_46_881_939", "PAT_46_882_940"]]


def test_derm7pt_has_two_images_a_case_and_splits_by_row(tmp_path):
    head = (
        "case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,regression_structures,dots_and_globules,"
        "blue_whitish_veil,vascular_structures,level_of_diagnostic_difficulty,elevation,location,sex,management,clinic,derm,"
        "case_id,notes\n"
    )
    diagnoses = ["clark nevus", "melanoma (less than 0.76 mm)", "blue nevus", "melanoma (in situ)"]
    middle = "0,absent,absent,absent,absent,absent,absent,absent,medium,flat,abdomen,female,no further examination"
    rows = [f"{n + 1},{dx},{middle},NEL/NEL1{n:02d}.jpg,NEL/NEL{n:03d}.JPG,," for n, dx in enumerate(diagnoses)]
    write(tmp_path / "meta" / "meta.csv", head + "\n".join(rows) + "\n")
    for name, indexes in (("train", (0, 1)), ("valid", ()), ("test", (2, 3))):
        write(tmp_path / "meta" / f"{name}_indexes.csv", "indexes\n" + "".join(f"{index}\n" for index in indexes))
    for number, dx in enumerate(diagnoses):
        draw(tmp_path / "images" / "NEL" / f"NEL{number:03d}.JPG", "melanoma" if "melanoma" in dx else "nevus")
    with pytest.warns(md.errors.DataWarning, match="4 rows of meta.csv name images that are not there"):
        data = load(images=tmp_path / "images", labels=tmp_path / "meta" / "meta.csv", test=0.2)
    assert labels(data) == {"NEL000": "NV", "NEL001": "MEL", "NEL002": "NV", "NEL003": "MEL"}
    assert {record.path.stem: record.split for record in data.records} == {
        "NEL000": "train",
        "NEL001": "train",
        "NEL002": "test",
        "NEL003": "test",
    }


PH2_CASES = (("IMD003", 0), ("IMD009", 0), ("IMD035", 1), ("IMD058", 2))


def draw_ph2(root):
    for name, diagnosis in PH2_CASES:
        folder = root / "PH2 Dataset images" / name
        draw(folder / f"{name}_Dermoscopic_Image" / f"{name}.bmp", "melanoma" if diagnosis == 2 else "nevus")
        (folder / f"{name}_lesion").mkdir(parents=True)
        Image.new("1", (32, 32), 1).save(folder / f"{name}_lesion" / f"{name}_lesion.bmp")


def ph2_workbook(path):
    book = openpyxl.Workbook()
    for _ in range(11):
        book.active.append([None])
    book.active.append([None, None, "Clinical Diagnosis", *[None] * 8, "Colors"])
    book.active.append(
        [
            "Image Name",
            "Histological Diagnosis",
            "Common Nevus",
            "Atypical Nevus",
            "Melanoma",
            "Asymmetry\n(0/1/2)",
            "Pigment Network\n(AT/T)",
            "Dots/Globules\n(A/AT/T)",
            "Streaks\n(A/P)",
            "Regression Areas\n(A/P)",
            "Blue-Whitish Veil\n(A/P)",
            "White",
            "Red",
            "Light-Brown",
            "Dark-Brown",
            "Blue-Gray",
            "Black",
        ]
    )
    for name, diagnosis in PH2_CASES:
        marks = ["X" if place == diagnosis else None for place in range(3)]
        book.active.append([name, None, *marks, 0, "T", "A", "A", "A", "A", None, None, "X", "X", None, None])
    book.save(path)
    return path


def ph2_text(path):
    head = (
        "||   Name || Histological Diagnosis || Clinical Diagnosis || Asymmetry | Pigment Network | Dots/Globules | Streaks | "
        "Regression Areas | Blue-Whitish Veil ||           Colors ||\n"
    )
    rows = "".join(
        f"|| {name} ||                        ||                  {diagnosis} ||         0 |               T |             A |"
        "       A |                A |                 A ||             3  4 ||\n"
        for name, diagnosis in PH2_CASES
    )
    return write(path, f"{head}{rows}\n\nLegends:\n\nClinical Diagnosis:\n    0 - Common Nevus; 1 - Atypical Nevus\n")


def ph2_csv(path):
    names = ("Common Nevus", "Atypical Nevus", "Melanoma")
    rows = "".join(f"{name};{names[diagnosis]}\r\n" for name, diagnosis in PH2_CASES)
    return write(path, f"sep=;\r\nImage Name;Clinical Diagnosis\r\n{rows}", "utf-16")


@pytest.mark.parametrize(
    ("make", "name"), [(ph2_workbook, "PH2_dataset.xlsx"), (ph2_text, "PH2_dataset.txt"), (ph2_csv, "PH2_dataset.csv")]
)
def test_ph2_as_workbook_text_and_csv(tmp_path, make, name):
    draw_ph2(tmp_path)
    table = make(tmp_path / name)
    with pytest.warns(md.errors.DataWarning, match="4 masks|take no part"):
        data = load(images=tmp_path / "PH2 Dataset images", labels=table)
    assert labels(data) == {"IMD003": "NV", "IMD009": "NV", "IMD035": "NV", "IMD058": "MEL"}


def test_med_node_is_two_folders(tmp_path):
    for number in range(4):
        draw(tmp_path / "complete_mednode_dataset" / "melanoma" / f"{100 + number}.jpg", "melanoma")
        draw(tmp_path / "complete_mednode_dataset" / "naevus" / f"{200 + number}.jpg")
    assert Counter(labels(load(tmp_path)).values()) == {"MEL": 4, "NV": 4}


def test_fitzpatrick17k_is_labelled_by_the_finest_partition(tmp_path):
    table = write(
        tmp_path / "fitzpatrick17k.csv",
        "md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label,three_partition_label,qc,url,url_alphanum\n"
        "5e82a45bc5d78bd24ae9202d194423f8,3,3,melanoma,malignant melanoma,malignant,,https://x.org/1,httpsxorg1.jpg\n"
        "fa2911a9b13b6f8af79cb700937cc14f,1,1,psoriasis,inflammatory,non-neoplastic,,https://x.org/2,httpsxorg2.jpg\n"
        "d2bac3c9e4499032ca8e9b07c7d3bc40,-1,3,basal cell carcinoma,malignant epidermal,malignant,,https://x.org/3,httpsxorg3.jpg\n",
    )
    names = ["5e82a45bc5d78bd24ae9202d194423f8", "fa2911a9b13b6f8af79cb700937cc14f", "d2bac3c9e4499032ca8e9b07c7d3bc40"]
    for name in names:
        draw(tmp_path / "images" / f"{name}.jpg")
    assert labels(load(images=tmp_path / "images", labels=table)) == dict(
        zip(names, ["MEL", "psoriasis", "BCC"], strict=True)
    )


def test_ddi_names_the_disease_and_its_malignancy(tmp_path):
    table = write(
        tmp_path / "ddi_metadata.csv",
        ",DDI_ID,DDI_file,skin_tone,malignant,disease\n0,1,000001.png,56,True,melanoma-in-situ\n"
        "1,2,000002.png,56,False,melanocytic-nevi\n2,3,000003.png,12,True,basal-cell-carcinoma\n",
    )
    for number in (1, 2, 3):
        draw(tmp_path / "images" / f"00000{number}.png")
    assert labels(load(images=tmp_path / "images", labels=table)) == {"000001": "MEL", "000002": "NV", "000003": "BCC"}
