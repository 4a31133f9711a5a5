"""Images to explain: what is kept of them, and what is not."""

import weakref
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.explain import prepared_image
from melanoma_detect.explain.explain import explain_many
from melanoma_detect.explain.prepared_image import prepare_image


@pytest.mark.parametrize(
    ("resize", "shape", "seen"),
    [("squash", (315, 420, 3), 1.0), ("crop", (420, 420, 3), 0.75), ("pad", (420, 420, 3), 1.0)],
)
def test_the_part_that_the_model_saw_is_shown_in_its_own_shape(detector, resize, shape, seen):
    predictor = md.Detector(replace(detector.predictor.config, resize=resize), detector.predictor.runtime).predictor
    prepared = prepare_image(predictor, np.zeros((120, 160, 3), np.uint8))
    assert prepared.pixels.shape == (32, 32, 3)
    assert (prepared.side, prepared.shown.shape, prepared.seen) == (120, shape, pytest.approx(seen))


def test_the_pixels_are_those_that_a_prediction_is_made_from(detector, image):
    np.testing.assert_array_equal(
        prepare_image(detector.predictor, image).pixels, detector.predictor.preprocess(image).pixels
    )


def test_decoded_images_do_not_pile_up(detector, monkeypatch):
    """A photo of 24 megapixels takes 72 MB, and 32 of them make a batch."""
    load, loaded, most = prepared_image.load_rgb, [], []

    def load_counted(*arguments):
        most.append(sum(reference() is not None for reference in loaded))
        image = load(*arguments)
        loaded.append(weakref.ref(image))
        return image

    monkeypatch.setattr(prepared_image, "load_rgb", load_counted)
    lesions = [md.draw_lesion("nevus", seed=seed, size=48).pixels for seed in range(4)]
    assert len(explain_many(detector.predictor, lesions, method="occlusion")) == len(most) == 4
    assert max(most) == 0
