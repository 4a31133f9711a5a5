"""The token: on every path but /health, in two ways, and nowhere else."""

import base64
import logging

import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.serve import ServeSettings, create_app
from melanoma_detect.serve.authentication import route_path, sent_token

TOKEN = "a-token-that-nobody-guesses"
PATHS = ["/", "/v1/predict", "/v1/explain", "/v1/card", "/metrics", "/docs", "/openapi.json", "/nowhere"]


def basic(password, user="anyone"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def guarded(two_types):
    return create_app(two_types(), ServeSettings(token=TOKEN))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong-but-long-enough",
        f"Bearer {TOKEN}x",
        f"Token {TOKEN}",
        TOKEN,
        basic("wrong"),
        basic(""),
        "Basic !!",
    ],
)
def test_no_path_is_open_without_the_token(guarded, ask, path, header):
    method = "post" if "predict" in path or "explain" in path else "get"
    answer = ask(guarded, method, path, headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    challenges = answer.headers.get_list(
        "www-authenticate"
    )  # a browser asks its user where one of them begins with Basic
    assert [challenge.split()[0] for challenge in challenges] == ["Basic", "Bearer"]
    assert "Authorization: Bearer TOKEN" in answer.json()["error"]


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic(TOKEN), basic(TOKEN, "")])
def test_the_token_opens_every_path(guarded, ask, header):
    for path in ("/", "/v1/card", "/metrics", "/docs", "/openapi.json"):
        assert ask(guarded, "get", path, headers={"Authorization": header}).status_code == 200
    answer = ask(guarded, "post", "/v1/predict", files={"files": ("a.jpg", b"x")}, headers={"Authorization": header})
    assert answer.status_code == 200


def test_health_is_open(guarded, ask):
    assert ask(guarded, "get", "/health").status_code == 200


def test_two_headers_are_none(guarded, ask):
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")]
    assert ask(guarded, "get", "/v1/card", headers=headers).status_code == 401


def test_the_token_is_neither_logged_nor_shown(guarded, ask, caplog):
    with caplog.at_level(logging.DEBUG):
        for header in (f"Bearer {TOKEN}", f"Bearer {TOKEN}x"):
            answer = ask(guarded, "get", "/metrics", headers={"Authorization": header})
            assert TOKEN not in answer.text
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(ServeSettings(token=TOKEN))


def test_refusals_are_counted(guarded, ask):
    ask(guarded, "get", "/v1/card")
    text = ask(guarded, "get", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert 'melanoma_detect_refusals_total{reason="token"} 1.0' in text
    assert 'melanoma_detect_requests_total{endpoint="/v1/card",status="401"} 1.0' in text


def test_the_comparison_takes_constant_time(guarded, ask, monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda *both: compared.append(both) or True)
    assert ask(guarded, "get", "/v1/card", headers={"Authorization": "Bearer x"}).status_code == 200
    assert compared == [(b"x", TOKEN.encode())]


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "MELANOMA_DETECT_TOKEN is empty"),
        ("short", "has 5 characters; expected at least 16"),
        ("with blanks in the middle", "holds blanks"),
        ("ümlaute-sind-nicht-ascii", "not ASCII"),
    ],
)
def test_a_weak_token_is_refused(token, words):
    with pytest.raises(DetectorError, match=words) as raised:
        ServeSettings.from_environment({"MELANOMA_DETECT_TOKEN": token})
    assert not token or token not in str(raised.value)


def test_the_path_is_that_below_the_mount():
    assert route_path({"path": "/health", "root_path": ""}) == "/health"
    assert route_path({"path": "/a/health", "root_path": "/a"}) == "/health"
    assert route_path({"path": "/ab/health", "root_path": "/a"}) == "/ab/health"
    assert sent_token(b"Digest x") == b""
