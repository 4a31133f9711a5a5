"""Links that lead out of a folder that is searched: they are not followed unless the user asks for it.

A folder from elsewhere may hold a link to any file of this machine, which would then stand in a data set or be scored.
"""

import os

FOLLOW_VARIABLE = "MELANOMA_DETECT_FOLLOW_LINKS"
_NO = frozenset({"", "0", "no", "false", "off"})


def follows_links() -> bool:
    """Return whether links that lead out of a folder are followed: whether `MELANOMA_DETECT_FOLLOW_LINKS` is set.

    Returns:
        False where it is not, or is 0, no, false or off.

    Examples:
        >>> follows_links()
        False
    """
    return os.environ.get(FOLLOW_VARIABLE, "").strip().lower() not in _NO


def leads_out(link: "str | os.PathLike[str]", folder: "str | os.PathLike[str]") -> bool:
    """Return whether a link leads out of a folder and is not to be followed.

    Args:
        link: The link, or any path.
        folder: The folder that is searched.

    Returns:
        Whether what it stands for lies outside; False where the user wants such links to be followed.

    Examples:
        >>> leads_out(isic9 / "Test", isic9)
        False
    """
    if follows_links():
        return False
    inside = os.path.realpath(folder).rstrip(os.sep) + os.sep
    return not (os.path.realpath(link) + os.sep).startswith(inside)


def describe_link(link: "str | os.PathLike[str]") -> str:
    """Return why a link is not followed, and what to do.

    Args:
        link: The link.

    Returns:
        A sentence that begins with its path.

    Examples:
        >>> describe_link("nevus/a.jpg").partition(";")[0]
        'nevus/a.jpg: a link that leads out of the folder, which is not followed'
    """
    return (
        f"{os.fspath(link)}: a link that leads out of the folder, which is not followed; set {FOLLOW_VARIABLE}=1 to follow "
        "links to files and folders"
    )
