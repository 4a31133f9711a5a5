"""The page /docs: the service's OpenAPI document as one plain HTML page, which loads nothing from anywhere.

FastAPI's own page fetches its scripts from a content delivery network, which a clinic's network does not reach.
"""

import html
import re
from collections.abc import Sequence
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --accent: light-dark(#3949ab, #9fa8da); }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem;
  overflow-wrap: break-word; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
h2 code { color: var(--accent); font-size: 1.1em; } h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem; white-space: pre-wrap; }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { white-space: nowrap; } a { color: var(--accent); }
@media (min-width: 45rem) { th:first-child { width: 11rem; } th:nth-child(2) { width: 17rem; } }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: how to call it</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title} {version}</h1>
<p>{description}</p>
<p>For programs: <a href="openapi.json">openapi.json</a>, the OpenAPI document that this page shows.</p>
{operations}
<h2>Answers</h2>
{schemas}
</main>
</body>
</html>
"""


def docs_page(document: dict[str, Any]) -> str:
    """Return the page of an OpenAPI document.

    Args:
        document: The document, as `FastAPI.openapi()` returns it.

    Returns:
        HTML.

    Examples:
        >>> document = {"info": {"title": "Mine", "version": "1"}, "paths": {"/health": {"get": {"responses": {}}}}}
        >>> "<code>/health</code>" in docs_page(document)
        True
    """
    operations = [
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = document.get("components", {}).get("schemas", {})
    return _PAGE.format(
        title=_text(document["info"]["title"]),
        version=_text(document["info"]["version"]),
        description=_text(document["info"].get("description", "")),
        style=_STYLE,
        operations="\n".join(operations),
        schemas="\n".join(_schema(name, schema) for name, schema in schemas.items() if "properties" in schema),
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [f"<h2>{method.upper()} <code>{_text(path)}</code></h2>"]
    parts += [f"<p>{_text(paragraph)}</p>" for paragraph in operation.get("description", "").split("\n\n") if paragraph]
    if example := operation.get("x-example"):
        parts.append(f"<pre>{_text(example)}</pre>")
    rows = [
        (f"<code>{_text(each['name'])}</code>", _type(each["schema"]), _text(each.get("description", "")))
        for each in operation.get("parameters", [])
    ]
    rows += _body_rows(operation.get("requestBody", {}))
    if rows:
        parts += ["<h3>Takes</h3>", _table(("name", "type", "meaning"), rows)]
    answers = [
        (_text(status), _contents(answer.get("content", {})), _text(answer["description"]))
        for status, answer in sorted(operation.get("responses", {}).items())
    ]
    return "\n".join([*parts, "<h3>Answers</h3>", _table(("status", "content", "meaning"), answers)])


def _contents(content: dict[str, Any]) -> str:
    """Return the kinds of content of an answer, those of JSON with a link to the object that they are."""
    named = [
        f"{_text(kind)}: {_type(each['schema'])}" if "$ref" in each.get("schema", {}) else _text(kind)
        for kind, each in content.items()
    ]
    return "<br>".join(named)


def _body_rows(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (f"<code>{_text(name)}</code>", f"{_text(kind)}", _text(schema.get("description", "")))
        for kind, content in body.get("content", {}).items()
        for name, schema in content["schema"].get("properties", {}).items()
    ]


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (f"<code>{_text(member)}</code>", _type(each), _text(each.get("description", "")))
        for member, each in schema["properties"].items()
    ]
    title = f'<h3 id="{_text(name)}">{_text(name)}</h3><p>{_text(schema.get("description", ""))}</p>'
    return title + _table(("member", "type", "meaning"), rows)


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a value in words, with links to the objects."""
    if reference := schema.get("$ref"):
        name = _text(reference.rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return " or ".join(f"<code>{_text(choice or '(empty)')}</code>" for choice in choices)
    if alternatives := schema.get("anyOf"):
        return " or ".join(_type(each) for each in alternatives)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return _text(schema.get("type", "anything"))


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _text(value: object) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(str(value)))
