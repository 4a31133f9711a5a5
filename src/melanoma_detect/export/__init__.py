"""A trained model in other formats, each measured against it."""
