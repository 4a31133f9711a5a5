"""Admission: so many requests and so many bytes at once; who comes too many is told to come again."""

import asyncio
import threading

import httpx
import pytest

from melanoma_detect.errors import ImageError
from melanoma_detect.serve import ServeSettings, create_app
from melanoma_detect.serve.admission import Admission
from melanoma_detect.serve.metrics import Metrics
from melanoma_detect.serve.refusals import Refusal


def test_bytes_of_all_requests_are_limited_together():
    admission = Admission(ServeSettings(max_request_bytes=100, max_total_bytes=150), Metrics("test", []))
    with admission.admit() as first, admission.admit() as second:
        first.complete()
        second.complete()
        first.hold(100)
        with pytest.raises(Refusal, match="images are in progress; come again") as raised:
            second.hold(51)
        second.hold(50)
        assert (raised.value.status, raised.value.headers) == (503, {"Retry-After": "1"})
        assert (admission.requests, admission.total_bytes) == (2, 150)
    assert (admission.requests, admission.total_bytes) == (0, 0)


def test_a_busy_service_says_when_to_come_again(two_types, monkeypatch):
    app = create_app(two_types(), ServeSettings(max_requests=2, threads=2))
    done = threading.Event()

    def decode(upload, *_):
        done.wait(10)
        return [(upload.name, ImageError("no image"))]

    monkeypatch.setattr("melanoma_detect.serve.images.decode_upload", decode)

    async def talk():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            asked = [
                asyncio.create_task(client.post("/v1/predict", files={"files": ("a.jpg", b"x")})) for _ in range(2)
            ]
            await asyncio.sleep(0.1)
            refused = await client.post("/v1/predict", files={"files": ("a.jpg", b"x")})
            explained = await client.post("/v1/explain", files={"file": ("a.jpg", b"x")})
            healthy = await client.get("/health")
            done.set()
            answers = await asyncio.gather(*asked)
            again = await client.post("/v1/predict", files={"files": ("a.jpg", b"x")})
            return refused, explained, healthy, [answer.status_code for answer in answers], again.status_code

    refused, explained, healthy, statuses, again = asyncio.run(talk())
    for answer in (refused, explained):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json() == {
            "error": "2 requests are in progress, as many as are taken at once; come again in a moment"
        }
    assert (healthy.status_code, statuses, again) == (200, [200, 200], 200)


def test_bodies_that_come_slowly_take_nobodys_place(two_types):
    app = create_app(two_types(), ServeSettings(max_requests=2))
    done = asyncio.Event()

    async def slow_body():
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        await done.wait()
        yield b"x\r\n--b--\r\n"

    async def talk():
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            asked = [
                asyncio.create_task(client.post("/v1/predict", content=slow_body(), headers=form)) for _ in range(5)
            ]
            await asyncio.sleep(0.1)
            meanwhile = await client.post("/v1/predict", files={"files": ("a.jpg", b"x")})
            done.set()
            return meanwhile.status_code, sorted({answer.status_code for answer in await asyncio.gather(*asked)})

    meanwhile, statuses = asyncio.run(talk())
    assert meanwhile == 200
    assert set(statuses) <= {200, 503}  # those that are complete at the same moment are too many


def test_work_that_takes_too_long_is_given_up(two_types, ask, monkeypatch):
    import time

    app = create_app(two_types(), ServeSettings(seconds=0.2))
    monkeypatch.setattr("melanoma_detect.serve.images.decode_upload", lambda *_: time.sleep(0.6))
    answer = ask(app, "post", "/v1/predict", files={"files": ("a.jpg", b"x")})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"].startswith("not answered within 0.2 s")
