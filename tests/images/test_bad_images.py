"""Every kind of troublesome image, by every way in: the right pixels, or words that name the file."""

import re
import warnings

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, ImageError
from melanoma_detect.images.reader import read


def test_the_reader_gives_the_right_pixels_or_names_the_file(kind, trouble):
    if kind.message:
        with pytest.raises(ImageError, match=kind.message) as caught:
            read(trouble)
        assert str(trouble) in str(caught.value)
        return
    pixels = read(trouble)
    assert (pixels.dtype, pixels.shape[2]) == (np.uint8, 3)
    if kind.pixels is not None:
        assert pixels.shape == kind.pixels.shape
        assert np.abs(pixels.astype(int) - kind.pixels).mean() <= kind.tolerance


def test_predict_does_the_same(kind, trouble, detector):
    if kind.message:
        with pytest.raises(ImageError, match=re.escape(str(trouble))):
            detector.predict(trouble)
    else:
        assert detector.predict(trouble).source == str(trouble)


def test_load_dataset_and_audit_set_aside_what_cannot_be_read(kind, tree):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    trouble = root / "Train" / "nevus" / f"{kind.name}{kind.suffix}"
    kind.write(trouble)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = md.load_dataset(root, image_size=(32, 32))
    unreadable = [entry for entry in data.set_aside if entry.kind == "unreadable"]
    found = md.audit(data, progress=False)["unreadable"]
    if kind.message:
        assert [entry.record.path for entry in unreadable] == [trouble]
        assert str(trouble) in unreadable[0].reason
        assert next(str(note.message) for note in caught if issubclass(note.category, DataWarning)).count(kind.name)
        assert (found.count, found.cases[0][0].path) == (1, trouble)
    else:
        assert trouble in {record.path for record in data.records}
        assert (unreadable, found.count) == ([], 0)
