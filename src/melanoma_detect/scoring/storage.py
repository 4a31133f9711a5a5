"""Stores of a score table and of its unfinished shards: a local folder, or an address by fsspec."""

import contextlib
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.addresses import filesystem, is_address
from melanoma_detect.utils.files import atomic_file, convert_write_errors
from melanoma_detect.utils.locks import exclusive, lock_path
from melanoma_detect.utils.partial_paths import remove_leftovers
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular
from melanoma_detect.utils.renaming import flush
from melanoma_detect.utils.temporary import temporary_folder


class Store(Protocol):
    """A table that is being made, and a hidden folder beside it with its shards. Every file is complete or absent.

    Attributes:
        out: The table's path or address, as it was given.
    """

    out: str

    def exists(self) -> bool:
        """Return whether there is a table already."""
        ...

    def names(self) -> set[str]:
        """Return the names of the files in the hidden folder."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file in the hidden folder."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a file in the hidden folder, completely or not at all."""
        ...

    def scratch_folder(self) -> contextlib.AbstractContextManager[Path]:
        """Provide a local temporary folder for the duration of a block."""
        ...

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Raise OutputError if another run is writing the same table, if the store can notice that."""
        ...

    def publish(self, file: Path) -> None:
        """Move a complete local file to the table's path or address."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Delete files from the hidden folder."""
        ...

    def clear(self) -> None:
        """Delete the hidden folder."""
        ...


def open_store(out: str) -> Store:
    """Return the store of a table.

    Args:
        out: The table's path or address.

    Returns:
        The store; nothing is written yet.

    Raises:
        DatasetError: The address cannot be reached.

    Examples:
        >>> open_store("scores.csv").names()
        set()
    """
    return RemoteStore(out) if is_address(out) else LocalStore(out)


class LocalStore:
    """A table on this machine.

    Args:
        out: Its path.

    Examples:
        >>> store = LocalStore("scores.csv")
        >>> store.write("shard.csv", b"a,b")
        >>> store.folder.name, store.names(), store.read("shard.csv")
        ('.scores.csv-partial', {'shard.csv'}, b'a,b')
    """

    def __init__(self, out: str) -> None:
        self.out = out
        self._path = expand_path(out)
        self.folder = self._path.parent / f".{self._path.name}-partial"

    def exists(self) -> bool:
        """Return whether there is a table already."""
        return self._path.exists()

    def names(self) -> set[str]:
        """Return the names of the files in the hidden folder."""
        return {entry.name for entry in os.scandir(self.folder)} if self.folder.is_dir() else set()

    def read(self, name: str) -> bytes:
        """Return the content of a file in the hidden folder."""
        try:
            with open_regular(self.folder / name, OutputError) as file:
                return file.read()
        except OutputError:
            raise
        except OSError as error:
            raise self._unreadable(name, error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file in the hidden folder, completely or not at all."""
        with atomic_file(self.folder / name, named=self._path, one_of_many=True) as partial:
            partial.write_bytes(content)
            flush(partial)

    def _unreadable(self, name: str, error: OSError) -> OutputError:
        return OutputError(
            f"{self.out}: {name} of the unfinished run beside it cannot be read ({error.strerror or error}); start again "
            "(overwrite=True), or choose another path"
        )

    @contextlib.contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """Provide a temporary folder for the duration of a block."""
        # On the table's own disk: the finished file is then renamed and not copied, and the system's /tmp may be small.
        with convert_write_errors(self._path), tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Raise OutputError if another run is writing the same table."""
        with contextlib.ExitStack() as stack:
            with convert_write_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(exclusive(lock_path(self._path), self._busy_error))
                self.folder.mkdir(exist_ok=True)
            remove_leftovers(self.folder)
            yield

    def _busy_error(self) -> OutputError:
        return OutputError(f"{self.out}: another run is writing it; wait for that one, or choose another path")

    def publish(self, file: Path) -> None:
        """Move a complete file to the table's path."""
        with convert_write_errors(self._path):
            flush(file)
            file.replace(self._path)

    def remove(self, names: Iterable[str]) -> None:
        """Delete files from the hidden folder."""
        with convert_write_errors(self._path):
            for name in names:
                (self.folder / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete the hidden folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


class RemoteStore:
    """A table at an address.

    Args:
        out: Its address, such as `s3://bucket/scores.csv`.

    Examples:
        >>> store = RemoteStore("memory://results/scores.csv")
        >>> store.write("shard.csv", b"a,b")
        >>> store.names(), store.read("shard.csv")
        ({'shard.csv'}, b'a,b')
        >>> store.clear()
    """

    def __init__(self, out: str) -> None:
        self.out = out
        self._system, self._path = filesystem(out)
        parent, name = posixpath.split(self._path)
        self._folder = f"{parent}/.{name}-partial"

    def exists(self) -> bool:
        """Return whether there is a table already."""
        return bool(self._system.exists(self._path))

    def names(self) -> set[str]:
        """Return the names of the files in the hidden folder."""
        self._system.invalidate_cache()  # fsspec caches listings, and another machine may have written shards
        try:
            paths = self._system.ls(self._folder, detail=False)
        except FileNotFoundError:
            return set()
        return {posixpath.basename(path) for path in paths}

    def read(self, name: str) -> bytes:
        """Return the content of a file in the hidden folder."""
        return bytes(self._system.cat_file(f"{self._folder}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        """Write a file in the hidden folder, completely or not at all."""
        with self._convert_errors():
            self._system.makedirs(self._folder, exist_ok=True)
            self._system.pipe_file(f"{self._folder}/{name}.partial", content)
            self._system.mv(f"{self._folder}/{name}.partial", f"{self._folder}/{name}")

    @contextlib.contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """Provide a local temporary folder for the duration of a block."""
        with temporary_folder() as folder:
            yield folder

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Do nothing: object stores have no locks. Two runs would do the same work and write the same files."""
        yield

    def publish(self, file: Path) -> None:
        """Upload a complete local file to the table's address."""
        with self._convert_errors():
            self._system.put_file(str(file), f"{self._folder}/table.partial")
            self._system.mv(f"{self._folder}/table.partial", self._path)

    def remove(self, names: Iterable[str]) -> None:
        """Delete files from the hidden folder."""
        with self._convert_errors():
            for name in names:
                self._system.rm_file(f"{self._folder}/{name}")

    def clear(self) -> None:
        """Delete the hidden folder."""
        with self._convert_errors(), contextlib.suppress(FileNotFoundError):
            self._system.rm(self._folder, recursive=True)

    @contextlib.contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each store's client library has exceptions of its own
            raise OutputError(
                f"{self.out}: cannot be written ({error}); choose another address or free this one"
            ) from error
