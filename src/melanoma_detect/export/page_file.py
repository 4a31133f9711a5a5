"""Export of a detector as a page: one HTML file that runs it in a browser."""

import os
from typing import TYPE_CHECKING

from melanoma_detect.errors import DetectorError
from melanoma_detect.export.exported import Exported, Precision
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.page import write_page
from melanoma_detect.similar.make import Cases

if TYPE_CHECKING:
    from melanoma_detect.export.export import Images


def export_page(
    predictor: Predictor,
    path: "str | os.PathLike[str]",
    *,
    precision: Precision = "float32",
    images: "Images" = None,
    similar: Cases | None = None,
    thumbnails: bool = False,
    overwrite: bool = False,
) -> Exported:
    """Write a detector as a page; see `Detector.export`.

    Args:
        predictor: The detector.
        path: The file to write, whose name ends in `.html`.
        precision: `"float32"`: the page holds the detector's own model.
        similar: Cases whose nearest the page shows for each image; None for none.
        thumbnails: The page also holds small pictures of these cases.
        images: None: the page compares golden images by itself whenever it opens.
        overwrite: Replace a file that is there.

    Returns:
        The page's path and size.

    Raises:
        DetectorError: The detector has no ONNX model or uses several views, the runtime for browsers is missing, or images or
            another precision are asked for.
        OutputError: The file exists, is the detector's own, or cannot be written.

    Examples:
        >>> print(export_page(predictor, "detector.html"))
        detector.html: ... MB as a page for browsers, which compares golden images with the detector whenever it opens.
    """
    if precision != "float32":
        raise DetectorError(f"precision={precision!r}: a page holds the detector's own model; expected 'float32'")
    if images is not None:
        raise DetectorError("images: a page compares golden images by itself whenever it opens; leave them out")
    if thumbnails and similar is None:
        raise DetectorError("thumbnails: of which cases? Give similar=, a dataset or an index, too")
    target = write_page(predictor, path, similar=similar, thumbnails=thumbnails, overwrite=overwrite)
    return Exported(target, "page", precision, target.stat().st_size, float("nan"), 0)
