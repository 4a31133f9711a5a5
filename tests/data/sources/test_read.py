"""What load_dataset takes as sources, images and labels; every slip is an error of the library."""

from collections import Counter

import pandas as pd
import pytest

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.read import read_sources, source_paths
from melanoma_detect.errors import DatasetError


@pytest.fixture
def tables(tree, tmp_path):
    """Two folders of images with a table for each elsewhere."""
    root = tree({"one/images": 3, "two/images": 3})
    for name, labels in (("one", "nevus melanoma nevus"), ("two", "bcc nevus bcc")):
        stems = sorted(path.stem for path in (root / name / "images").iterdir())
        rows = [f"{stem},{label}" for stem, label in zip(stems, labels.split(), strict=True)]
        (tmp_path / f"{name}.csv").write_text("image,label\n" + "\n".join(rows))
    return root, tmp_path


def test_pairs_of_images_and_labels_stand_beside_folders(tables, tree):
    root, tables_folder = tables
    given = [(root / "one", str(tables_folder / "one.csv")), (str(root / "two"), tables_folder / "two.csv")]
    classes = tree({"nevus": 1, "scar": 1}, root="classes")
    read = read_sources([*given, classes], None, None)
    assert [contents.classes for contents in read] == [("melanoma", "nevus"), ("bcc", "nevus"), ("nevus", "scar")]
    assert source_paths([*given, classes], None) == [root / "one", root / "two", classes]


def test_a_list_of_files_and_a_data_frame(tables):
    root, tables_folder = tables
    files = sorted((root / "one" / "images").iterdir())
    frame = pd.read_csv(tables_folder / "one.csv")
    for labels in (frame, tables_folder / "one.csv"):
        [contents] = read_sources(None, [str(path) for path in files[:2]], labels)
        assert [image.label for image in contents.images] == ["nevus", "melanoma"]
    assert source_paths(None, files) == [root / "one" / "images"]


def test_the_table_beside_the_images_is_found_and_two_are_refused(tables):
    root, tables_folder = tables
    text = (tables_folder / "one.csv").read_text()
    (root / "one" / "labels.csv").write_text(text)
    assert read_sources(None, root / "one" / "images", None)[0].classes == ("melanoma", "nevus")
    (root / "one" / "more.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"2 tables may label these images \(labels\.csv, more\.csv\)"):
        read_sources(None, root / "one" / "images", None)
    with pytest.raises(DatasetError, match="no table says what these images show"):
        read_sources(None, root / "two" / "images", None)


@pytest.mark.parametrize(
    ("source", "images", "labels"),
    [
        (3, None, None),
        (b"folder", None, None),
        ({"folder": 1}, None, None),
        ({"folder"}, None, None),
        (pd.DataFrame({"image": ["a"]}), None, None),
        ([None], None, None),
        ([["a", "b"]], None, None),
        ([("a", "b", "c")], None, None),
        ([], None, None),
        ("zero\0byte", None, None),
        ("~nobody-of-this-name/folder", None, None),
        ("x" * 5000, None, None),
        (None, 3, "t.csv"),
        (None, pd.DataFrame({"image": ["a"]}), None),
        (None, [], "t.csv"),
        (None, ["nowhere.jpg"], "t.csv"),
        (None, [3], "t.csv"),
        ("folder", None, "t.csv"),
        (None, None, None),
    ],
)
def test_every_slip_is_a_dataset_error(source, images, labels):
    with pytest.raises(DatasetError):
        read_sources(source, images, labels)


@pytest.mark.parametrize("labels", [3, b"t.csv", object(), ["t.csv"], "nowhere.csv", "images"])
def test_labels_of_another_type_are_a_dataset_error(tables, labels, monkeypatch):
    root, _ = tables
    monkeypatch.chdir(root / "one")
    with pytest.raises(DatasetError):
        read_sources(None, root / "one", labels)


CODES = ("AK", "BCC", "BKL", "DF", "MEL", "NV", "SK", "SCC", "VASC", "benign", "malignant")
# Counts of the folders' README, in the order of CODES; `bkl` stands under BKL.
PUBLISHED = {
    "ham10000_rest": (0, 70, 295, 1, 633, 2521, 0, 10, 3, 0, 0),
    "isic2017_2019": (5, 18, 11, 4, 359, 1728, 386, 4, 1, 2, 0),
    "isic2020": (0, 0, 2, 0, 38, 35, 2, 0, 0, 2621, 0),
    "milk10k": (244, 5003, 390, 96, 843, 1368, 667, 1306, 89, 188, 18),
    "pad_ufes_20": (247, 326, 0, 0, 45, 199, 144, 52, 0, 0, 0),
}


def count_codes(contents):
    counts = Counter()
    for image in contents.images:
        found = taxonomy.find(image.label)
        # HAM10000 writes bkl for keratoses whose kind it does not know; some of them say "pigmented benign keratosis".
        coarse = image.label if image.label in ("benign", "malignant") else "BKL"
        counts[found.code if found else coarse] += 1
    return tuple(counts[code] for code in CODES)


@pytest.mark.real_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_folders_are_read_by_their_own_tables(real_folder, name):
    [contents] = read_sources(real_folder / name, None, None)
    assert count_codes(contents) == PUBLISHED[name]
    assert (contents.other_files, contents.unlabelled, contents.notes) == ((), (), ())


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "table", "expected"),
    [
        ("ham10000_224", "HAM10000_metadata", (5984, 491, 0)),
        ("ham10000_rest", "HAM10000_metadata", (3341, 613, 192)),
        ("isic2017_2019", "ISIC_2019_Training_GroundTruth", (2504, 353, 14)),
        ("isic2020", "ISIC_2020_Training_GroundTruth", (2698, 38, 0)),
        ("milk10k", "MILK10k_Training_GroundTruth", (10212, 843, 0)),
        ("milk10k", "MILK10k_Training_Supplement", (10212, 843, 0)),
        ("pad_ufes_20", "PAD-UFES-20_metadata", (1013, 45, 0)),
    ],
)
def test_published_folders_are_read_by_the_published_tables(real_folder, name, table, expected):
    [contents] = read_sources(None, real_folder / name, real_folder / "tables" / f"{table}.csv")
    found = [taxonomy.find(image.label) for image in contents.images]
    melanomas = sum(diagnosis is not None and diagnosis.code == "MEL" for diagnosis in found)
    # One of the other files is the folder's own metadata.csv.
    assert (len(found), melanomas, len(contents.other_files) - 1) == expected
