"""Uploads: every limit, what is malformed, what is slow; and that nothing of a file reaches the disk."""

import io
import logging
import socket
import tempfile
import time
from urllib.parse import urlsplit

import pytest

from melanoma_detect.serve import ServeSettings, create_app
from melanoma_detect.serve.uploads import NamedBytes, Upload

BOUNDARY = "the-boundary"
HEAD = (
    "POST /v1/predict HTTP/1.1\r\nHost: here\r\nContent-Length: 5000\r\n"
    f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
)
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(content, name="a.jpg", field="files"):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


async def in_pieces(*pieces):
    for piece in pieces:
        yield piece


@pytest.fixture
def limited(two_types):
    """The service of a fast detector with low limits."""
    limits = {"max_file_bytes": 4000, "max_request_bytes": 10_000, "max_files": 3, "max_pixels": 1_000_000}
    return create_app(two_types(), ServeSettings(**limits))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([b"x" * 4001], "0.jpg: over 0.004 MB"),
        ([b"x" * 3900] * 3, "the request: over 0.01 MB"),
        ([b"x"] * 4, "over 3 files in one request"),
    ],
)
def test_what_is_too_large_is_refused(limited, ask, files, words):
    sent = [("files", (f"{number}.jpg", content)) for number, content in enumerate(files)]
    answer = ask(limited, "post", "/v1/predict", files=sent)
    assert answer.status_code == 413
    assert answer.json()["error"].startswith(words)


@pytest.mark.parametrize("size", [4001, 100_000])
def test_a_body_without_a_length_is_counted_as_it_comes(limited, ask, size):
    pieces = [part(b"x" * 100)[:-2], *[b"x" * 500] * (size // 500), b"\r\n", END]
    answer = ask(limited, "post", "/v1/predict", content=in_pieces(*pieces), headers=FORM)
    assert answer.status_code == 413


def test_an_endless_body_is_not_read_whole(live):
    """Forty times the limit of a request is announced by nobody; the answer comes when the limit is passed."""
    sent = 0

    def endless():
        nonlocal sent
        yield part(b"")[:-2]
        while sent < 8_000_000_000:
            sent += 1_000_000
            yield b"x" * 1_000_000

    answer = live.post("/v1/predict", content=endless(), headers=FORM)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert sent < 90_000_000  # 50 MB are read, 16 MB more are thrown away, the rest is in the sockets' buffers


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(limited, ask, monkeypatch):
    from PIL import Image

    file = io.BytesIO()
    Image.new("1", (2000, 1000)).save(file, "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was decoded"))
    document = ask(limited, "post", "/v1/predict", files={"files": ("big.png", file.getvalue())}).json()
    assert document["predictions"][0]["error"] == (
        "big.png: 2000×1000 pixels; expected at most 1 million: make it smaller"
    )
    answer = ask(limited, "post", "/v1/explain", files={"file": ("big.png", file.getvalue())})
    assert (answer.status_code, "big.png: 2000×1000 pixels" in answer.json()["error"]) == (422, True)


@pytest.mark.parametrize(
    ("content", "headers", "status", "words"),
    [
        (b"", {}, 415, "Content-Type 'is missing'; expected multipart/form-data"),
        (b"{}", {"Content-Type": "application/json"}, 415, "Content-Type 'application/json'; expected"),
        (b"abc", {"Content-Type": "multipart/form-data"}, 400, "no boundary"),
        (b"abc", FORM, 400, "no multipart form"),
        (part(b"abc"), FORM, 400, "ends before its last boundary"),
        (END, FORM, 422, "the form has no file; send at least one as 'files'"),
        (part(b"abc", field="file") + END, FORM, 422, "the form has a field 'file'; expected files as 'files' only"),
        (part(b"abc") + part(b"1", field="sensitivity") + END, FORM, 422, "a field 'sensitivity'"),
        (b"--" + b"b" * 300, {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}, 400, "Boundary length"),
    ],
)
def test_a_body_that_is_no_form_is_refused(limited, ask, content, headers, status, words):  # noqa: PLR0917
    answer = ask(limited, "post", "/v1/predict", content=content, headers=headers)
    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_names_and_files_come_through_pieces_of_any_size(limited, ask, size):
    third = part(b"x\r\n", "naevus.jpg").replace(b"naevus", b"n\xe4vus")  # as a client sends it that knows no UTF-8
    body = part(b"\r\n--the-bound", "ä 皮.jpg") + part(b"", "") + third + END
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    found = ask(limited, "post", "/v1/predict", content=in_pieces(*pieces), headers=FORM).json()["predictions"]
    assert [each["file"] for each in found] == ["ä 皮.jpg", "file 2", "n\\xe4vus.jpg"]
    assert all(each["decision"] == "refer" for each in found)


def test_a_slow_body_times_out(two_types, serving):
    with serving(two_types(), ServeSettings(idle_seconds=0.2, seconds=0.6)) as client:
        for pause, count in ((0.5, 1), (0.1, 100)):  # a pause that is too long; a body that drips on
            start = time.perf_counter()
            status = drip(client, pause, count)
            assert status == 408
            assert time.perf_counter() - start < 2
        assert client.get("/health").status_code == 200
        assert 'refusals_total{reason="slow"} 2.0' in client.get("/metrics").text


def drip(client, pause, count):
    """Send a body drop by drop, and return the status of the answer."""
    address = urlsplit(str(client.base_url))
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(HEAD.encode() + part(b"")[:-2])
        for _ in range(count):
            time.sleep(pause)
            try:
                connection.sendall(b"x")
            except OSError:
                break
        return int(connection.recv(1000).split()[1])


def test_nothing_is_written_and_no_name_is_logged(live, photo, tmp_path, monkeypatch, caplog):
    def refuse(*_, **__):
        raise AssertionError("a temporary file was made")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = photo(2) + bytes(3_000_000)  # three times what Starlette's parser would keep in memory
    with caplog.at_level(logging.DEBUG):
        files = [("files", ("secret-patient.jpg", large)), ("files", ("secret-other.jpg", b"no image"))]
        assert live.post("/v1/predict", files=files).json()["unreadable"] == 1
        assert live.post("/v1/explain", files={"file": ("secret-third.jpg", large)}).status_code == 200
    assert list(tmp_path.iterdir()) == []
    assert "secret" not in "".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert "secret" not in live.get("/metrics").text


def test_the_bytes_of_a_file_keep_its_name():
    named = NamedBytes(Upload("a.dcm", b"abc"))
    assert (named.name, named.read()) == ("a.dcm", b"abc")


def test_a_client_that_leaves_is_counted_and_no_failure(two_types, serving, caplog):
    with serving(two_types()) as client:
        address = urlsplit(str(client.base_url))
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(HEAD.encode() + part(b"")[:-2])
        deadline = time.monotonic() + 5
        while (
            'requests_total{endpoint="/v1/predict"' not in client.get("/metrics").text and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        text = client.get("/metrics").text
    assert 'melanoma_detect_requests_total{endpoint="/v1/predict",status="400"} 1.0' in text
    assert "melanoma_detect_body_bytes 0.0" in text
    assert "failed with" not in caplog.text


def test_bodies_are_given_back(limited, ask):
    ask(limited, "post", "/v1/predict", files={"files": ("a.jpg", b"x" * 3000)})
    ask(limited, "post", "/v1/predict", files={"files": ("a.jpg", b"x" * 5000)})
    text = ask(limited, "get", "/metrics").text
    assert "melanoma_detect_body_bytes 0.0" in text
    assert "melanoma_detect_requests_in_progress 0.0" in text
