"""What a folder holds beside the images and tables that are read: masks, archives, links that lead out of it."""

from collections.abc import Sequence
from pathlib import Path

from melanoma_detect.data.sources.tree import Tree
from melanoma_detect.utils.files import readable_name
from melanoma_detect.utils.links import FOLLOW_VARIABLE


def describe_left_out(tree: Tree) -> tuple[str, ...]:
    """Describe what a source holds beside images and tables.

    Args:
        tree: Its files.

    Returns:
        Sentences with counts.

    Examples:
        >>> from melanoma_detect.data.sources.folders import list_folder
        >>> describe_left_out(list_folder(isic9))
        ()
    """
    notes = []
    if tree.masks:
        notes.append(
            f"{_count(tree.masks, 'mask is no image', 'masks are no images')} of a lesion ({_names(tree.masks)})"
        )
    if tree.archives:
        what = _count(tree.archives, "archive inside is not unpacked", "archives inside are not unpacked")
        notes.append(f"{what} ({_names(tree.archives)})")
    links = [path for path in tree.outward if path not in tree.images]  # of an image it is said by its name
    if links:
        one, many = (
            "link leads out of the folder and is not followed",
            "links lead out of the folder and are not followed",
        )
        notes.append(f"{_count(links, one, many)} ({_names(links)}): set {FOLLOW_VARIABLE}=1 to follow them")
    return tuple(notes)


def _count(paths: Sequence[Path], one: str, many: str) -> str:
    return f"{len(paths)} {one if len(paths) == 1 else many}"


def _names(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(readable_name(path.name) for path in paths[:3]) + more
