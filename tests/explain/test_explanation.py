"""An explanation's sentences, its figures and its sheet."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import OutputError
from melanoma_detect.explain.explanation import CAVEAT, Explanation
from melanoma_detect.utils.disclaimer import DISCLAIMER


@pytest.fixture
def explanation():
    """A strong map in the middle of a drawn melanoma."""
    heat = np.zeros((64, 64), np.float32)
    heat[24:40, 24:40] = 1
    image = md.draw_lesion("melanoma", seed=1, size=420).pixels
    return Explanation(heat, "cam", "melanoma", 0.9, 0.4, "photo.jpg", image, predicted="melanoma", cells=(7, 7))


def test_the_text_describes_the_map_and_its_limits(explanation):
    assert str(explanation) == (
        "photo.jpg: evidence for melanoma (90.0%), by class activation map. Half of the evidence lies on 3% of the image, the "
        "strongest in its middle. 0% of the evidence lies on the outer eighth of each side, which makes up 44% of the image. "
        "Hiding the 20% of the image with the most heat lowers melanoma to 40.0%. The map has 7 by 7 cells; the shapes between "
        f"them are interpolated. {CAVEAT}"
    )
    assert " ".join(explanation.sentences()) == f"E{str(explanation).removeprefix('photo.jpg: e')}"


def test_every_sentence_begins_with_a_capital(explanation):
    for changes in ({}, {"reason": "too blurred"}, {"diagnosis": "malignant"}, {"seen": 0.75}):
        sentences = replace(explanation, **changes).sentences()
        assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in sentences)


def test_what_is_not_certain_is_not_rounded_to_certainty(explanation):
    sure = replace(explanation, probability=0.99996, hidden=0.00001)
    assert "evidence for melanoma (>99.9%)" in str(sure)
    assert "lowers melanoma to <0.1%" in str(sure)
    assert "melanoma >99.9% in" in repr(sure)


def test_it_shows_itself(explanation, monkeypatch):
    shown = []
    monkeypatch.setattr("PIL.ImageShow.show", lambda image: shown.append(image.size) or True)
    explanation.show()
    assert shown == [explanation.sheet().size]
    figure = explanation.plot()
    assert figure.get_suptitle() == "Evidence for melanoma, 90.0%"
    assert "not a medical device" in " ".join(figure.get_supxlabel().split())
    assert figure.alt.startswith("The image, and the evidence for melanoma over it.")


def test_the_sheet_names_the_file_without_its_folders_and_ends_with_the_disclaimer(explanation, monkeypatch):
    drawn = {}

    def draw(image, heat, text):
        drawn.update(text._asdict())

    monkeypatch.setattr("melanoma_detect.explain.explanation.draw_sheet", draw)
    replace(explanation, source="/home/somebody/photo.jpg").sheet()
    assert drawn["caption"].startswith("photo.jpg: evidence")
    assert drawn["title"] == "Evidence for melanoma, 90.0%"
    assert drawn["overlay"] == "Evidence, by class activation map"
    assert drawn["note"] == DISCLAIMER


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"reason": "too blurred"},
            "REFER: the detector abstains from this image: too blurred. photo.jpg: evidence for",
        ),
        ({"reason": "too likely", "abstained": False}, "REFER: too likely. photo.jpg: evidence for"),
        ({"diagnosis": "malignant"}, "lowers a malignant diagnosis to 40.0%"),
        (
            {"predicted": "nevus", "covers_predicted": False, "probability": 0.02},
            "The most probable diagnosis is nevus: the map shows what little speaks for melanoma, and would look as strong if",
        ),
        ({"hidden": 0.95}, "does not lower melanoma (95.0%): do not rely on this map; compare with occlusion."),
        ({"hidden": 0.2, "method": "occlusion"}, "Hiding the part that matters most lowers melanoma to 20.0%."),
        ({"share_for": 0.1}, "90% of all evidence, which is not shown, speaks against melanoma."),
        ({"seen": 0.75}, "The model saw the middle 75% of the image, which is shown here."),
        (
            {"heat": np.ones((64, 64), np.float32)},
            "50% of the image, the strongest in its upper left part; so widely",
        ),
        ({"heat": np.eye(64, dtype=np.float32)[::-1] * np.eye(64, 1)}, "look for a ruler or dark corners"),
    ],
)
def test_what_could_mislead_is_said(explanation, changes, said):
    assert said in str(replace(explanation, **changes))
    assert said not in str(explanation)


def test_without_evidence_the_map_is_empty(explanation):
    empty = replace(explanation, heat=np.zeros((64, 64), np.float32), hidden=None)
    assert "No part of the image is evidence for it" in str(empty)
    assert "Half of" not in str(empty)
    assert empty.share(np.ones((64, 64), bool)) == empty.half == empty.margin == 0
    assert not np.ptp(np.asarray(empty.overlay()), axis=2).any()  # grey


def test_the_dictionary_holds_plain_values_and_the_text(explanation):
    values = json.loads(json.dumps(explanation.to_dict()))
    assert values["text"] == str(explanation)
    assert (values["cells"], values["evidence"], values["half"]) == (
        [7, 7],
        True,
        pytest.approx(128 / 64**2, abs=0.001),
    )


def test_the_sheet_has_room_for_every_word(explanation):
    long = replace(explanation, source="very-long-name-of-a-photo-" * 12 + ".jpg", reason="too blurred")
    sheet = np.asarray(long.sheet().convert("L"))
    assert sheet.shape[1] == 2 * 420 + 36
    assert (sheet[:, :8] > 250).all()
    assert (sheet[:, -8:] > 250).all()
    assert (sheet[-8:] > 250).all()
    assert long.sheet().height > explanation.sheet().height  # it grows with its text


def test_a_narrow_image_stands_in_a_sheet_as_wide_as_its_words(explanation):
    narrow = replace(explanation, image=explanation.image[:, 150:270])
    assert narrow.sheet().width == explanation.sheet().width
    assert narrow.overlay().size == (120, 420)


def test_the_saved_picture_is_complete_or_absent(explanation, tmp_path):
    explanation.save(tmp_path / "new" / "overlay.png")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["overlay.png"]
    with Image.open(tmp_path / "new" / "overlay.png") as sheet:
        assert sheet.width == 2 * 420 + 36
    with pytest.raises(OutputError, match=r"no image format has the suffix '\.doc'"):
        explanation.save(tmp_path / "overlay.doc")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        explanation.save(tmp_path / "file" / "overlay.png")


def test_saving_replaces_a_file_only_if_told_and_never_the_photo(detector, image, tmp_path):
    photo, sheet = tmp_path / "photo.png", tmp_path / "sheet.png"
    Image.fromarray(image).save(photo)
    taken = photo.read_bytes()
    explanation = detector.explain(photo, method="occlusion")
    sheet.write_text("of the user")
    with pytest.raises(OutputError, match=r"sheet\.png: already exists"):
        explanation.save(sheet)
    assert sheet.read_text() == "of the user"
    explanation.save(sheet, overwrite=True)
    assert sheet.stat().st_size > 10_000
    with pytest.raises(OutputError, match=r"photo\.png: is an input"):
        explanation.save(photo, overwrite=True)
    assert photo.read_bytes() == taken


def test_evidence_that_is_spread_evenly_is_not_more_than_chance_on_the_margin(explanation):
    even = np.ones((64, 64), np.float32)
    even[:8] = 1.01  # on the margin, a little more
    text = str(replace(explanation, heat=even))
    assert "44% of the evidence lies on the outer eighth of each side, which makes up 44% of the image. " in text


def test_it_is_saved_and_shown_without_matplotlib(tmp_path, lesions, detector):
    detector.save(tmp_path / "mine.detector")
    image = next((lesions / "Test" / "melanoma").glob("*.jpg"))
    code = (
        "import sys; sys.modules |= dict.fromkeys(('matplotlib', 'pandas', 'scipy', 'sklearn', 'keras', 'onnx'))\n"
        "import melanoma_detect as md; from PIL import ImageShow; ImageShow.show = lambda image: True\n"
        f"detector = md.Detector.load({str(tmp_path / 'mine.detector')!r})\n"
        f"explanation = detector.explain({str(image)!r}, method='occlusion')\n"
        f"explanation.save({str(tmp_path / 'overlay.png')!r}); explanation.show()\n"
        f"views = explanation._repr_html_(), detector.predict({str(image)!r})._repr_html_()\n"
        "print(*['has no view' in view for view in views])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
    assert (tmp_path / "overlay.png").is_file()
