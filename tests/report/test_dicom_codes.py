"""Codes of diagnoses: from the standard where it has them, else private and declared."""

import pytest
from pydicom.sr.codedict import codes

from melanoma_detect import taxonomy
from melanoma_detect.report.dicom_codes import SCHEME, diagnosis_code, private_code, scheme_item

# The tables of the check digit of SNOMED CT identifiers (Verhoeff 1969; SNOMED CT Release File Specifications, appendix C).
PRODUCTS = [
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
]
POWERS = [
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
]


def check_digit_is_right(identifier):
    total = 0
    for place, digit in enumerate(reversed(identifier)):
        total = int(PRODUCTS[total][int(POWERS[place % 8][int(digit)])])
    return total == 0


@pytest.mark.parametrize("diagnosis", taxonomy.DIAGNOSES, ids=lambda diagnosis: diagnosis.code)
def test_each_diagnosis_has_a_code(diagnosis):
    code = diagnosis_code(diagnosis.name)
    assert code.scheme_designator in ("SCT", SCHEME)
    if code.scheme_designator == "SCT":
        assert check_digit_is_right(code.value)
        assert diagnosis.name in code.meaning.lower()
    else:
        assert (code.value, code.meaning) == (diagnosis.code, diagnosis.name)


def test_codes_of_the_standard_are_those_of_pydicom():
    assert diagnosis_code("melanoma") == codes.cid639.MalignantMelanoma
    assert diagnosis_code("actinic keratosis") == codes.cid4405.ActinicKeratosis
    assert diagnosis_code("Squamous_Cell_Carcinoma") == codes.cid639.SquamousCellCarcinomaOfSkin
    assert not check_digit_is_right("372244007")


@pytest.mark.parametrize("label", ["akiec", "bkl", "banana", "a class whose name is very long " * 4])
def test_a_class_that_is_none_of_the_nine_has_a_private_code(label):
    code = diagnosis_code(label)
    assert code.scheme_designator == SCHEME
    assert len(code.value) <= 16
    assert len(code.meaning) <= 64
    assert label.startswith(code.meaning)


def test_the_private_scheme_is_declared():
    assert len(SCHEME) <= 16
    assert private_code("A", "b").scheme_designator == scheme_item().CodingSchemeDesignator == SCHEME
