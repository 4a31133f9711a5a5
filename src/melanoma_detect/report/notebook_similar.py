"""What a notebook shows of similar cases. Needs Pillow and Jinja only: no pandas, no Matplotlib."""

from functools import partial
from pathlib import Path

from melanoma_detect.inference.prediction_image import load_image
from melanoma_detect.report.notebook_parts import fill_template, picture, thumbnail
from melanoma_detect.report.notebook_prediction import KINDS, class_kind
from melanoma_detect.similar.cases import SimilarCases
from melanoma_detect.similar.index import SimilarIndex

_SIDE = 132  # pixels of the page: an image
_MOST = 24  # cases that are shown


def similar_cases(value: SimilarCases) -> str:
    """Show the image, and the cases that are similar to it, each with its diagnosis and distance.

    Args:
        value: The cases.

    Returns:
        HTML.

    Examples:
        >>> similar_cases(detector.similar(data.records[0], data, k=3)).count("<img")
        4
    """
    rows = [
        (case, thumbnail(case.record.image, _SIDE), class_kind(case.diagnosis), Path(case.source).name)
        for case in value.cases[:_MOST]
    ]
    return fill_template(
        "similar_cases",
        found=value,
        image=picture(partial(load_image, value, value.source), _SIDE),
        rows=rows,
        side=_SIDE,
        kinds=[pair for pair in KINDS.items() if any(kind == pair[0] for _, _, kind, _ in rows)],
    )


def similar_index(value: SimilarIndex) -> str:
    """Show how many lesions of each diagnosis an index has, and which detector made it.

    Args:
        value: The index.

    Returns:
        HTML.

    Examples:
        >>> "nevus" in similar_index(md.similar_index(data, detector, progress=False))
        True
    """
    total = sum(value.diagnoses.values())
    return fill_template("similar_index", index=value, total=total, rows=value.diagnoses.most_common())
