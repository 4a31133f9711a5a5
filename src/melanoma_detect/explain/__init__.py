"""Explanations: which parts of an image speak for a diagnosis, by class activation maps, Grad-CAM or occlusion."""
