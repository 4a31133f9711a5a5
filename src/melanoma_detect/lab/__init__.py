"""The mistake lab: classic mistakes of evaluation, each run beside its honest version, and what each one costs in points."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "experiments": ["run", "run_all"],
        "mistakes": ["Mistake", "list_mistakes"],
        "results": ["MistakeResult", "MistakeTable"],
    },
)
