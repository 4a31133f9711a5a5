"""Hidden names of files and folders that are being written, by which the leftovers of killed processes are recognised.

A name holds the machine, the process and the moment at which that process began: a number that the system has given to another
process since is no living writer. What a living process writes stays, and so does what another machine has left, since nobody
here can tell whether its process lives.
"""

import contextlib
import functools
import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Literal

Kind = Literal["partial", "replaced"]

_NAME = re.compile(
    r"\.(?P<kind>partial|replaced)-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-(?P<start>\d+)-[0-9a-f]{8}-(?P<name>.+)",
    re.DOTALL,
)
_MAX_BYTES = 255  # of a name, in nearly every file system
_DEAD = "ZXx"  # states of a process that has ended, in /proc


def partial_path(path: Path, kind: Kind = "partial") -> Path:
    """Return a hidden path in the same folder, to be renamed to the path once it is written.

    Args:
        path: The file or folder that is to be written.
        kind: `"partial"` for what is being written, `"replaced"` for a folder that gives way to a new one.

    Returns:
        A path that nothing has yet, with the same suffix.

    Examples:
        >>> partial_path(Path("runs/cnn.detector")).suffix
        '.detector'
    """
    own = f".{kind}-{_host()}-{os.getpid()}-{_start(os.getpid())}-{os.urandom(4).hex()}-"
    return path.with_name(own + _short_name(path, _MAX_BYTES - len(own)))


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Delete what processes that are no more have left half written in a folder.

    A folder that such a process had moved away, to put a new one in its place, is moved back where there is no new one.

    Args:
        folder: The folder; nothing happens if it cannot be listed.
        name: The file or folder whose leftovers to delete; those of every one in the folder where it is None.

    Examples:
        >>> Path(".partial-00000000-1-1-00000000-a.csv").touch()  # of another machine
        >>> remove_leftovers(Path())
        >>> Path(".partial-00000000-1-1-00000000-a.csv").exists()
        True
    """
    try:
        entries = os.listdir(folder)  # noqa: PTH208 - names are enough, and there may be many
    except OSError:
        return
    for entry in entries:
        found = _NAME.fullmatch(entry)
        if found and (name is None or _belongs_to(found["name"], name)) and _is_dead(found):
            if found["kind"] == "replaced":
                _restore(folder / entry, folder / found["name"])
            else:
                remove_path(folder / entry)


def remove_path(path: Path) -> None:
    """Delete a file or a folder with all it holds; nothing happens where it cannot be deleted or is not there.

    Args:
        path: The file, the folder, or a link, which is deleted and not followed.

    Examples:
        >>> remove_path(Path("nowhere"))
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _short_name(path: Path, room: int) -> str:
    """Return a path's name, or a digest with the same suffix where the name is too long to be hidden."""
    if len(os.fsencode(path.name)) <= room:
        return path.name
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return digest[: max(16, room - len(os.fsencode(path.suffix)))][:64] + path.suffix


def _belongs_to(found: str, name: str) -> bool:
    """Return whether a leftover is of a file or folder; it may have a further suffix, which some libraries insist on."""
    is_long = len(os.fsencode(name)) > _MAX_BYTES // 2
    return found == name or found.startswith(f"{name}.") or (is_long and found == _short_name(Path(name), len(found)))


def _restore(aside: Path, path: Path) -> None:
    """Move a folder back that had been moved away for a new one; delete it where the new one is in place."""
    if os.path.lexists(path):
        remove_path(aside)
        return
    with contextlib.suppress(OSError):  # another process has done it
        aside.rename(path)


def _is_dead(found: re.Match[str]) -> bool:
    """Return whether the process that a name holds has ended."""
    if found["host"] != _host() or os.name != "posix":
        return False
    pid = int(found["pid"])
    try:
        os.kill(pid, 0)  # sends nothing: it asks whether there is such a process
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # of another user
        return False
    start, state = _read_process(pid)
    return bool(start) and (str(start) != found["start"] or state in _DEAD)


@functools.cache
def _host() -> str:
    """Return a digest of the machine's name and of the name space in which process ids count: containers may share a name."""
    try:
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:  # another system than Linux
        space = ""
    # Importing `socket` would take longer than all of this.
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return hashlib.sha256(f"{name} {space}".encode()).hexdigest()[:8]


@functools.lru_cache(maxsize=4)
def _start(pid: int) -> int:
    # By process id: a forked process has another one than the process that filled the cache.
    return _read_process(pid)[0]


def _read_process(pid: int) -> tuple[int, str]:
    """Return when a process began, in ticks since the system's start, and its state; 0 where the system does not say."""
    try:
        # The name of its program, in brackets, may hold blanks and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19]), fields[0].decode()
    except (OSError, ValueError, IndexError):
        return 0, ""
