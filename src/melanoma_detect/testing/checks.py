"""The checks of the conformance kit, and running all of them on an architecture."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from melanoma_detect.models.registry import Builder
from melanoma_detect.testing import behaviour, structure
from melanoma_detect.testing.candidate import Candidate
from melanoma_detect.testing.place import raised_at

# Ordered so that the first failure explains the later ones.
MODEL_CHECKS: tuple[Callable[..., None], ...] = (
    structure.check_name,
    structure.check_signature,
    structure.check_structure,
    structure.check_sizes_and_classes,
    structure.check_same_seed,
    structure.check_no_code,
    structure.check_settings_untouched,
    structure.check_backbone,
    behaviour.check_pixels_to_probabilities,
    behaviour.check_pixel_scale,
    behaviour.check_images_matter,
    behaviour.check_features_lead_to_logits,
    behaviour.check_same_answers,
    behaviour.check_learning,
    behaviour.check_saved_file,
    behaviour.check_onnx,
    behaviour.check_mixed_precision,
)
_ON_OUTPUTS = ("check_pixels_to_probabilities", "check_same_answers")
# What a check relies on: after a failure of one of these its own result would only repeat that failure, in other words.
_RELIES_ON: dict[str, tuple[str, ...]] = {
    "check_pixel_scale": ("check_pixels_to_probabilities",),
    "check_images_matter": ("check_pixels_to_probabilities",),
    "check_same_answers": ("check_pixels_to_probabilities",),
    "check_learning": ("check_pixels_to_probabilities",),
    "check_saved_file": _ON_OUTPUTS,
    "check_onnx": (*_ON_OUTPUTS, "check_saved_file"),
    "check_mixed_precision": _ON_OUTPUTS,
}
_WITHOUT_MODEL = ("check_name", "check_signature", "check_structure")


class CheckResult(NamedTuple):
    """The result of one check.

    Attributes:
        name: The check's name.
        description: What the check expects.
        error: The error's type and message, and the line of the architecture's code that raised it; None if the check passed
            or was not run.
        seconds: The duration of the check.
        not_run: Why the check was not run; None if it was.
    """

    name: str
    description: str
    error: str | None
    seconds: float
    not_run: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the check was run and passed."""
        return self.error is None and self.not_run is None


def check_model(architecture: str | Builder, **options: Any) -> Iterator[CheckResult]:
    """Run every check on an architecture, also after one has failed; those that rely on the failed one are not run.

    Args:
        architecture: A name from `list_models()`, or a builder.
        **options: `input_shape`, and the builder's own options.

    Yields:
        The result of each check.

    Raises:
        UnknownModelError: No package offers the name.
        BrokenPluginError: The package that offers it cannot be imported.

    Examples:
        >>> first = next(check_model("cnn"))
        >>> first.name, first.passed
        ('check_name', True)
    """
    candidate = Candidate(architecture, **options)
    failed: list[str] = []
    for check in MODEL_CHECKS:
        name, description = check.__name__, (check.__doc__ or "").partition("\n")[0]
        if cause := next((needed for needed in _needed_by(name) if needed in failed), None):
            yield CheckResult(name, description, None, 0.0, f"{cause} failed")
            continue
        started = time.perf_counter()
        error = _error(check, candidate)
        if error is not None:
            failed.append(name)
        yield CheckResult(name, description, error, time.perf_counter() - started)


def _needed_by(name: str) -> tuple[str, ...]:
    return () if name in _WITHOUT_MODEL else ("check_structure", *_RELIES_ON.get(name, ()))


def _error(check: Callable[..., None], candidate: Candidate) -> str | None:
    try:
        check(candidate)
    except Exception as error:  # noqa: BLE001 - a builder may raise anything, and the other checks must run
        text = f"{type(error).__name__}: {error}"
        place = raised_at(error, candidate.builder)
        return text if place is None or place in text else f"{text} ({place})"
    return None
