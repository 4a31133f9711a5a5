"""Text that others wrote, in Markdown: a name in a table or a card is no link, no picture and no HTML."""

import re

from melanoma_detect.printable import printable

# An underscore within a word, as in `isic_2019`, is none of emphasis.
_SIGNS = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|(?<=[^\W_])@(?=[^\W_])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)  # GitHub makes links of these
_START = re.compile(r"^(\s*)(?=[#+\-=])")
_NUMBERED = re.compile(r"^(\s*\d+)(?=[.)])")


def markdown_text(text: object) -> str:
    r"""Return a name as Markdown shows it letter for letter.

    Args:
        text: A name of a class, a source, a file.

    Returns:
        The text on one line, with a backslash before what Markdown would read as markup.

    Examples:
        >>> markdown_text("squamous cell carcinoma"), markdown_text("isic_2019 (test)")
        ('squamous cell carcinoma', 'isic_2019 (test)')
        >>> markdown_text("[nevus](https://x)<b>|")
        '\\[nevus\\](https:\\//x)&lt;b&gt;\\|'
    """
    escaped = _SIGNS.sub(lambda found: f"\\{found[0]}", printable(text))
    escaped = re.sub("[&<>]", lambda found: _HTML[found[0]], escaped)
    return _NUMBERED.sub(r"\1\\", _START.sub(r"\1\\", _ADDRESS.sub(r"\\", escaped)))


def markdown_prose(text: object) -> str:
    r"""Return a sentence that may have emphasis and code in it, but no HTML, link or picture.

    Args:
        text: What somebody wrote about a detector.

    Returns:
        The text on one line.

    Examples:
        >>> markdown_prose("calibrate with `Detector.localize`; ![x](https://x)")
        'calibrate with `Detector.localize`; !\\[x](https://x)'
    """
    return re.sub("[&<]", lambda found: _HTML[found[0]], printable(text).replace("[", r"\["))
