"""Explanations: which parts of an image speak for a diagnosis, by occlusion or Grad-CAM."""
