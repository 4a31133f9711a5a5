"""Utilities of all packages: files, progress bars, suggestions, random seeds, deprecation, the disclaimer."""
