"""Columns that describe the patient and the lesion."""

from melanoma_detect.data.sources.patient_columns import AGE_COLUMNS, SEX_COLUMNS, SITE_COLUMNS, find_cell


def test_the_first_column_that_says_something_counts():
    assert find_cell({"age": "nan", "age_approx": "50"}, AGE_COLUMNS) == "50"
    assert find_cell({"age": "45", "age_approx": "50"}, AGE_COLUMNS) == "45"
    assert find_cell({"site": "trunk", "localization": "Unknown"}, SITE_COLUMNS) == "trunk"


def test_names_of_columns_are_compared_without_case_and_prefix():
    assert find_cell({"GENDER": "FEMALE"}, SEX_COLUMNS) == "FEMALE"
    assert find_cell({"meta.clinical.anatom_site_general": "palms/soles"}, SITE_COLUMNS) == "palms/soles"


def test_nothing_recorded_is_empty():
    assert find_cell({}, AGE_COLUMNS) == find_cell({"sex": "  "}, SEX_COLUMNS) == ""
