"""Test-time augmentation: views of an image, and their averaged outputs."""

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.test_time_augmentation import make_views, run_with_views


@pytest.mark.parametrize("count", [1, 4, 8])
def test_views_are_all_different_and_the_same_image(image, count):
    views = make_views(image[None], count)
    assert len({np.ascontiguousarray(view).tobytes() for view in views}) == count == len(views)
    assert all(view.shape == (1, 64, 64, 3) for view in views)
    assert len({int(view.astype(int).sum()) for view in views}) == 1


def test_eight_views_make_outputs_independent_of_rotation(detector, image):
    small = np.ascontiguousarray(image[None, ::2, ::2])
    rotated = np.ascontiguousarray(small.swapaxes(1, 2)[:, ::-1])
    runtime = detector.predictor.runtime
    for upright, turned in zip(run_with_views(runtime, small, 8), run_with_views(runtime, rotated, 8), strict=True):
        np.testing.assert_allclose(upright, turned, atol=1e-4)
    assert np.abs(runtime.run(small).logits - runtime.run(rotated).logits).max() > 1e-3


def test_other_numbers_of_views_are_rejected():
    with pytest.raises(DetectorError, match="views=3; expected 1, 4"):
        make_views(np.zeros((1, 8, 8, 3), np.uint8), 3)
    with pytest.raises(DetectorError, match="must be square for it; these are 8×9"):
        make_views(np.zeros((1, 8, 9, 3), np.uint8), 8)
