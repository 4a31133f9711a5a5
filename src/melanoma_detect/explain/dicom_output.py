"""The method of an explanation that writes its sheet as a DICOM Secondary Capture."""

import os
from typing import TYPE_CHECKING

from melanoma_detect.utils.upward_calls import call_upwards

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


class HasDicomCapture:
    """An explanation whose sheet can be written as a DICOM image."""

    __slots__ = ()

    def to_dicom_sc(
        self,
        source: "str | os.PathLike[str] | Dataset | None" = None,
        *,
        out: "str | os.PathLike[str] | None" = None,
        series_uid: str | None = None,
        series_number: int = 1,
        instance_number: int = 1,
        uid_prefix: str | None = None,
        overwrite: bool = False,
    ) -> "Dataset":
        """Return the sheet as a DICOM Secondary Capture with burned-in text, and write it. Extra `dicom`.

        It copies the patient and the study from the DICOM image, and names that image (and its frame) by UID.

        Args:
            source: The DICOM image that was explained: its path, or its pydicom dataset. None for the file that was explained,
                which must then be DICOM: no patient is invented for a photograph.
            out: The file to write; None to write none.
            series_uid: The UID of the sheet's series; None for a series of its own.
            series_number: The number of that series in the study.
            instance_number: The number of the sheet in the series.
            uid_prefix: The root of the new UIDs, such as `"1.2.826.0.1.3680043.10.999."`; None for random ones (2.25).
            overwrite: Replace a file that is there; never the image.

        Returns:
            The image, a pydicom dataset.

        Raises:
            ImageError: The source is no DICOM image.
            OutputError: The file exists, is the image, or cannot be written.

        Examples:
            >>> detector.explain(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", method="occlusion").to_dicom_sc()
            Traceback (most recent call last):
            melanoma_detect.errors.ImageError: ...melanoma_5000.jpg: no DICOM image, and a DICOM report copies ...
        """
        identity = (series_uid, series_number, instance_number, uid_prefix)
        capture: Dataset = call_upwards(
            "melanoma_detect.report.dicom_capture",
            "write_capture",
            self,
            source,
            out=out,
            identity=call_upwards("melanoma_detect.report.dicom_source", "Identity", *identity),
            overwrite=overwrite,
        )
        return capture
