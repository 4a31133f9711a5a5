"""Which images a detector has seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma_detect.inference.training_fingerprint import TrainingFingerprint


def test_the_same_bytes(data):
    seen = TrainingFingerprint.of(data.train)
    assert seen.contains(data.train).all()
    assert not seen.contains(data.test).any()
    assert len(seen) == len({record.digest for record in data.train})


def test_the_same_image_in_other_bytes(data):
    record = data.train[0]
    code = int(record.fingerprint, 16)
    near, far = (replace(record, digest="x", fingerprint=f"{code ^ mask:064x}") for mask in (0xFF << 40, (1 << 90) - 1))
    stranger = replace(record, digest="x", fingerprint="")
    assert TrainingFingerprint.of([record]).contains([near, far, stranger]).tolist() == [True, False, False]


def test_the_same_name_in_the_archive_or_of_the_lesion(data):
    base = replace(data.train[0], fingerprint="", digest="a")
    named = replace(base, path=Path("Train/nevus/ISIC_0024306.jpg"), metadata={"lesion_id": "HAM_0000550"})
    others = [
        replace(base, digest="b", path=Path("x/ISIC_0024306_downsampled.png")),
        replace(base, digest="c", path=Path("x/9.jpg"), metadata={"lesion_id": "HAM_0000550"}),
        replace(base, digest="d", path=Path("x/ISIC_00243061.jpg"), metadata={"lesion_id": "HAM_0000551"}),
    ]
    assert TrainingFingerprint.of([named]).contains(others).tolist() == [True, True, False]


def test_two_trainings_are_joined_and_files_keep_them(data):
    both = TrainingFingerprint.of(data.train) | TrainingFingerprint.of(data.validation)
    assert both.contains([*data.train, *data.validation]).all()
    assert TrainingFingerprint.from_dict(both.to_dict()) == both
    assert np.array_equal(TrainingFingerprint().contains(data.test), np.zeros(len(data.test), bool))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"digests": "abc"}, TypeError),
        ({"ids": None}, TypeError),
        ({"digests": [3]}, TypeError),
        ({"fingerprints": ["not hexadecimal"]}, ValueError),
        ({"fingerprints": ["ab"]}, ValueError),
    ],
)
def test_damaged_lists_are_refused(change, error):
    good = {"digests": ["a"], "ids": [], "fingerprints": ["0f" * 32]}
    assert TrainingFingerprint.from_dict(good).fingerprints == {"0f" * 32}
    with pytest.raises(error):
        TrainingFingerprint.from_dict(good | change)
