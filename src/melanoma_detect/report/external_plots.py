"""The plot of an external validation: one figure of each set, with its interval."""

import numpy as np
from matplotlib.figure import Figure

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.evaluation.external_columns import columns
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report.style import BLUE, GREY, RED, new_figure, tidy


def sets(validation: ExternalValidation, name: str = "melanoma_auc") -> Figure:
    """Plot a figure of each set with its 95 % interval, the worst set in red, and the mean of the sets as a line.

    Args:
        validation: From `Detector.evaluate` with several sets.
        name: The name of the figure, one of `validation.worst`: `"melanoma_auc"`, `"sensitivity"`, `"false_negative_rate"`, ...

    Returns:
        The figure. A hollow marker rests on fewer than 20 lesions; a set that does not show the figure has no marker.

    Raises:
        DetectorError: No set shows a figure of that name.

    Examples:
        >>> sets(detector.evaluate({"ours": data, "again": data})).axes[0].get_xlabel()
        'melanoma AUC'
    """
    worst = validation.worst
    if name not in worst:
        raise DetectorError(f"name={name!r}; expected one of {', '.join(map(repr, worst))}")
    column = columns(validation.target, shortcuts=True)[name]
    title = column.title.format(targets=PLURALS[validation.target])
    count = len(validation.evaluations)
    figure = new_figure(6, 0.3 * count + 1.4, f"{title[0].upper()}{title[1:]} by set")
    axes = tidy(figure.subplots(), xlabel=title, xlim=(-0.02, 1.02))
    axes.axvline(validation.mean[name], color=GREY, linewidth=1, linestyle=":")
    labels = []
    for row, (label, evaluation) in enumerate(validation.evaluations.items()):
        value = column.of(evaluation)
        labels.append(f"{label} ({value.lesions})")
        if not np.isfinite(value.value):
            continue
        color = RED if label == worst[name] and count > 1 else BLUE
        axes.errorbar(
            [value.value],
            [row],
            xerr=[[value.value - value.low], [value.high - value.value]],
            color=color,
            markerfacecolor=color if value.lesions >= MIN_LESIONS else "white",
            fmt="o",
            markersize=5,
            elinewidth=1.4,
            capsize=3,
        )
    axes.set_yticks(range(count), labels, fontsize=8)
    axes.set_ylim(count - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    return figure
