"""Explanations of predictions: heat maps over images, by class activation maps, Grad-CAM or occlusion."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from melanoma_detect import taxonomy
from melanoma_detect.errors import DetectorError, ModelError
from melanoma_detect.explain.cam import check_class_maps, class_maps, log_odds_weights, undo_view
from melanoma_detect.explain.explanation import (
    CAVEAT,
    HIDDEN_SHARE,
    Explanation,
)
from melanoma_detect.explain.occlusion import hide_hottest, occlude
from melanoma_detect.explain.overlay import resize_heat
from melanoma_detect.explain.prepared_image import PreparedImage, prepare_image
from melanoma_detect.images.reader import ImageLike, Pixels
from melanoma_detect.inference.batch_prediction import BatchPrediction
from melanoma_detect.inference.prediction import NO_DIAGNOSIS
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import BATCH, OnnxRuntime
from melanoma_detect.inference.test_time_augmentation import make_views
from melanoma_detect.utils.arrays import Float32Array, Float64Array
from melanoma_detect.utils.probability_arrays import sound_rows
from melanoma_detect.utils.progress import describe_stage, progress_bar
from melanoma_detect.utils.suggest import did_you_mean

Method: TypeAlias = Literal["auto", "cam", "grad-cam", "occlusion"]

__all__ = [
    "CAVEAT",
    "METHODS",
    "Explanation",
    "Method",
    "check_method",
    "class_indices",
    "explain",
    "explain_many",
    "normalize_heat",
]

METHODS: tuple[Method, ...] = ("auto", "cam", "grad-cam", "occlusion")


class _Evidence(NamedTuple):
    """What a method found: signed evidence `(rows, columns)`, and the lowest probability if it hid parts of the image."""

    method: str
    values: Float32Array
    hidden: float | None = None


_Measure: TypeAlias = Callable[[Predictor, Pixels, Sequence[int], Float64Array], _Evidence]


def explain(
    predictor: Predictor,
    image: ImageLike,
    *,
    diagnosis: str | None = None,
    method: Method = "auto",
    progress: bool = True,
) -> Explanation:
    """Explain which parts of an image are evidence for a diagnosis; see `Detector.explain`, which says what it costs.

    Args:
        predictor: The detector.
        image: One image, as `Detector.predict` takes it.
        diagnosis: The diagnosis to explain; None for the most probable class.
        method: `"auto"`, `"cam"`, `"grad-cam"` or `"occlusion"`.
        progress: Draw a progress bar where it takes more than two seconds.

    Returns:
        The explanation.

    Raises:
        DetectorError: The detector does not know the diagnosis, or has no class maps, or no Keras model for Grad-CAM.
        ImageError: The image cannot be read.

    Examples:
        >>> explain(predictor, draw_lesion("nevus", seed=1).pixels, diagnosis="nevus", method="occlusion").method
        'occlusion'
    """
    return explain_many(predictor, [image], diagnosis=diagnosis, method=method, progress=progress)[0]


def explain_many(
    predictor: Predictor,
    images: Iterable[ImageLike],
    *,
    diagnosis: str | None = None,
    method: Method = "auto",
    progress: bool = True,
) -> list[Explanation]:
    """Explain several images; see `explain`.

    Args:
        predictor: The detector.
        images: Images, as `Detector.predict` takes them.
        diagnosis: The diagnosis to explain in every image; None for the most probable class of each.
        method: `"auto"`, `"cam"`, `"grad-cam"` or `"occlusion"`.
        progress: Draw a progress bar where it takes more than two seconds.

    Returns:
        One explanation for each image, in their order.

    Raises:
        DetectorError: The detector does not know the diagnosis, or has no class maps, or no Keras model for Grad-CAM.
        ImageError: An image cannot be read; the message names it.

    Examples:
        >>> images = [draw_lesion("nevus", seed=seed).pixels for seed in (1, 2)]
        >>> [one.diagnosis for one in explain_many(predictor, images, diagnosis="melanoma", method="occlusion")]
        ['melanoma', 'melanoma']
    """
    check_method(method)
    if diagnosis is not None:
        class_indices(diagnosis, predictor.classes)  # raises before anything is read
    with progress_bar("explaining", shown=progress):
        return _explain_all(predictor, images, diagnosis, method)


def check_method(method: str) -> None:
    """Raise DetectorError unless there is such a method.

    Args:
        method: `"auto"`, `"cam"`, `"grad-cam"` or `"occlusion"`.

    Raises:
        DetectorError: There is none.

    Examples:
        >>> check_method("occlusion")
    """
    if method not in METHODS:
        raise DetectorError(f"method={method!r}; expected one of {', '.join(map(repr, METHODS))}")


def class_indices(diagnosis: str, classes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the indices of the classes that a diagnosis covers.

    Args:
        diagnosis: A class, a name, code or alias of the taxonomy, or `"malignant"`.
        classes: Class names, in the order of the model's outputs.

    Returns:
        The indices: at least one, and not all of them.

    Raises:
        DetectorError: The diagnosis covers no class, or every one.

    Examples:
        >>> class_indices("MEL", ("nevus", "melanoma"))
        (1,)
    """
    known = taxonomy.find(diagnosis)
    if diagnosis in classes:
        indices: tuple[int, ...] = (classes.index(diagnosis),)
    elif diagnosis == "malignant":
        indices = taxonomy.positions(classes, malignant=True)
    else:
        indices = taxonomy.positions(classes, code=known.code) if known else ()
    if not indices:
        raise DetectorError(
            f"diagnosis={diagnosis!r}: the detector has no such class; {_suggest(diagnosis, classes)}expected 'malignant' or "
            f"one of {', '.join(classes)}"
        )
    if len(indices) == len(classes):
        raise DetectorError(
            f"diagnosis={diagnosis!r}: covers every class of the detector; expected one that covers only some of them"
        )
    return indices


def normalize_heat(evidence: Float32Array, size: tuple[int, int]) -> Float32Array:
    """Scale evidence to a heat map: 0 for evidence against the diagnosis, 1 for the most evidence for it.

    Args:
        evidence: float32 `(rows, columns)` of any size; positive for evidence for the diagnosis.
        size: `(height, width)` of the heat map.

    Returns:
        float32 `(height, width)`, 0 to 1; zeros if no evidence is positive.

    Examples:
        >>> normalize_heat(np.array([[-1.0, 2.0]], np.float32), (1, 2)).tolist()
        [[0.0, 1.0]]
    """
    positive = np.maximum(evidence, 0)
    if not 0 < positive.max() < np.inf:  # true for nan as well
        return np.zeros(size, np.float32)
    heat = resize_heat(positive / positive.max(), size)
    return np.asarray(heat / heat.max(), np.float32)


class _Case(NamedTuple):
    """One image to explain, and its place in a batch of predictions."""

    image: PreparedImage
    row: int
    predictions: BatchPrediction


def _explain_all(
    predictor: Predictor, images: Iterable[ImageLike], diagnosis: str | None, method: Method
) -> list[Explanation]:
    remaining, explanations = iter(images), list[Explanation]()
    measure = _choose(predictor, method)
    while batch := list(islice(remaining, BATCH)):
        prepared = [prepare_image(predictor, image) for image in batch]  # no more than one decoded image is in memory
        pixels, sides = np.stack([image.pixels for image in prepared]), np.array([image.side for image in prepared])
        predictions = predictor.predict_batch(pixels, sides)
        for row, image in enumerate(prepared):
            explanations.append(_explain_case(predictor, _Case(image, row, predictions), diagnosis, measure))
    return explanations


def _explain_case(predictor: Predictor, case: _Case, diagnosis: str | None, measure: _Measure) -> Explanation:
    image, row, predictions = case
    if predictor.image_types:  # hiding a part of the image must not change its type, and with that the calibration
        predictor = predictor.at(image_type=predictions.image_types[row] or None)
    probabilities = predictions.probabilities[row]
    predicted = int(probabilities.argmax())
    indices = (predicted,) if diagnosis is None else class_indices(diagnosis, predictor.classes)
    if not sound_rows(probabilities[None])[0]:
        return _explain_nothing(predictor, case, diagnosis and _name(diagnosis, indices, predictor.classes))
    evidence = measure(predictor, image.pixels, indices, probabilities)
    heat = normalize_heat(evidence.values, predictor.image_size)
    hidden = evidence.hidden
    if hidden is None and heat.any():
        hidden_pixels = hide_hottest(image.pixels, heat, HIDDEN_SHARE)
        hidden = float(predictor.probabilities(hidden_pixels[None])[0, list(indices)].sum())
    if hidden is not None and not math.isfinite(hidden):
        hidden = None
    return Explanation(
        heat=heat,
        method=evidence.method,
        diagnosis=_name(diagnosis, indices, predictor.classes),
        probability=float(probabilities[list(indices)].sum()),
        hidden=hidden,
        source=image.source,
        image=image.shown,
        reason=predictions.reason(row, predictor.classes),
        abstained=bool(predictions.abstained[row]),
        predicted=predictor.classes[predicted],
        covers_predicted=predicted in indices,
        cells=(int(evidence.values.shape[0]), int(evidence.values.shape[1])) if evidence.hidden is None else None,
        share_for=_share_for(evidence.values),
        seen=image.seen,
    )


def _explain_nothing(predictor: Predictor, case: _Case, diagnosis: str | None) -> Explanation:
    """Return the explanation of an image for which the model gave no probabilities: it is referred, and nothing is evidence."""
    return Explanation(
        heat=np.zeros(predictor.image_size, np.float32),
        method="none",
        diagnosis=diagnosis or NO_DIAGNOSIS,
        probability=math.nan,
        hidden=None,
        source=case.image.source,
        image=case.image.shown,
        reason=case.predictions.reason(case.row, predictor.classes),
        abstained=True,
        covers_predicted=False,
        seen=case.image.seen,
    )


def _suggest(diagnosis: str, classes: tuple[str, ...]) -> str:
    """Return a hint at a class or one of its other spellings."""
    known = [each for each in taxonomy.DIAGNOSES if taxonomy.positions(classes, code=each.code)]
    spellings = [spelling for each in known for spelling in sorted(each.spellings)]
    asked = diagnosis.lower()
    return did_you_mean(asked, [*classes, "malignant"]) or did_you_mean(asked, spellings)


def _name(diagnosis: str | None, indices: Sequence[int], classes: tuple[str, ...]) -> str:
    """Return the name of what is explained: the class's own, whichever spelling it was asked for by."""
    if len(indices) == 1 and diagnosis != "malignant":
        return classes[indices[0]]
    known = taxonomy.find(diagnosis or "")
    return known.name if known else str(diagnosis)


def _choose(predictor: Predictor, method: Method) -> _Measure:
    """Return the function that measures the evidence by a method, or by the first that the detector allows for "auto"."""
    if method == "occlusion":
        return _by_occlusion
    if method != "grad-cam":
        try:
            check_class_maps(predictor)
        except DetectorError as error:
            if method == "cam":
                other = "method='grad-cam' or 'occlusion'" if _has_keras(predictor) else "method='occlusion'"
                raise DetectorError(f"method='cam': {error}; use {other}") from error
        else:
            return _by_class_maps
    try:
        return _by_grad_cam(predictor)
    except (DetectorError, ModelError) as error:
        if method == "grad-cam":
            raise DetectorError(f"method='grad-cam': {error}") from error
    return _by_occlusion


def _has_keras(predictor: Predictor) -> bool:
    """Return whether Grad-CAM may work, without loading the model: it has a Keras model, in its file or in this process."""
    return predictor.files.keras is not None or not isinstance(predictor.runtime, OnnxRuntime)


def _by_class_maps(
    predictor: Predictor, pixels: Pixels, indices: Sequence[int], probabilities: Float64Array
) -> _Evidence:
    weights = log_odds_weights(probabilities[None], indices)[0]
    return _Evidence("cam", np.asarray(class_maps(predictor, pixels[None])[0] @ weights, np.float32))


def _by_occlusion(predictor: Predictor, pixels: Pixels, indices: Sequence[int], _: Float64Array) -> _Evidence:
    effect = occlude(predictor.probabilities, pixels, indices)
    return _Evidence("occlusion", effect.evidence, effect.hidden)


def _by_grad_cam(predictor: Predictor) -> _Measure:
    """Return the function that measures evidence by Grad-CAM, with the Keras model loaded once."""
    describe_stage("loading Keras")
    model = predictor.keras_model()
    from melanoma_detect.explain.grad_cam import grad_cam, split_at_feature_maps  # noqa: PLC0415 - imports Keras

    split_at_feature_maps(model)  # raises where there are no feature maps

    def measure(predictor: Predictor, pixels: Pixels, indices: Sequence[int], _: Float64Array) -> _Evidence:
        views = make_views(pixels[None], predictor.settings.views)
        found = [undo_view(grad_cam(model, view[0], indices)[None], number)[0] for number, view in enumerate(views)]
        return _Evidence("grad-cam", np.mean(found, axis=0, dtype=np.float32))

    return measure


def _share_for(evidence: Float32Array) -> float | None:
    total = float(np.abs(evidence).sum())
    return float(np.maximum(evidence, 0).sum()) / total if total > 0 else None
