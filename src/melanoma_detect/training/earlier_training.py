"""What a model was trained on before: trained a second time, it may know images that are to measure it now."""

from typing import Any

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, LeakError
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.user_warning import warn_user

_TRAINED = "trained_fingerprint"  # attributes of the Keras model, which copies of it keep
_USED = "training_fingerprint"


def check_earlier_training(model: Any, data: Dataset) -> str:
    """Refuse a dataset whose validation images a model was trained on before.

    Early stopping, calibration and the alert threshold would rest on images that the model knows by heart.

    Args:
        model: The Keras model.
        data: The dataset that it is to be trained on.

    Returns:
        A note where the model was trained before and may be trained further; empty for a model that was not.

    Raises:
        LeakError: It was trained on images or lesions of this validation split.

    Warns:
        DataWarning: It was trained on images or lesions of this test split, which `evaluate` sets aside.

    Examples:
        >>> check_earlier_training(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)), data)
        ''
    """
    trained: TrainingFingerprint | None = getattr(model, _TRAINED, None)
    if trained is None:
        return ""
    known = _count_known(trained, data, data.validation)
    if known:
        raise LeakError(
            f"this model was already trained on {known} of the {count_noun(len(data.validation), 'validation image')}, so that "
            "its threshold would be set on images that it knows; build a new model (md.build_model), or train on the same split"
        )
    if known := _count_known(trained, data, data.test):
        warn_user(
            f"this model was already trained on {known} of the {count_noun(len(data.test), 'test image')}: evaluate sets them "
            "aside; build a new model (md.build_model) to test on all of them",
            DataWarning,
        )
    return "the model was trained before: this training continues from its weights (build a new model to start again)"


def remember_training(model: Any, data: Dataset) -> None:
    """Let a model remember the images that it was trained on, beside those of earlier trainings.

    Its `training_fingerprint` is that of all images that any of its trainings has used, validation included.

    Args:
        model: The Keras model.
        data: The dataset that it was trained on.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> remember_training(model, data)
        >>> len(model.training_fingerprint) == len({record.digest for record in (*data.train, *data.validation)})
        True
    """
    trained, used = TrainingFingerprint.of(data.train), TrainingFingerprint.of((*data.train, *data.validation))
    setattr(model, _TRAINED, getattr(model, _TRAINED, TrainingFingerprint()) | trained)
    setattr(model, _USED, getattr(model, _USED, TrainingFingerprint()) | used)


def _count_known(trained: TrainingFingerprint, data: Dataset, split: Split) -> int:
    """Return how many images of a split only the earlier training has shown, not this dataset's own training split."""
    if not len(split):
        return 0
    known = trained.contains(split)
    if not known.any():
        return 0
    return int((known & ~TrainingFingerprint.of(data.train).contains(split)).sum())
