"""Architectures: registered by entry points, built by name, and checked against a contract."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "build": ["build_model"],
        "heads": ["classification_head"],
        "info": ["ModelInfo", "model_info"],
        "registry": ["ModelEntry", "list_models"],
    },
)
