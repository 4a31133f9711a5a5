"""The HTTP service: the detector behind a small, documented interface; needs the extra `serve`."""

from melanoma_detect.serve.app import create_app
from melanoma_detect.serve.settings import ServeSettings

__all__ = ["ServeSettings", "create_app"]
