"""Evaluation of a detector: metrics with 95 % confidence intervals, subgroups, and tests for shortcuts."""
