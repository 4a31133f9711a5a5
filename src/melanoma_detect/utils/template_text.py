"""What every template of a page does with the texts that it shows, beside escaping HTML."""

from typing import Any

from melanoma_detect.printable import printable_lines


def finalize_text(value: Any) -> Any:
    r"""Return a value as a page shows it; for the option `finalize` of a Jinja environment.

    Args:
        value: What stands between the braces of a template.

    Returns:
        HTML of the template's own as it is; anything else as text that neither hides a character nor turns the direction of
        writing.

    Examples:
        >>> finalize_text("nevus\u202e.jpg"), finalize_text(0.5)
        ('nevus\\u202e.jpg', '0.5')
    """
    return value if hasattr(value, "__html__") else printable_lines(value)
