"""The service's answers: exactly those of the detector, whoever else asks."""

import asyncio
import io
import json
import warnings
from functools import partial

import httpx
import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, DetectorWarning
from melanoma_detect.serve import ServeSettings, create_app
from melanoma_detect.serve.schemas import CardAnswer, ImagePrediction, PredictAnswer
from melanoma_detect.utils.disclaimer import DISCLAIMER


def form(*files, field="files"):
    """Return the `files` of a request with httpx: `form(("a.jpg", b"..."), ...)`."""
    return [(field, file) for file in files]


@pytest.fixture(scope="module")
def app(default):
    """The service of the default detector."""
    return create_app(default)


@pytest.fixture
def service(app, ask, default):
    """The same, as a function that asks it, and the detector."""
    return partial(ask, app), default


def expected(detector, name, content):
    """Return what the service must say of a file."""
    return json.loads(json.dumps({"file": name} | detector.predict(content).to_dict() | {"source": name}))


def test_the_answer_is_that_of_the_detector(app, ask, default, photo):
    content = photo(1)
    answer = ask(app, "post", "/v1/predict", files=form(("Läsion 1.jpg", content)))
    assert answer.status_code == 200
    document = answer.json()
    assert document["predictions"] == [expected(default, "Läsion 1.jpg", content)]
    assert (document["detector"], document["unreadable"]) == ("default detector", 0)
    assert document["disclaimer"] == DISCLAIMER
    assert answer.headers["cache-control"] == "no-store"
    PredictAnswer.model_validate(document)
    assert set(ImagePrediction.model_fields) == set(document["predictions"][0])


def test_a_hundred_files_keep_their_order_and_names(ask, two_types, plain_image):
    detector = two_types()
    contents = [png(plain_image("dermoscopy", blue)) for blue in (20, 90, 150, 250)]
    files = [(f"{number}. Übung 皮膚 😀.png", contents[number % 4]) for number in range(100)]
    found = ask(create_app(detector), "post", "/v1/predict", files=form(*files)).json()["predictions"]
    assert found == [expected(detector, name, content) for name, content in files]


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_clients_at_once_get_the_same_answers_as_alone(app, default, photo):
    contents = [photo(seed, size=64 + seed) for seed in range(8)]

    async def send_all():
        service = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=service, base_url="http://here") as client:
            asked = [client.post("/v1/predict", files=form((f"{n}.jpg", each))) for n, each in enumerate(contents)]
            return [answer.json()["predictions"][0] for answer in await asyncio.gather(*asked)]

    found = asyncio.run(send_all())
    assert found == [expected(default, f"{number}.jpg", content) for number, content in enumerate(contents)]
    assert 'batch_images_bucket{le="1.0"} 8.0' not in asyncio.run(read_metrics(app))  # some went together


async def read_metrics(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return (await client.get("/metrics")).text


def test_a_model_that_adds_up_otherwise_in_batches_answers_exactly_too(ask, detector, lesions):
    files = [(path.name, path.read_bytes()) for path in sorted((lesions / "Test").rglob("*.jpg"))[:12]]
    found = ask(create_app(detector), "post", "/v1/predict", files=form(*files)).json()["predictions"]
    assert found == [expected(detector, name, content) for name, content in files]


@pytest.mark.real_data
def test_real_images_are_answered_exactly(app, ask, default, real_folder):
    paths = (
        sorted((real_folder / "isic9" / "Test").rglob("*.jpg"))[::15]
        + sorted(real_folder.glob("not_skin/**/*.jpg"))[:3]
    )
    files = [(path.name, path.read_bytes()) for path in paths]
    assert len(files) > 8
    found = ask(app, "post", "/v1/predict", files=form(*files)).json()["predictions"]
    assert found == [expected(default, name, content) for name, content in files]


def test_a_bad_file_has_its_error_in_place(app, ask, default, photo):
    files = [
        ("a.jpg", photo(1)),
        ("broken.jpg", photo(2)[:900]),
        ("text.txt", b"hello"),
        ("", b""),
        ("b.png", photo(3, kind="PNG")),
    ]
    document = ask(app, "post", "/v1/predict", files=form(*files)).json()
    PredictAnswer.model_validate(document)
    first, broken, text, empty, last = document["predictions"]
    assert (first, last) == (expected(default, *files[0]), expected(default, *files[4]))
    assert document["unreadable"] == 3
    for bad, name, words in (
        (broken, "broken.jpg", "cannot be decoded"),
        (text, "text.txt", "not an image of a known format"),
    ):
        assert bad["error"].startswith(f"{name}: ")
        assert words in bad["error"]
    assert empty == {
        "file": "file 4",
        "source": "file 4",
        "decision": "refer",
        "reason": "unreadable",
        "error": "file 4: the file is empty; copy it again or remove it",
    }


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("sensitivity=0.8", {"sensitivity": 0.8}),
        ("target=malignant", {"target": "malignant"}),
        ("image_type=clinical&coverage=0.99", {"image_type": "clinical", "coverage": 0.99}),
        (
            "image_type=auto&sensitivity=0.9&target=malignant",
            {"image_type": "auto", "sensitivity": 0.9, "target": "malignant"},
        ),
    ],
)
def test_settings_are_those_of_detector_at(service, photo, query, settings):
    send, default = service
    content = photo(4)
    found = send("post", f"/v1/predict?{query}", files=form(("a.jpg", content))).json()["predictions"]
    assert found == [expected(default.at(**settings), "a.jpg", content)]


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("sensitivity=0.9999", {"sensitivity": 0.9999}),
        ("sensitivity=nan", {"sensitivity": float("nan")}),
        ("target=nothing", {"target": "nothing"}),
        ("image_type=x-ray", {"image_type": "x-ray"}),
        ("coverage=0.5", {"coverage": 0.5}),
    ],
)
def test_a_setting_that_is_not_supported_is_refused_in_the_librarys_words(service, photo, query, settings):
    send, default = service
    with pytest.raises(DetectorError) as raised:
        default.at(**settings)
    answer = send("post", f"/v1/predict?{query}", files=form(("a.jpg", photo())))
    assert (answer.status_code, answer.json()) == (422, {"error": str(raised.value)})


@pytest.mark.parametrize("method", [None, "cam"])
def test_an_explanation_is_the_sheet_of_the_detector(app, ask, default, photo, method):
    content = photo(1)
    query = "?diagnosis=melanoma" + (f"&method={method}" if method else "")
    answer = ask(app, "post", f"/v1/explain{query}", files=form(("a.jpg", content), field="file"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    explanation = default.explain(content, diagnosis="melanoma", method=method or "cam", progress=False)
    sheet = Image.open(io.BytesIO(answer.content))
    # The file's name stands in the text below the images; the library calls bytes "bytes".
    height = 300
    assert np.array_equal(np.asarray(sheet)[:height], np.asarray(explanation.sheet())[:height])


def test_an_explanation_without_class_maps_is_by_occlusion(ask, detector, photo):
    app, content = create_app(detector), photo(1)
    for query in ("", "?method=occlusion"):
        answer = ask(app, "post", f"/v1/explain{query}", files=form(("a.jpg", content), field="file"))
        sheet = detector.explain(content, method="occlusion", progress=False).sheet()
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content)))[:300], np.asarray(sheet)[:300])
    answer = ask(app, "post", "/v1/explain?method=cam", files=form(("a.jpg", content), field="file"))
    assert answer.status_code == 422
    assert "method='cam'" in answer.json()["error"]


@pytest.mark.parametrize(
    ("query", "files", "words"),
    [
        ("method=grad-cam", [("a.jpg", None)], "method='grad-cam'; expected 'cam' or 'occlusion'"),
        ("diagnosis=melonama", [("a.jpg", None)], "did you mean 'melanoma'?"),
        ("", [("a.jpg", b"nothing")], "a.jpg: not an image of a known format"),
        ("", [("a.jpg", b"")], "a.jpg: the file is empty"),
        ("", [("a.jpg", None), ("b.jpg", None)], "2 files; expected one image"),
    ],
)
def test_an_explanation_that_cannot_be_made_says_why(service, photo, query, files, words):
    sent = form(*((name, photo() if content is None else content) for name, content in files), field="file")
    answer = service[0]("post", f"/v1/explain?{query}", files=sent)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


def test_the_card_is_json_or_markdown(app, ask, default):
    document = ask(app, "get", "/v1/card").json()
    CardAnswer.model_validate(document)
    assert document["model_card"] == default.model_card
    assert document["operating_point"]["threshold"] == default.operating_point.threshold
    for answer in (
        ask(app, "get", "/v1/card?format=markdown"),
        ask(app, "get", "/v1/card", headers={"Accept": "text/markdown"}),
    ):
        assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
        assert answer.text == default.model_card
    assert ask(app, "get", "/v1/card?format=json", headers={"Accept": "text/markdown"}).json() == document
    assert ask(app, "get", "/v1/card?format=pdf").status_code == 422


def test_health_names_the_version_and_the_detector(app, ask):
    assert ask(app, "get", "/health").json() == {
        "status": "ok",
        "version": md.__version__,
        "detector": "default detector",
    }


@pytest.mark.parametrize(("method", "path", "status"), [("get", "/nowhere", 404), ("get", "/v1/predict", 405)])
def test_other_paths_and_methods_are_answered_as_json(app, ask, method, path, status):
    answer = ask(app, method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert status != 405 or answer.headers["allow"] == "POST"


def test_a_failure_is_a_plain_500_whose_log_has_no_names(ask, default, photo, monkeypatch, caplog):
    app = create_app(default)

    def fail(prediction):
        raise RuntimeError(prediction.source)

    monkeypatch.setattr("melanoma_detect.serve.images.describe_prediction", fail)
    answer = ask(app, "post", "/v1/predict", files=form(("secret-name.jpg", photo())))
    assert (answer.status_code, answer.json()) == (500, {"error": "an error of the service, which its log describes"})
    assert "/v1/predict failed with RuntimeError" in caplog.text
    assert "images.py" in caplog.text
    assert "secret-name" not in caplog.text
    assert ask(app, "get", "/health").status_code == 200


def test_settings_of_the_detector_hold(ask, default, photo):
    careful = default.at(sensitivity=0.8, image_type="clinical")
    content = photo(3)
    found = ask(create_app(careful, ServeSettings()), "post", "/v1/predict", files=form(("a.jpg", content))).json()
    assert found["predictions"] == [expected(careful, "a.jpg", content)]


def test_a_setting_that_the_detector_warns_of_is_answered_where_warnings_are_errors(ask, default, photo, monkeypatch):
    at = md.Detector.at

    def warn(detector, **settings):
        warnings.warn("clinical photographs will be referred", DetectorWarning, stacklevel=2)
        return at(detector, **settings)

    monkeypatch.setattr(md.Detector, "at", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = ask(create_app(default), "post", "/v1/predict?sensitivity=0.8", files={"files": ("a.jpg", photo(1))})
    assert answer.status_code == 200, answer.text
