"""Where a result and its unfinished work are kept: a folder of this machine, or an address, by fsspec."""

import contextlib
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.places import filesystem, is_address
from melanoma_detect.utils.files import writing_to

try:
    import fcntl
except ImportError:  # Windows: two runs for one result are not told apart there
    fcntl = None  # type: ignore[assignment]


class Store(Protocol):
    """A result to be, and a hidden folder beside it that keeps what is done so far. A file in it is whole or absent."""

    out: str

    def occupied(self) -> bool:
        """Return whether there is a result already."""
        ...

    def names(self) -> set[str]:
        """Return the names of the files kept so far."""
        ...

    def read(self, name: str) -> bytes:
        """Return what a file holds."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Keep a file, whole or not at all."""
        ...

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """Lend a folder of this machine for the time of a block."""
        ...

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """Refuse to work beside another run for the same result, where that can be seen."""
        ...

    def publish(self, whole: Path) -> None:
        """Move a finished file to the result's place."""
        ...

    def drop(self, names: Iterable[str]) -> None:
        """Take kept files away."""
        ...

    def clear(self) -> None:
        """Take the hidden folder away."""
        ...


def store_of(out: str) -> Store:
    """Return the store of a result.

    Args:
        out: Where the result is to be: a path or an address.

    Returns:
        The store; nothing is written yet.

    Raises:
        OutputError: The address cannot be reached.

    Examples:
        >>> store_of("scores.csv").names()
        set()
    """
    return RemoteStore(out) if is_address(out) else LocalStore(out)


class LocalStore:
    """A result on this machine.

    Args:
        out: Its path.

    Examples:
        >>> store = LocalStore("scores.csv")
        >>> store.write("part.csv", b"a,b")
        >>> store.folder.name, store.names(), store.read("part.csv")
        ('.scores.csv-partial', {'part.csv'}, b'a,b')
    """

    def __init__(self, out: str) -> None:
        self.out = out
        self._place = Path(out).expanduser()
        self.folder = self._place.parent / f".{self._place.name}-partial"

    def occupied(self) -> bool:
        """Return whether there is a result already."""
        return self._place.exists()

    def names(self) -> set[str]:
        """Return the names of the files kept so far."""
        return {entry.name for entry in os.scandir(self.folder)} if self.folder.is_dir() else set()

    def read(self, name: str) -> bytes:
        """Return what a file holds."""
        return (self.folder / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Keep a file, whole or not at all."""
        with writing_to(self._place):
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / f"{name}.{os.getpid()}"
            partial.write_bytes(content)
            partial.replace(self.folder / name)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend a folder on the result's own disk for the time of a block."""
        with writing_to(self._place), tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Refuse to work beside another run for the same result; a run that was killed holds nothing."""
        with contextlib.ExitStack() as held:
            with writing_to(self._place):
                self.folder.mkdir(parents=True, exist_ok=True)
                lock = held.enter_context((self.folder / "lock").open("w"))
            try:
                if fcntl:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise OutputError(
                    f"{self.out}: another run is writing it; wait for that one, or choose another place"
                ) from error
            yield

    def publish(self, whole: Path) -> None:
        """Move a finished file to the result's place."""
        with writing_to(self._place):
            whole.replace(self._place)

    def drop(self, names: Iterable[str]) -> None:
        """Take kept files away."""
        with writing_to(self._place):
            for name in names:
                (self.folder / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Take the hidden folder away."""
        shutil.rmtree(self.folder, ignore_errors=True)


class RemoteStore:
    """A result at an address.

    Args:
        out: Its address, as `s3://bucket/scores.csv`.

    Examples:
        >>> store = RemoteStore("memory://results/scores.csv")
        >>> store.write("part.csv", b"a,b")
        >>> store.names(), store.read("part.csv")
        ({'part.csv'}, b'a,b')
        >>> store.clear()
    """

    def __init__(self, out: str) -> None:
        self.out = out
        self._system, self._place = filesystem(out)
        parent, name = posixpath.split(self._place)
        self._folder = f"{parent}/.{name}-partial"

    def occupied(self) -> bool:
        """Return whether there is a result already."""
        return bool(self._system.exists(self._place))

    def names(self) -> set[str]:
        """Return the names of the files kept so far."""
        self._system.invalidate_cache()
        try:
            found = self._system.ls(self._folder, detail=False)
        except FileNotFoundError:
            return set()
        return {posixpath.basename(name) for name in found}

    def read(self, name: str) -> bytes:
        """Return what a file holds."""
        return bytes(self._system.cat_file(f"{self._folder}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        """Keep a file, whole or not at all."""
        with self._writing():
            self._system.makedirs(self._folder, exist_ok=True)
            self._system.pipe_file(f"{self._folder}/{name}.partial", content)
            self._system.mv(f"{self._folder}/{name}.partial", f"{self._folder}/{name}")

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend a folder of this machine for the time of a block."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let others be: stores elsewhere have no locks. Two runs would do the same work, and write the same files."""
        yield

    def publish(self, whole: Path) -> None:
        """Copy a finished file to the result's place."""
        with self._writing():
            self._system.put_file(str(whole), f"{self._folder}/whole.partial")
            self._system.mv(f"{self._folder}/whole.partial", self._place)

    def drop(self, names: Iterable[str]) -> None:
        """Take kept files away."""
        with self._writing():
            for name in names:
                self._system.rm_file(f"{self._folder}/{name}")

    def clear(self) -> None:
        """Take the hidden folder away."""
        with self._writing(), contextlib.suppress(FileNotFoundError):
            self._system.rm(self._folder, recursive=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what a store elsewhere says into this library's own error."""
        try:
            yield
        except Exception as error:
            raise OutputError(
                f"{self.out}: cannot be written ({error}); choose another place or free this one"
            ) from error
