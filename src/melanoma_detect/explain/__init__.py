"""Which parts of an image speak for a diagnosis: occlusion and Grad-CAM."""
