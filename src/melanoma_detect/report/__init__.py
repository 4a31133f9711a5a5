"""Plots, and HTML reports of audits and evaluations."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["plots"], submod_attrs={"pages": ["write_html"]}
)
