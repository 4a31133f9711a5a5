"""The further cells of a row: numbers, day and camera."""

import datetime as dt

import numpy as np
import pytest

from melanoma_detect.images.capture import Capture
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.scoring.measures import MEASURES, colours, measured_cells, project, unmeasured_cells


def test_colours_move_with_the_white_balance_alone():
    pixels = np.random.default_rng(1).integers(60, 160, (3, 16, 16, 3), np.uint8)
    warmer = np.clip(pixels * np.array([1.25, 1.0, 0.8]), 0, 255).astype(np.uint8)
    moved = colours(warmer) - colours(pixels)
    assert moved[:, 0] == pytest.approx([np.log(1.25)] * 3, abs=0.01)
    assert moved[:, 1] == pytest.approx([np.log(0.8)] * 3, abs=0.01)
    assert np.isfinite(colours(np.zeros((1, 4, 4, 3), np.uint8))).all()


def test_projections_have_the_scale_of_the_training_images():
    features = np.random.default_rng(2).normal(size=(4000, 40)).astype(np.float32)
    found = project(features, FeatureSpace.fit(features), len(features))
    assert found.shape == (4000, 16)
    assert np.abs(found.mean(axis=0)).max() < 0.1
    assert 0.4 < found.std(axis=0).min() < found.std(axis=0).max() < 1.8
    assert np.array_equal(found[:5], project(features[:5], FeatureSpace.fit(features), 5))


def test_unknown_numbers_are_empty():
    assert np.isnan(project(None, None, 2)).all()
    assert unmeasured_cells()[0] == dt.datetime.now().astimezone().date().isoformat()
    assert len(unmeasured_cells()) == len(MEASURES)


def test_features_that_are_no_numbers_are_empty(detector):
    pixels = np.full((2, 32, 32, 3), 90, np.uint8)
    batch = detector.predictor.predict_batch(pixels)
    assert batch.features.shape == (2, 128)
    batch.features[0] = np.nan
    rows = measured_cells(
        pixels, batch, detector.predictor.files.feature_space, [Capture("2021-01-02", "A"), Capture()]
    )
    assert rows[0][:2] == ["2021-01-02", "A"]
    assert rows[0][-16:] == [""] * 16
    assert all(rows[1][-16:])
