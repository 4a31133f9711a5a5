"""Squashed images are stretched back, by the one door, for everybody who looks."""

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import StretchedImage, read_pixels

SIZE = (48, 48)
NOTHING = {"flip_left_right": {"probability": 0}}


@pytest.fixture
def squashed_and_cropped(tmp_path):
    """The same 4:3 lesions twice: squashed into squares, and cut to their centres."""
    for at, label in enumerate(("melanoma", "nevus")):
        for number in range(6):
            square = Image.fromarray(md.draw_lesion(label, seed=100 * at + number, size=120).pixels)
            wide = square.resize((160, 120))
            for folder, image in (("squashed", wide.resize((120, 120))), ("cropped", wide.crop((20, 0, 140, 120)))):
                place = tmp_path / folder / label
                place.mkdir(parents=True, exist_ok=True)
                image.save(place / f"{label}_{number}.png")
    return tmp_path


def load(folder, **options):
    return md.load_dataset(folder, validation=0, test=1, image_size=SIZE, resize="crop", **options)


def test_stretched_and_cut_it_is_the_crop(squashed_and_cropped):
    crop = load(squashed_and_cropped / "cropped").test.pixels().astype(int)
    plain = load(squashed_and_cropped / "squashed").test.pixels().astype(int)
    back = load(squashed_and_cropped / "squashed", squashed="4:3").test.pixels().astype(int)
    assert np.abs(back - crop).mean() < 3
    assert np.abs(back - crop).mean() < np.abs(plain - crop).mean() / 2


def test_everybody_sees_the_same_pixels(squashed_and_cropped, detector):
    part = load(squashed_and_cropped / "squashed", squashed="4:3").test
    record = part[0]
    expected = read_pixels(StretchedImage(record.path, 4 / 3), SIZE, "crop")
    np.testing.assert_array_equal(part.pixels()[0], expected)
    np.testing.assert_array_equal(part.batches()[0][0][0], expected)
    np.testing.assert_array_equal(next(iter(part.tf_dataset(batch_size=1)))[0][0], expected)
    assert not np.array_equal(read_pixels(record.path, SIZE, "crop"), expected)
    looked = detector.predictor.preprocess(part.images[0])
    assert (looked.height, looked.width) == (120, 160)
    assert detector.predict(part)[0].melanoma == detector.predict(part.images[0]).melanoma
    assert detector.predict(part)[0].source == str(record.path)


def test_one_file_read_in_two_ways_is_kept_in_two_ways(squashed_and_cropped):
    data = load(squashed_and_cropped / "squashed", squashed="4:3")
    from dataclasses import replace

    plain = replace(data.test, records=tuple(replace(record, aspect=None) for record in data.test))
    assert not np.array_equal(plain.pixels(), data.test.pixels())
    assert data.test[0].key != plain[0].key
    assert data.test[0].digest == plain[0].digest


def test_by_source(squashed_and_cropped):
    places = [squashed_and_cropped / name for name in ("squashed", "cropped")]
    data = md.load_dataset(places, image_size=SIZE, resize="crop", squashed={places[0]: "4:3"})
    aspects = {record.source: record.aspect for record in (*data.records, *(e.record for e in data.set_aside))}
    assert aspects == {"squashed": pytest.approx(4 / 3), "cropped": None}


def test_what_is_no_square_stays(tmp_path):
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "wide.png")
    assert read_pixels(StretchedImage(tmp_path / "wide.png", 4 / 3)).shape == (30, 40, 3)
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(tmp_path / "square.png")
    assert read_pixels(StretchedImage(tmp_path / "square.png", 4 / 3)).shape == (30, 40, 3)
    assert read_pixels(StretchedImage(tmp_path / "square.png", 3 / 4)).shape == (40, 30, 3)


def test_balanced_copies_are_made_of_the_stretched_image(squashed_and_cropped):
    folder = squashed_and_cropped / "squashed"
    loaded = [md.load_dataset(folder, image_size=SIZE, resize="crop", squashed=shape) for shape in (None, "4:3")]
    plain, back = (md.balance(data, add=1, operations=NOTHING, progress=False) for data in loaded)
    copy = next(record for record in back.train if record.parent)
    assert copy.aspect is None  # its file is made at the size already
    parent = next(record for record in back.train if record.id == copy.parent)
    made = read_pixels(copy.path).astype(int)
    assert np.abs(made - read_pixels(parent.image, SIZE, "crop")).mean() < 3
    assert {record.path for record in plain.train if record.parent}.isdisjoint({copy.path})


def test_slips(squashed_and_cropped):
    folder = squashed_and_cropped / "squashed"
    for shape in ("wide", "4:0", "4/3", 1.33):
        with pytest.raises(DatasetError, match="such as '4:3'"):
            load(folder, squashed={folder: shape})
    with pytest.raises(DatasetError, match="is no source here; expected one of"):
        load(folder, squashed={"elsewhere": "4:3"})


def test_without_it_nothing_is_stretched(data):
    assert {record.aspect for record in data.records} == {None}
    assert data.test.images == data.test.paths
