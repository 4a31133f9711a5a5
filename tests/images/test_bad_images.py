"""Every kind of image file, by every reader: the right pixels, or an error that names the file."""

import re
import warnings

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, ImageError
from melanoma_detect.images.reader import read_pixels


def test_read_pixels(kind, image_file):
    if kind.message:
        with pytest.raises(ImageError, match=kind.message) as caught:
            read_pixels(image_file)
        assert str(image_file) in str(caught.value)
        return
    pixels = read_pixels(image_file)
    assert (pixels.dtype, pixels.shape[2]) == (np.uint8, 3)
    if kind.pixels is not None:
        assert pixels.shape == kind.pixels.shape
        assert np.abs(pixels.astype(int) - kind.pixels).mean() <= kind.tolerance


def test_predict(kind, image_file, detector):
    if kind.message:
        with pytest.raises(ImageError, match=re.escape(str(image_file))):
            detector.predict(image_file)
    else:
        assert detector.predict(image_file).source == str(image_file)


def test_load_dataset_and_audit(kind, tree):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    image_file = root / "Train" / "nevus" / f"{kind.name}{kind.suffix}"
    kind.write(image_file)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = md.load_dataset(root, image_size=(32, 32))
    unreadable = [entry for entry in data.set_aside if entry.kind == "unreadable"]
    found = md.audit(data, progress=False)["unreadable"]
    if kind.message:
        assert [entry.record.path for entry in unreadable] == [image_file]
        assert str(image_file) in unreadable[0].reason
        assert next(str(note.message) for note in caught if issubclass(note.category, DataWarning)).count(kind.name)
        assert (found.count, found.cases[0][0].path) == (1, image_file)
    else:
        assert image_file in {record.path for record in data.records}
        assert (unreadable, found.count) == ([], 0)
