"""The plot of a comparison: differences with their intervals, and what is significant."""

from dataclasses import replace

from melanoma_detect.report.comparison_plots import comparison


def test_differences_are_drawn_and_significance_is_a_filled_square(evaluation):
    other = replace(
        evaluation, per_image=replace(evaluation.per_image, probabilities=evaluation.probabilities[:, ::-1])
    )
    compared = evaluation.compare(other, ["accuracy", "melanoma_auc"])
    rows = dict(compared.differences)
    sure = rows["accuracy"]._replace(adjusted_p_value=0.001)
    figure = comparison(replace(compared, differences=rows | {"accuracy": sure}))
    axes = figure.axes[0]
    marks = [container[0] for container in axes.containers]
    assert [float(mark.get_xdata()[0]) for mark in marks] == [row.difference.value for row in rows.values()]
    assert [mark.get_marker() for mark in marks] == ["s", "o" if not rows["melanoma_auc"].significant else "s"]
    assert [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()] == [
        row.title for row in rows.values()
    ]


def test_figures_that_cannot_differ_are_not_drawn(evaluation):
    compared = evaluation.compare(evaluation, ["accuracy", "sensitivity"])
    rows = dict(compared.differences)
    same = rows["accuracy"]._replace(tested=False)
    drawn = comparison(
        replace(compared, differences={"accuracy": same, "sensitivity": rows["sensitivity"]._replace(tested=True)})
    )
    assert [label.get_text().replace("\n", " ") for label in drawn.axes[0].get_yticklabels()] == [
        rows["sensitivity"].title
    ]
    none = comparison(replace(compared, differences={"accuracy": same}))
    assert len(none.axes[0].get_yticklabels()) == 1
