"""The method of a prediction that writes it as a DICOM structured report."""

import os
from typing import TYPE_CHECKING, Any

from melanoma_detect.utils.upward_calls import call_upwards

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


class HasDicomReport:
    """A prediction that can be written as a DICOM structured report."""

    __slots__ = ()

    def to_dicom_sr(
        self,
        source: "str | os.PathLike[str] | Dataset | None" = None,
        *,
        out: "str | os.PathLike[str] | None" = None,
        detector: Any = None,
        series_uid: str | None = None,
        series_number: int = 1,
        instance_number: int = 1,
        uid_prefix: str | None = None,
        overwrite: bool = False,
    ) -> "Dataset":
        """Return the prediction as a DICOM structured report (TID 1500, Comprehensive 3D SR), and write it. Extra `dicom`.

        It copies the patient and the study from the DICOM image, names that image (and its frame) by UID, and holds the
        decision with its threshold, a finding for each diagnosis with its probability, the sentence, the reason and the
        disclaimer. Where the detector abstains, it holds no probability.

        Args:
            source: The DICOM image that the prediction is about: its path, or its pydicom dataset. None for the file that was
                predicted, which must then be DICOM: no patient is invented for a photograph.
            out: The file to write; None to write none.
            detector: The detector that made the prediction; needed only where the prediction was pickled or copied since.
            series_uid: The UID of the report's series; None for a series of its own.
            series_number: The number of that series in the study.
            instance_number: The number of the report in the series.
            uid_prefix: The root of the new UIDs, such as `"1.2.826.0.1.3680043.10.999."`; None for random ones (2.25).
            overwrite: Replace a file that is there; never the image.

        Returns:
            The report, a pydicom dataset.

        Raises:
            ImageError: The source is no DICOM image.
            DetectorError: The detector is not given, and the prediction does not remember it.
            OutputError: The file exists, is the image, or cannot be written.

        Examples:
            >>> detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").to_dicom_sr(out="report.dcm")
            Traceback (most recent call last):
            melanoma_detect.errors.ImageError: ...melanoma_5000.jpg: no DICOM image, and a DICOM report copies ...
        """
        identity = (series_uid, series_number, instance_number, uid_prefix)
        report: Dataset = call_upwards(
            "melanoma_detect.report.dicom_report",
            "write_report",
            self,
            source,
            out=out,
            detector=detector,
            identity=call_upwards("melanoma_detect.report.dicom_source", "Identity", *identity),
            overwrite=overwrite,
        )
        return report
