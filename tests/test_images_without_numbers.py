"""An image for which the model gives no numbers: every door refers it with the reason, and none fails or writes NaN."""

import asyncio
import csv
import json
import pickle
import warnings
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.decisions import NO_NUMBERS
from melanoma_detect.scoring.table import columns, prediction_row, write_parquet


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def marked_file(marked_image, tmp_path):
    """A file of that image, beside one of a sound image."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(md.draw_lesion("nevus", seed=3, size=32).pixels).save(folder / "sound.png")
    Image.fromarray(marked_image).save(folder / "marked.png")
    return folder / "marked.png"


def strict_json(value):
    return json.loads(json.dumps(value, allow_nan=False))


def test_predict_refers_it_and_its_texts_and_json_are_sound(marked_detector, marked_file):
    predictions = marked_detector.predict([marked_file, marked_file.with_name("sound.png")])
    found = predictions[0]
    assert (found.decision, found.reason, found.abstained, found.diagnosis) == ("refer", NO_NUMBERS, True, "")
    assert str(found).endswith(f"REFER: the detector abstains from this image: {NO_NUMBERS}; a person must look.")
    assert predictions[1].reason != NO_NUMBERS
    assert np.isfinite(predictions[1].melanoma)
    plain = strict_json(found.to_dict())
    assert (plain["decision"], plain["melanoma"], plain["malignant"]) == ("refer", None, None)
    assert set(plain["probabilities"].values()) == {None}
    assert "no diagnosis" in found._repr_html_()
    assert "nan" not in found._repr_html_().replace("malignan", "").split("base64")[0]
    assert found._repr_html_().count(">no number<") == len(found.probabilities) + 1
    assert "no diagnosis" in predictions._repr_html_()
    assert found.plot().get_suptitle() == "REFER: no diagnosis"
    assert pickle.loads(pickle.dumps(found)).decision == "refer"


def test_a_threshold_that_is_none_is_said_and_drawn_nowhere(detector, marked_file):
    (found,) = detector.predict([marked_file])
    for threshold in (np.nan, 2.0):
        point = replace(found.operating_point, threshold=threshold)
        reason = "the threshold"
        strange = replace(found, operating_point=point, decision="refer", abstained=False, reason=reason)
        object.__setattr__(strange, "_image", found._image)
        assert str(strange).endswith("REFER: the threshold; a person must look.")
        assert strict_json(strange.to_dict())["operating_point"]["threshold"] in (None, threshold)
        assert strange.plot().get_suptitle().startswith("REFER: ")
        assert strange._repr_html_()


def test_score_writes_a_referred_row_without_numbers(marked_detector, marked_file):
    result = md.score(marked_file.parent, detector=marked_detector, out="scores.csv", progress=False)
    marked, sound = csv.DictReader(Path("scores.csv").read_text(encoding="utf-8").splitlines())
    assert (marked["decision"], marked["reason"], marked["alert"], marked["abstained"]) == (
        "refer", NO_NUMBERS, "false", "true",
    )  # fmt: skip
    assert {marked[name] for name in marked if name.startswith("p_")} == {""}
    assert (marked["melanoma"], marked["malignant"], marked["diagnosis"]) == ("", "", "")
    assert float(sound["melanoma"]) >= 0
    assert (result.unreadable, result.refers) == (0, 1 + (sound["decision"] == "refer"))
    md.score(marked_file.parent, detector=marked_detector, out="sorted.csv", progress=False, sort="risk")


def test_a_row_without_numbers_is_null_in_parquet(marked_detector, marked_file):
    pq = pytest.importorskip("pyarrow.parquet")
    names = columns(marked_detector.classes)
    write_parquet(Path("one.parquet"), names, [prediction_row("a", marked_detector.predict(marked_file), names)])
    (row,) = pq.read_table("one.parquet").to_pylist()
    assert (row["melanoma"], row["decision"]) == (None, "refer")


@pytest.mark.parametrize("diagnosis", [None, "melanoma", "malignant"])
def test_explain_refers_it_and_shows_no_evidence(marked_detector, marked_file, diagnosis):
    found = marked_detector.explain(marked_file, diagnosis=diagnosis, method="occlusion")
    assert not found.heat.any()
    assert found.sentences()[0] == f"REFER: the detector abstains from this image: {NO_NUMBERS}."
    assert found.title == "No evidence"
    assert "there is no evidence to show" in str(found)
    assert strict_json(found.to_dict())["probability"] is None
    found.save("sheet.png")
    assert found.plot().get_suptitle() == "No evidence"
    assert "No evidence" in found._repr_html_()
    assert "no number" in repr(found)


def test_a_part_without_numbers_under_occlusion_is_no_evidence(detector, marked_image):
    inside, image = detector.predictor, md.draw_lesion("nevus", seed=3, size=32).pixels

    class Brittle:
        name = "brittle"

        def run(self, pixels):
            outputs = inside.runtime.run(pixels)
            hidden = (pixels != image).any(axis=(1, 2, 3))
            return outputs._replace(logits=np.where(hidden[:, None], np.float32(np.nan), outputs.logits))

    found = md.Detector(inside.config, Brittle(), inside.files).explain(image, method="occlusion")
    assert (found.hidden, bool(found.heat.any())) == (None, False)
    assert strict_json(found.to_dict())["evidence"] is False
    assert "nan" not in str(found).replace("malignant", "")


def test_the_service_answers_null_and_refer(marked_detector, marked_file):
    from melanoma_detect.serve.app import create_app

    async def ask():
        service = httpx.ASGITransport(create_app(marked_detector), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=service, base_url="http://here") as client:
            files = {"files": ("marked.png", marked_file.read_bytes(), "image/png")}
            return await client.post("/v1/predict", files=files)

    answer = asyncio.run(ask())
    assert answer.status_code == 200, answer.text
    (found,) = json.loads(answer.text, parse_constant=pytest.fail)["predictions"]
    assert (found["decision"], found["melanoma"], found["reason"]) == ("refer", None, NO_NUMBERS)


def test_a_structured_report_says_that_it_is_referred(marked_detector, marked_image, tmp_path):
    pytest.importorskip("highdicom")
    from validate_dicom import write_image

    write_image(tmp_path / "one.dcm", marked_image)
    found = marked_detector.predict(tmp_path / "one.dcm")
    assert found.reason == NO_NUMBERS
    found.to_dicom_sr(out=tmp_path / "report.dcm")
    assert (tmp_path / "report.dcm").stat().st_size > 0


def test_shortcuts_need_numbers_for_altered_images_too(marked_detector, data, monkeypatch):
    assert len(marked_detector.evaluate(data.test, shortcuts=False)) == len(data.test)
    monkeypatch.setattr(
        type(marked_detector.predictor), "probabilities", lambda self, pixels: np.full((len(pixels), 9), np.nan)
    )
    with pytest.raises(DetectorError, match="numbers are nan or infinite"):
        marked_detector.evaluate(data.test, shortcuts=True)
