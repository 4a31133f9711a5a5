"""What a detector's configuration and an evaluation say about the items of a reporting checklist, as sentences.

A fact is an empty text where nothing is recorded: the item then stays open. No fact is guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from melanoma_detect.evaluation.independent_units import PLURALS as UNIT_PLURALS
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.utils.counts import count_noun

_FIGURES = {
    "melanoma_auc": "melanoma ROC AUC",
    "malignant_auc": "malignant ROC AUC",
    "sensitivity": "sensitivity for {targets}",
    "specificity": "specificity",
    "balanced_accuracy": "balanced accuracy",
    "ece": "expected calibration error",
    "coverage": "coverage",
}


@dataclass(frozen=True, eq=False)
class Facts:
    """Where the answers of a checklist come from.

    Attributes:
        config: The detector's configuration.
        evaluation: What `Evaluation.to_dict` returned; empty without an evaluation.
    """

    config: DetectorConfig
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    def note(self, *starts: str) -> str:
        """Return the notes of the model card whose title starts so.

        Args:
            *starts: Beginnings of titles, in small letters.

        Returns:
            Each note with its title; empty if there is none.

        Examples:
            >>> Facts(detector.predictor.config).note("skin")
            ''
        """
        notes = self.config.notes.items()
        chosen = [f"{title}: {text}" for title, text in notes if title.lower().startswith(starts)]
        return " ".join(
            sentence(" ".join(text.split())) for text in chosen
        )  # one line: a table of Markdown has no others

    def card(self, section: str) -> str:
        """Return a section of the model card as one paragraph.

        Args:
            section: Its title.

        Returns:
            Text.

        Examples:
            >>> Facts(detector.predictor.config).card("Limitations")[:11]
            'The metrics'
        """
        lines = model_card(self.config).splitlines()
        start = lines.index(f"## {section}") + 1
        end = next((row for row in range(start, len(lines)) if lines[row].startswith("## ")), len(lines))
        return " ".join(line.lstrip("- ") for line in lines[start:end] if line)

    @property
    def measured(self) -> Mapping[str, Mapping[str, Any]]:
        """The evaluations by name: the given one, and those of the model card."""
        title = " of ".join(filter(None, (self.evaluation.get("split"), self.evaluation.get("dataset"))))
        given = {f"{title} (this evaluation)".lstrip(): self.evaluation} if self.evaluation else {}
        return given | dict(self.config.metrics)


Fact = Callable[[Facts], str]
# By section: the number of an item, what to report, and what answers it.
Items: TypeAlias = Mapping[str, tuple[tuple[str, str, Fact | None], ...]]


def join(*texts: str) -> str:
    """Join sentences.

    Args:
        *texts: Sentences; empty ones are left out.

    Returns:
        One text.

    Examples:
        >>> join("One.", "", "Two.")
        'One. Two.'
    """
    return " ".join(filter(None, texts))


def sentence(text: str) -> str:
    """Make a sentence of a text.

    Args:
        text: A text.

    Returns:
        The text with a capital letter and a full stop; empty for an empty one.

    Examples:
        >>> sentence("smartphone photographs")
        'Smartphone photographs.'
    """
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "…")) or not text else f"{text}."


def known(figure: Mapping[str, Any] | None) -> bool:
    """Return whether a figure is there and defined.

    Args:
        figure: A figure as plain values, or None.

    Returns:
        Whether it has a value.

    Examples:
        >>> known({"value": None}), known(None)
        (False, False)
    """
    return figure is not None and figure["value"] is not None


def with_interval(figure: Mapping[str, Any]) -> str:
    """Return a figure with its interval.

    Args:
        figure: A figure as plain values.

    Returns:
        Text.

    Examples:
        >>> with_interval({"value": 0.5, "low": 0.4, "high": 0.6})
        '0.500 [0.400, 0.600]'
    """
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def describe_figures(measured: Mapping[str, Any]) -> str:
    """Return the main figures of an evaluation in one line.

    Args:
        measured: What `Evaluation.to_dict` returned.

    Returns:
        Text; empty if no figure is defined.

    Examples:
        >>> describe_figures({"figures": {"coverage": {"value": 0.9, "low": 0.8, "high": 1.0}}})
        'coverage 0.900 [0.800, 1.000]'
    """
    targets, figures = PLURALS[measured.get("target", "melanoma")], measured.get("figures", {})
    texts = [
        f"{title.format(targets=targets)} {with_interval(figures[name])}"
        for name, title in _FIGURES.items()
        if known(figures.get(name))
    ]
    return ", ".join(texts)


def describe_units(measured: Mapping[str, Any]) -> str:
    """Return how many lesions or patients the images of an evaluation show.

    Args:
        measured: What `Evaluation.to_dict` returned.

    Returns:
        Text that follows the number of images; empty where each image counts on its own.

    Examples:
        >>> describe_units({"lesions": 12}), describe_units({"lesions": 12, "unit": "image"})
        (' of 12 lesions', '')
    """
    unit = measured.get("unit", "lesion")
    return "" if unit == "image" else f" of {count_noun(measured['lesions'], unit, UNIT_PLURALS[unit])}"


def describe_seen(measured: Mapping[str, Any]) -> str:
    """Return how many of the evaluated images the detector has seen in training.

    Args:
        measured: What `Evaluation.to_dict` returned.

    Returns:
        Text that follows the number of images; empty where it has seen none.

    Examples:
        >>> describe_seen({"seen_in_training": 530})
        ', 530 of them SEEN in training, so that its figures are too good'
    """
    seen = measured.get("seen_in_training", 0)
    return f", {seen:,} of them SEEN in training, so that its figures are too good" if seen else ""


def describe_positives(measured: Mapping[str, Any]) -> str:
    """Return how many lesions of the target an evaluation rests on, in parentheses.

    Args:
        measured: What `Evaluation.to_dict` returned.

    Returns:
        Text with a blank before it; empty if it is not known.

    Examples:
        >>> describe_positives({"figures": {"sensitivity": {"lesions": 12}}})
        ' (12 melanomas)'
    """
    figure = measured.get("figures", {}).get("sensitivity")
    target = PLURALS[measured.get("target", "melanoma")]
    if not figure or not figure.get("lesions"):
        return ""
    unit = measured.get("unit", "lesion")
    of = f" {UNIT_PLURALS[unit]} with" if unit in ("patient", "lesion or patient") else ""
    return f" ({figure['lesions']}{of} {target})"
