"""Figures show themselves in notebooks, sharp and at their size."""

import io

import numpy as np
from PIL import Image

from melanoma_detect.report.figure import NotebookFigure
from melanoma_detect.report.style import new_figure, show_image


def test_every_plot_is_a_png_of_its_size():
    figure = new_figure(4, 3, "lesions")
    content, size = figure._repr_png_()
    image = Image.open(io.BytesIO(content))
    assert size == {"width": 384, "height": 288, "alt": "Figure: lesions"}
    assert image.size == (768, 576)
    assert np.asarray(image.convert("RGB")).std() > 5


def test_drawing_leaves_the_figure_as_it_was():
    figure = NotebookFigure(figsize=(2, 1), dpi=130)
    figure.to_image(dpi=300)
    assert figure.dpi == 130
    assert figure.to_image(dpi=100).size == (200, 100)


def test_photographs_keep_their_colours():
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    figure = new_figure(2, 2, "")
    show_image(figure.subplots(), noise, "")
    assert Image.open(io.BytesIO(figure.to_png())).mode == "RGB"
    assert Image.open(io.BytesIO(new_figure(2, 2, "curve").to_png())).mode == "P"


def test_a_figure_is_not_known_to_pyplot():
    import matplotlib.pyplot as plt

    new_figure(2, 2, "")._repr_png_()
    assert plt.get_fignums() == []


def test_a_figure_has_a_text_in_its_place(detector, data):
    figure = new_figure(4, 3, "Lesions")
    first, second = figure.subplots(1, 2)
    first.set(xlabel="epoch", ylabel="loss", title="training")
    second.set(ylabel="accuracy")
    assert figure._repr_png_()[1]["alt"] == "Figure: Lesions; training: loss against epoch; accuracy"
    figure.alt = "A rising curve"
    assert figure._repr_png_()[1]["alt"] == "A rising curve"
    made = detector.predict(data.test.paths[0])
    assert made.decision.upper() in made.plot()._repr_png_()[1]["alt"]
