"""The service on a Ray cluster of this machine's cores, by the code that docs/how-to/serve.md shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ray

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "serve.md"
ASK = """
import json, sys, urllib.request
HEAD = b'--b\\r\\nContent-Disposition: form-data; name="files"; filename="a.jpg"\\r\\n\\r\\n'
body = HEAD + open("a.jpg", "rb").read() + b"\\r\\n--b--\\r\\n"
request = urllib.request.Request("http://127.0.0.1:8000/v1/predict", body, {"Content-Type": "multipart/form-data; boundary=b"})
found = [json.load(urllib.request.urlopen(request, timeout=60))["predictions"][0] for _ in range(4)]
assert all(one == found[0] for one in found)
with urllib.request.urlopen("http://127.0.0.1:8000/health") as answer:
    assert json.load(answer)["status"] == "ok"
serve.shutdown()
expected = md.Detector.load(threads=1).predict(open("a.jpg", "rb").read())
assert found[0]["probabilities"] == expected.probabilities, (found[0], expected)
print("the answers are the detector's")
"""
START = """
import ray
ray.init("local", num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
"""


def test_the_deployment_of_the_page_answers_as_the_detector(photo):
    pytest.importorskip("ray.serve", reason="Ray Serve is not installed: pip install 'melanoma-detect-core[ray]'")
    (code,) = re.findall(r"```py\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    Path("a.jpg").write_bytes(photo(1))
    Path("deployment.py").write_text(START + code + ASK, encoding="utf-8")
    # A busy machine takes longer than the 30 s that Ray waits for its own parts.
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_raylet_start_wait_time_s": "150"}
    command = [sys.executable, "deployment.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert "the answers are the detector's" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
