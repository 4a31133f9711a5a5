"""Images that were squashed into squares before they were stored, stretched back before anything else looks at them.

A camera's image is 4:3 or 3:2. A collection that was squashed into squares shows every lesion too narrow; beside images
whose squares are centre crops, that is one more sign of the source, and so of the class.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from melanoma_detect.data.sources.folders import Contents
from melanoma_detect.errors import DatasetError

Squashed: TypeAlias = str | Mapping["str | os.PathLike[str]", str]

_SHAPE = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)")


def unsquash(
    sources: Sequence[Contents], given: "Sequence[str | os.PathLike[str]]", squashed: Squashed | None
) -> list[Contents]:
    """Note on every record the shape that its image had.

    Args:
        sources: What was read.
        given: The sources as they were named, in the same order.
        squashed: The shape, as `"4:3"`, for all sources or by source; None for none.

    Returns:
        The sources, with `Record.aspect` set.

    Raises:
        DatasetError: A shape that is none, or a source that was not given.

    Examples:
        >>> from melanoma_detect.data.sources.folders import read_folder
        >>> round(unsquash([read_folder(isic9)], [isic9], "4:3")[0].records[0].aspect, 3)
        1.333
    """
    if squashed is None:
        return list(sources)
    places = [Path(place).expanduser().absolute() for place in given]
    by_place = dict.fromkeys(places, squashed) if isinstance(squashed, str) else _by_place(squashed, places)
    return [
        _with_aspect(contents, _aspect(by_place[place])) if place in by_place else contents
        for contents, place in zip(sources, places, strict=True)
    ]


def _by_place(squashed: "Mapping[str | os.PathLike[str], str]", places: Sequence[Path]) -> dict[Path, str]:
    found = {Path(name).expanduser().absolute(): shape for name, shape in squashed.items()}
    if strange := [str(place) for place in found if place not in places]:
        raise DatasetError(
            f"squashed= names {strange[0]}, which is no source here; expected one of {', '.join(map(str, places))}"
        )
    return found


def _aspect(shape: str) -> float:
    found = _SHAPE.fullmatch(shape.strip()) if isinstance(shape, str) else None
    if not found or not float(found[1]) or not float(found[2]):
        raise DatasetError(f"squashed={shape!r}; expected the width and the height that images had, such as '4:3'")
    return float(found[1]) / float(found[2])


def _with_aspect(contents: Contents, aspect: float) -> Contents:
    return replace(contents, records=[replace(record, aspect=aspect) for record in contents.records])
