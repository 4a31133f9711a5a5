"""The nine-class set as it is: what the library must notice by itself."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data.sources.table import image_name, read_table
from melanoma_detect.errors import DataWarning
from melanoma_detect.images.reader import Squashed, read

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def isic9(real_folder):
    with pytest.warns(DataWarning) as caught:
        data = md.load_dataset(real_folder / "isic9")
    assert len(caught) == 1
    return data, str(caught[0].message)


def test_every_image_is_found(isic9):
    data, _ = isic9
    assert len(data) + len(data.set_aside) == 2359
    assert len(data.classes) == 9
    assert data.other_files == ()


def test_double_labels_are_set_aside(isic9):
    data, message = isic9
    assert "155 images carry labels that contradict each other" in message
    assert "78 as melanoma / seborrheic keratosis, 77 as actinic keratosis / nevus" in message
    conflicts = [entry.record for entry in data.set_aside if entry.kind == "conflict"]
    # 310 files of the same bytes under two labels, and one more that shows the image of such a pair in other bytes.
    assert len(conflicts) == 311
    assert len({record.digest for record in conflicts}) == 156


def test_leaks_from_train_to_test_are_set_aside(isic9):
    data, message = isic9
    kinds = Counter((entry.kind, entry.record.split) for entry in data.set_aside if entry.record.split == "test")
    assert kinds == {("conflict", "test"): 18, ("leak", "test"): 26}
    assert "26 images are set aside" in message
    assert len(data.test) == 74
    assert data.distribution().loc["actinic keratosis", "test"] == 0
    assert data.distribution().loc["seborrheic keratosis", "total"] == 2


def test_the_truth_resolves_what_it_knows(real_folder):
    with pytest.warns(DataWarning, match="too little is left of seborrheic keratosis to be a class"):
        data = md.load_dataset(real_folder / "isic9", conflicts="resolve")
    assert len(data.classes) == 8
    assert data.distribution().loc["actinic keratosis", "test"] == 6
    truth = {record.label for record in data.records if record.metadata.get("isic2019_diagnosis") == "AK"}
    assert truth == {"actinic keratosis"}


@pytest.fixture(scope="module")
def audit(real_folder):
    return md.audit(real_folder / "isic9", progress=False)


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("two labels", 155),
        ("label against the table", 3),
        ("image in two splits", 18),
        ("lesion in two splits", 39),
        ("same file twice", 4),
        ("same image, other bytes", 3),
        ("unreadable", 0),
    ],
)
def test_the_audit_counts_what_is_known_to_be_wrong(audit, kind, count):
    assert audit[kind].count == count


def test_the_audit_finds_the_pairs_that_are_known(audit):
    def pairs(kind):
        return {frozenset(record.path.stem for record in case) for case in audit[kind].cases}

    known = {("0025601", "0025601(1)"), ("0025509", "0025509(1)"), ("0000279", "0000280"), ("0000477", "0000512")}
    assert pairs("same file twice") == {frozenset(f"ISIC_{name}" for name in pair) for pair in known}
    known = {("0000521", "0010990"), ("0000399", "0001124"), ("0000520", "0010302")}
    assert pairs("same image, other bytes") == {frozenset(f"ISIC_{name}" for name in pair) for pair in known}
    assert audit["image in two splits"].values["same bytes, another class"] == 18


def test_the_source_tells_the_class(audit):
    found = audit["class told by source"].values
    assert set(found["below"]) == {"melanoma", "nevus", "seborrheic keratosis"}
    # 1,948 of 1,949 by the double labels alone; the one more image that is set aside lies on its class's side.
    assert (found["parted"], found["images"]) == (1947, 1948)
    assert found["balanced accuracy"]["low"] > found["chance"] + 0.25
    assert found["melanoma AUC"]["low"] > 0.95


def test_lesions_seen_twice_are_found_by_content_and_never_two_lesions(real_folder, audit, tmp_path):
    (tmp_path / "isic9").mkdir()
    for name in ("Train", "Test"):  # without its table
        (tmp_path / "isic9" / name).symlink_to(real_folder / "isic9" / name)
    found = md.audit(tmp_path / "isic9", progress=False)["lesion seen twice"]
    table = read_table(real_folder / "isic9" / "metadata.csv")
    lesions = [{table.rows[image_name(record.path)].get("lesion_id") for record in case} for case in found.cases]
    assert found.count >= 8
    assert all(len(lesion) == 1 and None not in lesion for lesion in lesions)


def test_two_sources_merge_in_one_call(real_folder):
    with pytest.warns(DataWarning):
        data = md.load_dataset([real_folder / "isic9", real_folder / "ham10000_224"], image_size=(64, 64))
    assert {"melanoma", "nevus", "vascular lesion"} < set(data.classes)
    assert data.coarse["akiec"] == ("actinic keratosis", "squamous cell carcinoma")
    assert "pigmented benign keratosis" in data.coarse["bkl"]
    by_name = {}
    for record in data.records:
        by_name.setdefault(image_name(record.path), []).append(record)
    both = [records for records in by_name.values() if len({record.source for record in records}) == 2]
    assert len(both) > 550
    assert all(len({(record.group, record.split, record.label) for record in records}) == 1 for records in both)


def test_stretched_back_and_cut_the_set_shows_what_the_other_collection_shows(real_folder):
    """The same images, squashed 4:3 there and cut to their centres here: only stretched back do they agree."""
    cropped = {path.stem: path for path in (real_folder / "ham10000_224" / "images").iterdir()}
    both = [path for path in sorted((real_folder / "isic9").rglob("*.jpg")) if path.stem in cropped][:100]

    def apart(images):
        seen = [read(image, (96, 96), "crop").astype(int) for image in images]
        other = [read(cropped[path.stem], (96, 96), "crop") for path in both]
        return np.array([np.abs(one - two).mean() for one, two in zip(seen, other, strict=True)])

    plain, back = apart(both), apart([Squashed(path, 4 / 3) for path in both])
    assert (back < plain).all()
    assert np.median(back) < 2
    assert np.median(plain) > 5


def test_no_file_and_no_lesion_stands_on_two_sides(isic9):
    data, _ = isic9
    for key in ("digest", "group"):
        sides = {}
        for record in data.records:
            sides.setdefault(getattr(record, key), set()).add(record.split)
        assert all(len(splits) == 1 for splits in sides.values())


def test_the_train_folder_alone_finds_its_table(real_folder):
    with pytest.warns(DataWarning):
        data = md.load_dataset(real_folder / "isic9" / "Train")
    lesions = {}
    table = dict(row.split(",")[:2] for row in (real_folder / "isic9" / "metadata.csv").read_text().splitlines()[1:])
    for record in data.records:
        lesion = table.get(record.path.stem.split("(")[0])
        if lesion:
            lesions.setdefault(lesion, set()).add(record.split)
    assert all(len(splits) == 1 for splits in lesions.values())


def test_validation_is_a_fifth_of_every_class(isic9):
    table = isic9[0].distribution()
    share = table["validation"] / (table["train"] + table["validation"])
    assert share.drop("seborrheic keratosis").between(0.17, 0.23).all(), "of that one two images are left"


def test_real_images_train_balance_and_predict(isic9, real_folder):
    data, _ = isic9
    few = set(data.frame.groupby(["label", "split"]).head(15)["id"])
    chosen = [record for record in data.records if record.id in few]
    small = replace(data.with_records(chosen), image_size=(48, 48))
    balanced = md.balance(small, to="max", progress=False)
    model = md.build_model("cnn", num_classes=9, input_shape=(48, 48, 3))
    detector = md.Detector.fit(model, balanced, epochs=4, sensitivity=0.9, progress=False)
    assert detector.operating_point.positives >= 9
    probabilities = detector.evaluate(data.test).probabilities
    assert probabilities.shape == (74, 9)
    assert np.ptp(probabilities, axis=0).max() > 0.05
    original = min((real_folder / "originals").glob("*.jpg"))
    prediction = detector.predict(original)
    assert prediction.decision in ("alert", "clear") or prediction.abstained


@pytest.mark.slow
def test_the_default_network_learns_from_real_images(real_folder):
    with pytest.warns(DataWarning):
        data = md.load_dataset(real_folder / "isic9", image_size=(64, 64))
    model = md.build_model("cnn", num_classes=9, input_shape=(64, 64, 3))
    detector = md.Detector.fit(model, md.balance(data, to="max", progress=False), epochs=12, progress=False)
    validation = detector.evaluate(data.validation, seen="keep")
    assert validation.figures["balanced_accuracy"].low > 2 / 9, "chance is 1 in 9"
    assert validation.figures["melanoma_auc"].low > 0.7


def test_nothing_in_the_real_folder_is_ever_changed(real_folder, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in (real_folder / "isic9").rglob("*")}
    with pytest.warns(DataWarning):
        md.balance(md.load_dataset(real_folder / "isic9", image_size=(32, 32)), add=1, cache=tmp_path, progress=False)
    assert {path: path.stat().st_mtime_ns for path in (real_folder / "isic9").rglob("*")} == before


BACKBONES = {
    "mobilenet": ("mobilenet_v1_1.0_to_conv_pw_12.weights.h5", "conv_pw_12_relu"),
    "mobilenet_v2": ("mobilenet_v2_1.0_notop.weights.h5", None),
    "mobilenet_v2:0.35": ("mobilenet_v2_0.35_notop.weights.h5", None),
}


@pytest.mark.parametrize("name", BACKBONES)
def test_pretrained_weights_load_and_the_model_can_be_exported(name, real_folder, isic9):
    from melanoma_detect.export.onnx import onnx_parity

    file, until = BACKBONES[name]
    model = md.build_model(
        name, num_classes=8, input_shape=(96, 96, 3), weights=real_folder / "weights" / file, until=until
    )
    parity = onnx_parity(model, isic9[0].test.pixels((96, 96))[:8])
    assert parity.holds
    assert parity.probabilities > 0


def test_a_file_that_was_cut_is_answered_with_its_layer(real_folder):
    with pytest.raises(md.errors.ModelError, match="pass until='conv_pw_12_relu'"):
        md.build_model("mobilenet", num_classes=8, weights=real_folder / "weights" / BACKBONES["mobilenet"][0])


def test_two_phases_on_real_images_learn_more_than_chance(real_folder, isic9):
    data = isic9[0]
    few = data.with_records(
        [record for at, record in enumerate(data.records) if at % 3 == 0 or record.split != "train"]
    )
    weights = real_folder / "weights" / BACKBONES["mobilenet_v2:0.35"][0]
    model = md.build_model("mobilenet_v2:0.35", num_classes=len(data.classes), input_shape=(96, 96, 3), weights=weights)
    with pytest.warns(DataWarning, match="the model reads images at 96×96"):
        detector = md.Detector.fit(model, few, epochs=5, progress=False)
    assert detector.evaluate(data.validation, seen="keep").figures["balanced_accuracy"].low > 0.25
