"""The script that checks DICOM files: what it makes can be read, and what the validator says decides."""

import stat
import sys
from pathlib import Path

import pydicom
import pytest
import validate_dicom


def test_examples_can_be_read(tmp_path):
    paths = list(validate_dicom.write_examples(tmp_path))
    assert len(paths) == 10
    assert {pydicom.dcmread(path).Modality for path in paths} == {"SR", "OT"}


@pytest.mark.parametrize(
    ("said", "status", "printed"),
    [
        ("Warning - Unrecognized defined term <99MELDETECT> for value 1", 0, "a.dcm: no errors"),
        ("Warning - something", 0, "a.dcm: Warning - something"),
        ("Error - Missing attribute", 1, "a.dcm: Error - Missing attribute"),
    ],
)
def test_errors_of_the_validator_fail(monkeypatch, capsys, said, status, printed):
    tool = Path("validator").absolute()  # tests run in a folder of their own
    tool.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(validate_dicom, "TOOL", str(tool))
    monkeypatch.setattr(sys, "argv", ["validate_dicom.py", "a.dcm"])
    assert validate_dicom.main() == status
    assert capsys.readouterr().out.strip() == printed
