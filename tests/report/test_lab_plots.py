import melanoma_detect as md
from melanoma_detect import lab


def test_mistake_prices():
    table = lab.run_all(mistakes=["drop_unsure", "keep_duplicates"], seeds=2, lesions=10, learner="nearest")
    figure = md.report.plots.mistake_prices(table)
    axes = figure.axes[0]
    assert [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()] == [
        "leave out what is hard",
        "keep duplicates",
    ]
    legend = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
    assert legend == ["claimed, with the mistake", "its truth, on untouched lesions", "reported by the honest study"]
    (red,) = (line for line in axes.lines if line.get_marker() == "s")
    assert list(red.get_xdata()) == [result.claimed for result in table]
    assert len(table["drop_unsure"].plot().axes[0].get_yticks()) == 1
