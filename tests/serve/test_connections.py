"""Connections over real sockets of the loopback: who sends nothing, drips, or takes no answer is let go; others are served."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from melanoma_detect.serve.server import make_server, open_socket

SECONDS = 0.5


@pytest.fixture
def impatient(two_types, serving, monkeypatch):
    """A client of a service that waits for half a second."""
    monkeypatch.setattr("melanoma_detect.serve.connections.HEADER_SECONDS", SECONDS)
    with serving(two_types()) as client:
        yield client


def connect(client):
    address = urlsplit(str(client.base_url))
    return socket.create_connection((address.hostname, address.port), timeout=10)


def drip(connection, seconds):
    """Send a byte every 50 ms until the server closes the connection; fail if it does not."""
    end = time.monotonic() + seconds
    connection.settimeout(0.05)
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                if not connection.recv(10_000):
                    return
            connection.sendall(b"x")
        pytest.fail(f"the connection was open for {seconds} s")


def read_all(connection):
    """Return what the server sends until it closes the connection."""
    with connection.makefile("rb") as file:
        return file.read()


def test_a_connection_without_a_request_is_closed(impatient):
    with connect(impatient) as connection:
        start = time.monotonic()
        assert connection.recv(100) == b""
        assert SECONDS * 0.9 <= time.monotonic() - start < 5


def test_a_header_without_an_end_is_answered_408(impatient):
    with connect(impatient) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the header of the request came too slowly" in answer


def test_a_header_that_drips_has_no_more_time(impatient):
    with connect(impatient) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        drip(connection, 8)


def test_the_second_header_of_a_connection_has_its_time_too(impatient):
    with connect(impatient) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\nGET /health HTTP/1.1\r\nHost: ")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    with connect(impatient) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200 ")
        drip(connection, 8)


def test_the_rest_of_a_request_that_is_answered_may_not_drip_on(impatient):
    with connect(impatient) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200 ")
        drip(connection, 8)


def test_a_client_that_comes_again_in_time_keeps_its_connection(impatient):
    for _ in range(6):
        time.sleep(SECONDS / 4)
        assert impatient.get("/health").status_code == 200
    assert len(impatient.server.server_state.connections) == 1


def test_two_hundred_slow_clients_do_not_stop_another(impatient):
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(impatient)) for _ in range(200)]
        for connection in slow:
            connection.sendall(b"POST /v1/predict HTTP/1.1\r\n")
        start = time.monotonic()
        assert impatient.post("/v1/predict", files={"files": ("a.jpg", b"x")}).status_code == 200
        assert time.monotonic() - start < 3
        for connection in slow:
            with contextlib.suppress(ConnectionResetError):  # it was closed before its line came
                assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_takes_no_answer_is_let_go(monkeypatch):
    monkeypatch.setattr("melanoma_detect.serve.connections.ANSWER_SECONDS", SECONDS)
    ended = threading.Event()

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
        ended.set()

    with open_socket("127.0.0.1", 0) as listening:
        server = make_server(app, seconds=1)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with socket.create_connection(listening.getsockname(), timeout=10) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                assert ended.wait(10)
                assert not server.server_state.connections
        finally:
            server.should_exit = True
            thread.join(20)
