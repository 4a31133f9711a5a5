"""Errors of the command line itself."""

from melanoma_detect.errors import MelanomaDetectError


class OptionError(MelanomaDetectError, ValueError):
    """An option of the command line has a value that it cannot have."""
