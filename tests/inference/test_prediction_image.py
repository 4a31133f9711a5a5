"""The image of a prediction: read again from its file, or the pixels that the model saw, of which only the latest are kept."""

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import StretchedImage
from melanoma_detect.inference import prediction_image
from melanoma_detect.inference.prediction_image import KEPT, load_image


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(md.draw_lesion("nevus", seed=2, size=80).pixels).resize((120, 80)).save(path)
    return path


def image_of(prediction):
    return load_image(prediction, prediction.source)


def test_a_file_is_read_again_in_its_own_shape(detector, photo):
    prediction = detector.predict(photo)
    assert image_of(prediction).size == (120, 80)
    assert prediction._image._pixels is None


def test_a_relative_path_is_found_from_another_folder(detector, photo, monkeypatch):
    monkeypatch.chdir(photo.parent)
    prediction = detector.predict("photo.png")
    monkeypatch.chdir(os.sep)
    assert image_of(prediction).size == (120, 80)


def test_a_stretched_image_is_stretched_again(detector, data):
    prediction = detector.predict(StretchedImage(data.test.paths[0], 2.0))
    assert image_of(prediction).size == (128, 64)


def test_a_file_that_has_gone_or_changed_is_an_error(detector, photo):
    prediction = detector.predict(photo)
    photo.rename(photo.with_name("elsewhere.png"))
    with pytest.raises(ImageError, match=r"photo\.png: the file is no longer there"):
        image_of(prediction)
    Image.new("RGB", (10, 10)).save(photo)
    with pytest.raises(ImageError, match=r"photo\.png: the file has changed since the prediction"):
        image_of(prediction)


@pytest.mark.parametrize("kind", ["array", "pil", "bytes", "file", "float", "batch"])
def test_without_a_file_the_pixels_are_kept_in_the_shape_they_had(kind, detector, photo):
    opened = Image.open(photo)
    array = np.asarray(opened)
    with photo.open("rb") as file:
        image = {
            "array": array,
            "pil": opened,
            "bytes": photo.read_bytes(),
            "file": file,
            "float": array / 255,
            "batch": array[None],
        }[kind]
        prediction = detector.predict(image)
    prediction = prediction[0] if kind == "batch" else prediction
    shown = image_of(prediction)
    assert shown.size == (32, 21)  # what the model saw at 32×32, three to two again
    assert np.abs(np.asarray(shown.resize((4, 4))).astype(int) - np.asarray(opened.resize((4, 4)))).mean() < 12


def test_the_callers_array_may_be_written_into(detector):
    frame = np.full((32, 32, 3), 100, np.uint8)  # the detector's own size: it is not copied to be predicted
    prediction = detector.predict(frame)
    frame[:] = 0
    assert np.asarray(image_of(prediction)).min() == 100


def test_only_the_latest_images_are_kept(detector):
    frames = np.zeros((KEPT + 5, 32, 32, 3), np.uint8)
    predictions = detector.predict(frames)
    with pytest.raises(ImageError, match="only those of the latest"):
        image_of(predictions[4])
    assert image_of(predictions[5]).size == (32, 32)
    assert sum(one._image._pixels is not None for one in predictions) == KEPT
    assert "no longer kept" in predictions[0]._repr_html_()


def test_images_go_with_their_predictions(detector):
    kept = detector.predict(np.zeros((32, 32, 3), np.uint8))
    for _ in range(2):
        detector.predict(np.zeros((KEPT - 50, 32, 32, 3), np.uint8))
    assert image_of(kept).size == (32, 32)  # those in between were dropped, and so took no place
    assert len(prediction_image._kept) <= KEPT


def test_a_prediction_stays_the_plain_value_it_was(detector, photo):
    prediction = detector.predict(photo)
    assert "_image" not in vars(prediction)
    again = pickle.loads(pickle.dumps(prediction))
    assert again == prediction == type(prediction)(**vars(prediction))
    assert image_of(again).size == (120, 80)  # by its path
    array = detector.predict(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(ImageError, match="no longer there"):
        image_of(replace(array, melanoma=0.5))
