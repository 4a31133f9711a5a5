"""Files that others may have made: a mark, a content and the SHA-256 of both, written whole and checked before use."""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular

_CHECKSUM = hashlib.sha256().digest_size

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class SealedFile:
    """A kind of file: how its bytes are closed with a checksum, and what is said of a file that is none.

    Attributes:
        kind: What it is, as `"index of known images"`: a word that "an" stands before.
        suffix: How its name ends.
        mark: Its first bytes, ASCII.
        most: Bytes that no such file exceeds.
        advice: What to do about a damaged one.
        instead: What to do about what is no such file; may be empty.

    Examples:
        >>> kind = SealedFile("index of notes", ".notes", b"MDNOTES1", 1000, "write it again")
        >>> bytes(kind.unseal(kind.seal([b"first, ", b"second"])))
        b'first, second'
    """

    kind: str
    suffix: str
    mark: bytes
    most: int
    advice: str
    instead: str = ""

    def check_output(
        self, path: "str | os.PathLike[str]", *, overwrite: bool, inputs: "Iterable[str | os.PathLike[str]]" = ()
    ) -> Path:
        """Raise OutputError unless such a file can be written to a path, before the work that it takes to make its content.

        Args:
            path: The file.
            overwrite: Whether to replace a file of this name.
            inputs: What is read, and never overwritten.

        Returns:
            The path, with `~` expanded.

        Raises:
            OutputError: It exists, is an input, has another suffix, or its folder cannot be written to.

        Examples:
            >>> kind = SealedFile("index of notes", ".notes", b"MDNOTES1", 1000, "write it again")
            >>> kind.check_output("ours.notes", overwrite=False).name
            'ours.notes'
        """
        return check_output(path, overwrite=overwrite, inputs=inputs, suffixes=[self.suffix])

    def write(self, content: bytes, path: "str | os.PathLike[str]", *, overwrite: bool) -> Path:
        """Write a file completely or not at all.

        Args:
            content: All of its bytes, as `seal` returns them.
            path: The file.
            overwrite: Whether to replace a file of this name.

        Returns:
            The file.

        Raises:
            OutputError: It cannot be written.

        Examples:
            >>> kind = SealedFile("index of notes", ".notes", b"MDNOTES1", 1000, "write it again")
            >>> kind.write(kind.seal([b"first"]), "ours.notes", overwrite=False).name
            'ours.notes'
        """
        out = self.check_output(path, overwrite=overwrite)
        with atomic_file(out, overwrite=overwrite) as partial:
            partial.write_bytes(content)
        return out

    def read(self, path: "str | os.PathLike[str]", unpack: Callable[[bytes], _Value]) -> _Value:
        """Read a file. Of one with another mark, or one that is too large, no more than the beginning is read.

        Args:
            path: The file.
            unpack: Returns what its bytes hold, and raises ValueError for damaged ones.

        Returns:
            What `unpack` returns.

        Raises:
            DatasetError: It cannot be read, is of another kind, or is damaged.

        Examples:
            >>> kind = SealedFile("index of notes", ".notes", b"MDNOTES1", 1000, "write it again")
            >>> kind.read(kind.write(kind.seal([b"first"]), "ours.notes", overwrite=False), kind.unseal).tobytes()
            b'first'
        """
        file = expand_path(path)
        try:
            with open_regular(file, DatasetError) as opened:
                content = self._read_content(opened)
            return unpack(content)
        except DatasetError:
            raise  # a named pipe: it is a ValueError too
        except OSError as error:
            also = f"; {self.instead}" if self.instead else ""
            raise DatasetError(
                f"{file}: cannot be read ({error.strerror}); expected an {self.kind}, a file that ends in {self.suffix}{also}"
            ) from error
        except ValueError as error:
            raise DatasetError(f"{file}: {error}; {self.advice}") from error

    def _read_content(self, opened: BinaryIO) -> bytes:
        size = os.fstat(opened.fileno()).st_size
        content = opened.read(len(self.mark))
        if content != self.mark:
            return content
        self._check_size(size)
        # As many bytes as there are: memory for all that are asked for is taken at once.
        return content + opened.read(max(size - len(content), 0))

    def seal(self, parts: Iterable[bytes]) -> bytes:
        """Return the bytes of a file.

        Args:
            parts: Its content, in order.

        Returns:
            The mark, the content and the SHA-256 of both.

        Examples:
            >>> SealedFile("index of notes", ".notes", b"MDNOTES1", 1000, "write it again").seal([b"first"])[:13]
            b'MDNOTES1first'
        """
        content = [self.mark, *parts]
        digest = hashlib.sha256()
        for part in content:
            digest.update(part)
        return b"".join([*content, digest.digest()])

    def unseal(self, content: bytes, *, least: int = 0) -> memoryview:
        """Return the content of a file, if it is whole.

        Args:
            content: All of its bytes.
            least: Bytes that its content has at least.

        Returns:
            What is between the mark and the checksum.

        Raises:
            ValueError: It has another mark, is too short or too large, or its checksum does not fit.

        Examples:
            >>> SealedFile("index of notes", ".notes", b"MDNOTES1", 1000, "write it again").unseal(b"")
            Traceback (most recent call last):
            ValueError: is no index of notes; expected a file that begins with MDNOTES1
        """
        if not content.startswith(self.mark) or len(content) < len(self.mark) + least + _CHECKSUM:
            raise ValueError(f"is no {self.kind}; expected a file that begins with {self.mark.decode()}")
        self._check_size(len(content))
        body = memoryview(content)[:-_CHECKSUM]
        if hashlib.sha256(body).digest() != content[-_CHECKSUM:]:
            raise ValueError("is damaged: its checksum does not fit its content")
        return body[len(self.mark) :]

    def _check_size(self, size: int) -> None:
        if size > self.most:
            raise ValueError(f"is larger than {self.most:,} bytes, which no {self.kind} is")


def decompress(packed: "bytes | memoryview", most: int, part: str) -> bytes:
    """Decompress no more than an honest file holds: a small one may unpack to gigabytes.

    Args:
        packed: What zlib has compressed.
        most: Bytes that it may unpack to.
        part: What it is, for errors, as `"header"`.

    Returns:
        The bytes.

    Raises:
        ValueError: It is damaged, unpacks to more, or has something behind it.

    Examples:
        >>> decompress(zlib.compress(b"first"), 5, "header")
        b'first'
    """
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(packed, most + 1)
    except zlib.error as error:
        raise ValueError(f"is damaged: its {part} cannot be decompressed ({error})") from error
    if len(content) > most or not stream.eof or stream.unused_data:
        raise ValueError(f"is damaged: its {part} has another length than it says")
    return content
