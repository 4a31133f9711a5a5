"""Plots, HTML reports of audits and evaluations, and reporting checklists."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["plots"],
    submod_attrs={
        "checklists": ["CHECKLISTS", "Checklist", "ChecklistItem", "checklist"],
        "pages": ["write_html"],
        "report_data": ["report_data"],
    },
)
