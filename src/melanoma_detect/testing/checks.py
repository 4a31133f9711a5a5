"""All checks, in the order in which they help: what is wrong first explains what comes after."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from melanoma_detect.models.registry import Builder
from melanoma_detect.testing import behaviour, structure
from melanoma_detect.testing.subject import Subject

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
    behaviour.check_images_matter,
    behaviour.check_features_lead_to_logits,
    behaviour.check_same_answers,
    behaviour.check_learning,
    behaviour.check_saved_file,
    behaviour.check_onnx,
    behaviour.check_mixed_precision,
)


class CheckResult(NamedTuple):
    """What one check came to.

    Attributes:
        name: The check's name.
        description: What it expects.
        error: What was wrong; None where it passed.
        seconds: How long it took.
    """

    name: str
    description: str
    error: str | None
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the architecture is as expected."""
        return self.error is None


def check_model(architecture: str | Builder, **options: Any) -> Iterator[CheckResult]:
    """Run every check on an architecture, one after the other; one that fails does not stop the others.

    Args:
        architecture: A name from `list_models()`, or a builder.
        **options: `input_shape`, and what the builder takes.

    Yields:
        What each check came to.

    Raises:
        UnknownModelError: Nobody offers the name.
        BrokenPluginError: The package that offers it cannot be imported.

    Examples:
        >>> first = next(check_model("cnn"))
        >>> first.name, first.passed
        ('check_name', True)
    """
    subject = Subject(architecture, **options)
    for check in MODEL_CHECKS:
        started = time.perf_counter()
        error = _error(check, subject)
        described = (check.__doc__ or "").partition("\n")[0]
        yield CheckResult(check.__name__, described, error, time.perf_counter() - started)


def _error(check: Callable[..., None], subject: Subject) -> str | None:
    try:
        check(subject)
    except Exception as error:  # noqa: BLE001 - a builder may raise anything; the other checks go on
        return f"{type(error).__name__}: {error}"
    return None
