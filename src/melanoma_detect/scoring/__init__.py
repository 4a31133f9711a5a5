"""Scoring: a table with one row for each of any number of images."""
