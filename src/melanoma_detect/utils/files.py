"""Progress bars and the places where this library may write without being told."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from melanoma_detect.errors import OutputError

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

METRICS = "metrics.json"  # what makes a folder a run folder
CACHE_VARIABLE = "MELANOMA_DETECT_CACHE"


def progress_bar(*, shown: bool = True, transient: bool = False, rate: str = "") -> "Progress":
    """Return a progress bar on standard error, with a count, elapsed and remaining time.

    Args:
        shown: False for a bar that draws nothing.
        transient: Take the bar away in the end.
        rate: What is counted, to show how many a second; empty for no rate.

    Returns:
        A rich `Progress`, not yet started.

    Examples:
        >>> with progress_bar(shown=False) as bar:
        ...     task = bar.add_task("reading", total=3)
    """
    # A prediction draws no bar, and need not wait for what draws them.
    from melanoma_detect.utils.progress import bar  # noqa: PLC0415

    return bar(shown=shown, transient=transient, rate=rate)


def track(items: Iterable[Item], description: str, total: int, *, shown: bool = True) -> Iterator[Item]:
    """Hand items on, drawing a progress bar the while.

    Args:
        items: What to hand on.
        description: What is being done.
        total: How many there will be.
        shown: False for no bar.

    Yields:
        The items.

    Examples:
        >>> list(track("abc", "spelling", total=3, shown=False))
        ['a', 'b', 'c']
    """
    with progress_bar(shown=shown) as bar:
        yield from bar.track(items, total=total, description=description)


def cache_folder(name: str) -> Path:
    """Return a folder of this library's cache: below `MELANOMA_DETECT_CACHE`, or where this system keeps caches.

    Args:
        name: What is kept there.

    Returns:
        The folder's path; it may not exist yet.

    Examples:
        >>> cache_folder("balanced").name
        'balanced'
    """
    import platformdirs  # noqa: PLC0415 - a prediction keeps nothing

    root = os.environ.get(CACHE_VARIABLE)
    return (Path(root).expanduser().absolute() if root else platformdirs.user_cache_path("melanoma-detect")) / name


@contextlib.contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Turn what the operating system says about an unwritable place into this library's own error.

    Args:
        place: What is being written.

    Raises:
        OutputError: It could not be written.

    Examples:
        >>> with writing_to(Path("notes.txt")):
        ...     pass
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        reason = error.strerror or error
        raise OutputError(f"{place}: cannot be written ({reason}); choose another place or free this one") from error


@contextlib.contextmanager
def whole_file(place: Path) -> Iterator[Path]:
    """Give a path beside a place to write to; rename it when all went well, and leave nothing when not.

    Args:
        place: The file to be.

    Yields:
        The path to write to, in a folder of its own, under the same name.

    Raises:
        OutputError: The place cannot be written.

    Examples:
        >>> with whole_file(Path("notes.txt")) as partial:
        ...     _ = partial.write_text("whole or absent")
        >>> Path("notes.txt").is_file()
        True
    """
    with writing_to(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as folder:
            partial = Path(folder, place.name)
            yield partial
            partial.replace(place)


def refuse_occupied(out: Path, *, overwrite: bool) -> None:
    """Refuse a place where a run folder cannot go.

    Args:
        out: The folder to be.
        overwrite: Whether a run folder that is there may be replaced.

    Raises:
        OutputError: It is a file, or a folder that holds something else.

    Examples:
        >>> refuse_occupied(Path("runs/new"), overwrite=False)
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; expected a folder to write the run into")
    if not out.exists() or not any(out.iterdir()):
        return
    if not overwrite:
        raise OutputError(
            f"{out}: is there already and not empty; choose another folder, or overwrite it (--overwrite)"
        )
    if not (out / METRICS).is_file():
        raise OutputError(f"{out}: is no run folder (it has no {METRICS}) and will not be overwritten; choose another")
