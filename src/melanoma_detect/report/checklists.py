"""Reporting checklists, filled from what a detector and its evaluation record: TRIPOD+AI and CLEAR Derm.

Items are put in our own words. What no file can know (ethics, funding, who read the slides) stays open and says so.
"""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.detector_argument import SupportsPredictor, as_predictor
from melanoma_detect.printable import printable
from melanoma_detect.report import clear_derm, tripod_ai
from melanoma_detect.report.checklist_facts import Fact, Facts
from melanoma_detect.utils.suggest import did_you_mean

OPEN = "To be filled in by the authors"
_MODULES = {module.NAME: module for module in (tripod_ai, clear_derm)}
CHECKLISTS = tuple(_MODULES)  # the names that `checklist` takes


class SupportsToDict(Protocol):
    """An evaluation: its figures as plain values."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        ...  # pragma: no cover


@dataclass(frozen=True)
class ChecklistItem:
    """An item of a checklist with its answer.

    Attributes:
        number: As the checklist counts it, such as `"12a"`.
        section: The section that it belongs to.
        item: What it asks for, in our own words.
        answer: What the detector and the evaluation record; else that the authors must fill it in.
        is_open: Whether the authors must fill it in.
    """

    number: str
    section: str
    item: str
    answer: str
    is_open: bool


@dataclass(frozen=True, repr=False)
class Checklist:
    """A reporting checklist, filled as far as a detector and its evaluation know the answers.

    Attributes:
        name: `"tripod-ai"` or `"clear-derm"`.
        title: Its name and year.
        citation: The publication.
        url: Where to find it.
        detector: The description of the detector.
        items: The items, in the order of the publication.
        evaluated: Whether an evaluation was given.

    Examples:
        >>> filled = checklist(detector, "clear-derm")
        >>> len(filled.items), filled.filled > 5
        (25, True)
    """

    name: str
    title: str
    citation: str
    url: str
    detector: str
    items: tuple[ChecklistItem, ...]
    evaluated: bool = False

    @property
    def open(self) -> tuple[ChecklistItem, ...]:
        """The items that the authors must fill in."""
        return tuple(item for item in self.items if item.is_open)

    @property
    def filled(self) -> int:
        """How many items are filled."""
        return len(self.items) - len(self.open)

    def by_section(self) -> dict[str, tuple[ChecklistItem, ...]]:
        """Return the items by section.

        Returns:
            The sections in their order.

        Examples:
            >>> list(checklist(detector, "clear-derm").by_section())
            ['Data', 'Technique', 'Technical assessment', 'Application']
        """
        sections = dict.fromkeys(item.section for item in self.items)
        return {name: tuple(item for item in self.items if item.section == name) for name in sections}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values.

        Returns:
            Values that `json` takes.

        Examples:
            >>> checklist(detector, "tripod-ai").to_dict()["items"][0]["number"]
            '1'
        """
        return {
            "name": self.name,
            "title": self.title,
            "citation": self.citation,
            "url": self.url,
            "detector": self.detector,
            "filled": self.filled,
            "open": len(self.open),
            "items": [vars(item) for item in self.items],
        }

    def to_markdown(self) -> str:
        """Return the checklist as Markdown: a table for each section.

        Returns:
            Markdown as GitHub reads it.

        Examples:
            >>> checklist(detector, "tripod-ai").to_markdown().splitlines()[0]
            '# TRIPOD+AI (2024): cnn: 9 classes at 32×32'
        """
        lines = [
            f"# {self.title}: {self.detector}",
            "",
            f"{self._head}",
            "",
            f"Items after {self.citation}: <{self.url}>.",
        ]
        for section, items in self.by_section().items():
            lines += ["", f"## {section}", "", "| item | what to report | answer |", "|---|---|---|"]
            for item in items:
                answer = f"*{item.answer}*" if item.is_open else item.answer
                lines.append(
                    "| " + " | ".join(text.replace("|", r"\|") for text in (item.number, item.item, answer)) + " |"
                )
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        lines = [f"{self.title}: {printable(self.detector)}", self._head, f"Items after {self.citation}: {self.url}"]
        for section, items in self.by_section().items():
            lines += ["", section, ""]
            lines += [f"{item.number:>4}  {item.item}\n      {printable(item.answer)}" for item in items]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Checklist {self.name}: {self.filled} of {len(self.items)} items filled>"

    @property
    def _head(self) -> str:
        return (
            f"{self.filled} of {len(self.items)} items are filled; {len(self.open)} are to be filled in by the authors."
        )


def checklist(
    detector: SupportsPredictor, name: str = "tripod-ai", evaluation: SupportsToDict | None = None
) -> Checklist:
    """Fill a reporting checklist from what a detector, and an evaluation of it, record.

    Args:
        detector: The detector.
        name: `"tripod-ai"` (Collins et al. 2024) or `"clear-derm"` (Daneshjou et al. 2022), also as the guidelines write
            themselves: `"TRIPOD+AI"`, `"CLEAR Derm"`.
        evaluation: From `Detector.evaluate`: fills performance, subgroups and sizes; None for the model card's figures only.

    Returns:
        The checklist; `str` and `to_markdown` show it, `write_html` makes a page of it.

    Raises:
        DetectorError: There is no checklist of that name.

    Examples:
        >>> print(checklist(detector, "tripod-ai", detector.evaluate(data)))
        TRIPOD+AI (2024): cnn: 9 classes at 32×32
        ...
    """
    given, name = name, _plain(name)
    if name not in _MODULES:
        raise DetectorError(
            f"checklist={given!r}: {did_you_mean(name, CHECKLISTS)}expected one of {', '.join(map(repr, CHECKLISTS))}"
        )
    config = as_predictor(detector).config
    facts = Facts(config, evaluation.to_dict() if evaluation is not None else {})
    module = _MODULES[name]
    items = tuple(
        _answered(facts, number, section, text, fact)
        for section, listed in module.ITEMS.items()
        for number, text, fact in listed
    )
    return Checklist(name, module.TITLE, module.CITATION, module.URL, config.description, items, evaluation is not None)


def _plain(name: str) -> str:
    """Return a name in small letters with hyphens, without a year: guidelines write "TRIPOD+AI (2024)" and "CLEAR Derm"."""
    return "-".join(word for word in re.findall(r"[a-z0-9]+", name.lower()) if not word.isdecimal())


def _answered(facts: Facts, number: str, section: str, text: str, fact: Fact | None) -> ChecklistItem:
    answer = fact(facts) if fact else ""
    return ChecklistItem(number, section, text, answer or f"{OPEN}.", is_open=not answer)
