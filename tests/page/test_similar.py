"""The similar cases of a page: what it holds, and that a browser finds what Python finds."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.page import html, similar
from melanoma_detect.page.similar import area_means, canonical_codes, similar_parameters


@pytest.fixture(scope="module")
def index(data, detector):
    """Make an index of the synthetic lesions."""
    return md.similar_index(data, detector, progress=False)


@pytest.fixture(scope="module")
def stored(detector, index):
    """Return what a page holds of it."""
    return similar_parameters(detector.predictor, index)


def test_a_page_holds_no_name_and_no_picture_unless_asked(detector, index, stored):
    text = json.dumps(stored)
    assert stored["thumbnails"] is None
    for record in index.records:
        assert record.path.stem not in text
        assert record.digest not in text
        assert str(record.path.parent) not in text
    shown = similar_parameters(detector.predictor, index, thumbnails=True)
    with Image.open(io.BytesIO(base64.b64decode(shown["thumbnails"][0]))) as picture:
        assert (picture.format, picture.width) == ("JPEG", 96)


def test_a_page_without_cases_holds_none(detector):
    assert '"similar":null' in html(detector)


def test_a_turned_copy_has_the_same_hash_and_another_lesion_has_not(stored):
    pixels = md.draw_lesion("nevus", seed=7, size=224).pixels
    other = md.draw_lesion("nevus", seed=8, size=224).pixels
    codes = np.unpackbits(canonical_codes([pixels, np.rot90(pixels), pixels[:, ::-1], other]), axis=1)
    bits = (codes != codes[0]).sum(axis=1)
    assert bits[1] <= 24
    assert bits[2] <= 24
    assert bits[3] > 24
    assert not canonical_codes([np.full((40, 50, 3), 9, np.uint8)]).any()


@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (224, 180), (10, 300)])
def test_every_area_has_a_pixel(shape):
    grey = np.repeat(np.arange(np.prod(shape)).reshape(shape) % 251, 3).reshape(*shape, 3).astype(np.uint8)
    assert np.isfinite(area_means(grey)).all()


def test_what_a_page_cannot_hold_is_refused(detector, index, monkeypatch, tmp_path):
    gone = replace(index, records=(replace(index.records[0], path=tmp_path / "gone.jpg"), *index.records[1:]))
    with pytest.raises(ImageError, match=r"similar: .*gone\.jpg.*made where the images"):
        similar_parameters(detector.predictor, gone)
    monkeypatch.setattr(similar, "MAX_CASES", 10)
    with pytest.raises(DetectorError, match="132 images are too many for a page; expected at most 10"):
        similar_parameters(detector.predictor, index)
    with pytest.raises(DetectorError, match="thumbnails: of which cases"):
        detector.export("page", tmp_path / "page.html", thumbnails=True)
    with pytest.raises(DetectorError, match="'onnx' holds no cases"):
        detector.export("onnx", tmp_path / "model.onnx", similar=index)


@pytest.fixture(scope="module")
def engine(open_engine, detector, index):
    """Start the engine of a page with the cases."""
    return open_engine(html(detector, similar=index)).start()


def find(engine, content):
    code = """
        const analysis = await engine.analyse(fromBase64(argument));
        analysis.preview.close();
        return analysis.similar;
    """
    return engine.call(code, base64.b64encode(content).decode())


def encoded(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_browser_finds_the_cases_that_python_finds(engine, detector, index):
    for seed, diagnosis in enumerate(("melanoma", "vascular lesion", "nevus")):
        content = encoded(md.draw_lesion(diagnosis, seed=500 + seed, size=96).pixels)
        expected = detector.similar(content, index)
        found = find(engine, content)
        assert found["leftOut"] == 0
        assert [case["label"] for case in found["cases"]] == [case.diagnosis for case in expected]
        distances = [case["distance"] for case in found["cases"]]
        np.testing.assert_allclose(distances, [case.distance for case in expected], atol=1e-3)
        assert [index.records[case["row"]].id for case in found["cases"]] == [case.record.id for case in expected]


@pytest.mark.parametrize("change", ["none", "turned", "mirrored"])
def test_a_browser_leaves_out_the_image_itself(engine, index, change):
    for record in index.records[::40]:
        with Image.open(record.path) as image:
            pixels = np.asarray(image.convert("RGB"))
        pixels = {"none": pixels, "turned": np.rot90(pixels), "mirrored": pixels[:, ::-1]}[change]
        found = find(engine, encoded(np.ascontiguousarray(pixels)))
        assert found["leftOut"] >= 1
        assert record.group not in [index.records[case["row"]].group for case in found["cases"]]


@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (224, 180), (10, 300)])
def test_an_area_is_the_mean_of_its_pixels(shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    grey, means = pixels @ [0.299, 0.587, 0.114], area_means(pixels)
    for row, column in np.ndindex(32, 32):
        (top, bottom), (left, right) = (
            (place * side // 32, max((place + 1) * side // 32, place * side // 32 + 1))
            for place, side in zip((row, column), shape, strict=True)
        )
        assert means[row, column] == pytest.approx(grey[top:bottom, left:right].mean())
