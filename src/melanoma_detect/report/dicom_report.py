"""A prediction as a DICOM structured report: TID 1500 in a Comprehensive 3D SR. Needs the extra `dicom`."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

import melanoma_detect
from melanoma_detect.errors import DetectorError
from melanoma_detect.images.dicom_header import SOFTWARE
from melanoma_detect.inference.detector_argument import as_predictor
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.inference.prediction_image import image_source
from melanoma_detect.report.dicom_codes import diagnosis_code, private_code, scheme_item, short_text
from melanoma_detect.report.dicom_source import (
    Identity,
    SourceImage,
    check_report_output,
    copying,
    read_source,
    stable_uid,
    write_dataset,
)
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.probabilities import is_probability

SERIES_DESCRIPTION = "melanoma-detect: research, not a medical device"
_DIGITS = 6  # of a share in per cent
_NAME = "the image"  # in the sentence: a path would tell of the machine that it was written on
_DECISIONS = {
    "alert": "Alert: show to a dermatologist",
    "clear": "Clear: no alert",
    "refer": "Refer: a person must look",
}
_TYPES = {"dermoscopy": codes.DCM.Dermoscopy, "clinical": codes.DCM.ExternalCameraPhotography}


@dataclass(frozen=True)
class _Context:
    """What every group of measurements says.

    Attributes:
        algorithm: The detector.
        image: The reference to the image.
        sites: Where on the body it was taken, if the image says so.
        identity: Makes the UIDs.
    """

    algorithm: AlgorithmIdentification
    image: SourceImageForMeasurementGroup
    sites: list[FindingSite]
    identity: Identity

    def group(
        self, tracked: str, finding: CodedConcept | Code, **contents: Any
    ) -> MeasurementsAndQualitativeEvaluations:
        return MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(uid=self.identity.new_uid(), identifier=tracked),
            finding_type=finding,
            finding_sites=self.sites or None,
            algorithm_id=self.algorithm,
            source_images=[self.image],
            **contents,
        )


def write_report(
    prediction: Prediction,
    source: Any = None,
    *,
    out: "str | os.PathLike[str] | None" = None,
    detector: Any = None,
    identity: Identity | None = None,
    overwrite: bool = False,
) -> Dataset:
    """Return a prediction as a DICOM structured report, and write it; see `Prediction.to_dicom_sr`.

    Args:
        prediction: The prediction.
        source: The DICOM image that it is about: a path, or a pydicom dataset; None for the file that was predicted.
        out: The file to write; None to write none.
        detector: The `Detector` or `Predictor` that made it; None for the one that it remembers.
        identity: The new file's UIDs and numbers.
        overwrite: Replace a file that is there.

    Returns:
        The report, a `highdicom.sr.Comprehensive3DSR`.

    Raises:
        ImageError: The source is no DICOM image.
        DetectorError: The detector is not given, and the prediction does not remember it.
        OutputError: The file exists, is the image, or cannot be written.

    Examples:
        >>> write_report(detector.predict(draw_lesion("nevus", seed=1, size=64).pixels))
        Traceback (most recent call last):
        melanoma_detect.errors.ImageError: array (64, 64, 3): no DICOM image, and a DICOM report copies the patient ...
    """
    identity = identity or Identity()
    kept = image_source(prediction)
    image = read_source(source, prediction.source, kept.path if kept else "")
    name, version = describe_algorithm(prediction, detector)
    file = None if out is None else check_report_output(out, image, prediction.source, overwrite=overwrite)
    with copying(image):
        report = _report(prediction, image, identity, name, version)
    if file is not None:
        write_dataset(report, file, overwrite=overwrite)
    return report


def describe_algorithm(prediction: Any, detector: Any) -> tuple[str, str]:
    """Return the name and the version of the detector behind a prediction.

    Args:
        prediction: A `Prediction`.
        detector: Its `Detector` or `Predictor`; None for the one that it remembers.

    Returns:
        The name; and the version: of this library when the detector was made, and now.

    Raises:
        DetectorError: Neither is known.

    Examples:
        >>> describe_algorithm(detector.predict(draw_lesion("nevus", seed=1, size=64).pixels), None)[1]
        'made with melanoma-detect ..., used with ...'
    """
    kept = image_source(prediction)
    config = as_predictor(detector).config if detector is not None else kept.config if kept else None
    if config is None:
        raise DetectorError(
            "a prediction that was pickled, copied or made by score no longer knows its detector; give it: detector=..."
        )
    made: Mapping[str, str] = config.made_with
    return config.name, f"made with {SOFTWARE} {made.get(SOFTWARE, 'unknown')}, used with {melanoma_detect.__version__}"


def _report(prediction: Prediction, image: SourceImage, identity: Identity, name: str, version: str) -> Dataset:
    source = image.dataset
    context = _Context(
        AlgorithmIdentification(name, version, parameters=list(_parameters(prediction)), manufacturer=SOFTWARE),
        SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID, image.frames),
        _finding_sites(source),
        identity,
    )
    device = DeviceObserverIdentifyingAttributes(
        stable_uid(name, version), name=name, manufacturer_name=SOFTWARE, model_name=name
    )
    groups = [_decision_group(prediction, context)]
    if not prediction.abstained:  # its probabilities mean nothing then, and would be read all the same
        groups += _diagnosis_groups(prediction, context)
    procedure = (
        codes.SCT.DermoscopicPhotography if prediction.image_type == "dermoscopy" else codes.SCT.ImagingProcedure
    )
    content = MeasurementReport(
        ObservationContext(ObserverContext(codes.DCM.Device, device)), procedure, imaging_measurements=groups
    )
    return Comprehensive3DSR(
        evidence=[source],
        content=content,
        series_instance_uid=identity.series,
        series_number=identity.series_number,
        sop_instance_uid=identity.new_uid(),
        instance_number=identity.instance_number,
        manufacturer=SOFTWARE,
        manufacturer_model_name=short_text(name, 64),
        software_versions=melanoma_detect.__version__,
        series_description=SERIES_DESCRIPTION,
        coding_schemes=[scheme_item()],
        is_complete=True,
    )


def _parameters(prediction: Prediction) -> Iterator[str]:
    if prediction.operating_point is not None:
        yield str(prediction.operating_point)
    if prediction.image_type:
        yield f"image type: {prediction.image_type}"


def _finding_sites(source: Dataset) -> list[FindingSite]:
    """Return the anatomic region that the image gives; nothing where it gives none."""
    regions = source.get("AnatomicRegionSequence") or []
    return [FindingSite(CodedConcept.from_dataset(region)) for region in regions[:1] if region.get("CodeValue")]


def _decision_group(prediction: Prediction, context: _Context) -> MeasurementsAndQualitativeEvaluations:
    """Return what is decided, and by which threshold; sentences for a reader stand with it."""
    decision = private_code(prediction.decision.upper(), _DECISIONS[prediction.decision])
    evaluations = [QualitativeEvaluation(private_code("DECISION", "Decision"), decision)]
    if prediction.image_type:
        evaluations.append(
            QualitativeEvaluation(private_code("IMAGE_TYPE", "Image type"), _TYPES[prediction.image_type])
        )
    measurements = []
    if not prediction.abstained:
        most = private_code("MOST_PROBABLE", "Most probable diagnosis")
        evaluations.append(QualitativeEvaluation(most, diagnosis_code(prediction.diagnosis)))
        ruled = private_code("NOT_RULED_OUT", "Diagnosis that is not ruled out")
        evaluations += [QualitativeEvaluation(ruled, diagnosis_code(each)) for each in prediction.prediction_set]
        measurements = [
            _percent(codes.DCM.ProbabilityOfCancer, prediction.malignant),
            _percent(private_code("P_MELANOMA", "Probability of melanoma"), prediction.melanoma),
        ]
    if prediction.operating_point is not None and is_probability(prediction.operating_point.threshold):
        measurements += _threshold(prediction.operating_point)
    group = context.group(
        "lesion",
        codes.SCT.SkinLesion,
        measurements=measurements or None,
        qualitative_evaluations=evaluations,
    )
    group[0].ContentSequence.extend(_sentences(prediction))
    return group


def _threshold(point: OperatingPoint) -> list[Measurement]:
    target = "melanoma" if point.target == "melanoma" else "any malignant diagnosis"
    return [
        _percent(private_code("ALERT_THRESHOLD", f"Alert threshold: probability of {target}"), point.threshold),
        _percent(private_code("SENSITIVITY_GOAL", "Sensitivity that the threshold was set for"), point.goal),
        _percent(codes.DCM.CaseSensitivity, point.sensitivity),
        _percent(codes.DCM.CaseSpecificity, point.specificity),
    ]


def _sentences(prediction: Prediction) -> Iterator[TextContentItem]:
    """Yield what a reader needs in words: the sentence, why the image is referred, and the disclaimer."""
    texts = [(codes.DCM.Conclusion, str(replace(prediction, source=_NAME)))]
    if prediction.reason:
        texts.append((private_code("REASON", "Why the image is referred"), prediction.reason))
    texts.append((codes.DCM.Comment, DISCLAIMER))
    for name, text in texts:
        yield TextContentItem(name, text, RelationshipTypeValues.CONTAINS)


def _diagnosis_groups(prediction: Prediction, context: _Context) -> list[MeasurementsAndQualitativeEvaluations]:
    """Return each diagnosis as a finding, whose certainty is its probability."""
    return [
        context.group(
            f"lesion: {label}",
            diagnosis_code(label),
            measurements=[_percent(codes.DCM.CertaintyOfFinding, share)],
        )
        for label, share in prediction.probabilities.items()
        if math.isfinite(share)
    ]


def _percent(name: CodedConcept | Code, share: float) -> Measurement:
    return Measurement(name, round(100 * share, _DIGITS), codes.UCUM.Percent)
