"""Procedural lesions."""

import numpy as np
import pandas as pd
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.taxonomy import DIAGNOSES


@pytest.mark.parametrize("diagnosis", [entry.code for entry in DIAGNOSES])
def test_every_diagnosis_can_be_drawn(diagnosis):
    pixels, mask = md.draw_lesion(diagnosis, seed=1, size=64)
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8
    assert 0.02 < mask.mean() < 0.7
    difference = np.abs(pixels[mask].mean(axis=0) - pixels[~mask].mean(axis=0)).sum()
    assert difference > 10


def test_the_seed_decides():
    first, again, other = (md.draw_lesion("nevus", seed=seed).pixels for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_folder_of_them_loads_with_its_lesions(tmp_path):
    folder = md.write_samples(tmp_path / "lesions", train=20, test=3, size=32)
    data = md.load_dataset(folder)
    assert len(data.classes) == 9
    assert len(data) == 9 * 23
    assert data.set_aside == ()
    assert len({record.group for record in data.records}) < len(data)
    table = pd.read_csv(folder / "metadata.csv")
    assert table["image_id"].is_unique


def test_classes_may_be_as_unequal_as_in_life(tmp_path):
    folder = md.write_samples(
        tmp_path, train=20, test=1, size=32, imbalanced=True, classes=["seborrheic keratosis", "MEL"]
    )
    counts = {place.name: len(list(place.iterdir())) for place in (folder / "Train").iterdir()}
    assert counts == {"seborrheic keratosis": 3, "MEL": 19}


def test_drawings_never_go_among_other_images(tmp_path):
    (tmp_path / "metadata.csv").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        md.write_samples(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("metadata.csv", "mine")]


def test_the_same_call_returns_its_folder_and_another_is_refused(tmp_path):
    arguments = {"train": 3, "test": 1, "size": 32, "classes": ["nevus", "basal cell carcinoma"]}
    folder = md.write_samples(tmp_path / "lesions", **arguments)
    first = next(folder.rglob("*.jpg"))
    first_time = first.stat().st_mtime_ns
    (folder / ".DS_Store").write_text("")  # clutter of a system
    assert md.write_samples(tmp_path / "lesions", **arguments) == folder
    assert first.stat().st_mtime_ns == first_time
    for other in ({"train": 4}, {"seed": 9}, {"size": 48}, {"classes": ["nevus"]}):
        with pytest.raises(OutputError, match=r"holds drawings that other arguments have made .* choose a new folder"):
            md.write_samples(folder, **(arguments | other))
    (folder / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(OutputError, match="or more than drawings"):
        md.write_samples(folder, **arguments)


def test_slips_are_answered(tmp_path):
    with pytest.raises(DatasetError, match="'freckle'; expected one of actinic keratosis"):
        md.draw_lesion("freckle", seed=1)
    with pytest.raises(DatasetError, match="size=8; expected a whole number, 32 or more"):
        md.draw_lesion("nevus", seed=1, size=8)
    with pytest.raises(DatasetError, match="2 or more"):
        md.write_samples(tmp_path / "new", train=-2)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        md.write_samples(tmp_path / "file")
