"""What a function's docstring says, read from its source without importing it.

`importlib.util.find_spec` imports the packages above a module; a plugin's `__init__` may import Keras, or be broken. So the
file is looked for on `sys.path` and parsed.
"""

import ast
import functools
import sys
from pathlib import Path

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def first_line(target: str) -> str:
    """Return the first line of the docstring of what an entry point names.

    Args:
        target: `"module:function"`.

    Returns:
        The line; empty where the source cannot be found or says nothing.

    Examples:
        >>> first_line("melanoma_detect.models.cnn:build")
        "Build the assignment's network: three convolutions with pooling, and a dense layer of 128."
    """
    module, _, name = target.partition(":")
    source = find_source(module)
    return _docstrings(source).get(name.strip(), "") if source else ""


def find_source(module: str) -> Path | None:
    """Return the file of a module on `sys.path`, importing nothing.

    Args:
        module: Its dotted name.

    Returns:
        The file, or None.

    Examples:
        >>> find_source("melanoma_detect.models.cnn").name
        'cnn.py'
    """
    parts = module.strip().split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for folder in sys.path:
        base = Path(folder or ".", *parts)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
    return None


@functools.lru_cache(maxsize=256)
def _docstrings(file: Path) -> dict[str, str]:
    """Return the first docstring line of each function of a file."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return {}
    functions = [node for node in body if isinstance(node, _FUNCTIONS)]
    return {node.name: (ast.get_docstring(node) or "").partition("\n")[0].strip() for node in functions}
