"""The page /docs: all that the OpenAPI document says, and nothing from anywhere else."""

import re

import pytest

from melanoma_detect.serve import create_app
from melanoma_detect.serve.openapi import ENDPOINTS


@pytest.fixture
def app(two_types):
    return create_app(two_types())


def test_the_description_of_the_service_loads_nothing(app, ask):
    answer = ask(app, "get", "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert re.findall(r"(?:src|action)=|<script|<link|@import|url\(", answer.text) == []
    assert set(re.findall(r'href="([^"#]+)"', answer.text)) == {"openapi.json"}
    assert not re.search(r"https?://(?!127\.0\.0\.1)", answer.text)


def test_the_description_names_everything_that_the_document_does(app, ask):
    text, document = ask(app, "get", "/docs").text, ask(app, "get", "/openapi.json").json()
    assert set(document["paths"]) == set(ENDPOINTS)
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in text
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                assert f"<code>{parameter['name']}</code>" in text
                assert parameter["description"]
            assert all(status in text for status in operation["responses"])
    for name, schema in document["components"]["schemas"].items():
        assert f'id="{name}"' in text
        assert all("description" in member for member in schema["properties"].values())


def test_no_text_of_the_document_becomes_markup(two_types, ask):
    detector = two_types(title="<script>alert(1)</script>")
    assert "<script>" not in ask(create_app(detector), "get", "/docs").text
