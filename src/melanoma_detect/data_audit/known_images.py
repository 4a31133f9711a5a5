"""The check for images of public sets, and of further sets that the user names."""

from collections.abc import Sequence

from melanoma_detect.data.known_images.index import KnownImages
from melanoma_detect.data.known_images.overlap import find_overlap
from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.finding import Finding
from melanoma_detect.images.perceptual_hash import Fingerprint

KIND = "images of known sets"


def check_known_images(
    records: Sequence[Record], fingerprints: Sequence[Fingerprint | None], index: KnownImages
) -> Finding:
    """Find the images that are in known sets, also turned, mirrored, rescaled, cropped to the centre or compressed again.

    Args:
        records: The images.
        fingerprints: The hashes of each.
        index: The known sets.

    Returns:
        The finding; its cases are the images with another diagnosis there first, then the others.

    Examples:
        >>> index = md.fingerprint(isic9, name="ours", progress=False)
        >>> check_known_images(data.records[:2], [None, None], index).summary
        '2 of 2 images are in ours'
    """
    overlap = find_overlap(records, index, fingerprints)
    first = [position for own in overlap.other_diagnosis.values() for position in own]
    return Finding(
        kind=KIND,
        count=len(overlap.positions),
        effect="A detector that was trained on such a set has seen these images: figures on them say nothing of new ones.",
        advice="Do not report them as external validation; where the diagnosis is another one, look at both.",
        cases=tuple((records[position],) for position in dict.fromkeys([*first, *overlap.positions])),
        summary=str(overlap),
        values=overlap.to_dict(),
    )
