"""The aspect ratio that images had before they were squashed into squares, given by the user for each source.

A camera's image is 4:3 or 3:2. A collection that was squashed into squares shows every lesion too narrow. Beside a collection
whose squares are centre crops, that shape gives away the source, and so the class.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.paths import expand_path

AspectRatios: TypeAlias = str | Mapping["str | os.PathLike[str]", str]

_RATIO = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)")


def find_aspect_ratios(sources: Sequence[Path], squashed: AspectRatios | None) -> list[float | None]:
    """Return the original aspect ratio of each source's images.

    Args:
        sources: The sources, as absolute paths.
        squashed: The ratio, as `"4:3"`, for all sources or by source; None for none.

    Returns:
        For each source width over height, or None where its images were not squashed.

    Raises:
        DatasetError: A ratio in another form, or a source that is not among the sources.

    Examples:
        >>> find_aspect_ratios([Path("/a"), Path("/b")], {"/b": "3:2"})
        [None, 1.5]
    """
    if squashed is None:
        return [None] * len(sources)
    if isinstance(squashed, str):
        return [_parse(squashed)] * len(sources)
    ratios = {expand_path(source, DatasetError).absolute(): ratio for source, ratio in squashed.items()}
    if unknown := [str(source) for source in ratios if source not in sources]:
        raise DatasetError(
            f"squashed= names {unknown[0]}, which is no source here; expected one of {', '.join(map(str, sources))}"
        )
    return [_parse(ratios[source]) if source in ratios else None for source in sources]


def _parse(ratio: str) -> float:
    match = _RATIO.fullmatch(ratio.strip()) if isinstance(ratio, str) else None
    if not match or not float(match[1]) or not float(match[2]):
        raise DatasetError(f"squashed={ratio!r}; expected the width and the height that images had, such as '4:3'")
    return float(match[1]) / float(match[2])
