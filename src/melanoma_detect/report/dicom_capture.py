"""The sheet of an explanation as a DICOM Secondary Capture: image, heat map and sentences. Needs the extra `dicom`."""

import os
from typing import Any

import numpy as np
from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

import melanoma_detect
from melanoma_detect.explain.explanation import Explanation
from melanoma_detect.images.dicom_header import SOFTWARE
from melanoma_detect.report.dicom_report import SERIES_DESCRIPTION
from melanoma_detect.report.dicom_source import (
    Identity,
    SourceImage,
    check_report_output,
    copying,
    read_source,
    write_dataset,
)

_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


def write_capture(
    explanation: Explanation,
    source: Any = None,
    *,
    out: "str | os.PathLike[str] | None" = None,
    identity: Identity | None = None,
    overwrite: bool = False,
) -> Dataset:
    """Return the sheet of an explanation as a DICOM image, and write it; see `Explanation.to_dicom_sc`.

    Args:
        explanation: The explanation.
        source: The DICOM image that it is about: a path, or a pydicom dataset; None for the file that was explained.
        out: The file to write; None to write none.
        identity: The new file's UIDs and numbers.
        overwrite: Replace a file that is there.

    Returns:
        The image, a `highdicom.sc.SCImage`.

    Raises:
        ImageError: The source is no DICOM image.
        OutputError: The file exists, is the image, or cannot be written.

    Examples:
        >>> write_capture(detector.explain(draw_lesion("nevus", seed=1, size=64).pixels, method="occlusion"))
        Traceback (most recent call last):
        melanoma_detect.errors.ImageError: array (64, 64, 3): no DICOM image, and a DICOM report copies the patient ...
    """
    image = read_source(source, explanation.source)
    file = None if out is None else check_report_output(out, image, explanation.source, overwrite=overwrite)
    with copying(image):
        capture = _capture(explanation, image, identity or Identity())
    if file is not None:
        write_dataset(capture, file, overwrite=overwrite)
    return capture


def _capture(explanation: Explanation, image: SourceImage, identity: Identity) -> Dataset:
    source = image.dataset
    capture = SCImage.from_ref_dataset(
        source,
        np.asarray(explanation.sheet()),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=identity.series,
        series_number=identity.series_number,
        sop_instance_uid=identity.new_uid(),
        instance_number=identity.instance_number,
        manufacturer=SOFTWARE,
        patient_orientation=("L", "F"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        software_versions=melanoma_detect.__version__,
        series_description=SERIES_DESCRIPTION,
    )
    capture.PatientOrientation = ""  # highdicom requires one, and nobody knows how a sheet lies on the patient
    capture.Laterality = source.get("Laterality") or ""
    capture.BurnedInAnnotation = "YES"
    capture.DerivationDescription = f"Heat map of {explanation.method} over the image, with its description"
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    if image.frames:
        reference.ReferencedFrameNumber = image.frames
    reference.PurposeOfReferenceCodeSequence = [
        CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    ]
    capture.SourceImageSequence = [reference]
    for keyword in _LOSSY:  # what was lost stays lost
        if keyword in source:
            capture[keyword] = source[keyword]
    return capture
