"""Similar cases: the labelled images that lie nearest to an image in a detector's feature space."""
