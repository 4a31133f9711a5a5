"""An architecture for melanoma-detect."""
