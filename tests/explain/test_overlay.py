"""Overlays: the colours of a heat map."""

import numpy as np

from melanoma_detect.explain.overlay import apply_colormap, draw_overlay


def test_the_most_evidence_is_yellow_and_none_is_grey():
    heat = np.zeros((3, 3), np.float32)
    heat[1, 1] = 1
    shown = np.asarray(draw_overlay(np.full((90, 90, 3), (200, 150, 120), np.uint8), heat)).astype(int)
    assert np.ptp(shown[2, 2]) == 0
    assert shown[45, 45, 0] > shown[45, 45, 2] + 80


def test_the_colours_rise_in_brightness():
    """Readers who see no colours, and prints without them, still see the order."""
    brightness = apply_colormap(np.linspace(0, 1, 50)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(brightness) > 0).all()
