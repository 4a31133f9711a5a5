"""Notes of an evaluation on public sets: which images are in them, and which of these sets the detector says it has learnt."""

import re
from collections.abc import Mapping

from melanoma_detect.data.known_images.overlap import Overlap, codes_to_look_up, find_overlap, known_images
from melanoma_detect.data.split import Split
from melanoma_detect.utils.counts import count_noun


def known_sets(split: Split) -> Overlap:
    """Find which images are in the public sets that the package knows.

    Args:
        split: The images.

    Returns:
        The overlap.

    Examples:
        >>> bool(known_sets(data.test))  # drawn lesions
        False
    """
    return find_overlap(split.records, known_images(), codes_to_look_up(split.records, split.scans.fingerprint_of))


def known_set_notes(overlap: Overlap, card: Mapping[str, str], *, has_fingerprint: bool) -> tuple[str, ...]:
    """Say which images are in public sets, and whether the detector was trained on these sets.

    Args:
        overlap: The images in known sets.
        card: The sections of the detector's model card by title.
        has_fingerprint: Whether the detector's file tells which images it was trained on. Where it does, `evaluate` sets those
            aside, and the card need not be asked.

    Returns:
        Sentences; none where no image is in a public set.

    Examples:
        >>> overlap = Overlap(3, {"ISIC 2019": (0, 1)})
        >>> print(*known_set_notes(overlap, {"Data": "Trained on ISIC-2019."}, has_fingerprint=False))
        2 of 3 images are in ISIC 2019. The detector's card names ISIC 2019, and its file does not tell which images it was
        trained on: it may have seen 2 images of these 3, and the figures may be too good.
    """
    if not overlap:
        return ()
    notes = [f"{overlap}."]
    declared = [] if has_fingerprint else [name for name in overlap.sets if _is_named(name, card)]
    if declared:
        seen = len({position for name in declared for position in overlap.sets[name]})
        notes.append(
            f"The detector's card names {' and '.join(declared)}, and its file does not tell which images it was trained on: "
            f"it may have seen {count_noun(seen, 'image')} of these {overlap.images:,}, and the figures may be too good."
        )
    return tuple(notes)


def _is_named(name: str, card: Mapping[str, str]) -> bool:
    """Return whether a text names a set, with or without spaces and hyphens: "ISIC 2019", "ISIC-2019", "isic2019"."""
    words = r"[\s_-]*".join(map(re.escape, name.removeprefix("the ").split()))
    return any(re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE) for text in card.values())
