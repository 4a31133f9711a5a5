"""The arrays that pack.py wrote. NumPy and pandas only: the training may run in an environment without this library."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PIXELS, TARGETS, TABLE, CLASSES = "pixels.npy", "targets.npy", "table.csv", "classes.txt"
FINGERPRINT = "fingerprint.json"
PACK = "pack"  # the folder of the arrays in the working folder
LEFT_OUT = "left out"  # of every part: see `without_groups`
# Folders that hold the images of one collection.
_COLLECTIONS = {"ham10000_224": "ham10000", "ham10000_rest": "ham10000"}


@dataclass(frozen=True, eq=False)
class Pack:
    """The images of all sources.

    Attributes:
        pixels: uint8 `(n, 224, 224, 3)`, mapped into memory.
        targets: The classes that each label covers, `(n, classes)`.
        table: One row an image: id, image, path, label, group, source, type, part and metadata.
        classes: Class names.
    """

    pixels: NDArray[np.uint8]
    targets: NDArray[np.bool_]
    table: pd.DataFrame
    classes: tuple[str, ...]

    @property
    def groups(self) -> NDArray[np.str_]:
        """The group of each image."""
        return self.table.group.to_numpy(str)

    @property
    def types(self) -> NDArray[np.str_]:
        """The type of each image, "dermoscopy" or "clinical"."""
        return self.table.type.to_numpy(str)

    @property
    def collections(self) -> NDArray[np.str_]:
        """The collection of each image; a collection may lie in several folders."""
        return self.table.source.replace(_COLLECTIONS).to_numpy(str)

    @property
    def sources(self) -> NDArray[np.str_]:
        """The source and the type of each image: what training balances, and what validation names."""
        return (self.table.source + " " + self.table.type).to_numpy(str)

    def rows(self, part: str) -> NDArray[np.int64]:
        """Return the rows of a part: "train", "validation" or "held"."""
        return np.flatnonzero(self.table.part == part)


def without_groups(pack: Pack, images: Sequence[str]) -> Pack:
    """Return the pack with some images in no part, and with them every image of their groups (lesions, patients)."""
    unknown = sorted(set(images) - set(pack.table.image))
    if unknown:
        raise SystemExit(f"{', '.join(unknown)}: not in the pack; expected names such as {pack.table.image.iloc[0]}")
    groups = pack.table.group[pack.table.image.isin(images)]
    return replace(pack, table=pack.table.assign(part=pack.table.part.mask(pack.table.group.isin(groups), LEFT_OUT)))


def load_pack(folder: Path) -> Pack:
    """Read the arrays that pack.py wrote."""
    table = pd.read_csv(folder / TABLE, keep_default_na=False, dtype={"group": str, "lesion_id": str})
    classes = tuple((folder / CLASSES).read_text(encoding="utf-8").split("\n"))
    return Pack(np.load(folder / PIXELS, mmap_mode="r"), np.load(folder / TARGETS), table, classes)
