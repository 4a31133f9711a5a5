"""Notebooks: the door through which a value shows itself as HTML.

A class in any package shows itself by one line in its body:

    _repr_html_ = notebook_view

The views are drawn by `melanoma_detect.report.notebook`, which stands above most of these classes and imports Jinja and, for
some, Matplotlib. So it is found by its name when a notebook asks, and no class imports it.
"""

import importlib
import sys
from collections.abc import Callable
from html import escape
from typing import Any

from melanoma_detect.errors import OutputError
from melanoma_detect.printable import printable, printable_lines
from melanoma_detect.utils.upward_calls import call_upwards

_VIEWS = "melanoma_detect.report.notebook"


def notebook_view(value: object) -> str:
    """Return the HTML that a notebook shows in place of a value's text; a class takes it as its `_repr_html_`.

    Args:
        value: A `Dataset`, an `Audit`, a `Prediction`, ...

    Returns:
        HTML that loads nothing and runs nothing. Where it cannot be drawn, the value's text with the reason: a cell never ends
        in a traceback because a picture is missing.

    Examples:
        >>> "<table" in notebook_view(detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg"))
        True
        >>> notebook_view(object()).splitlines()[-1]
        '<p>This is its text, because it has no view: TypeError: no view for object</p>'
    """
    try:
        return str(call_upwards(_VIEWS, "render", value))
    except Exception as error:  # noqa: BLE001 - whatever it is, the text is worth more than a traceback
        text, reason = escape(printable_lines(value)), escape(printable(f"{type(error).__name__}: {error}"))
        return f"<pre>{text}</pre>\n<p>This is its text, because it has no view: {reason}</p>"


def in_notebook() -> bool:
    """Return whether this is the kernel of a notebook, which can show HTML and images.

    Returns:
        False in a script, in Python's shell and in IPython's shell.

    Examples:
        >>> in_notebook()
        False
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


def show(value: Any, draw: Callable[[], Any], *, instead: str = ".plot().savefig('prediction.png')") -> None:
    """Show a value: in a notebook below the cell, elsewhere as an image in the system's viewer.

    Args:
        value: What a notebook shows.
        draw: A function without arguments that returns its PIL image, or its Matplotlib figure, for the viewer.
        instead: What writes a file, for the message.

    Raises:
        OutputError: This machine has no program that shows images.
    """
    if in_notebook():
        sys.modules["IPython"].display.display(value)
        return
    drawn = draw()
    image = drawn.to_image() if hasattr(drawn, "to_image") else drawn
    # By its name: it imports IPython, where that is installed, and a prediction on the command line waits for neither.
    if not importlib.import_module("PIL.ImageShow").show(image):
        raise OutputError(f"no program on this machine shows images; write a file instead: {instead}")
