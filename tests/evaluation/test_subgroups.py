"""Metrics by subgroup: equal to those of the subgroup measured alone, unless it has too few lesions."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.subgroups import TOO_FEW, Subgroup
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus")
POINT = OperatingPoint(0.9, 0.5, 0.9, 0.8, 100, 900)


def evaluate(data, metadata, sources=None, labels=None):
    """Evaluate simulated answers to images with these columns in their table, two images of each lesion."""
    count = len(metadata)
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 2, count)
    scores = np.clip(rng.normal(0.7 - 0.4 * drawn, 0.2), 0.01, 0.99)
    records = [
        replace(data.records[0], id=str(number), metadata=columns, source=source)
        for number, (columns, source) in enumerate(zip(metadata, sources or [""] * count, strict=True))
    ]
    groups = [f"lesion {number // 2}" for number in range(count)]
    probabilities = np.stack([scores, 1 - scores], axis=1)
    return measure(probabilities, drawn if labels is None else labels, groups, CLASSES, POINT, records=records)


def test_subgroups_have_the_metrics_of_their_images_alone(data):
    sexes = ["female", "female", "male", "male"] * 60
    evaluation = evaluate(data, [{"sex": sex} for sex in sexes])
    subgroups = {subgroup.name: subgroup for subgroup in evaluation.subgroups()}
    assert list(subgroups) == ["female", "male"]
    for name, subgroup in subgroups.items():
        chosen = np.array(sexes) == name
        groups = np.array(evaluation.groups)[chosen].tolist()
        alone = measure(evaluation.probabilities[chosen], evaluation.labels[chosen], groups, CLASSES, POINT)
        for metric, figure in subgroup.figures.items():
            assert figure[:3] == alone.figures[metric][:3], metric
        assert subgroup.classes == CLASSES
        assert subgroup.melanoma_images == int((evaluation.labels[chosen] == 0).sum())
        assert (subgroup.images, subgroup.lesions) == (120, 60)
        assert "too few" not in str(subgroup)


def test_fewer_than_twenty_lesions_are_too_few(data):
    evaluation = evaluate(data, [{"sex": "female"}] * 200 + [{"sex": "male"}] * 38)
    female, male = evaluation.subgroups()
    assert male.lesions == 19
    assert male.describe("balanced_accuracy") == TOO_FEW
    assert TOO_FEW in str(male)
    assert female.is_reliable("melanoma_auc")


def test_sensitivity_counts_melanomas_only(data):
    """Sixty lesions are enough for specificity; nineteen melanomas among them are not for sensitivity."""
    labels = np.ones(240, np.int64)
    labels[:38] = 0
    female, _ = evaluate(data, [{"sex": "female"}] * 120 + [{"sex": "male"}] * 120, labels=labels).subgroups()
    assert female.melanomas == 19
    assert female.describe("sensitivity") == female.describe("melanoma_auc") == TOO_FEW
    assert female.is_reliable("specificity")


def test_ages_sites_and_sources_are_read_from_several_columns(data):
    metadata = [
        {"age": "39.0", "localization": "back"},
        {"age_approx": "40", "anatom_site_general": "Back"},
        {"age": "85.0", "localization": "unknown"},
        {"age": "often", "localization": "foot"},
    ]
    evaluation = evaluate(data, metadata, sources=["one", "two", "one", "two"])
    assert [(subgroup.kind, subgroup.name, subgroup.images) for subgroup in evaluation.subgroups()] == [
        ("source", "one", 2),
        ("source", "two", 2),
        ("age", "under 40", 1),
        ("age", "40 to 59", 1),
        ("age", "75 and over", 1),
        ("age", "not recorded", 1),
        ("site", "back", 2),
        ("site", "foot", 1),
        ("site", "not recorded", 1),
    ]


def test_a_property_of_all_images_makes_no_subgroup(data):
    assert evaluate(data, [{"sex": "female"}] * 10).subgroups() == ()


def test_without_records_there_are_no_subgroups():
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], CLASSES)
    with pytest.raises(DetectorError, match="has no records of its images"):
        evaluation.subgroups()


def test_old_names_of_methods_warn():
    subgroup = Subgroup("sex", "female", 9, 9, 3, {"sensitivity": Figure(1.0, 0.3, 1.0, 3)})
    with pytest.warns(DeprecationWarning, match="use Subgroup.is_reliable"):
        assert not subgroup.tells("sensitivity")
    with pytest.warns(DeprecationWarning, match="use Subgroup.describe"):
        assert subgroup.tell("sensitivity") == TOO_FEW


def test_subgroups_of_a_detector_of_any_malignancy_count_malignant_lesions(data):
    classes = ("basal cell carcinoma", "melanoma", "nevus")
    labels = np.tile(np.repeat(np.arange(3), 25), 2)
    records = [
        replace(data.records[0], id=str(number), metadata={"sex": sex})
        for number, sex in enumerate(["female"] * 75 + ["male"] * 75)
    ]
    groups = [str(number) for number in range(150)]
    point = replace(POINT, target="malignant")
    for subgroup in measure(np.eye(3)[labels], labels, groups, classes, point, records=records).subgroups():
        assert (subgroup.melanomas, subgroup.target) == (50, "malignant")
        assert subgroup.figures["sensitivity"].value == subgroup.figures["specificity"].value == 1
        assert "75 images (50 malignant lesions);" in str(subgroup)


def simulated(data, counts, sexes, group_size=1, metadata=()):
    """Return the evaluation of random answers to so many images of each class in each subgroup."""
    classes = ("melanoma", "nevus", "basal cell carcinoma")
    labels = np.concatenate([np.repeat(np.arange(3), counted) for counted in counts])
    sex = np.repeat(sexes, [sum(counted) for counted in counts])
    cells = [{"sex": name} for name in sex.tolist()]
    if metadata:
        cells = [own | {"patient_id": f"P{row // group_size}"} for row, own in enumerate(cells)]
    records = [replace(data.records[0], id=str(row), metadata=own) for row, own in enumerate(cells)]
    groups = [f"{row // group_size}" for row in range(len(labels))]
    probabilities = np.random.default_rng(5).dirichlet(np.ones(3), size=len(labels))
    return measure(probabilities, labels, groups, classes, POINT, records=records)


def test_balanced_accuracy_covers_the_same_classes_of_enough_lesions_in_every_subgroup(data):
    evaluation = simulated(data, [(30, 40, 25), (6, 22, 21), (3, 30, 2)], ["female", "male", "other"])
    female, male, other = evaluation.subgroups()
    assert female.classes == male.classes == other.classes == ("nevus", "basal cell carcinoma")
    recall = [
        np.mean(evaluation.per_image.predicted[30:70] == 1),
        np.mean(evaluation.per_image.predicted[70:95] == 2),
    ]
    assert female.figures["balanced_accuracy"].value == pytest.approx(np.mean(recall))
    assert [part.figures["balanced_accuracy"].lesions for part in (female, male, other)] == [25, 21, 2]
    assert other.describe("balanced_accuracy") == TOO_FEW
    flags = {name: figure["reliable"] for name, figure in other.to_dict()["figures"].items()}
    assert flags == {"balanced_accuracy": False, "melanoma_auc": False, "sensitivity": False, "specificity": True}


def test_rows_count_images_and_patients_alike(data):
    found = simulated(data, [(20, 20, 20), (10, 20, 10)], ["female", "male"], group_size=2, metadata=("patient_id",))
    female, male = found.subgroups()
    assert str(female).startswith("sex female: 60 images (20 melanomas) of 30 patients (10 with melanomas); balanced")
    assert male.counts == "40 images (10 melanomas) of 20 patients (5 with melanomas)"


def test_skin_tones_of_published_tables_are_subgroups_from_light_to_dark(data):
    tones = [
        {"fitzpatrick_skin_type": "VI"},
        {"fitspatrick": "1.0"},
        {"skin_tone": "34"},
        {},
        {"fitzpatrick_scale": "2"},
    ]
    found = evaluate(data, tones).subgroups()
    assert [(subgroup.kind, subgroup.name, subgroup.images) for subgroup in found] == [
        ("skin tone", "Fitzpatrick I–II", 2),
        ("skin tone", "Fitzpatrick III–IV", 1),
        ("skin tone", "Fitzpatrick V–VI", 1),
        ("skin tone", "not recorded", 1),
    ]
    classes = evaluate(data, [{"skin_tone_class": str(tone)} for tone in (3, 5, 3, 0)]).subgroups()
    assert [subgroup.name for subgroup in classes] == [
        "class 0 (very dark)",
        "class 3 (0 dark to 5 light)",
        "class 5 (very light)",
    ]


def test_sex_and_site_of_pad_ufes_20_are_read(data):
    found = evaluate(data, [{"gender": "FEMALE", "region": "ARM"}, {"gender": "MALE", "region": "FACE"}]).subgroups()
    assert [(subgroup.kind, subgroup.name) for subgroup in found] == [
        ("sex", "female"),
        ("sex", "male"),
        ("site", "arm"),
        ("site", "face"),
    ]


def test_a_subgroup_is_plain_values(data):
    (female, _) = evaluate(data, [{"sex": "female"}] * 30 + [{"sex": "male"}] * 30).subgroups()
    plain = female.to_dict()
    assert (plain["kind"], plain["name"], plain["images"]) == ("sex", "female", 30)
    assert plain["figures"]["melanoma_auc"]["value"] == female.figures["melanoma_auc"].value


def test_hospitals_are_subgroups_unless_there_are_many(data):
    names = ["Hamburg", "Mannheim", "Mannheim", "unknown"] * 30
    found = evaluate(data, [{"Hospital": name} for name in names]).subgroups()
    assert [(subgroup.kind, subgroup.name, subgroup.images) for subgroup in found] == [
        ("hospital", "Hamburg", 30),
        ("hospital", "Mannheim", 60),
        ("hospital", "not recorded", 30),
    ]
    assert not evaluate(data, [{"centre": f"number {number % 13}"} for number in range(120)]).subgroups()
