"""Readers of the layouts in which data sets come: class folders, tables, zip archives."""
