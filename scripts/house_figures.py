"""Measure the size and documentation of the library's code against the project's goals.

Prints one line per figure, `name value goal`, and exits with status 1 when a goal is missed. `--verbose` also lists what
misses it. Counted the same way in `src` and in `tests`:

- A code line is a line that is not blank, not a comment on its own, and not part of a docstring.
- A function's length is the number of lines from its first statement to its last, without its docstring. Blank lines and
  comments inside count. Stubs (`...` or a docstring alone: overloads and protocols) do not count.
- A public name is a module, a class, a function or a method whose name, and the names of what holds it, have no leading
  underscore. Functions inside functions are nobody's public names.
- A comment line is a line that holds a comment, alone or after code; marks for tools (`noqa`, `type: ignore`) do not count.
  Its share is of code and comment lines together.
"""

import argparse
import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "melanoma_detect"
TESTS = ROOT / "tests"
TOOL_MARKS = ("# noqa", "# type:", "#!")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


@dataclass(frozen=True)
class Module:
    """One parsed file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def length(self) -> int:
        return len(self.text.splitlines())

    def docstring_lines(self) -> set[int]:
        lines: set[int] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, Documented) and (docstring := docstring_of(node)):
                lines.update(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
        return lines

    def comment_lines(self) -> tuple[set[int], set[int]]:
        """Return the lines that hold a comment for people, and the lines that hold a comment and nothing else."""
        comments, alone = set(), set()
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                if not token.string.startswith(TOOL_MARKS):
                    comments.add(token.start[0])
                if token.line.lstrip().startswith("#"):
                    alone.add(token.start[0])
        return comments, alone

    def code_lines(self) -> int:
        left_out = self.docstring_lines() | self.comment_lines()[1]
        lines = enumerate(self.text.splitlines(), start=1)
        return sum(bool(line.strip()) and number not in left_out for number, line in lines)

    def function_lengths(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function) and (body := statements(node)):
                length = (body[-1].end_lineno or body[-1].lineno) - first_line(body[0]) + 1
                yield length, f"{self.name}:{node.lineno} {node.name}"

    def public_names(self) -> Iterator[tuple[Documented, str]]:
        def walk(node: ast.Module | ast.ClassDef) -> Iterator[tuple[Documented, str]]:
            for child in node.body:
                if not isinstance(child, ast.ClassDef | Function) or child.name.startswith("_") or is_overload(child):
                    continue
                yield child, f"{self.name}:{child.lineno} {child.name}"
                if isinstance(child, ast.ClassDef):
                    yield from walk(child)

        if self.path.stem == "__init__" or not self.path.stem.startswith("_"):
            yield self.tree, self.name
            yield from walk(self.tree)


@dataclass(frozen=True)
class Figure:
    """One figure: its value, its goal, and what misses the goal."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    offenders: list[str] = field(default_factory=list)

    @property
    def missed(self) -> bool:
        too_high = self.at_most is not None and self.value > self.at_most
        return too_high or (self.at_least is not None and self.value < self.at_least)

    def __str__(self) -> str:
        goal = "stated"
        if self.at_most is not None:
            goal = f"<={self.at_most:g}"
        elif self.at_least is not None:
            goal = f">={self.at_least:g}"
        return f"{self.name} {self.value:.6g} {goal}{'  MISSED' if self.missed else ''}"


def docstring_of(node: Documented) -> ast.Expr | None:
    """Return the docstring's node."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first
    return None


def statements(node: Function) -> list[ast.stmt]:
    """Return a function's statements without its docstring; none for a stub."""
    body = node.body[1:] if docstring_of(node) else node.body
    stub = len(body) == 1 and isinstance(body[0], ast.Expr) and getattr(body[0].value, "value", None) is Ellipsis
    return [] if stub else body


def first_line(statement: ast.stmt) -> int:
    """Return the line a statement starts at, its decorators included."""
    return min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])


def is_overload(node: ast.stmt) -> bool:
    """Return whether a function is one signature of an overloaded one: its docstring stands at the implementation."""
    return any(ast.unparse(each).endswith("overload") for each in getattr(node, "decorator_list", []))


def parse(folder: Path) -> list[Module]:
    """Parse every Python file below a folder."""
    paths = sorted(folder.rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return [Module(path, text, ast.parse(text, str(path))) for path, text in zip(paths, texts, strict=True)]


def figures(source: list[Module], tests: list[Module]) -> list[Figure]:
    """Measure the library's modules and its tests."""
    functions = sorted((entry for module in source for entry in module.function_lengths()), reverse=True)
    lengths = [length for length, _ in functions]
    modules = sorted(((module.length, module.name) for module in source), reverse=True)
    public = [entry for module in source for entry in module.public_names() if module.text.strip()]
    undocumented = [name for node, name in public if not docstring_of(node)]
    code = sum(module.code_lines() for module in source)
    comments = sum(len(module.comment_lines()[0]) for module in source)
    alone = sum(len(module.comment_lines()[1]) for module in source)
    ninetieth = statistics.quantiles(lengths, n=10, method="inclusive")[-1]
    return [
        Figure("function_lines_median", statistics.median(lengths), at_most=8),
        Figure("function_lines_90th_percentile", ninetieth, at_most=25, offenders=over(functions, 25)),
        Figure("function_lines_longest", lengths[0], at_most=60, offenders=over(functions, 60)),
        Figure("module_lines_longest", modules[0][0], at_most=350, offenders=over(modules, 350)),
        Figure("public_names_documented", 1 - len(undocumented) / len(public), at_least=1.0, offenders=undocumented),
        Figure("test_lines_per_code_line", round(sum(module.code_lines() for module in tests) / code, 3), at_least=0.6),
        Figure("comment_lines_share", round(comments / (code + alone), 4)),
        Figure("code_lines", code),
    ]


def over(entries: list[tuple[int, str]], most: int) -> list[str]:
    """Return the entries that are longer than `most` lines, the longest first."""
    return [f"{length} {name}" for length, name in entries if length > most]


def main() -> int:
    """Print the figures; return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description="Measure the size and documentation of the library's code.")
    parser.add_argument("--verbose", action="store_true", help="also list what is over a limit or has no docstring")
    options = parser.parse_args()
    measured = figures(parse(SRC), parse(TESTS))
    for figure in measured:
        print(figure)
        for offender in figure.offenders if options.verbose else []:
            print(f"    {offender}")
    return int(any(figure.missed for figure in measured))


if __name__ == "__main__":
    sys.exit(main())
