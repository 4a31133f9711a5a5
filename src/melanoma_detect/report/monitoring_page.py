"""The HTML report of a watched stream, and its plots."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from melanoma_detect.monitoring.monitoring import Monitoring
from melanoma_detect.monitoring.stream_tests import StreamTest
from melanoma_detect.report.rendering import json_url, picture, render
from melanoma_detect.report.report_data import report_data
from melanoma_detect.report.style import BLUE, GREY, ORANGE, RED, WIDTH, draw_legend, new_figure, tidy

_ROWS = 20  # of the table of tests
_SHOWN = 3  # lines: more cannot be told apart
_COLOURS, _MARKS = (BLUE, ORANGE, GREY), "os^"
_FLOOR, _CEILING = 1e-4, 1e4  # of the axis, as shares of what raises an alarm


def evidence(report: Monitoring) -> Figure:
    """Plot the evidence of the strongest tests after each period, as a share of what raises an alarm.

    Args:
        report: From `md.monitor`.

    Returns:
        The figure.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> evidence(md.monitor("scores.csv", detector=detector)).axes[0].get_xlabel()
        'period'
    """
    figure = new_figure(WIDTH, 3.6, f"Evidence against {report.reference}")
    axes = tidy(figure.subplots(), xlabel="period", ylabel="share of an alarm's evidence")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:,g}"))  # that of a log scale writes formulas
    axes.axhline(1, color=RED, linestyle="--", linewidth=1.2, label="alarm from here")
    axes.set_ylim(_FLOOR / 2, _CEILING * 2)
    _draw_tests(axes, report, lambda test: np.clip(np.array(test.evidence) / test.level, _FLOOR, _CEILING))
    draw_legend(figure, axes)
    return figure


def ranks(report: Monitoring) -> Figure:
    """Plot where the values of each period lie among those before: about 0.5 while nothing changes; of the strongest tests.

    Args:
        report: From `md.monitor`.

    Returns:
        The figure.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> ranks(md.monitor("scores.csv", detector=detector)).axes[0].get_ylabel()
        'mean rank'
    """
    figure = new_figure(WIDTH, 3.6, f"Values among {report.reference} and earlier ones")
    axes = tidy(figure.subplots(), xlabel="period", ylabel="mean rank")
    axes.axhline(0.5, color=GREY, linestyle=":", linewidth=1.2, label="no change")
    axes.set_ylim(0, 1)
    _draw_tests(axes, report, lambda test: test.mean_ranks)
    draw_legend(figure, axes)
    return figure


def evidence_text(report: Monitoring) -> str:
    """Say what the plot of the evidence shows.

    Args:
        report: From `md.monitor`.

    Returns:
        A sentence.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> evidence_text(md.monitor("scores.csv", detector=detector))[:13]
        'The strongest'
    """
    [strongest] = _strongest(report, 1)
    return (
        f"The strongest evidence, that of {_name(strongest)}, reached {strongest.strength:.3g} of what raises an alarm."
    )


def ranks_text(report: Monitoring) -> str:
    """Say what the plot of the ranks shows.

    Args:
        report: From `md.monitor`.

    Returns:
        A sentence.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> ranks_text(md.monitor("scores.csv", detector=detector))[:13]
        'The mean rank'
    """
    [strongest] = _strongest(report, 1)
    last = next((rank for rank in reversed(strongest.mean_ranks) if rank == rank), 0.5)  # noqa: PLR0124 - not nan
    return f"The mean rank of {_name(strongest)} in the last period was {last:.2f}, where 0.5 is no change."


def monitoring_page(report: Monitoring) -> str:
    """Render a watched stream as HTML.

    Args:
        report: From `md.monitor`.

    Returns:
        HTML with the plot embedded as SVG.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> "<html" in monitoring_page(md.monitor("scores.csv", detector=detector))
        True
    """
    return render(
        "monitoring.html",
        report=report,
        plot=picture(evidence(report)),
        alt=evidence_text(report),
        ranks=picture(ranks(report)),
        ranks_alt=ranks_text(report),
        tests=_strongest(report, _ROWS),
        name=_name,
        data_url=json_url(report_data(report)),
        data_name="monitoring.json",
    )


def _draw_tests(axes: Axes, report: Monitoring, values: Callable[[StreamTest], ArrayLike]) -> None:
    """Draw a number of each of the strongest tests after each period."""
    positions = np.arange(1, len(report.periods) + 1)
    for test, color, mark in zip(_strongest(report, _SHOWN), _COLOURS, _MARKS, strict=False):
        axes.plot(positions, values(test), color=color, marker=mark, markersize=4, label=_name(test))
    axes.set_xlim(0.5, len(positions) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _strongest(report: Monitoring, most: int) -> list[StreamTest]:
    return sorted(report.tests, key=lambda test: -test.strength)[:most]


def _name(test: StreamTest) -> str:
    return f"{test.statistic}, {test.source}" if test.source else str(test.statistic)
