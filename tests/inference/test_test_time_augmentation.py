"""Several views of one image."""

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.test_time_augmentation import run_views, views_of


@pytest.mark.parametrize("count", [1, 4, 8])
def test_views_are_all_different_and_the_same_image(image, count):
    views = views_of(image[None], count)
    assert len({np.ascontiguousarray(view).tobytes() for view in views}) == count == len(views)
    assert all(view.shape == (1, 64, 64, 3) for view in views)
    assert len({int(view.astype(int).sum()) for view in views}) == 1


def test_the_answer_does_not_depend_on_how_the_image_lies(detector, image):
    small = np.ascontiguousarray(image[None, ::2, ::2])
    turned = np.ascontiguousarray(small.swapaxes(1, 2)[:, ::-1])
    for ours, theirs in zip(
        run_views(detector.predictor.runtime, small, 8), run_views(detector.predictor.runtime, turned, 8), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert (
        np.abs(detector.predictor.runtime.run(small).logits - detector.predictor.runtime.run(turned).logits).max()
        > 1e-3
    )


def test_other_numbers_are_refused():
    with pytest.raises(DetectorError, match="views=3; expected 1, 4"):
        views_of(np.zeros((1, 8, 8, 3), np.uint8), 3)
    with pytest.raises(DetectorError, match="these are 8×9; expected square ones"):
        views_of(np.zeros((1, 8, 9, 3), np.uint8), 8)
