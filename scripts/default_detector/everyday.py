"""Everyday images: half of them are learnt from, the other half is kept out of every choice and shows how many are declined."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from melanoma_detect.images.formats import SUFFIXES


def everyday_files(folders: Sequence[Path], part: Literal["learnt", "held", "all"]) -> list[Path]:
    """Return the images of a part, by the hash of their names."""
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    return [file for file in files if is_held(file.name) == (part == "held") or part == "all"]


def is_held(name: str) -> bool:
    """Return whether the everyday image of this file name is kept out of every choice."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 1
