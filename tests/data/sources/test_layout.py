"""The layouts of published data sets, and those that people make: each is read whole, or refused by name."""

import os
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from melanoma_detect.data.sources.read import read_source
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.links import FOLLOW_VARIABLE

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def make(tmp_path):
    """Return a function that writes empty files, and tables from text, below a folder."""

    def write(*names, **tables):
        root = tmp_path / "set"
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(PNG + os.fsencode(name))
        for name, text in tables.items():
            path = root / (name.replace("__", "/") + ".csv")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return write


def labels(contents):
    return {image.id: image.label for image in contents.images}


def splits(contents):
    return {image.id: image.split for image in contents.images}


def others(contents):
    return sorted(path.name for path in contents.other_files)


NESTED = ["benign/nevus/a.jpg", "benign/dermatofibroma/b.jpg", "malignant/melanoma/c.jpg"]


@pytest.mark.parametrize("above", ["", "set/", "archive/unpacked/data/"])
def test_class_folders_in_any_nesting(make, above):
    contents = read_source(make(*(above + name for name in NESTED)))
    assert sorted(labels(contents).values()) == ["dermatofibroma", "melanoma", "nevus"]
    assert contents.other_files == ()


def test_nested_classes_below_train_and_test(make):
    files = [f"{split}/{name}" for split in ("Train", "Test") for name in NESTED]
    contents = read_source(make(*files))
    assert set(labels(contents).values()) == {"dermatofibroma", "melanoma", "nevus"}
    assert contents.splits == {"train", "test"}
    assert splits(contents)["Test/malignant/melanoma/c.jpg"] == "test"


def test_parents_may_be_classes_where_nothing_finer_is_known(make):
    contents = read_source(make("benign/a.jpg", "malignant/melanoma/b.jpg", "malignant/bcc/c.jpg"))
    assert set(labels(contents).values()) == {"benign", "melanoma", "bcc"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["nevus/clinic A/a.jpg", "nevus/clinic B/a.jpg", "melanoma/clinic A/b.jpg"], {"nevus": 2, "melanoma": 1}),
        (["clinic A/nevus/a.jpg", "clinic B/nevus/b.jpg", "clinic B/wart/c.jpg"], {"nevus": 2, "wart": 1}),
        (["nevus/a.jpg", "nevus/more/b.jpg", "melanoma/c.jpg"], {"nevus": 2, "melanoma": 1}),
        (
            ["benign/nevus/a.jpg", "benign/wart/b.jpg", "malignant/melanoma/c.jpg"],
            {"nevus": 1, "wart": 1, "melanoma": 1},
        ),
        (["benign/patient 1/a.jpg", "malignant/patient 2/b.jpg"], {"benign": 1, "malignant": 1}),
        (["part_1/wart/a.jpg", "part_2/scar/b.jpg"], {"wart": 1, "scar": 1}),
        (["wart/a.jpg", "scar/b.jpg"], {"wart": 1, "scar": 1}),
        (["0/a.jpg", "1/b.jpg"], {"0": 1, "1": 1}),
    ],
)
def test_which_folder_is_the_class(make, files, expected):
    assert Counter(labels(read_source(make(*files))).values()) == expected


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["abc/left/a.jpg", "xyz/right/b.jpg"], "may be of the class (abc or left|xyz or right)"),
        (["benign/sun/a.jpg", "malignant/moon/b.jpg"], "may be of the class (benign or sun|malignant or moon)"),
        (["melanoma/new york/a.jpg", "melanoma/paris/b.jpg"], "may be of the class melanoma or"),
        (
            ["benign/melanoma/a.jpg", "benign/nevus/b.jpg", "malignant/bcc/c.jpg"],
            "lies in benign/, but is named melanoma",
        ),
        (["imgs_part_1/a.jpg", "imgs_part_2/b.jpg"], r"imgs_part_1, imgs_part_2 name no diagnoses"),
        (["images/a.jpg", "batch3/b.jpg"], "name no diagnoses, and no table there labels the images"),
        (["a.jpg", "b.jpg"], "no images in class folders"),
        (["Train/nevus/Test/a.jpg", "Train/melanoma/b.jpg"], "lies in Train/ and in Test/, which are two splits"),
        (["Train/a.jpg", "Test/b.jpg"], "name no diagnoses"),
    ],
)
def test_what_has_two_readings_or_none_is_refused(make, files, message):
    with pytest.raises(DatasetError, match=message):
        read_source(make(*files))


def test_loose_images_and_containers_beside_classes_are_counted(make):
    contents = read_source(make("nevus/a.jpg", "melanoma/b.jpg", "loose.jpg", "images/c.jpg", "notes.txt"))
    assert others(contents) == ["c.jpg", "loose.jpg", "notes.txt"]


def test_classes_above_the_splits(make):
    contents = read_source(make("melanoma/train/a.jpg", "melanoma/test/b.jpg", "nevus/train/c.jpg", "nevus/test/d.jpg"))
    assert labels(contents)["melanoma/test/b.jpg"] == "melanoma"
    assert splits(contents)["nevus/test/d.jpg"] == "test"


@pytest.mark.parametrize(
    ("train", "test"), [("TRAIN", "TEST"), ("train_images", "test_images"), ("Training set", "Test set")]
)
def test_splits_in_any_case_and_with_words_of_containers(make, train, test):
    files = [f"deep/{split}/{label}/{split[:2]}.jpg" for split in (train, test) for label in ("nevus", "melanoma")]
    assert Counter(splits(read_source(make(*files))).values()) == {"train": 2, "test": 2}


def test_a_table_beside_train_and_test_never_moves_an_image(make):
    files = [f"{split}/{label}/{split}{label}.jpg" for split in ("Train", "Test") for label in ("nevus", "melanoma")]
    rows = "".join(f"{split}{label},{label},L1\n" for split in ("Train", "Test") for label in ("nevus", "melanoma"))
    contents = read_source(make(*files, metadata="image_id,diagnosis,lesion_id\n" + rows))
    assert splits(contents) == {name: name.split("/")[0].lower() for name in files}
    assert contents.splits == {"train", "test"}
    assert not any(image.other_labels for image in contents.images)


def test_a_table_beside_classes_makes_labels_finer_or_contradicts(make):
    root = make(
        *("benign/a.jpg", "benign/b.jpg", "malignant/c.jpg", "malignant/d.jpg"),
        metadata="image,dx\na,nv\nb,mel\nc,bcc\n",
    )
    found = {image.id: (image.label, image.other_labels) for image in read_source(root).images}
    assert found == {
        "benign/a.jpg": ("nv", ()),
        "benign/b.jpg": ("benign", ("mel",)),
        "malignant/c.jpg": ("bcc", ()),
        "malignant/d.jpg": ("malignant", ()),
    }


def test_a_table_of_few_images_and_folders_of_unknown_names_are_two_readings(make):
    files = [f"{label}/{number}.jpg" for label in ("type x", "type y") for number in range(4)]
    with pytest.raises(
        DatasetError, match=r"has two readings: metadata\.csv labels 1 of its 8 images, and its folders type x"
    ):
        read_source(make(*files, metadata="image,dx\ntype x/0.jpg,nv\n"))


def test_rows_that_contradict_each_other_are_kept_as_such(make):
    root = make("images/a.jpg", "images/b.jpg", metadata="image,label\na,nevus\na,melanoma\nb,nevus\nb,NV\n")
    found = {image.id: (image.label, image.other_labels) for image in read_source(root).images}
    assert found == {"images/a.jpg": ("nevus", ("melanoma",)), "images/b.jpg": ("nevus", ())}


def test_rows_without_a_file_and_files_without_a_row_are_counted(make):
    contents = read_source(
        make("images/a.jpg", "images/b.jpg", "images/c.jpg", t="image,label\na,nevus\nb,mel\nx,mel\n")
    )
    assert others(contents) == ["c.jpg"]
    assert contents.notes == ("1 row of t.csv names an image that is not there (x)",)


def test_images_without_a_label_are_listed(make):
    contents = read_source(make("i/a.jpg", "i/b.jpg", "i/c.jpg", t="image,label\na,nevus\nb,mel\nc,N/A\n"))
    assert [image.id for image in contents.unlabelled] == ["i/c.jpg"]


def test_images_in_a_folder_named_unknown_have_no_label(make):
    contents = read_source(make("nevus/a.jpg", "melanoma/b.jpg", "unknown/c.jpg"))
    assert [image.path.name for image in contents.unlabelled] == ["c.jpg"]


def test_an_empty_folder_with_the_name_of_an_image_is_counted_as_one(make):
    root = make("nevus/a.jpg", "melanoma/b.jpg")
    (root / "nevus" / "folder.jpg").mkdir()
    assert "nevus/folder.jpg" in labels(read_source(root))


def test_the_split_of_a_folder_and_of_a_column_must_agree(make):
    root = make("train/a.jpg", "test/b.jpg", t="image,label,split\na,nevus,train\nb,mel,train\n")
    with pytest.raises(DatasetError, match=r"lies in the folder of test, but .* puts it into train"):
        read_source(root)


ONE_HOT = "image,MEL,NV,BCC\n"


def test_ham10000(make):
    root = make(
        *("HAM10000_images_part_1/ISIC_0000001.jpg", "HAM10000_images_part_2/ISIC_0000002.jpg"),
        "HAM10000_segmentations_lesion_tschandl/ISIC_0000001_segmentation.png",
        HAM10000_metadata="lesion_id,image_id,dx\nHAM_1,ISIC_0000001,nv\nHAM_2,ISIC_0000002,mel\n",
        hmnist_8_8_L="pixel0000,pixel0001,label\n1,2,3\n",
    )
    contents = read_source(root)
    assert sorted(labels(contents).values()) == ["mel", "nv"]
    assert contents.notes == ("1 mask is no image of a lesion (ISIC_0000001_segmentation.png)",)
    assert others(contents) == ["ISIC_0000001_segmentation.png", "hmnist_8_8_L.csv"]


def test_isic_2018_keeps_its_own_splits(make):
    files, tables = [], {}
    for number, part in enumerate(("Training", "Validation", "Test")):
        name = f"ISIC2018_Task3_{part}"
        files += [f"{name}_Input/ISIC_000{number}{at}00.jpg" for at in range(2)]
        tables[f"{name}_GroundTruth__{name}_GroundTruth"] = (
            ONE_HOT + f"ISIC_000{number}000,1.0,0.0,0.0\nISIC_000{number}100,0.0,1.0,0.0\n"
        )
    contents = read_source(make(*files, **tables))
    assert Counter(splits(contents).values()) == {"train": 2, "validation": 2, "test": 2}
    assert contents.splits == {"train", "validation", "test"}


def test_isic_2019_without_labels_for_the_test(make):
    root = make(
        "ISIC_2019_Training_Input/ISIC_0000001_downsampled.jpg",
        "ISIC_2019_Training_Input/ISIC_0000002.jpg",
        "ISIC_2019_Test_Input/ISIC_0000003.jpg",
        ISIC_2019_Training_GroundTruth=ONE_HOT + "ISIC_0000001_downsampled,1,0,0\nISIC_0000002,0,1,0\n",
        ISIC_2019_Training_Metadata="image,lesion_id\nISIC_0000001_downsampled,L1\nISIC_0000002,L2\n",
    )
    contents = read_source(root)
    assert sorted(labels(contents).values()) == ["MEL", "NV"]
    assert contents.splits == frozenset()
    assert others(contents) == ["ISIC_0000003.jpg"]
    assert {row.cells["lesion_id"] for rows in contents.rows.values() for row in rows} == {"L1", "L2"}


def test_isic_2020_as_kaggle_has_it(make):
    root = make(
        *("jpeg/train/ISIC_0000001.jpg", "jpeg/train/ISIC_0000002.jpg", "jpeg/test/ISIC_0000003.jpg"),
        train=(
            "image_name,patient_id,diagnosis,benign_malignant,target\n"
            "ISIC_0000001,IP_1,melanoma,malignant,1\nISIC_0000002,IP_2,unknown,benign,0\n"
        ),
        test="image_name,patient_id\nISIC_0000003,IP_3\n",
    )
    contents = read_source(root)
    assert sorted(labels(contents).values()) == ["benign", "melanoma"]
    assert [image.path.stem for image in contents.unlabelled] == ["ISIC_0000003"]
    assert contents.splits == frozenset()


def test_med_node_and_ph2(make):
    contents = read_source(make(*(f"complete_mednode_dataset/{name}/1.jpg" for name in ("melanoma", "naevus"))))
    assert set(labels(contents).values()) == {"melanoma", "naevus"}
    images = "ph2/PH2 Dataset images/{0}/{0}_"
    files = [
        images.format(name) + part.format(name)
        for name in ("IMD001", "IMD002")
        for part in ("Dermoscopic_Image/{0}.bmp", "lesion/{0}_lesion.bmp", "roi/{0}_R1_Label3.bmp")
    ]
    root = make(*files, ph2__PH2_dataset="image_name,diagnosis\nIMD001,nevus\nIMD002,melanoma\n")
    contents = read_source(root / "ph2")
    assert [image.path.name for image in contents.images] == ["IMD001.bmp", "IMD002.bmp"]
    assert "4 masks are no images of a lesion" in contents.notes[0]


def test_images_named_in_folders_of_their_own(make):
    root = make(
        *("MILK10k_Training_Input/IL_1/ISIC_0000001.jpg", "MILK10k_Training_Input/IL_2/ISIC_0000002.jpg"),
        MILK10k_Training_GroundTruth="lesion_id,BCC,MEL\nIL_1,1,0\nIL_2,0,1\n",
        MILK10k_Training_Metadata="lesion_id,image_type,isic_id\nIL_1,dermoscopic,ISIC_0000001\nIL_2,dermoscopic,ISIC_0000002\n",
    )
    assert sorted(labels(read_source(root)).values()) == ["BCC", "MEL"]


@pytest.mark.parametrize(
    "name", ["IMG001", "a.001", "a.JPG", "a.jfif", "a.tif", "a.webp", "a.avif", "a.dcm", "v1.2 left"]
)
def test_images_without_a_usual_suffix(make, name):
    contents = read_source(make(f"nevus/{name}", "melanoma/b.jpg"))
    assert sorted(image.path.name for image in contents.images) == sorted([name, "b.jpg"])


def test_what_systems_add_is_passed_over(make):
    clutter = [
        "__MACOSX/nevus/._a.jpg",
        "nevus/._a.jpg",
        "nevus/.DS_Store",
        "Thumbs.db",
        "melanoma/desktop.ini",
        ".git/x.jpg",
    ]
    contents = read_source(make("nevus/a.jpg", "melanoma/b.jpg", *clutter))
    assert len(contents.images) == 2
    assert contents.other_files == ()


def test_links_to_folders_are_followed_but_not_in_circles(make, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLLOW_VARIABLE, "1")
    root = make("nevus/a.jpg")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.jpg").write_bytes(PNG)
    (root / "melanoma").symlink_to(tmp_path / "elsewhere")
    (root / "nevus" / "up").symlink_to(root)
    assert sorted(labels(read_source(root))) == ["melanoma/b.jpg", "nevus/a.jpg"]


def test_class_names_in_other_unicode_forms_and_old_encodings(make):
    composed = "n\u00e4vus"
    files = [f"Train/{composed}/a.jpg", f"Test/{unicodedata.normalize('NFD', composed)}/b.jpg"]
    root = make(*files, "Train/melanoma/c.jpg", "Test/melanoma/d.jpg")
    contents = read_source(root)
    assert contents.classes == ("melanoma", composed)
    (root / "Train" / composed).rename(os.fsdecode(os.fsencode(root / "Train") + b"/n\xe4vus"))
    contents = read_source(root)
    assert contents.classes == ("melanoma", composed)
    assert all(image.id.encode() for image in contents.images)


def test_names_with_line_ends(make):
    root = make("images/a\nb.jpg", "images/c.jpg")
    Path(root, "t.csv").write_text('image,label\n"a\nb.jpg",nevus\nc,mel\n')
    assert set(labels(read_source(root)).values()) == {"nevus", "mel"}


def test_one_class_in_two_cases_is_one_class(make):
    with pytest.raises(DatasetError, match="class folder"):
        read_source(make("Melanoma/a.jpg", "melanoma/b.jpg"))
    contents = read_source(make("Train/Nevus/a.jpg", "Train/melanoma/b.jpg", "Test/nevus/c.jpg", "Test/MEL/d.jpg"))
    assert len(contents.images) == 4


def test_a_table_is_no_source_by_itself(tmp_path):
    (tmp_path / "pad.csv").write_text("img_id,diagnostic\na,MEL\n")
    with pytest.raises(DatasetError, match=r"is a table; .*load_dataset\(images='folder', labels='pad\.csv'\)"):
        read_source(tmp_path / "pad.csv")


def test_a_missing_folder_can_be_drawn(tmp_path):
    with pytest.raises(DatasetError, match=r"no such folder; .*; write_samples\('isic9'\) draws one to try"):
        read_source(tmp_path / "isic9")
