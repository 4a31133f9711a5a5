"""What a detector is worth: figures with intervals."""
