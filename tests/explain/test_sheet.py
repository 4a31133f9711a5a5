"""The sheet of an explanation: nothing overlaps, leaves the page or is too small, whatever the names and shapes."""

import numpy as np
import pytest
from PIL import ImageDraw

from melanoma_detect.explain import sheet
from melanoma_detect.explain.sheet import SHEET_WIDTH, SheetText, draw_sheet

USUAL = SheetText(
    "Evidence for melanoma, 27.5%", "Image", "Evidence, by class activation map", "One sentence. " * 40, "A note."
)
LONG = SheetText("n" * 300, "Image", "Evidence, by " + "x" * 90, "photo-" * 200, "A long note. " * 40)
FOREIGN = SheetText("基底細胞癌 ö × –", "Image", "Ünïcode, мела", "日本語" * 100 + " \udce4\n\x1b", "–")
EMPTY = SheetText("", "", "", "", "")


@pytest.fixture
def drawn(monkeypatch):
    """Every text that is drawn: its words, height in pixels, and box."""
    found = []
    original = ImageDraw.ImageDraw.multiline_text

    def record(self, corner, words, fill, font):
        found.append((words, font.size, self.multiline_textbbox(corner, words, font=font)))
        return original(self, corner, words, fill=fill, font=font)

    monkeypatch.setattr(ImageDraw.ImageDraw, "multiline_text", record)
    return found


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("text", [USUAL, LONG, FOREIGN, EMPTY], ids=["usual", "long", "foreign", "empty"])
@pytest.mark.parametrize("shape", [(420, 420), (100, 420), (420, 60), (5, 420), (420, 5)], ids=str)
def test_nothing_overlaps_or_leaves_the_page(drawn, text, shape):
    image = np.full((*shape, 3), 77, np.uint8)
    page = draw_sheet(image, np.zeros((2, 2)), text)
    assert page.width == SHEET_WIDTH
    boxes = [box for _, _, box in drawn]
    for place, box in enumerate(boxes):
        assert box[0] >= 8
        assert box[1] >= 8
        assert box[2] <= page.width - 8
        assert box[3] <= page.height - 8
        assert not any(overlap(box, other) for other in boxes[place + 1 :])
    pixels = np.asarray(page)
    rows, columns = np.nonzero((pixels == 77).all(axis=2))  # the image and its overlay without heat
    for left, right in ((columns < page.width // 2, "image"), (columns >= page.width // 2, "overlay")):
        region = (columns[left].min(), rows[left].min(), columns[left].max() + 1, rows[left].max() + 1)
        assert (region[3] - region[1], region[2] - region[0]) == shape, right
        assert not any(overlap(region, box) for box in boxes)


def test_letters_are_at_least_nine_points_and_the_words_are_read_in_order(drawn):
    draw_sheet(np.full((420, 420, 3), 128, np.uint8), np.eye(4), USUAL)
    assert min(size for _, size, _ in drawn) >= 12  # pixels: 9 points where 96 pixels make an inch
    words = [words.replace("\n", " ") for words, _, _ in drawn]
    scale = ["no evidence", "most in this image"]
    assert words == [*USUAL[:3], *scale, USUAL.caption.strip(), USUAL.note]
    tops = [box[1] for _, _, box in drawn]
    assert tops[1] - tops[2] == pytest.approx(0, abs=4)
    assert sorted([tops[0], tops[1], tops[3], *tops[5:]]) == [tops[0], tops[1], tops[3], *tops[5:]]


def test_every_word_has_ink():
    image = np.full((100, 420, 3), 128, np.uint8)
    blank = np.asarray(draw_sheet(image, np.zeros((2, 2)), EMPTY).convert("L"))
    full = np.asarray(draw_sheet(image, np.zeros((2, 2)), FOREIGN).convert("L"))
    assert (full < 100).sum() > (blank < 100).sum() + 5000


def test_the_colour_bar_goes_from_grey_to_yellow():
    page = np.asarray(draw_sheet(np.full((100, 420, 3), 128, np.uint8), np.zeros((2, 2)), USUAL)).astype(int)
    bar = page[np.ptp(page, axis=2).max(axis=1).argmax()]
    right = bar[-sheet.GAP - 2]
    assert right[0] > 200
    assert right[2] < 120
    assert np.ptp(bar[SHEET_WIDTH - sheet.GAP - 420 + 1]) == 0


def test_an_endless_word_is_broken_within_the_line(drawn):
    draw_sheet(np.full((100, 420, 3), 128, np.uint8), np.zeros((2, 2)), SheetText(caption="x" * 2000))
    caption = next(words for words, _, _ in drawn if words.startswith("xx"))
    assert caption.replace("\n", "") == "x" * 2000
