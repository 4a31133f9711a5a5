"""The metrics: what they count, and that clients cannot make labels of their own."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

import melanoma_detect as md
from melanoma_detect.serve import create_app
from melanoma_detect.serve.metrics import Metrics


@pytest.fixture
def read(ask):
    """Return a function that reads the metrics of an application: by name and labels."""

    def values(app):
        answer = ask(app, "get", "/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = text_string_to_metric_families(answer.text)
        return {
            (sample.name.removeprefix("melanoma_detect_"), *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    return values


def test_requests_images_batches_and_times_are_counted(ask, read, default, photo):
    app = create_app(default)
    contents = [photo(seed) for seed in range(3)]
    files = [("files", (f"{number}.jpg", content)) for number, content in enumerate(contents)]
    found = ask(app, "post", "/v1/predict", files=[*files, ("files", ("bad.jpg", b"x"))]).json()["predictions"]
    ask(app, "post", "/v1/predict?sensitivity=7", files=files)
    values = read(app)
    assert (
        values["info", default.predictor.config.title, md.__version__] == 1
        or values["info", md.__version__, "default detector"] == 1
    )
    assert values["requests_total", "/v1/predict", "200"] == 1
    assert values["requests_total", "/v1/predict", "422"] == 1
    assert values["request_seconds_count", "/v1/predict"] == 2
    assert values["request_seconds_sum", "/v1/predict"] > 0
    for decision in {each["decision"] for each in found[:3]}:
        assert values["images_total", decision] == sum(each["decision"] == decision for each in found[:3])
    assert values["images_total", "unreadable"] == 1
    assert values["batch_images_sum",] == 3
    assert values["model_seconds_count",] == values["batch_images_count",] >= 1
    assert values["refusals_total", "parameters"] == 1
    assert (values["queue_images",], values["requests_in_progress",], values["body_bytes",]) == (0, 0, 0)
    assert values["process_resident_memory_bytes",] > 10**7


def test_paths_of_clients_make_no_labels(ask, read, two_types):
    app = create_app(two_types())
    for path in ("/a-patients-name", "/v1/predict/a-patients-name", "/v1/card/"):
        assert ask(app, "get", path).status_code == 404
    values = read(app)
    assert values["requests_total", "other", "404"] == 3
    assert not any("patient" in str(name) for name in values)


def test_each_service_counts_for_itself(ask, read, two_types):
    first, second = create_app(two_types()), create_app(two_types())
    ask(first, "get", "/health")
    assert ("requests_total", "/health", "200") not in read(second)


def test_every_metric_says_what_it_is():
    text = Metrics("mine", []).text().decode()
    helped = re.findall(r"^# HELP (\w+) (.+)$", text, re.MULTILINE)
    assert len(helped) > 10
    assert all(meaning.strip() for _, meaning in helped)
