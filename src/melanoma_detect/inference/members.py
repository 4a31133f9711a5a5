"""The members of a detector's file: a zip that is checked before anything is unpacked, and digests of all that is in it.

From schema 5 on, `digests.json` holds the SHA-256 digest of every other member. A member is compared with its digest whenever
it is read, so that a damaged or changed one never answers. Whoever changes a member can change the digests with it; only a
signature (see `signatures`) tells who wrote them.
"""

import contextlib
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.feature_arrays import MAX_SIZE
from melanoma_detect.inference.golden import IMAGES, PROBABILITIES
from melanoma_detect.inference.plain_json import read_json
from melanoma_detect.inference.schema import FINGERPRINT_MEMBERS
from melanoma_detect.utils.damage import DAMAGE

CONFIG, ONNX, KERAS = "detector.json", "model.onnx", "model.keras"
FEATURES, MODEL_CARD = "features.npz", "MODEL_CARD.md"
DIGESTS, SIGNATURE = "digests.json", "signature.json"
GOLDEN = (*IMAGES, PROBABILITIES)
# The largest size of each member when unpacked, in bytes: far over any real one, and far under what fills a machine's memory
# when a hostile zip unpacks to a thousand times its size.
MAX_SIZES = {
    CONFIG: 32 * 2**20,
    ONNX: 2 * 2**30,
    KERAS: 4 * 2**30,
    FEATURES: MAX_SIZE,
    **dict.fromkeys(FINGERPRINT_MEMBERS.values(), 256 * 2**20),  # over a million images
    MODEL_CARD: 2**20,
    **dict.fromkeys(IMAGES, 16 * 2**20),
    PROBABILITIES: 2**20,
    DIGESTS: 2**16,
    SIGNATURE: 2**16,
}
# A large member is as large in the file, give or take: rounded weights shrink to a quarter, a fingerprint to a half.
_SMALL = 64 * 2**20
MAX_RATIO = 20
# What tells whether a member compresses: as many parts of it, of so many bytes.
_SAMPLES, _SAMPLE_SIZE = 16, 16 * 1024
_ENCRYPTED = 1  # a flag of a zip's member


@dataclass(frozen=True)
class MemberReader:
    """Reads the members of one open file.

    Attributes:
        file: The file, for messages.
        archive: The open zip.
        names: The members that it has.
        digests: SHA-256 digest by member; None where the file is of a schema without digests.
    """

    file: Path
    archive: zipfile.ZipFile
    names: frozenset[str]
    digests: Mapping[str, str] | None

    @classmethod
    def of(cls, file: Path, archive: zipfile.ZipFile) -> Self:
        """Check the members of a file without unpacking them.

        Args:
            file: The file, for messages.
            archive: The open zip.

        Returns:
            The reader.

        Raises:
            DetectorError: A member is unknown, there twice, or larger than any real one; or the digests are damaged.
        """
        check_members(file, archive)
        names = frozenset(archive.namelist())
        return cls(file, archive, names, _read_digests(file, archive, names) if DIGESTS in names else None)

    def read(self, name: str) -> bytes:
        """Return a member's content, after comparing it with its digest.

        Args:
            name: The member.

        Returns:
            The content.

        Raises:
            DetectorError: It differs from its digest.
        """
        content = read_member(self.archive, name)
        if self.digests is not None and digest_of(content) != self.digests[name]:
            raise DetectorError(
                f"{self.file}: {name} differs from its digest: the file was damaged or changed since it was saved; get it again"
            )
        return content

    def later(self, name: str) -> "Member":
        """Return a member that is read when it is needed.

        Args:
            name: The member.

        Returns:
            What reads it.
        """
        return Member(self.file, name, None if self.digests is None else self.digests[name])


@dataclass(frozen=True)
class Member:
    """A member that is read when it is needed: a prediction needs no Keras model, which is most of the file.

    Attributes:
        file: The detector's file.
        name: The member.
        digest: Its SHA-256 digest when the detector was loaded; None where the file has no digests.
    """

    file: Path
    name: str
    digest: str | None = None

    def __call__(self) -> bytes:
        """Return the member's content."""
        try:
            with open_archive(self.file) as archive:
                check_members(self.file, archive)
                content = read_member(archive, self.name)
        except DAMAGE as error:
            raise self._changed(str(error)) from error
        if self.digest is not None and digest_of(content) != self.digest:
            raise self._changed(f"{self.name} differs from its digest")
        return content

    def _changed(self, reason: str) -> DetectorError:
        return DetectorError(f"{self.file}: was changed or moved since it was loaded ({reason}); load it again")


@contextlib.contextmanager
def open_archive(file: Path) -> Iterator[zipfile.ZipFile]:
    """Open a detector's file, whose directory may not be longer than that of a few members.

    Args:
        file: The file.

    Yields:
        The open zip.

    Raises:
        zipfile.BadZipFile: It is no zip, or has thousands of members.
    """
    with _BoundedReader(file) as opened, zipfile.ZipFile(opened) as archive:
        opened.limit = None
        yield archive


class _BoundedReader(io.FileIO):
    """A file of which `zipfile` may read no large piece while it looks for the directory: it would keep a kilobyte an entry."""

    limit: int | None = 2**18

    def read(self, size: int | None = -1, /) -> bytes:
        if self.limit is not None and size is not None and size > self.limit:
            raise zipfile.BadZipFile(f"its directory has {size:,} bytes, as of thousands of members")
        return super().read(-1 if size is None else size) or b""


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the content of a zip's member, and unpack no more than its directory says.

    `ZipFile.read` unpacks whatever is packed, up to 2 GiB at once, and looks at the size afterwards.

    Args:
        archive: The open zip.
        name: The member.

    Returns:
        The content.

    Raises:
        zipfile.BadZipFile: It is damaged, or has another size than the directory says.
    """
    size = archive.getinfo(name).file_size
    with archive.open(name) as member:
        content = member.read(size + 1)  # in one piece, and with its checksum compared at the end
        while len(content) < size and (more := member.read(size - len(content))):
            content += more
    if len(content) != size:
        raise zipfile.BadZipFile(f"{name} has {len(content):,} bytes, but {size:,} are announced")
    return content


def digest_of(content: bytes) -> str:
    """Return the SHA-256 digest of bytes, in hexadecimal digits.

    Args:
        content: The bytes.

    Returns:
        64 digits.

    Examples:
        >>> digest_of(b"")[:16]
        'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def digests_to_bytes(members: Mapping[str, bytes]) -> bytes:
    """Return the content of `digests.json`.

    Args:
        members: The content of every other member, by name.

    Returns:
        JSON, the same for the same members.

    Examples:
        >>> digests_to_bytes({"MODEL_CARD.md": b""})[:29]
        b'{"sha256": {"MODEL_CARD.md": '
    """
    digests = {name: digest_of(members[name]) for name in sorted(members)}
    return json.dumps({"sha256": digests}).encode()


def compression(content: bytes) -> int:
    """Return how to store a member: deflated if that saves a fifth or more.

    Weights as they were trained hardly compress, and are read faster uncompressed; rounded ones compress.

    Args:
        content: The member's content.

    Returns:
        `zipfile.ZIP_DEFLATED` or `zipfile.ZIP_STORED`.

    Examples:
        >>> compression(b"melanoma, nevus, melanoma, nevus, melanoma, nevus") == zipfile.ZIP_DEFLATED
        True
    """
    sample = content
    if len(content) > _SAMPLES * _SAMPLE_SIZE:
        starts = range(0, len(content), len(content) // _SAMPLES)
        sample = b"".join(content[start : start + _SAMPLE_SIZE] for start in starts)
    packed = len(zlib.compress(sample))
    # What shrinks to nothing would look like a zip bomb to the reader.
    return zipfile.ZIP_DEFLATED if len(sample) / (MAX_RATIO / 2) < packed < 0.8 * len(sample) else zipfile.ZIP_STORED


def check_members(file: Path, archive: zipfile.ZipFile) -> None:
    """Raise DetectorError unless every member has a known name, once, and a size that a real one may have.

    Args:
        file: The file, for messages.
        archive: The open zip.

    Raises:
        DetectorError: They have not; or there is no `detector.json`.
    """
    members = archive.infolist()
    names = [member.filename for member in members]
    if CONFIG not in names:
        raise DetectorError(f"{file}: not a detector: it lacks {CONFIG}; expected a file made by Detector.save")
    unknown = [name for name in names if name not in MAX_SIZES]
    if unknown or len(set(names)) != len(names):
        problem = ", ".join(unknown[:5]) if unknown else "the same name twice"
        raise DetectorError(f"{file}: has members that no detector has ({problem}); do not trust it")
    for member in members:
        if problem := _problem_of(member):
            raise DetectorError(f"{file}: {member.filename} {problem}; do not trust it")
    _check_places(file, members)


def _problem_of(member: zipfile.ZipInfo) -> str:
    """Return what is wrong with a member, judged by the zip's directory alone; empty if nothing is."""
    name, size, packed = member.filename, member.file_size, member.compress_size
    if size > MAX_SIZES[name]:
        return f"would unpack to {size:,} bytes, over {MAX_SIZES[name]:,}"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & _ENCRYPTED:
        return "is encrypted, or compressed in a way that no detector is"
    if member.compress_type == zipfile.ZIP_STORED and size != packed:
        return f"has {packed:,} bytes, but {size:,} are announced"
    if size > _SMALL and size > MAX_RATIO * packed:
        return f"would unpack from {packed:,} to {size:,} bytes"
    return ""


def _check_places(file: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raise DetectorError where members overlap: the same bytes would be unpacked again and again."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    ends = [member.header_offset + member.compress_size for member in ordered]
    overlapping = any(end > member.header_offset for end, member in zip(ends, ordered[1:], strict=False))
    if overlapping or ends[-1] > file.stat().st_size:
        raise DetectorError(f"{file}: its members overlap or lie outside the file; do not trust it")


def _read_digests(file: Path, archive: zipfile.ZipFile, names: frozenset[str]) -> dict[str, str]:
    values = read_json(read_member(archive, DIGESTS))
    digests = values.get("sha256") if isinstance(values, dict) else None
    expected = names - {DIGESTS, SIGNATURE}
    if not isinstance(digests, dict) or len(values) != 1 or digests.keys() != expected:
        raise DetectorError(f"{file}: {DIGESTS} is not about the members of this file; do not trust it")
    return {str(name): str(digest) for name, digest in digests.items()}
