"""The result of watching a stream: whether it differs from its reference, since when, in what, and what that may cost."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_detect.inference.operating_points import PLURALS, Target
from melanoma_detect.monitoring.sensitivity import SensitivityEstimate
from melanoma_detect.monitoring.stream_tests import StreamTest
from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.json_values import to_json
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.outputs import check_output
from melanoma_detect.utils.probabilities import format_percent
from melanoma_detect.utils.upward_calls import call_upwards

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 3  # sources that the sentence names
_WHAT = {
    "melanoma": "probabilities of melanoma",
    "malignant": "probabilities of a malignant diagnosis",
    "abstained": "abstentions",
    "distance": "distances from the training images",
    "red": "shares of red",
    "blue": "shares of blue",
    "brightness": "values of brightness",
}
_COLOURS = ("red", "blue", "brightness")


@dataclass(frozen=True)
class Share:
    """A share of the images of a stream.

    Attributes:
        name: `"alert"`, `"refer"`, `"abstained"` or `"unreadable"`.
        value: 0 to 1.
        low: The lower end of its 95 % interval, which holds at every moment of the stream (see `share_interval`).
        high: The upper end.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, repr=False)
class Monitoring:
    """What `md.monitor` found; printing it gives a sentence.

    Attributes:
        reference: What the stream was compared with: `"validation"` or `"the baseline"`.
        alpha: The probability of a false alarm, ever, is at most this.
        periods: The names of the periods, in the order of time.
        images: How many images each period has.
        alerts: How many of each period raised an alert.
        refers: How many of each period were referred.
        unreadable: How many of each period could not be read.
        shares: Alerts, referrals, abstentions and unreadable images of the whole stream.
        tests: The sequential tests, those of all images first.
        estimates: The sensitivity under each assumption, by type of image; empty where there are too few images or no labels of
            validation.
        target: What the detector alerts to.
        sources: The sources that were told apart; empty where they were not.
    """

    reference: str
    alpha: float
    periods: tuple[str, ...]
    images: tuple[int, ...]
    alerts: tuple[int, ...]
    refers: tuple[int, ...]
    unreadable: tuple[int, ...]
    shares: tuple[Share, ...]
    tests: tuple[StreamTest, ...]
    estimates: tuple[SensitivityEstimate, ...]
    target: Target = "melanoma"
    sources: tuple[str, ...] = ()

    @property
    def alarm(self) -> bool:
        """Whether the stream differs from its reference."""
        return any(test.alarm is not None for test in self.tests)

    @property
    def alarm_period(self) -> str:
        """The period at whose end the first alarm was raised; empty where there was none."""
        first = min((test.alarm for test in self.tests if test.alarm is not None), default=None)
        return "" if first is None else self.periods[first]

    @property
    def changed(self) -> tuple[StreamTest, ...]:
        """The tests that raised an alarm, the earliest first, of those the strongest."""
        raised = [(test.alarm, test) for test in self.tests if test.alarm is not None]
        return tuple(test for _, test in sorted(raised, key=lambda pair: (pair[0], -pair[1].strength)))

    @property
    def changed_sources(self) -> tuple[str, ...]:
        """The sources whose own images raised an alarm, the earliest first."""
        return tuple(dict.fromkeys(test.source for test in self.changed if test.source))

    def __repr__(self) -> str:
        state = f"alarm in {printable(self.alarm_period)}" if self.alarm else "no alarm"
        return f"<Monitoring {count_noun(sum(self.images), 'image')} in {self._periods_text()}: {state}>"

    def __str__(self) -> str:
        return printable(self.sentence)

    @property
    def sentence(self) -> str:
        """What was found, in a sentence."""
        of = f"{count_noun(sum(self.images), 'image')} in {self._periods_text()}"
        if not self.alarm:
            strongest = max((test.strength for test in self.tests), default=0.0)
            return (
                f"No alarm: {of} do not differ clearly from {self.reference} (evidence at most "
                f"{format_percent(min(strongest, 1.0))} of what raises an alarm; a false alarm has a probability of at most "
                f"{format_percent(self.alpha)}, however long the stream is watched)."
            )
        first = self.changed[0]
        return (
            f"ALARM in {self.alarm_period}: the stream ({of}) differs from {self.reference}: {self._what(first)}"
            f"{self._sources_text()}; this would happen by chance with a probability of at most "
            f"{format_percent(self.alpha)}.{self._explanation()}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return every attribute as plain values, and what follows from them.

        Returns:
            A dictionary; what is no number, such as the rank of a period without images, is nan or infinite in it.
        """
        derived = {
            "alarm": self.alarm,
            "alarm_period": self.alarm_period,
            "changed_sources": list(self.changed_sources),
            "sentence": self.sentence,
        }
        return {
            **vars(self),
            **derived,
            "shares": [dict(vars(share)) for share in self.shares],
            "tests": [test.to_dict() for test in self.tests],
            "estimates": [estimate.to_dict() for estimate in self.estimates],
        }

    def plot(self) -> "Figure":
        """Draw the evidence of the strongest tests after each period; needs the extra `training`.

        Returns:
            The Matplotlib figure.

        Examples:
            >>> _ = md.score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
            >>> md.monitor("scores.csv", detector=detector).plot().savefig("watch.png")
        """
        figure: Figure = call_upwards("melanoma_detect.report.monitoring_page", "evidence", self)
        return figure

    _repr_html_ = notebook_view

    def save(self, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> Path:
        """Write everything as JSON.

        Args:
            path: The file to write; it ends in `.json`.
            overwrite: Replace a file that is there.

        Returns:
            The file.

        Raises:
            OutputError: The file exists, has another suffix, or cannot be written.
        """
        out = check_output(path, overwrite=overwrite, suffixes=(".json",))
        text = json.dumps(to_json(self.to_dict()), allow_nan=False, ensure_ascii=False, indent=1)
        with atomic_file(out, overwrite=overwrite) as partial:
            partial.write_text(text + "\n", encoding="utf-8", errors="backslashreplace", newline="\n")
        return out

    def _periods_text(self) -> str:
        return count_noun(len(self.periods), "period")

    def _what(self, test: StreamTest) -> str:
        name = _WHAT.get(test.statistic.name, f"values of {test.statistic.name}")
        of = f" of {test.statistic.image_type} images" if test.statistic.image_type else ""
        if test.statistic.name == "abstained":
            change = {"higher": "more frequent", "lower": "rarer"}.get(test.direction, "distributed differently")
        else:
            change = test.direction
        return f"{name}{of} are {change}"

    def _sources_text(self) -> str:
        if not self.sources:
            return ""
        names = self.changed_sources
        if not names:
            return "; no single source shows it alone"
        more = f" and {count_noun(len(names) - _NAMED, 'other')}" if len(names) > _NAMED else ""
        return f"; the change shows in {', '.join(names[:_NAMED])}{more}"

    def _explanation(self) -> str:
        """Return whether another prevalence explains the change, where that can be told."""
        if self.changed[0].statistic.name in _COLOURS:
            return (
                " Look at camera, lamp and white balance first; then label some images, and run melanoma-detect localize or "
                "evaluate on them."
            )
        shifts = [estimate for estimate in self.estimates if estimate.assumption == "label shift"]
        if not shifts:
            return ""
        plural = PLURALS[self.target]
        if all(estimate.fits for estimate in shifts):
            largest = max(shifts, key=lambda estimate: estimate.images)
            found = f"{largest.prevalence:.1%} [{largest.prevalence_low:.1%}, {largest.prevalence_high:.1%}]"
            return f" Another share of {plural} would explain it ({found}), at which the sensitivity stays what it was."
        return f" No share of {plural} explains it: label some images, and run melanoma-detect localize or evaluate on them."
