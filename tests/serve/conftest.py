"""Fixtures of the service's tests: drawn lesions as files, the application without a network, and a real server on loopback."""

import asyncio
import contextlib
import functools
import io
import threading
import time

import httpx
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.serve.app import create_app
from melanoma_detect.serve.server import address_of, make_server, open_socket


@pytest.fixture(scope="session")
def default():
    """The detector that comes with the library."""
    return md.Detector.load(threads=1)


@pytest.fixture(scope="session")
def photo():
    """Return a function that draws a lesion as a JPEG file: `photo(seed, size=200, **options of Pillow's save)`."""

    @functools.cache
    def draw(seed=1, size=200, kind="JPEG", **options):
        diagnosis = ("melanoma", "nevus", "basal cell carcinoma")[seed % 3]
        file = io.BytesIO()
        Image.fromarray(md.draw_lesion(diagnosis, seed=seed, size=size).pixels).save(file, kind, **options)
        return file.getvalue()

    return draw


@pytest.fixture
def ask():
    """Return a function that sends one request to an application without a network: `ask(app, "post", "/v1/predict", ...)`."""

    def send(app, method, path, **options):
        return asyncio.run(send_one(app, method, path, **options))

    async def send_one(app, method, path, **options):
        service = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=service, base_url="http://here") as client:
            return await client.request(method, path, **options)

    return send


@pytest.fixture(scope="session")
def serving():
    """Return a function that runs a real server: `with serving(detector, settings) as client: ...`."""
    return run_server


@contextlib.contextmanager
def run_server(detector, settings=None):
    """Run a server on a free port of the loopback, and yield a client of it, with the application as `client.app`."""
    app = create_app(detector, settings)
    with open_socket("127.0.0.1", 0) as listening:
        server = make_server(app, seconds=5)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.01)
            with httpx.Client(base_url=address_of(listening), timeout=20) as client:
                client.app, client.server = app, server
                yield client
        finally:
            server.should_exit = True
            thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def live(default, serving):
    """A client of a real server without a token."""
    with serving(default) as client:
        yield client
