"""The plot of an external validation: one figure of each set, with its interval."""

import numpy as np
from matplotlib.figure import Figure

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.evaluation.external_columns import columns
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report.style import BLUE, GREY, RED, SMALL, TITLE, WIDTH, new_figure, tidy, whiskers, wrap


def sets(validation: ExternalValidation, name: str = "melanoma_auc") -> Figure:
    """Plot a figure of each set with its 95 % interval, the worst set in red, and the mean of the sets as a line.

    Args:
        validation: From `Detector.evaluate` with several sets.
        name: The name of the figure, one of `validation.mean`: `"melanoma_auc"`, `"sensitivity"`, `"false_negative_rate"`, ...

    Returns:
        The figure. A hollow marker rests on fewer than 20 lesions; a set that does not show the figure has no marker.

    Raises:
        DetectorError: No set shows a figure of that name.

    Examples:
        >>> sets(detector.evaluate({"ours": data, "again": data})).axes[0].get_xlabel()
        'melanoma ROC AUC'
    """
    worst, mean = validation.worst, validation.mean
    if name not in mean:
        raise DetectorError(f"name={name!r}; expected one of {', '.join(map(repr, mean))}")
    column = columns(validation.target, shortcuts=True)[name]
    title = column.title.format(targets=PLURALS[validation.target])
    count = len(validation.evaluations)
    counted = {label: column.of(evaluation) for label, evaluation in validation.evaluations.items()}
    labels = [wrap(f"{label} ({value.lesions:,})", 1.9, SMALL) for label, value in counted.items()]
    lines = sum(label.count("\n") + 1.6 for label in labels)
    head = wrap(f"{title[0].upper()}{title[1:]} by set", WIDTH - 0.3, TITLE)
    figure = new_figure(WIDTH, 0.19 * lines + 1.5 + 0.2 * head.count("\n"), head)
    axes = tidy(figure.subplots(), xlabel=wrap(title, 2.4), xlim=(-0.02, 1.02))
    axes.axvline(mean[name], color=GREY, linewidth=1, linestyle=":")
    for row, (label, value) in enumerate(counted.items()):
        if not np.isfinite(value.value):
            continue
        is_worst = label == worst.get(name)
        color = RED if is_worst else BLUE
        axes.errorbar(
            [value.value],
            [row],
            xerr=whiskers(value),
            color=color,
            markerfacecolor=color if value.lesions >= MIN_LESIONS else "white",
            fmt="s" if is_worst else "o",
            markersize=6,
            elinewidth=1.4,
            capsize=3,
        )
    axes.set_yticks(range(count), labels, fontsize=SMALL)
    axes.set_ylim(count - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    return figure
