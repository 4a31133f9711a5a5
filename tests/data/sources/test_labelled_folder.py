"""Images with a table, archives, and several sources as one."""

import shutil

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DataWarning


@pytest.fixture
def ham(lesions, tmp_path):
    """A folder in HAM10000's way: images in one folder, a table with coarse labels and lesions."""
    root = tmp_path / "ham"
    (root / "images").mkdir(parents=True)
    codes = {"nevus": "nv", "melanoma": "mel", "actinic keratosis": "akiec", "squamous cell carcinoma": "akiec"}
    rows = []
    for number, (label, code) in enumerate((*codes.items(), ("pigmented benign keratosis", "bkl"))):
        for at, path in enumerate(sorted((lesions / "Train" / label).glob("*.jpg"))[:8]):
            name = f"ISIC_{number}{at:06d}"
            shutil.copy(path, root / "images" / f"{name}.jpg")
            rows.append(f"{name},HAM_{number}{at // 2},{code},{40 + at},female")
    (root / "metadata.csv").write_text("image_id,lesion_id,dx,age,sex\n" + "\n".join(rows))
    return root


def test_a_folder_with_a_table_is_found_by_itself(ham):
    data = md.load_dataset(ham)
    assert data.classes == ("akiec", "bkl", "mel", "nv")
    assert data.records[0].metadata["sex"] == "female"
    lesions = {record.metadata["lesion_id"] for record in data.records}
    assert len({record.group for record in data.records}) <= len(lesions) < len(data)
    named = md.load_dataset(images=ham / "images", labels=ham / "metadata.csv")
    assert [record.id for record in named.records] == [record.id.split("/")[-1] for record in data.records]


def test_images_without_a_label_are_set_aside(ham):
    table = (ham / "metadata.csv").read_text().replace("HAM_00,nv", "HAM_00,")
    (ham / "metadata.csv").write_text(table)
    with pytest.warns(DataWarning, match="2 images have no label"):
        data = md.load_dataset(ham)
    assert {entry.kind for entry in data.set_aside} == {"no label"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,dx\nnobody,nv\n", "labels none of the .. images"),
        ("image_id,age\nISIC_0000000,9\n", "no column says what an image shows.* rename the column that does to label"),
        ("who,dx\nISIC_0000000,nv\n", "no column names the images"),
    ],
)
def test_tables_that_do_not_fit_are_refused(ham, text, message):
    (ham / "other.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        md.load_dataset(images=ham / "images", labels=ham / "other.csv")


def test_two_sources_become_one_with_the_finer_labels(lesions, ham):
    data = md.load_dataset([lesions, ham], image_size=(32, 32))
    assert data.label_groups == {
        "akiec": ("actinic keratosis", "squamous cell carcinoma"),
        "bkl": ("pigmented benign keratosis", "seborrheic keratosis"),
    }
    assert {"mel", "nv"}.isdisjoint(data.classes)
    # The same files: each takes the finer label of its twin, and its split.
    assert not any(record.label == "akiec" for record in data.records)
    twins = {}
    for record in data.records:
        twins.setdefault(record.digest, set()).add((record.label, record.split, record.group))
    assert all(len(found) == 1 for found in twins.values())
    assert {record.source for record in data.records} == {"isic9", "ham"}


def test_coarse_labels_train_and_are_not_measured(ham, tmp_path):
    few = tmp_path / "few"
    for label in ("actinic keratosis", "squamous cell carcinoma", "melanoma", "nevus"):
        (few / label).mkdir(parents=True)
        for seed in range(8):
            drawn = Image.fromarray(md.draw_lesion(label, seed=700 + seed, size=64).pixels)
            drawn.save(few / label / f"{label}_{seed}.png")
    data = md.load_dataset([few, ham], image_size=(32, 32))
    coarse = [record for record in data.records if record.label == "akiec"]
    assert coarse
    model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
    detector = md.Detector.fit(model, data, epochs=2, progress=False)
    measured = detector.evaluate(data.test)
    assert len(measured) == len(data.test)
    assert (measured.labels >= 0).sum() == sum(record.label in data.classes for record in data.test)


def test_slips_in_what_is_given_are_answered(lesions):
    for options in ({}, {"source": lesions, "images": lesions}):
        with pytest.raises(DatasetError, match="one of the two"):
            md.load_dataset(**options)
    with pytest.raises(DatasetError, match="is given twice"):
        md.load_dataset([lesions, lesions])
    with pytest.raises(DatasetError, match="labels= goes with images="):
        md.load_dataset(lesions, labels="table.csv")


def test_images_without_a_split_are_counted(ham):
    lines = (ham / "metadata.csv").read_text().splitlines()
    words = ["split", *("train", "test", "") * len(lines)]
    (ham / "metadata.csv").write_text("\n".join(f"{line},{word}" for line, word in zip(lines, words, strict=False)))
    given = words[1 : len(lines)]
    with pytest.warns(DataWarning, match=rf"metadata\.csv gives {given.count('')} images no split in the column split"):
        md.load_dataset(ham, groups=[])


def test_splits_without_a_test_are_reported(ham):
    lines = (ham / "metadata.csv").read_text().splitlines()
    words = ["split", *("train", "train", "val") * len(lines)]
    (ham / "metadata.csv").write_text("\n".join(f"{line},{word}" for line, word in zip(lines, words, strict=False)))
    with pytest.warns(DataWarning, match="no image is in test, since the sources give their own splits"):
        data = md.load_dataset(ham, groups=[])
    assert len(data.validation) > 0
    assert len(data.test) == 0


def test_a_table_of_probabilities_is_refused(ham):
    names = [line.split(",")[0] for line in (ham / "metadata.csv").read_text().splitlines()[1:]]
    table = ham.parent / "submission.csv"
    table.write_text("image,MEL,NV\n" + "\n".join(f"{name},0.3,0.7" for name in names))
    with pytest.raises(
        DatasetError, match=r"gives none of the \d+ images that it names a label.*a fraction is no label"
    ):
        md.load_dataset(images=ham / "images", labels=table)


def test_images_that_a_named_table_leaves_out_are_counted_quietly(ham, tmp_path, caplog):
    lines = (ham / "metadata.csv").read_text().splitlines()
    (tmp_path / "subset.csv").write_text("\n".join([*lines[:17], ""]))
    (ham / "images" / "notes.docx").write_text("hello")
    caplog.set_level("INFO", "melanoma_detect")
    with pytest.warns(DataWarning) as caught:
        data = md.load_dataset(images=ham / "images", labels=tmp_path / "subset.csv", rare="train")
    left_out = [path for path in data.other_files if path.suffix == ".jpg"]
    assert len(left_out) == len(lines) - 17
    assert f"{len(left_out)} images are not in the table, and not loaded" in caplog.text
    said = " ".join(str(warning.message) for warning in caught)
    assert "1 file takes no part (notes.docx)" in said
    assert ".jpg" not in said.partition("takes no part")[2]
