"""The service against its own OpenAPI document: schemathesis tries what it allows and what it forbids, with every check."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from melanoma_detect.serve import ServeSettings

TOKEN = "a-token-that-nobody-guesses"
# What the document calls an image may be none, and no document says which sensitivity the validation images support: such
# requests are answered with 422 and a sentence. A check below holds them to these two reasons; other paths have no such excuse.
CONFIGURATION = """
[[operations]]
include-path-regex = "^/v1/(predict|explain)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", "422"]
"""
# Half of the files are images, so that the answers of the model are tried too.
HOOKS = r"""
import io
import re
import schemathesis
from hypothesis import strategies
from PIL import Image
import melanoma_detect as md

def draw(kind, seed):
    file = io.BytesIO()
    Image.fromarray(md.draw_lesion("nevus", seed=seed, size=64).pixels).save(file, kind)
    return file.getvalue()

for media_type, kind in (("image/jpeg", "JPEG"), ("image/png", "PNG")):
    images = strategies.sampled_from([draw(kind, seed) for seed in range(3)])
    schemathesis.openapi.media_type(media_type, images | strategies.binary(max_size=200))

REASONS = {
    "/v1/predict": r"(dermoscopy|clinical) images: \S+ sensitivity for [a-z ]+ cannot be set: ",
    "/v1/explain": r".*: (the file is empty|not an image|cannot be decoded)",
}

@schemathesis.check
def a_request_as_described_is_refused_for_a_known_reason_only(ctx, response, case):
    if response.status_code == 422 and case.meta.generation.mode.is_positive:
        sentence = response.json()["error"]
        assert re.match(REASONS[case.operation.path], sentence, re.DOTALL), f"refused: {sentence}"
"""


@pytest.mark.slow
@pytest.mark.parametrize("token", [None, TOKEN])
def test_every_request_is_answered_as_described(default, serving, token):
    Path("schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
    Path("hooks.py").write_text(HOOKS, encoding="utf-8")
    with serving(default, ServeSettings(token=token)) as client:
        program = str(Path(sys.executable).with_name("schemathesis"))
        command = [
            program,
            "run",
            str(client.base_url.join("/openapi.json")),
            "--checks",
            "all",
            "--max-examples",
            "20",
        ]
        command += ["--seed", "1", "--max-response-time", "30", "--workers", "1", "--no-color"]
        command += ["--header", f"Authorization: Bearer {token}"] if token else []
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": os.pathsep.join([".", *sys.path])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=500)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "6 selected / 6 total" in done.stdout


def test_the_document_names_the_token_where_there_is_one(ask, two_types):
    from melanoma_detect.serve import create_app

    headers = {"Authorization": f"Bearer {TOKEN}"}
    guarded = ask(create_app(two_types(), ServeSettings(token=TOKEN)), "get", "/openapi.json", headers=headers).json()
    for path, methods in guarded["paths"].items():
        for operation in methods.values():
            assert ("401" in operation["responses"]) == ("security" in operation) == (path != "/health")
    assert TOKEN not in str(guarded)
    assert "securitySchemes" not in ask(create_app(two_types()), "get", "/openapi.json").json()["components"]
