"""The disclaimer that stands beside every result, and the terms of the default detector."""

import functools
import hashlib
import logging

from melanoma_detect.utils.files import cache_folder

DISCLAIMER = (
    "Decision support for research on dermoscopy images and clinical photographs of skin lesions; not a medical device. "
    "A dermatologist decides."
)

TERMS = (
    "The default detector's weights are under CC BY-NC 4.0, for research and teaching without commercial purpose: they were "
    "learnt from HAM10000, MILK10k and ISIC 2020 (CC BY-NC), the ISIC archive (CC0 and CC BY-NC) and PAD-UFES-20 (CC BY); see "
    "NOTICE. They are no medical device."
)


@functools.cache
def log_terms() -> None:
    """Log the terms of the default detector's weights, once on each machine and again where their text has changed.

    A marker in the cache folder remembers it. Without a cache folder that can be written they are logged once per process.
    """
    # Logged, not warned: the default detector must load where warnings are turned into errors.
    logger = logging.getLogger("melanoma_detect")
    if logger.isEnabledFor(logging.WARNING) and not _were_shown():
        logger.warning(TERMS)


def _were_shown() -> bool:
    """Return whether the terms were shown on this machine; from now on they were."""
    try:
        folder = cache_folder("terms")
        if not folder.is_absolute():  # nobody's home: "~" would be made in the folder that the program runs in
            return False
        marker = folder / hashlib.sha256(TERMS.encode()).hexdigest()[:16]
        if marker.exists():
            return True
        folder.mkdir(parents=True, exist_ok=True)
        marker.touch(exist_ok=False)
    except FileExistsError:  # another process was faster, or a file stands where the folder should be
        return marker.is_file()
    except (OSError, RuntimeError):  # it cannot be written, or there is no home
        return False
    return False
