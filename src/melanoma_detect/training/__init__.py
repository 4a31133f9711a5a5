"""A model becomes a detector: training, calibration, evaluation."""
