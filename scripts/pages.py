"""The documentation's pages as notebooks: their code is run once, and what it printed and drew is kept.

Every block of a page that is marked `python` is a cell, in one kernel and one folder for the whole page. In a block that is
marked `console`, each line that begins with `$` is run there by bash. The outputs are kept under `build/pages` as a notebook,
with the digest of the code and of the library, so that the tests and `make docs` run a page once between them.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import nbformat
from filelock import FileLock
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

import melanoma_detect as md
from melanoma_detect.utils.disclaimer import TERMS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
STORE = ROOT / "build" / "pages"
# The page that trains the detector which the other pages use.
TUTORIAL = DOCS / "tutorials" / "first-detector.md"
# The README shows a long training, which nobody sees the result of: it is run with these numbers.
SHORTER = {"README.md": {"epochs=30": "epochs=1", "epochs=20": "epochs=1", "add=500": "add=3"}}
SECONDS = 540  # for a page; the tests give up at 600

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>python|console)(?P<words>( \w+)*) *$")
_PATH = re.compile(r"(?:[\w.-]*/)*ipykernel_\d+/\d+\.py:\d+: ")
# A warning, with the file and line that gave it and the source of that line, which the page shows anyway.
_WARNING = re.compile(r"^(?P<where>\S*?:\d+: )?(?P<what>\w*Warning: .*)(?P<source>\n  .*)?$", re.MULTILINE)
# What TensorFlow says when a page itself imports Keras; the library's own imports keep it quiet.
_NATIVE_NOTE = re.compile(
    r"^(WARNING: All log messages before absl|WARNING:tensorflow:|[IWE]\d{4} \d\d:\d\d:|To enable the following).*\n",
    re.MULTILINE,
)
_PRIVATE = re.compile(r"(?<![\w.])/(?:tmp|root|home|work|private|var/folders)/\S+|site-packages/\S+|ipykernel_\d+")
_EMBEDDED = re.compile(r"base64,[A-Za-z0-9+/=\s]+")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_WORDS = {"warns", "raises"}


class PageError(Exception):
    """A block of a page failed, or did what it is not said to do."""


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        language: `python` or `console`.
        words: What follows the language: `warns` if a warning is meant to be shown, `raises` if an error is.
        code: The lines of the block, without the fences.
        start: The number of the opening fence's line, from 1.
        end: The number of the closing fence's line.
        indent: By how many blanks the block is indented.
    """

    language: str
    words: frozenset[str]
    code: str
    start: int
    end: int
    indent: int


@dataclass(frozen=True)
class PageRun:
    """A page and the outputs of its blocks.

    Attributes:
        path: The page.
        blocks: Its blocks, in their order.
        notebook: The notebook that ran; one cell a block.
    """

    path: Path
    blocks: list[Block]
    notebook: NotebookNode


def documentation_pages() -> list[Path]:
    """Return the pages of the documentation, in the order of their names."""
    return sorted(DOCS.rglob("*.md"))


def notebooks() -> list[Path]:
    """Return the notebooks of `examples`."""
    return sorted((ROOT / "examples").glob("*.ipynb"))


def find_blocks(text: str, name: str = "page") -> list[Block]:
    """Return the blocks of a page that are run.

    Args:
        text: The page, in Markdown.
        name: The page's name, for the message.

    Raises:
        PageError: A block has no end, or a word after its language that means nothing.
    """
    blocks, lines = [], enumerate(text.splitlines(), start=1)
    for start, line in lines:
        if match := _FENCE.match(line):
            words = frozenset(match["words"].split())
            if words - _WORDS:
                wrong, known = " ".join(words - _WORDS), ", ".join(sorted(_WORDS))
                raise PageError(f"{name}:{start}: {wrong}; expected no words, or {known}")
            blocks.append(_read_block(match, words, start, lines, name))
    return blocks


def _read_block(
    match: re.Match[str], words: frozenset[str], start: int, lines: Iterator[tuple[int, str]], name: str
) -> Block:
    indent, code = len(match["indent"]), []
    for number, line in lines:
        if line.strip() == "```":
            return Block(match["language"], words, "\n".join(code), start, number, indent)
        code.append(line[indent:])
    raise PageError(f"{name}:{start}: the block has no end")


def run_page(path: Path, *, draft: bool = False) -> PageRun:
    """Run a page, or take the outputs of its last run if neither its code nor the library has changed.

    Args:
        path: A page in Markdown.
        draft: Take the outputs of the last run with the same code, whatever has become of the library.

    Raises:
        PageError: A block failed; the message has the page and the line.
    """
    name = _name(path)
    blocks = find_blocks(path.read_text(encoding="utf-8"), name)
    code = [[block.language, sorted(block.words), _shorten(block.code, name)] for block in blocks]
    if not blocks:
        return PageRun(path, blocks, new_notebook())
    with _locked(name):
        notebook = _kept(name, code, draft=draft)
        if notebook is None:
            notebook = _run_blocks(path, blocks, name, draft=draft)
            _keep(name, notebook, code)
    return PageRun(path, blocks, notebook)


def run_notebook(path: Path, *, draft: bool = False) -> NotebookNode:
    """Run a notebook, or take the outputs of its last run if neither its code nor the library has changed.

    Args:
        path: A notebook, `.ipynb`.
        draft: Take the outputs of the last run with the same code, whatever has become of the library.

    Raises:
        PageError: A cell failed.
    """
    name = _name(path)
    notebook = nbformat.read(path, as_version=4)
    code = [[cell.cell_type, cell.source] for cell in notebook.cells]
    with _locked(name):
        kept = _kept(name, code, draft=draft)
        if kept is None:
            with tempfile.TemporaryDirectory() as folder:
                _fill_folder(Path(folder), path, draft=draft)
                kept = _run_cells(notebook, Path(folder), name)
            _keep(name, kept, code)
    return kept


def first_detector(*, draft: bool = False) -> tuple[Path, Path]:
    """Return the folder of drawn lesions and the detector that the first tutorial makes; run it if need be."""
    run_page(TUTORIAL, draft=draft)
    made = STORE / _name(TUTORIAL)
    return made / "lesions", made / "first.detector"


def _name(path: Path) -> str:
    path = path.resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def _shorten(code: str, name: str) -> str:
    for long, short in SHORTER.get(name, {}).items():
        code = code.replace(long, short)
    return code


def _locked(name: str) -> FileLock:
    STORE.mkdir(parents=True, exist_ok=True)
    return FileLock(STORE / f".{name.replace('/', '-')}.lock")


@cache
def library_digest() -> str:
    """Return a digest of everything that the outputs depend on beside the page: the library, this script, the tutorial."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + str(sys.version_info[:2]).encode())
    digest.update(str(sorted((found.name, found.version) for found in distributions())).encode())
    for file in sorted((ROOT / "src").rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    tutorial = find_blocks(TUTORIAL.read_text(encoding="utf-8"))
    digest.update("\n".join(block.code for block in tutorial).encode())
    return digest.hexdigest()


def _kept(name: str, code: list[list[object]], *, draft: bool) -> NotebookNode | None:
    """Return the notebook of an earlier run, if it is still true."""
    file = STORE / f"{name}.ipynb"
    if not file.is_file():
        return None
    notebook = nbformat.read(file, as_version=4)
    same_library = draft or notebook.metadata.get("library") == library_digest()
    return notebook if same_library and notebook.metadata.get("code") == _digest(code) else None


def _keep(name: str, notebook: NotebookNode, code: list[list[object]]) -> None:
    file = STORE / f"{name}.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    notebook.metadata.update(library=library_digest(), code=_digest(code))
    partial = file.with_suffix(".partial")
    nbformat.write(notebook, partial)
    partial.replace(file)


def _digest(code: list[list[object]]) -> str:
    return hashlib.sha256(repr(code).encode()).hexdigest()


def _run_blocks(path: Path, blocks: list[Block], name: str, *, draft: bool) -> NotebookNode:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _fill_folder(folder, path, draft=draft)
        cells = [new_code_cell(_shorten(block.code, name), metadata=_metadata(block)) for block in blocks]
        notebook = _run_cells(new_notebook(cells=cells), folder, name)
        if path == TUTORIAL:
            _take_over(folder, STORE / name)
    return notebook


def _metadata(block: Block) -> dict[str, object]:
    return {"language": block.language, "line": block.start, "words": sorted(block.words)}


def _fill_folder(folder: Path, path: Path, *, draft: bool) -> None:
    """Put into a page's folder what the pages use: drawn lesions, a photo, and the detector of the first tutorial."""
    if path == TUTORIAL or path.suffix == ".ipynb":
        return
    lesions, detector = first_detector(draft=draft)
    shutil.copytree(lesions, folder / "lesions")
    shutil.copytree(lesions, folder / "isic9")
    shutil.copy(detector, folder / "first.detector")
    Image.fromarray(md.draw_lesion("melanoma", seed=12, size=360).pixels).save(folder / "photo.jpg", quality=92)


def _take_over(folder: Path, made: Path) -> None:
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    shutil.copytree(folder / "lesions", made / "lesions")
    shutil.copy(folder / "first.detector", made / "first.detector")


def _aside(folder: Path) -> Path:
    """Return the folder beside a page's own for what the page is not to see."""
    return folder.with_name(f"{folder.name}-aside")


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of a page: no colours, no terminal, no graphics card, a cache of its own."""
    quiet = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "96", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONHASHSEED": "0"}
    quiet["MELANOMA_DETECT_PROGRESS"] = "0"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | quiet | {"PATH": path, "MELANOMA_DETECT_CACHE": str(_aside(folder) / "cache")}


def _kernel(aside: Path) -> AsyncKernelManager:
    """Return a kernel that is spoken to through files where the system can, not through ports that others could listen to."""
    if os.name != "posix":
        return AsyncKernelManager(kernel_name="python3")
    return AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(aside / "kernel"))


def _run_cells(notebook: NotebookNode, folder: Path, name: str) -> NotebookNode:
    aside = _aside(folder)
    aside.mkdir()
    client = NotebookClient(notebook, timeout=SECONDS, km=_kernel(aside), shutdown_kernel="immediate")
    try:
        with client.setup_kernel(cleanup_kc=True, env=_environment(folder), cwd=str(folder)):
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    _run_cell(client, cell, index, folder, name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return notebook


def _run_cell(client: NotebookClient, cell: NotebookNode, index: int, folder: Path, name: str) -> None:
    line = int(cell.metadata.get("line", 0))
    where = f"{name}:{line}" if line else f"{name}, cell {index + 1}"
    words = {*cell.metadata.get("words", ()), *cell.metadata.get("tags", ())}
    if cell.metadata.get("language") == "console":
        cell.outputs = _run_console(cell.source, folder, words, where)
        return
    try:
        client.execute_cell(cell, index)
    except (CellTimeoutError, DeadKernelError) as error:
        raise PageError(f"{where}: {error}") from error
    except CellExecutionError as error:
        if "raises" not in words:
            trace = _COLOURS.sub("", error.traceback)
            place = f"{name}:{line + _line_of(trace)}" if line else where
            raise PageError(f"{place}: {error.ename}: {error.evalue}\n\n{trace}") from None
    else:
        if "raises" in words:
            raise PageError(f"{where}: raised no error; the page says that it does")
    _tidy(cell, folder, where, words)
    if any("image/png" in output.get("data", {}) for output in cell.outputs):
        cell.metadata["alt"] = _describe(client, cell)


def _line_of(trace: str) -> int:
    """Return the line of the cell that raised an error, from 1; 0 if the traceback does not say."""
    found = re.findall(r"Cell In\[\d+\], line (\d+)", trace)
    return int(found[0]) if found else 0


def find_commands(code: str) -> list[str]:
    """Return the commands of a console block: lines that begin with `$`, each with those that a backslash joins to it."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)", code, re.MULTILINE)


def _run_console(code: str, folder: Path, words: set[str], where: str) -> list[NotebookNode]:
    """Run the commands of a console block; return what each of them prints."""
    return [_run_command(command, folder, words, where) for command in find_commands(code)]


def _run_command(command: str, folder: Path, words: set[str], where: str) -> NotebookNode:
    try:
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=_environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PageError(f"{where}: {command}\nran for over {SECONDS} seconds") from error
    text = _without_paths(result.stdout, folder)
    if (result.returncode != 0) != ("raises" in words):
        raise PageError(f"{where}: {command}\nended with {result.returncode}\n{text}")
    _check_private(text, where)
    return new_output("stream", name="stdout", text=text)


def _without_paths(text: str, folder: Path) -> str:
    # Shown once on a machine; the pages say it where it matters.
    text = re.sub(rf"(WARNING:melanoma_detect:)?{re.escape(TERMS)}\n", "", _COLOURS.sub("", text))
    text = text.replace(f"{folder.resolve()}{os.sep}", "").replace(str(folder.resolve()), ".")
    # A page of an architecture names its source file.
    return text.replace(f"{Path(md.__file__).parents[1]}{os.sep}", "").replace(str(Path.home()), "~")


def _check_private(text: str, where: str) -> None:
    """Raise if an output shows where on this machine it was made: no reader has that folder."""
    if found := _PRIVATE.search(_EMBEDDED.sub("", text)):
        raise PageError(f"{where}: shows a path of this machine: {found[0]}")


def _tidy(cell: NotebookNode, folder: Path, where: str, words: set[str]) -> None:
    """Join what was printed in a row, take out paths of this machine, and hold warnings to what the page says."""
    outputs: list[NotebookNode] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = _without_paths(
                _WARNING.sub(r"\g<what>", _PATH.sub("", _NATIVE_NOTE.sub("", output.text))), folder
            )
            if outputs and outputs[-1].output_type == "stream" and outputs[-1].name == output.name:
                outputs[-1].text += output.text
                continue
        elif _is_blank(output):
            continue
        else:
            for kind in output.get("data", {}).keys() & {"text/plain", "text/html"}:
                output.data[kind] = _without_paths(output.data[kind], folder)
                _check_private(output.data[kind], where)
        outputs.append(output)
    said = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stderr")
    if said.strip() and not words & {"warns", "may_warn"}:  # may: what is said once on each machine
        raise PageError(f"{where}: wrote to standard error; mark the block `python warns` if that is meant:\n{said}")
    if "warns" in words and not said.strip():
        raise PageError(f"{where}: gave no warning; the page says that it does")
    _check_private("".join(output.get("text", "") for output in outputs), where)
    cell.outputs = [output for output in outputs if output.output_type != "stream" or output.text.strip()]


def _is_blank(output: NotebookNode) -> bool:
    """Return whether an output shows nothing: what is left of a progress bar that was taken away."""
    data = output.get("data", {})
    if not data:
        return output.output_type != "error"
    if not set(data) <= {"text/plain", "text/html"}:
        return False
    return not re.sub("<(?!img|svg)[^>]*>", "", data.get("text/html", data.get("text/plain", ""))).strip()


_DESCRIBE = """
def _described(code):
    import ast, inspect
    from melanoma_detect.report import alt_texts
    last = ast.parse(code).body[-1]
    call = last.value if isinstance(last, (ast.Expr, ast.Assign)) else None
    if not isinstance(call, ast.Call):
        return ""
    function = eval(ast.unparse(call.func))
    text = getattr(alt_texts, f"{function.__name__}_text", None)
    values = [eval(ast.unparse(value)) for value in call.args]
    options = {option.arg: eval(ast.unparse(option.value)) for option in call.keywords}
    try:
        return text(*values, **options)
    except Exception:  # there is none, or it does not take what the plot takes
        return (inspect.getdoc(function) or "").partition("\\n")[0]
print(_described({code!r}), end="")
del _described
"""


def _describe(client: NotebookClient, cell: NotebookNode) -> str:
    """Return what a figure shows: the report's own text for it, else the first line of the docstring of what drew it."""
    asked = new_code_cell(_DESCRIBE.replace("{code!r}", repr(cell.source)))
    try:
        client.nb.cells.append(asked)
        client.execute_cell(asked, len(client.nb.cells) - 1, store_history=False)
    except CellExecutionError:
        return ""
    finally:
        client.nb.cells.pop()
    return "".join(output.get("text", "") for output in asked.outputs).strip()
