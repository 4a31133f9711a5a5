"""Architectures that packages known to this project offer, for the answer to a name that is not installed.

A package is added here by a pull request; nothing is looked up.
"""

# The architecture's name, and what `pip install` takes.
KNOWN: dict[str, str] = {"separable_net": "melanoma-detect-example-plugin"}
