"""The check of an output path: nothing is written over an input, or over a file that is there, unless told."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from melanoma_detect.errors import OutputError
from melanoma_detect.utils.paths import expand_path, path_text

METRICS = "metrics.json"  # the file that tells a run folder from any other folder
HTML_SUFFIXES = (".html", ".htm")
# What no reader of this library takes for an image, a table or a detector: with `overwrite`, such a file may be replaced
# in an input folder too.
_NEVER_READ = frozenset({*HTML_SUFFIXES, ".onnx", ".tflite"})


def check_run_folder(out: Path, *, overwrite: bool, inputs: "Iterable[str | os.PathLike[str]]" = ()) -> None:
    """Raise OutputError unless a run folder can be written to a path.

    Args:
        out: The run folder.
        overwrite: Whether a run folder that is there may be replaced. Other folders never are.
        inputs: Files and folders that the run reads: the run folder may not be or hold one of them.

    Raises:
        OutputError: The path is a file, or a folder that is not empty; it would replace an input; or it cannot be made.

    Examples:
        >>> check_run_folder(Path("runs/new"), overwrite=False)
    """
    if os.path.lexists(out) and not out.is_dir():
        raise OutputError(f"{out}: is a file; expected a folder to write the run into")
    check_output_folder(out, inputs=inputs)
    if not (out.is_dir() and any(out.iterdir())):
        return
    if not overwrite:
        raise OutputError(
            f"{out}: already exists and is not empty; choose another folder, or overwrite it (overwrite=True)"
        )
    if not (out / METRICS).is_file():
        raise OutputError(f"{out}: is not a run folder (it has no {METRICS}), so it is not overwritten; choose another")


def check_output(
    path: "str | os.PathLike[str]",
    *,
    overwrite: bool,
    inputs: "Iterable[str | os.PathLike[str]]" = (),
    suffixes: Sequence[str] = (),
) -> Path:
    """Raise OutputError unless a file can be written to a path without a loss.

    Every command and method that writes a file calls it before its work starts.

    Args:
        path: The file to write; `~` is the home folder.
        overwrite: Whether a file that is there may be replaced.
        inputs: Files and folders that the work reads. None of them is ever overwritten, under whatever name: links and
            spellings of the same file count. Nor is what the library could read in an input folder.
        suffixes: Suffixes that the file may have, in lower case; any if empty.

    Returns:
        The path, with `~` expanded.

    Raises:
        OutputError: The path is an input; it exists and `overwrite` is False; it is a folder; its suffix is another one; or
            its folder cannot be made or written to.

    Examples:
        >>> check_output("report.html", overwrite=False, suffixes=[".html"]).name
        'report.html'
        >>> Path("table.csv").touch()
        >>> check_output("table.csv", overwrite=True, inputs=["table.csv"])
        Traceback (most recent call last):
        melanoma_detect.errors.OutputError: table.csv: is an input, and inputs are never overwritten; choose another path
    """
    check_is_path(path)
    out = expand_path(path)
    if suffixes and out.suffix.lower() not in suffixes:
        raise OutputError(
            f"{out}: cannot be written in this format; expected a name that ends in {' or '.join(suffixes)}"
        )
    _check_no_input(out, inputs)
    _check_place(out, overwrite=overwrite)
    return out


def check_is_path(path: "str | os.PathLike[str]") -> None:
    """Raise OutputError unless a text names a file or a folder: an empty one would be the current folder.

    Args:
        path: The text, or an object that stands for one.

    Raises:
        OutputError: It is no path, empty or blank, or holds a zero byte.

    Examples:
        >>> check_is_path(" ")
        Traceback (most recent call last):
        melanoma_detect.errors.OutputError: ' ': not a path; expected the file or folder to write
    """
    text = path_text(path, OutputError, "the file or folder to write")
    if not text.strip():
        raise OutputError(f"{text!r}: not a path; expected the file or folder to write")


def check_output_folder(folder: Path, *, inputs: "Iterable[str | os.PathLike[str]]" = ()) -> None:
    """Raise OutputError if a folder that is to be written holds, or is, an input, or cannot be made.

    Args:
        folder: The folder.
        inputs: Files and folders that the work reads.

    Raises:
        OutputError: An input would be lost, or the folder's parent cannot be made or written to.

    Examples:
        >>> check_output_folder(Path("runs/new"), inputs=["runs/new/images"])
        Traceback (most recent call last):
        melanoma_detect.errors.OutputError: runs/new: holds the input runs/new/images; choose a folder outside the inputs
    """
    for given in inputs:
        if is_same_path(folder, given):
            raise OutputError(f"{folder}: is an input, and inputs are never overwritten; choose another folder")
        if Path(os.path.realpath(folder)) in Path(os.path.realpath(expand_path(given))).parents:
            raise OutputError(f"{folder}: holds the input {os.fspath(given)}; choose a folder outside the inputs")
    _check_parent(folder)


def is_same_path(first: "str | os.PathLike[str]", second: "str | os.PathLike[str]") -> bool:
    """Return whether two paths stand for one file: by links too, and by other spellings where the file system ignores case.

    Args:
        first: A path; it may not exist yet.
        second: Another one.

    Returns:
        Whether writing to one changes the other.

    Examples:
        >>> is_same_path("a.html", "./x/../a.html"), is_same_path("a.html", "b.html")
        (True, False)
    """
    one, other = expand_path(first), expand_path(second)
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them does not exist: then only the spelling tells
        return _spelling(one) == _spelling(other)


def _spelling(path: Path) -> str:
    return unicodedata.normalize("NFC", os.path.normcase(os.path.realpath(path)))


def _check_no_input(out: Path, inputs: "Iterable[str | os.PathLike[str]]") -> None:
    if not os.path.lexists(out):
        return
    for given in inputs:
        if is_same_path(out, given):
            raise OutputError(f"{out}: is an input, and inputs are never overwritten; choose another path")
        folder = expand_path(given)
        if out.suffix.lower() not in _NEVER_READ and folder.is_dir() and _lies_in(out, folder):
            raise OutputError(
                f"{out}: lies in the input folder {os.fspath(given)}, whose files are never overwritten; choose another path"
            )


def _lies_in(path: Path, folder: Path) -> bool:
    # A link counts where it lies and where it leads to.
    root = Path(os.path.realpath(folder))
    return any(root in Path(os.path.realpath(place)).parents for place in (path, path.parent / "x"))


def _check_place(out: Path, *, overwrite: bool) -> None:
    try:
        mode = os.lstat(out).st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error}); choose another path") from error
    if out.is_dir():
        raise OutputError(f"{out}: is a folder; expected a file to write")
    if mode and not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise OutputError(f"{out}: is no ordinary file; choose another path")
    if mode and not overwrite:
        raise exists_error(out)
    _check_parent(out)


def exists_error(path: Path) -> OutputError:
    """Return the error for a file that is there and may not be replaced.

    Args:
        path: The file.

    Returns:
        The error, to be raised.

    Examples:
        >>> str(exists_error(Path("a.html")))[:22]
        'a.html: already exists'
    """
    return OutputError(f"{path}: already exists; choose another path, or overwrite it (overwrite=True)")


def _check_parent(path: Path) -> None:
    """Raise OutputError unless the folder of a path can be made and written to."""
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise OutputError(f"{path}: cannot be written, since {folder} is not a folder; choose another path")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: cannot be written, since {folder} is read-only; choose another path")
