"""Counts in messages: "1 image", "2 images"."""


def count_noun(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the singular for one.

    Args:
        number: How many.
        noun: The noun in the singular.
        plural: Its plural; the noun with an s where it is empty.

    Returns:
        Both; thousands are separated by commas.

    Examples:
        >>> count_noun(1, "image"), count_noun(2, "image"), count_noun(1200, "diagnosis", "diagnoses")
        ('1 image', '2 images', '1,200 diagnoses')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_or_are(number: int) -> str:
    """Return the verb that goes with a number.

    Args:
        number: How many.

    Returns:
        `"is"` for one, else `"are"`.

    Examples:
        >>> f"{count_noun(1, 'image')} {is_or_are(1)} set aside"
        '1 image is set aside'
    """
    return "is" if number == 1 else "are"
