"""Training of a detector: recipes, augmentation, losses, optimisers, the training loop, and calibration."""
