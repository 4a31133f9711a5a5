"""Results of the mistake lab: the figures of one mistake, and the table of several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from melanoma_detect.lab.intervals import Mean, corrected_mean
from melanoma_detect.lab.mistakes import Mistake
from melanoma_detect.lab.trials import Outcome
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.probabilities import format_percent
from melanoma_detect.utils.text_table import TextTable, render_text
from melanoma_detect.utils.upward_calls import call_upwards

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLOTS = "melanoma_detect.report.lab_plots"


@dataclass(frozen=True, repr=False)
class MistakeResult:
    """What a mistake costs; printing it gives a sentence.

    Attributes:
        mistake: The mistake.
        claimed: What a study with the mistake reports, 0 to 1: the mean of the trials.
        true: What the same models do on untouched lesions.
        honest: What a study without the mistake reports.
        honest_true: What its models do on untouched lesions.
        price: Claimed minus true, in percentage points, with its 95 % interval.
        honest_gap: Honest minus honest_true, in percentage points, with its 95 % interval: near 0, as the control.
        trials: The figures of each trial.
        learner: What was trained.
        drawn: Whether the lesions are drawn.
    """

    mistake: Mistake
    claimed: float
    true: float
    honest: float
    honest_true: float
    price: Mean
    honest_gap: Mean
    trials: tuple[Outcome, ...]
    learner: str
    drawn: bool

    _repr_html_ = notebook_view

    @classmethod
    def of(cls, mistake: Mistake, outcomes: Sequence[Outcome], *, learner: str, drawn: bool, overlap: float) -> Self:
        """Summarise the trials of a mistake.

        Args:
            mistake: The mistake.
            outcomes: The figures of each trial.
            learner: What was trained.
            drawn: Whether the lesions are drawn.
            overlap: See `intervals.corrected_mean`.

        Returns:
            The result.

        Examples:
            >>> from melanoma_detect.lab.mistakes import find_mistake
            >>> outcomes = [Outcome(0.8, 0.5, 0.6, 0.6), Outcome(0.9, 0.5, 0.6, 0.6)]
            >>> made = MistakeResult.of(find_mistake("drop_unsure"), outcomes, learner="forest", drawn=True, overlap=0)
            >>> round(made.price.value, 6)
            35.0
        """
        claimed, true, honest, honest_true = (sum(values) / len(outcomes) for values in zip(*outcomes, strict=True))
        return cls(
            mistake,
            claimed=claimed,
            true=true,
            honest=honest,
            honest_true=honest_true,
            price=corrected_mean([100 * (one.claimed - one.true) for one in outcomes], overlap),
            honest_gap=corrected_mean([100 * (one.honest - one.honest_true) for one in outcomes], overlap),
            trials=tuple(outcomes),
            learner=learner,
            drawn=drawn,
        )

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the price, in percentage points."""
        return self.price.low, self.price.high

    @property
    def explanation(self) -> str:
        """What is done wrongly, what is done in its place, and what in this library stands in its way."""
        return f"{self.mistake.explanation} Honest: {self.mistake.honest} Guard: {self.mistake.guard}"

    def __repr__(self) -> str:
        return f"<MistakeResult {self.mistake.name}: {points(self.price)}>"

    def __str__(self) -> str:
        return (
            f"{self.mistake.title}: the study claims {format_percent(self.claimed)} ({self.mistake.metric}), and the truth is "
            f"{format_percent(self.true)}: a price of {points(self.price)}. Done honestly, it reports "
            f"{format_percent(self.honest)}, and the truth is {format_percent(self.honest_true)}."
        )

    def plot(self) -> "Figure":
        """Plot what each trial claims against the truth, with the mistake and without.

        Returns:
            The matplotlib figure, which shows itself in a notebook.
        """
        figure: Figure = call_upwards(_PLOTS, "mistake_prices", MistakeTable((self,)))
        return figure

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values.

        Returns:
            A dictionary; shares are 0 to 1, price and honest_gap in percentage points.
        """
        names = ("title", "metric", "explanation", "honest", "guard")
        return {
            "mistake": self.mistake.name,
            "about": {name: getattr(self.mistake, name) for name in names},
            "claimed": self.claimed,
            "true": self.true,
            "honest": self.honest,
            "honest_true": self.honest_true,
            "price": self.price._asdict(),
            "honest_gap": self.honest_gap._asdict(),
            "learner": self.learner,
            "drawn": self.drawn,
            "trials": [one._asdict() for one in self.trials],
        }


@dataclass(frozen=True, repr=False)
class MistakeTable:
    """The results of several mistakes; printing it gives a table.

    Attributes:
        results: One for each mistake.
    """

    results: tuple[MistakeResult, ...]

    _repr_html_ = notebook_view

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[MistakeResult]:
        return iter(self.results)

    def __getitem__(self, name: str) -> MistakeResult:
        return {result.mistake.name: result for result in self.results}[name]

    def __repr__(self) -> str:
        return f"<MistakeTable of {len(self)} mistakes>"

    def __str__(self) -> str:
        return render_text(
            TextTable(
                self.title,
                ("mistake", "claimed", "truth", "price in points", "honest", "its truth", "gap"),
                tuple(
                    (
                        result.mistake.title,
                        *map(format_percent, (result.claimed, result.true)),
                        points(result.price, unit=""),
                        *map(format_percent, (result.honest, result.honest_true)),
                        points(result.honest_gap, unit=""),
                    )
                    for result in self.results
                ),
            )
        )

    @property
    def title(self) -> str:
        """What was run: trials, learner, lesions."""
        first = self.results[0]
        what = "drawn lesions" if first.drawn else "a dataset's images"
        return f"The price of classic mistakes: {len(first.trials)} trials, {first.learner}, {what}"

    def plot(self) -> "Figure":
        """Plot claimed figures against the truth.

        Returns:
            The matplotlib figure, which shows itself in a notebook.
        """
        figure: Figure = call_upwards(_PLOTS, "mistake_prices", self)
        return figure

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values.

        Returns:
            A dictionary that `json` takes.
        """
        return {"title": self.title, "results": [result.to_dict() for result in self.results]}


def points(mean: Mean, unit: str = " points") -> str:
    """Return a mean of percentage points with its interval as text.

    Args:
        mean: The mean.
        unit: What follows the number.

    Returns:
        Its text.

    Examples:
        >>> points(Mean(12.34, 10.0, 14.7))
        '+12.3 points [10.0, 14.7]'
    """
    value, low, high = (round(number, 1) + 0.0 for number in mean)
    return f"{value:+.1f}{unit} [{low:.1f}, {high:.1f}]"
