"""The parts of a detector's file in memory, those that are read when they are needed among them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.feature_arrays import FeatureParts
from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.members import Member
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.plain_json import read_json
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.utils.damage import DAMAGE


@dataclass(frozen=True, eq=False)
class Files:
    """The parts of a detector's file beside its configuration.

    Attributes:
        onnx: The bytes of the ONNX model; None where the model cannot be exported.
        keras: Returns the bytes of the `.keras` file; None where there is none.
        feature_space: Where the features of training images lie; None where that was not measured.
        image_types: Tells clinical photographs from dermoscopy; None where the training images were of one type.
        fingerprint: Returns the fingerprint of the training data.
        path: The file that they were read from; None for a detector that was trained in this process.
    """

    onnx: bytes | None = None
    keras: Callable[[], bytes] | None = None
    feature_space: FeatureSpace | None = None
    image_types: ImageTypeClassifier | None = None
    fingerprint: Callable[[], TrainingFingerprint] = field(default=TrainingFingerprint)
    path: Path | None = None

    @property
    def features(self) -> FeatureParts:
        """What `features.npz` holds."""
        return FeatureParts(self.feature_space, self.image_types)


@dataclass(frozen=True)
class FingerprintMember:
    """The fingerprint of the training data, read when it is needed: thousands of digests, of no use to a prediction.

    Attributes:
        member: The member that holds it.
    """

    member: Member

    def __call__(self) -> TrainingFingerprint:
        """Return the fingerprint."""
        content = self.member()
        try:
            return TrainingFingerprint.from_dict(read_json(content))
        except DAMAGE as error:
            raise DetectorError(
                f"{self.member.file}: {self.member.name} is damaged ({error}); save the detector again"
            ) from error
