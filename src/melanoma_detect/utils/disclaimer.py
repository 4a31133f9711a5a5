"""What every place says where a person reads a result."""

import functools
import logging

DISCLAIMER = "Decision support for research on dermoscopy images; not a medical device. A dermatologist decides."

TERMS = (
    "The default detector's weights are under CC BY-NC 4.0, for research and teaching without commercial purpose: they were "
    "learnt from HAM10000 and the ISIC archive (see NOTICE). They are no medical device."
)


@functools.cache
def name_terms() -> None:
    """Name the terms of the default detector's weights, once in the life of a process."""
    # Not a warning: whoever turns warnings into errors must still be able to load it.
    logging.getLogger("melanoma_detect").warning(TERMS)
