"""The checks of the conformance kit, and running all of them on an architecture."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from melanoma_detect.models.registry import Builder
from melanoma_detect.testing import behaviour, structure
from melanoma_detect.testing.candidate import Candidate

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
    behaviour.check_images_matter,
    behaviour.check_features_lead_to_logits,
    behaviour.check_same_answers,
    behaviour.check_learning,
    behaviour.check_saved_file,
    behaviour.check_onnx,
    behaviour.check_mixed_precision,
)


class CheckResult(NamedTuple):
    """The result of one check.

    Attributes:
        name: The check's name.
        description: What the check expects.
        error: The error's type and message; None if the check passed.
        seconds: The duration of the check.
    """

    name: str
    description: str
    error: str | None
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the check passed."""
        return self.error is None


def check_model(architecture: str | Builder, **options: Any) -> Iterator[CheckResult]:
    """Run every check on an architecture, also after one has failed.

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
    for check in MODEL_CHECKS:
        started = time.perf_counter()
        error = _error(check, candidate)
        description = (check.__doc__ or "").partition("\n")[0]
        yield CheckResult(check.__name__, description, error, time.perf_counter() - started)


def _error(check: Callable[..., None], candidate: Candidate) -> str | None:
    try:
        check(candidate)
    except Exception as error:  # noqa: BLE001 - a builder may raise anything, and the other checks must run
        return f"{type(error).__name__}: {error}"
    return None
