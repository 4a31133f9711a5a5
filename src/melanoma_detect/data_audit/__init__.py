"""What a data set is worth: duplicates, leaks, label conflicts, confounding, image quality."""
