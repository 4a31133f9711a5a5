"""Labels of other collections in a detector's classes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma_detect import taxonomy
from melanoma_detect.data.labels import covered_classes, translate_labels, unite_labels, unknown_labels
from melanoma_detect.errors import DetectorError

ARCHIVE = Path(taxonomy.__file__).with_name("archive.tsv")
CLASSES = ("actinic keratosis", "melanoma", "nevus", "pigmented benign keratosis", "squamous cell carcinoma")
CODES = {
    "actinic keratosis": "akiec",
    "squamous cell carcinoma": "akiec",
    "melanoma": "mel",
    "nevus": "nv",
    "pigmented benign keratosis": "bkl",
}


@pytest.fixture
def as_ham10000(data):
    """Some of the test images as HAM10000 would label them."""
    kept = tuple(replace(record, label=CODES[record.label]) for record in data.test if record.label in CODES)
    return replace(data.test, records=kept, classes=("akiec", "bkl", "mel", "nv"))


def test_codes_are_the_classes_that_they_mean(as_ham10000):
    found = translate_labels(as_ham10000, CLASSES)
    assert found.classes == CLASSES
    assert found.label_groups == {"akiec": ("actinic keratosis", "squamous cell carcinoma")}
    labels = {before.label: after.label for before, after in zip(as_ham10000, found, strict=True)}
    assert labels == {"akiec": "akiec", "mel": "melanoma", "nv": "nevus", "bkl": "pigmented benign keratosis"}


def test_what_the_detector_tells_apart_and_the_label_does_not_is_coarse(as_ham10000):
    found = translate_labels(as_ham10000, (*CLASSES, "seborrheic keratosis"))
    assert found.label_groups["bkl"] == ("pigmented benign keratosis", "seborrheic keratosis")


def test_a_detector_is_measured_on_another_collections_labels(detector, as_ham10000):
    found = detector.evaluate(as_ham10000, shortcuts=True)
    keratoses, joined = (
        "pigmented benign keratosis or seborrheic keratosis",
        "actinic keratosis or squamous cell carcinoma",
    )
    assert {found.classes[label] for label in found.labels} == {"melanoma", "nevus", joined, keratoses}
    assert len(found) == len(as_ham10000)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    own = detector.predictor.probabilities(replace(as_ham10000).pixels((32, 32)))
    both = [detector.classes.index(label) for label in joined.split(" or ")]
    np.testing.assert_allclose(found.probabilities[:, found.classes.index(joined)], own[:, both].sum(axis=1))
    # What was benign by itself is benign together, and need not be reviewed.
    assert 0 <= found.figures["benign_below_threshold"].value <= 1


def test_what_other_images_tell_apart_is_not_joined(detector, as_ham10000, data):
    fine = tuple(record for record in data.test if record.label == "actinic keratosis")
    both = replace(
        as_ham10000,
        records=(*as_ham10000.records, *fine),
        classes=(*as_ham10000.classes, "actinic keratosis"),
    )
    found = detector.evaluate(both)
    assert "actinic keratosis" in found.classes
    coarse = found.per_image.names == "akiec"
    assert (found.labels[coarse] == -1).all()
    assert any(f"(akiec {coarse.sum()})" in note for note in found.notes)


def test_an_alert_to_any_malignancy_adds_up_each_by_itself(detector, as_ham10000):
    found = detector.at(target="malignant").evaluate(as_ham10000)
    batch = detector.predictor.predict_batch(as_ham10000.pixels((32, 32)))
    np.testing.assert_allclose(found.per_image.target_scores, batch.malignant)
    names = found.per_image.names
    assert set(names[found.per_image.is_positive]) == {"mel"}
    assert set(names[found.per_image.is_negative]) == {"bkl", "nv"}  # akiec may be malignant or not


def test_a_class_of_another_world_is_refused(data):
    strange = replace(data.test, classes=("freckle", *data.classes))
    with pytest.raises(DetectorError, match="does not know the classes freckle; it knows actinic"):
        translate_labels(strange, CLASSES + tuple(set(data.classes) - set(CLASSES)))


def test_one_source_keeps_its_own_spelling_where_there_is_one():
    assert unite_labels(["mel", "nv"], own_names=True) == (["mel", "nv"], ("mel", "nv"), {})
    assert unite_labels(["mel", "nv"]).classes == ("melanoma", "nevus")
    nine = ["actinic keratosis", "melanoma", "nevus", "pigmented benign keratosis", "seborrheic keratosis"]
    assert unite_labels(nine, own_names=True).classes == tuple(nine)


def test_spellings_of_one_diagnosis_join():
    labels = ["Melanoma", "melanoma", "MEL", "nv", "Nevus, Acral", "Scar", "scar, Keloid", "Foo", "foo"]
    united = unite_labels(labels, own_names=True)
    assert united.classes == ("foo", "melanoma", "nevus", "scar")
    assert united.labels == ["melanoma"] * 3 + ["nevus"] * 2 + ["scar"] * 2 + ["foo"] * 2


def test_parents_are_no_classes_beside_their_children():
    labels = ["Malignant", "Melanoma, NOS", "Benign", "Nevus", "Scar", "Benign melanocytic proliferations"]
    united = unite_labels(labels, own_names=True)
    assert united.classes == ("Melanoma, NOS", "Nevus", "Scar")
    assert united.label_groups == {
        "Benign": ("Nevus", "Scar"),
        "Benign melanocytic proliferations": ("Nevus",),
        "Malignant": ("Melanoma, NOS",),
    }
    assert united.labels == labels


def test_a_coarse_label_covers_others_by_malignancy():
    united = unite_labels(["malignant", "merkel cell carcinoma", "BCC", "scar", "benign", "AK", "foo"])
    assert united.label_groups == {
        "benign": ("scar",),
        "malignant": ("basal cell carcinoma", "merkel cell carcinoma"),
    }
    assert united.classes == ("actinic keratosis", "basal cell carcinoma", "foo", "merkel cell carcinoma", "scar")


def test_a_coarse_label_that_covers_no_class_stays_a_class():
    assert unite_labels(["benign", "malignant"], own_names=True).classes == ("benign", "malignant")
    assert unite_labels(["benign", "melanoma"], own_names=True) == (["benign", "melanoma"], ("benign", "melanoma"), {})
    assert unite_labels(["melanoma", "NotMelanoma"], own_names=True).label_groups == {}
    # A coarse label within a coarser one.
    united = unite_labels(["bkl", "benign", "nv", "mel"], own_names=True)
    assert (united.classes, united.label_groups) == (("bkl", "mel", "nv"), {"benign": ("bkl", "nv")})


def test_vascular_lesions_of_ham10000_in_the_archive():
    label = "Benign soft tissue proliferations - Vascular"
    assert unite_labels([label, "Nevus"], own_names=True).classes == ("Nevus", "vascular lesion")
    beside = unite_labels([label, "Hemangioma", "Angiokeratoma"], own_names=True)
    assert (beside.classes, beside.label_groups) == (("vascular lesion",), {label: ("vascular lesion",)})


def test_united_labels_are_classes_or_groups():
    values = [line.partition("\t")[0] for line in ARCHIVE.read_text(encoding="utf-8").splitlines()[1:]]
    random = np.random.default_rng(3)
    for _ in range(50):
        chosen = [values[index].rpartition(":")[2] for index in random.integers(0, len(values), 12)]
        united = unite_labels([*chosen, *map(str.upper, chosen)], own_names=bool(random.integers(2)))
        assert set(united.labels) == {*united.classes, *united.label_groups}
        assert all(covered and set(covered) <= set(united.classes) for covered in united.label_groups.values())
        meanings = [taxonomy.meaning(label) for label in united.classes]
        assert not any(one < other for one in meanings for other in meanings)
        assert unite_labels(united.labels, own_names=True) == united


def test_unknown_labels_are_counted():
    labels = ["nevus", "scar", "bar", "Foo", "Foo", "benign", "melanoma?"]
    assert unknown_labels(labels) == {"Foo": 2, "bar": 1, "melanoma?": 1}
    assert unknown_labels([]) == {}


@pytest.mark.parametrize(
    ("label", "classes", "covered"),
    [
        ("nv", ("benign", "malignant"), ("benign",)),
        ("Melanoma in situ", ("benign", "malignant"), ("malignant",)),
        ("nevus", ("melanoma", "not melanoma"), ("not melanoma",)),
        ("seborrheic keratosis", ("akiec", "bkl", "mel", "nv"), ("bkl",)),
        ("malignant", CLASSES, ("melanoma", "squamous cell carcinoma")),
        ("benign", CLASSES, ("nevus", "pigmented benign keratosis")),
        ("Merkel cell carcinoma", CLASSES, ()),
        ("foo", CLASSES, ()),
    ],
)
def test_the_classes_that_a_label_covers(data, label, classes, covered):
    assert covered_classes(label, data.test, classes) == covered
