"""What the images of an evaluation are grouped by."""

from dataclasses import replace

import pytest

from melanoma_detect.evaluation.independent_units import find_units


def units(data, cells, groups, sources=()):
    records = [replace(data.records[0], metadata=own) for own in cells]
    if sources:
        records = [replace(record, source=source) for record, source in zip(records, sources, strict=True)]
    return find_units(groups, records)


@pytest.mark.parametrize(
    ("cells", "groups", "text"),
    [
        ([{"lesion_id": "L1"}, {"lesion_id": "L1"}, {"lesion_id": "L2"}], "aab", "2 lesions"),
        ([{"case_num": "1"}, {"case_num": "1"}, {}], "aab", "2 lesions"),
        ([{"patient_id": "1"}, {"patient_id": "1"}, {"patient_id": "2"}], "aab", "2 patients"),
        ([{"patient_id": "1"}, {"patient_id": "1"}, {"patient_id": ""}], "aab", "2 lesions or patients"),
        ([{"patient": "yes"}, {"patient": "yes"}, {"patient": "no"}], "abc", "3 images"),
        ([{}, {}, {}], "aab", "2 lesions"),
        ([{"age": "50"}, {}, {}], "abc", "3 images"),
    ],
)
def test_the_columns_of_the_table_and_the_groups_tell_what_is_counted(data, cells, groups, text):
    assert str(units(data, cells, list(groups))) == text


def test_lesions_of_patients_are_counted_too(data):
    cells = [{"patient_id": "1", "lesion_id": lesion} for lesion in "xyz"]
    assert str(units(data, cells, ["a"] * 3)) == "3 lesions in 1 patient"
    assert units(data, [*cells[:2], {"patient_id": "1"}], ["a"] * 3).lesions is None


def test_patients_of_two_sources_with_one_number_are_two(data):
    cells = [{"patient_id": "1"}, {"patient_id": "1"}]
    assert str(units(data, cells, ["a", "b"], ["one", "two"])) == "2 patients"
    assert units(data, cells, ["a", "b"], ["one", "one"]).unit == "image"


def test_without_records_groups_are_lesions():
    assert str(find_units(["a", "b"], ())) == "2 lesions"
