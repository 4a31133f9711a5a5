"""A detector in use."""
