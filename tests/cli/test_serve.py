"""The command serve: what it prints, and how it stops."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app

runner = CliRunner()
HEAD = (
    "POST /v1/predict HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n"
)
BODY = b'--b\r\nContent-Disposition: form-data; name="files"; filename="secret.jpg"\r\n\r\nno image\r\n--b--\r\n'


class Service:
    """A process of `melanoma-detect serve` on a free port, and what it writes to standard error."""

    def __init__(self, *options, **environment):
        command = [sys.executable, "-m", "melanoma_detect", "serve", "--port", "0", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | environment)
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(r"Serving .* at (http://\S+) ", line):
                self.address = found[1]
                return
        raise AssertionError("".join(self.lines))

    def stop(self, number):
        """Send a signal."""
        self.process.send_signal(number)

    def end(self):
        """Return the exit status and everything that it has written."""
        _, rest = self.process.communicate(timeout=60)
        return self.process.returncode, "".join(self.lines) + rest


def send_half(address):
    """Begin a request, and return its connection."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
    connection.sendall(f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY[:50])
    return connection


def wait_until(is_so):
    """Wait until a condition holds, at most as long as a busy machine may take."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def is_open(address):
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_lets_requests_end_and_takes_no_more(number, status):
    service = Service()
    with send_half(service.address) as connection:
        wait_until(lambda: b"requests_in_progress 1.0" in read(f"{service.address}/metrics"))
        service.stop(number)
        wait_until(lambda: not is_open(service.address))
        assert service.process.poll() is None
        connection.sendall(BODY[50:])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"secret.jpg: not an image" in answer
    found, written = service.end()
    assert found == status
    assert "Interrupted: the requests in progress were answered, and nothing was kept of them." in written
    assert "secret" not in written
    assert "Traceback" not in written


def test_without_a_token_another_address_prints_a_loud_note():
    service = Service("--host", "0.0.0.0")
    service.stop(signal.SIGTERM)
    _, written = service.end()
    assert "WARNING: without a token, everyone who reaches http://0.0.0.0:" in written
    assert "no token is needed" in written


def test_with_a_token_there_is_no_note_and_the_token_is_not_shown():
    token = "a-token-that-nobody-guesses"
    service = Service("--host", "0.0.0.0", "--root-path", "/lesions", MELANOMA_DETECT_TOKEN=token)
    address = service.address.replace("0.0.0.0", "127.0.0.1")
    with urllib.request.urlopen(f"{address}/health") as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{address}/v1/card")
    request = urllib.request.Request(f"{address}/openapi.json", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        assert b'"servers":[{"url":"/lesions"}]' in answer.read()
    service.stop(signal.SIGTERM)
    status, written = service.end()
    assert status == 143
    assert "WARNING" not in written
    assert token not in written


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        (["--port", "70000"], {}, "--port 70000: expected a whole number"),
        (["--max-pixels", "300"], {}, "--max-pixels 300"),
        (["--root-path", "lesions"], {}, "--root-path lesions: expected a path such as /lesions"),
        ([], {"MELANOMA_DETECT_TOKEN": ""}, "MELANOMA_DETECT_TOKEN is empty"),
        ([], {"MELANOMA_DETECT_TOKEN": "short"}, "expected at least 16"),
        (["--detector", "nowhere.detector"], {}, "nowhere.detector"),
        (["--host", "198.51.100.1"], {}, "198.51.100.1:8000: cannot be served"),
    ],
)
def test_what_cannot_be_served_is_said_at_once(options, environment, words):
    result = runner.invoke(app, ["serve", *options], env=environment)
    assert result.exit_code != 0
    assert words in str(result.exception)


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = runner.invoke(app, ["serve", "--port", str(port)])
    assert f"127.0.0.1:{port}: cannot be served (Address already in use); choose another" in str(result.exception)
