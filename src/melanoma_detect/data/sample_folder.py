"""A folder of drawn lesions that is there already: the same drawings, or something else, which nothing may be mixed with."""

import re
from collections.abc import Sequence
from pathlib import Path

from melanoma_detect.errors import OutputError
from melanoma_detect.images.reader import read_size
from melanoma_detect.utils.files import is_hidden

TABLE = "metadata.csv"
_ROW = re.compile(r"^image_id,lesion_id\n\w+_\d{4},[\w ]+-\d+-\d+$", re.MULTILINE)


def check_same(root: Path, drawings: Sequence[Path], table: str, size: int) -> None:
    """Raise OutputError unless a folder holds exactly these drawings, as the table and the files' names tell.

    Args:
        root: The folder.
        drawings: The files of the drawings, relative to it.
        table: The text of its table.
        size: Height and width of the drawings, in pixels.

    Raises:
        OutputError: It holds something else.

    Examples:
        >>> folder = md.write_samples("lesions", train=2, test=1, classes=["nevus"], size=32)
        >>> check_same(folder, [Path("Train/nevus/nevus_0000.jpg")], "", 32)
        Traceback (most recent call last):
        melanoma_detect.errors.OutputError: lesions: holds drawings that other arguments have made ...
    """
    files = {path.relative_to(root) for path in root.rglob("*") if path.is_file() and not is_hidden(path.name)}
    written = (root / TABLE).read_text(encoding="utf-8", errors="replace") if (root / TABLE).is_file() else ""
    if not _ROW.search(written):
        raise OutputError(f"{root}: is not empty, and drawings do not belong among other images; choose a new folder")
    is_same = written == table and files == {*drawings, Path(TABLE)}
    if not is_same or read_size(root / drawings[0]) != (size, size):
        raise OutputError(
            f"{root}: holds drawings that other arguments have made (train, test, seed, size, classes or imbalanced), or more "
            "than drawings; choose a new folder, or delete this one"
        )
