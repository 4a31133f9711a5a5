"""What every place says where a person reads a result."""

DISCLAIMER = "Decision support for research on dermoscopy pictures; not a medical device. A dermatologist decides."
