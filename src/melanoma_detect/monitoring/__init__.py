"""Watching a stream of predictions: whether it still looks like validation. NumPy only."""
