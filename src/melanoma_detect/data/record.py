"""Records: one image of a dataset, and one that was excluded from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from melanoma_detect.images.reader import StretchedImage
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.notebook import notebook_view

SplitName: TypeAlias = Literal["train", "validation", "test"]
Reason: TypeAlias = Literal["unreadable", "conflict", "leak", "no label", "lone class", "dropped"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
COLUMNS = ("id", "path", "label", "split", "group", "parent", "source")


@dataclass(frozen=True, slots=True)
class Record:
    """One image of a dataset.

    Attributes:
        id: Its name within the dataset: the path below the folder that was loaded.
        path: The file.
        label: Its class, as the class folder is named.
        split: `"train"`, `"validation"` or `"test"`.
        group: Records of one group show the same image, lesion or patient and stay in one split.
        digest: SHA-256 of the file's bytes.
        parent: The id of the record that this one was made from by `balance`; None for an original image.
        source: The folder, archive or table that it came from.
        metadata: Its row of a table, as `{"age": "45.0", "sex": "male"}`.
        fingerprint: Its perceptual hash, 64 hexadecimal digits; empty where it was not taken.
        weight: How often an epoch shows it, on average.
        aspect: Width over height that the image had before it was squashed into a square; None where it was not.
    """

    id: str
    path: Path
    label: str
    split: SplitName
    group: str
    digest: str
    parent: str | None = None
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    fingerprint: str = ""
    weight: float = 1.0
    aspect: float | None = None

    _repr_html_ = notebook_view

    @property
    def image(self) -> Path | StretchedImage:
        """What to read: the file, stretched back to its original aspect ratio where it was squashed."""
        return StretchedImage(self.path, self.aspect) if self.aspect else self.path

    @property
    def picture(self) -> Path | StretchedImage:
        """Deprecated: use `image`."""
        warn_renamed("Record.picture", "Record.image")
        return self.image

    @property
    def key(self) -> str:
        """The key of its pixels in a cache: files of the same bytes may be read with and without stretching."""
        return pixel_key(self.digest, self.aspect)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that was excluded, and why.

    Attributes:
        record: The record, with the label and the split that it came with.
        reason: Why, naming the other image where there is one.
        kind: `"unreadable"`, `"conflict"`, `"leak"`, `"no label"`, `"lone class"` (too few images of its class for
            every split) or `"dropped"` (by `label_map`).
    """

    record: Record
    reason: str
    kind: Reason = "leak"


def pixel_key(digest: str, aspect: float | None) -> str:
    """Return the key of an image's pixels in a cache.

    Args:
        digest: Of the file's bytes.
        aspect: What the image is stretched to; None for none.

    Returns:
        The key.

    Examples:
        >>> pixel_key("a1", None), pixel_key("a1", 1.5)
        ('a1', 'a1@1.5000')
    """
    return f"{digest}@{aspect:.4f}" if aspect else digest
