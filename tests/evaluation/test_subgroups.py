"""Figures of parts: each is what measuring that part alone gives, or says that it cannot tell."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.subgroups import TOO_FEW
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus")
POINT = OperatingPoint(0.9, 0.5, 0.9, 0.8, 100, 900)


def evaluation(data, metadata, sources=None, seed=1):
    count = len(metadata)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    scores = np.clip(rng.normal(0.7 - 0.4 * labels, 0.2), 0.01, 0.99)
    known = [
        replace(data.records[0], id=str(at), metadata=said, source=(sources or [""] * count)[at])
        for at, said in enumerate(metadata)
    ]
    groups = [f"lesion {at // 2}" for at in range(count)]
    found = measure(np.stack([scores, 1 - scores], axis=1), labels, groups, CLASSES, POINT)
    return replace(found, records=tuple(known))


def test_each_part_is_measured_as_if_alone(data):
    sexes = ["female", "female", "male", "male"] * 60
    found = evaluation(data, [{"sex": sex} for sex in sexes])
    parts = {part.name: part for part in found.subgroups()}
    assert list(parts) == ["female", "male"]
    for name, part in parts.items():
        chosen = np.array(sexes) == name
        groups = np.array(found.groups)[chosen].tolist()
        alone = measure(found.probabilities[chosen], found.labels[chosen], groups, CLASSES, POINT)
        assert part.figures == {shown: alone.figures[shown] for shown in part.figures}
        assert (part.images, part.lesions) == (120, 60)
        assert "too few" not in str(part)


def test_under_twenty_lesions_it_does_not_tell(data):
    found = evaluation(data, [{"sex": "female"}] * 200 + [{"sex": "male"}] * 38)
    female, male = found.subgroups()
    assert male.lesions == 19
    assert male.tell("balanced_accuracy") == TOO_FEW
    assert TOO_FEW in str(male)
    assert female.tells("melanoma_auc")


def test_the_melanomas_count_where_melanomas_are_found(data):
    """Sixty lesions are enough for specificity; nineteen melanomas among them are not for sensitivity."""
    found = evaluation(data, [{"sex": "female"}] * 120 + [{"sex": "male"}] * 120)
    few = np.ones(240, np.int64)
    few[:38] = 0
    found = replace(found, labels=few)
    female = found.subgroups()[0]
    assert female.melanomas == 19
    assert female.tell("sensitivity") == female.tell("melanoma_auc") == TOO_FEW
    assert female.tells("specificity")


def test_ages_sites_and_sources_under_their_several_names(data):
    said = [
        {"age": "39.0", "localization": "back"},
        {"age_approx": "40", "anatom_site_general": "Back"},
        {"age": "85.0", "localization": "unknown"},
        {"age": "often", "localization": "foot"},
    ]
    found = evaluation(data, said, sources=["one", "two", "one", "two"])
    assert [(part.kind, part.name, part.images) for part in found.subgroups()] == [
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


def test_what_all_have_alike_is_no_subgroup(data):
    assert evaluation(data, [{"sex": "female"}] * 10).subgroups() == ()


def test_without_records_there_are_no_subgroups():
    found = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], CLASSES)
    with pytest.raises(DetectorError, match="does not know its records"):
        found.subgroups()
