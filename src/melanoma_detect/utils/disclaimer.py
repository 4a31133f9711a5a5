"""The disclaimer that stands beside every result, and the terms of the default detector."""

import functools
import logging

DISCLAIMER = "Decision support for research on dermoscopy images; not a medical device. A dermatologist decides."

TERMS = (
    "The default detector's weights are under CC BY-NC 4.0, for research and teaching without commercial purpose: they were "
    "learnt from HAM10000, MILK10k and ISIC 2020 (CC BY-NC), the ISIC archive (CC0 and CC BY-NC) and PAD-UFES-20 (CC BY); see "
    "NOTICE. They are no medical device."
)


@functools.cache
def log_terms() -> None:
    """Log the terms of the default detector's weights, once per process."""
    # Logged, not warned: the default detector must load where warnings are turned into errors.
    logging.getLogger("melanoma_detect").warning(TERMS)
