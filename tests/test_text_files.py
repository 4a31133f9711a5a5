"""Text that is written and read: the same encoding and line endings everywhere, and an order that no locale changes."""

import ast
from pathlib import Path

import pytest

import melanoma_detect

SOURCE = Path(melanoma_detect.__file__).parent
MODULES = {
    str(path.relative_to(SOURCE)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))
}
# Files that hold no lines of text: `module: reason`.
WITHOUT_LINES = {"scoring/storage.py": "a lock file, which is empty"}


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node, {keyword.arg: keyword.value for keyword in node.keywords}


def mode_of(node, keywords, position):
    mode = keywords.get("mode") or (node.args[position] if len(node.args) > position else None)
    return (
        mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else "r" if mode is None else "?"
    )


def is_text(mode):
    return bool(mode) and set(mode) <= set("rwxat+") and "b" not in mode


def opened_as_text(name, node, keywords):
    """Return whether a call opens a file as text, and whether to write it."""
    if name in ("read_text", "write_text"):
        return True, name == "write_text"
    if name not in ("open", "fdopen"):
        return False, False
    is_method = isinstance(node.func, ast.Attribute) and name == "open" and getattr(node.func.value, "id", "") != "io"
    mode = mode_of(node, keywords, 0 if is_method else 1)
    if not is_text(mode) or (is_method and (isinstance(node.func.value, ast.Name) and node.func.value.id in _OTHERS)):
        return False, False
    return True, bool(set(mode) & set("wxa+"))


# Values with a method `open` that is not that of a file.
_OTHERS = {"Image", "os", "file", "archive", "system", "cls", "self", "webbrowser"}


@pytest.mark.parametrize("module", MODULES)
def test_text_is_opened_with_its_encoding_and_written_with_its_line_endings(module):
    wrong = []
    for name, node, keywords in calls(MODULES[module]):
        text, written = opened_as_text(name, node, keywords)
        positional = name == "read_text" and node.args  # read_text("utf-8")
        if text and "encoding" not in keywords and not positional and module not in WITHOUT_LINES:
            wrong.append(f"line {node.lineno}: {name} without encoding=")
        if written and "newline" not in keywords and module not in WITHOUT_LINES:
            wrong.append(f"line {node.lineno}: {name} without newline=")
    assert not wrong


@pytest.mark.parametrize("module", MODULES)
def test_no_order_and_no_text_depends_on_the_locale(module):
    imported = {
        alias.name for node in ast.walk(MODULES[module]) if isinstance(node, ast.Import) for alias in node.names
    }
    assert "locale" not in imported


def test_only_the_console_prints():
    """Everything else goes through `echo`, which shows names as text."""
    found = {
        module
        for module, tree in MODULES.items()
        for name, node, _ in calls(tree)
        if module.startswith("cli") and ((name == "echo" and isinstance(node.func, ast.Attribute)) or name == "secho")
    }
    assert not found
