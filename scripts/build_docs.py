"""Write the documentation with the outputs of its code into `build/docs`, from where mkdocs (or zensical) makes the site.

python scripts/build_docs.py                            every page and notebook; what has not changed is not run again
python scripts/build_docs.py docs/how-to/audit.md       one page, for its author
python scripts/build_docs.py --draft                    the last outputs, though the library has changed: for looks and links
"""

import argparse
import base64
import hashlib
import re
import shutil
import struct
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from nbformat import NotebookNode
from pages import (
    DOCS,
    ROOT,
    TUTORIAL,
    Block,
    PageError,
    PageRun,
    documentation_pages,
    find_commands,
    notebooks,
    run_notebook,
    run_page,
)

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.page import write_page

OUT = ROOT / "build" / "docs"
DEMO = Path("demo", "detector.html")
ALT = re.compile(r"^ *<!-- alt: (?P<text>.*?) -->$")
DATA_URI = re.compile(r"data:image/(?P<kind>png|jpeg|webp|gif);base64,(?P<data>[A-Za-z0-9+/=\s]+)")
STYLE = re.compile(r"(<style>.*?</style>\n?)", re.DOTALL)


class Site:
    """The folder that the pages are written into.

    Attributes:
        out: The folder.
    """

    def __init__(self, out: Path) -> None:
        self.out = out

    def write_page(self, run: PageRun) -> None:
        """Write a page with the outputs of its blocks."""
        page = run.path.resolve().relative_to(DOCS)
        lines = run.path.read_text(encoding="utf-8").splitlines()
        written, done = [], 0
        for block, cell in zip(run.blocks, run.notebook.cells, strict=True):
            alt = ALT.match(lines[block.end]) if block.end < len(lines) else None
            written += lines[done : block.start - 1] + self._render_block(block, cell, page, alt["text"] if alt else "")
            done = block.end + bool(alt)
        self._write(page, "\n".join(written + lines[done:]) + "\n")

    def write_notebook(self, path: Path, notebook: NotebookNode) -> None:
        """Write a notebook as a page, and beside it the notebook itself without outputs."""
        page = Path("notebooks") / f"{path.stem}.md"
        title, *rest = notebook.cells
        note = f"This page is a notebook: [{path.name}]({path.name}) is the file, to download and run.\n{{ .notebook-note }}"
        parts = [_page_links(title.source), note]
        heading = title.source.splitlines()[0].strip("# ")
        for cell in rest:
            if cell.cell_type == "markdown":
                parts.append(_page_links(cell.source))
                heading = ([heading, *re.findall(r"^#+ (.*)", cell.source, re.MULTILINE)])[-1]
            elif cell.cell_type == "code":
                block = Block("python", frozenset(), cell.source, 0, 0, 0)
                parts.append(
                    "\n".join(
                        self._render_block(block, cell, page, str(cell.metadata.get("alt") or f"Figure: {heading}"))
                    )
                )
        self._write(page, "\n\n".join(parts) + "\n")
        shutil.copy(path, self.out / page.parent / path.name)

    def _write(self, page: Path, text: str) -> None:
        """Write a page; of the same style sheet in several views, the first is enough."""
        first, *others = STYLE.split(text)
        seen: set[str] = set()
        text = first + "".join(
            part for part in others if not (STYLE.fullmatch(part) and (part in seen or seen.add(part)))
        )
        target = self.out / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def _render_block(self, block: Block, cell: NotebookNode, page: Path, alt: str) -> list[str]:
        """Return the lines of a block and of what it printed and drew."""
        if block.language == "console":
            return _indented(self._render_console(block, cell), block.indent)
        lines = ["```python", *block.code.splitlines(), "```"]
        for number, output in enumerate(cell.outputs):
            lines += ["", *self._render_output(output, cell, page, alt, f"{page}:{block.start}, output {number + 1}")]
        return _indented(lines, block.indent)

    def _render_console(self, block: Block, cell: NotebookNode) -> list[str]:
        lines: list[str] = []
        for command, output in zip(find_commands(block.code), cell.outputs, strict=True):
            lines += ["```console", *f"$ {command}".splitlines(), "```", "", *_render_text(output), ""]
        return lines[:-1]

    def _render_output(self, output: NotebookNode, cell: NotebookNode, page: Path, alt: str, where: str) -> list[str]:
        data = output.get("data", {})
        if "text/html" in data:
            rich = DATA_URI.sub(partial(self._save_uri, page=page), data["text/html"])
            return ['<div class="output output-rich">', *rich.strip().splitlines(), "</div>"]
        if "image/png" in data:
            return self._render_figure(output, page, alt or str(cell.metadata.get("alt", "")), where)
        return _render_text(output)

    def _render_figure(self, output: NotebookNode, page: Path, alt: str, where: str) -> list[str]:
        if not alt:
            raise PageError(f"{where}: a figure without a description; write <!-- alt: … --> below the block")
        content = base64.b64decode(output.data["image/png"])
        width = output.get("metadata", {}).get("image/png", {}).get("width") or struct.unpack(">I", content[16:20])[0]
        target = self._save(content, "png")
        above = "../" * len(page.parent.parts)
        return [
            f"![{alt.replace('[', '(').replace(']', ')')}]({above}{target}){{ .output-figure width={width} loading=lazy }}"
        ]

    def _save_uri(self, match: re.Match[str], page: Path) -> str:
        target = self._save(base64.b64decode(match["data"]), match["kind"])
        # The page itself becomes a folder, except for those named index.
        depth = len(page.parent.parts) + (page.stem != "index")
        return "../" * depth + target

    def _save(self, content: bytes, kind: str) -> str:
        target = Path("outputs") / f"{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
        (self.out / target).parent.mkdir(parents=True, exist_ok=True)
        (self.out / target).write_bytes(content)
        return target.as_posix()


def _indented(lines: list[str], indent: int) -> list[str]:
    return [(" " * indent + line) if line else "" for line in lines]


def _render_text(output: NotebookNode) -> list[str]:
    """Return a block of text. Sentences are wrapped at any width; what stands in columns scrolls on a phone."""
    text = _output_text(output).rstrip()
    if not text:
        return []
    fence = "````" if "```" in text else "```"
    error = " .output-error" if output.output_type == "error" or output.get("name") == "stderr" else ""
    columns = " .output-columns" if re.search(r"\S {2,}\S", text) else ""
    return [f"{fence} {{ .text .output{columns}{error} .no-copy }}", *text.splitlines(), fence]


def _output_text(output: NotebookNode) -> str:
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", ""))


def _page_links(text: str) -> str:
    """Turn a notebook's links to pages of the documentation, from `examples`, into links from its own page."""
    text = re.sub(r"\]\((?:\.\./)?docs/", "](../", text)
    return re.sub(r"\]\(([\w-]+)\.ipynb\)", r"](\1.md)", text)


def _run(path: Path, *, draft: bool) -> PageRun | NotebookNode:
    return run_notebook(path, draft=draft) if path.suffix == ".ipynb" else run_page(path, draft=draft)


def build(pages: list[Path], out: Path, *, jobs: int = 2, draft: bool = False) -> None:
    """Run pages and notebooks, and write them.

    Args:
        pages: Their files.
        out: The folder.
        jobs: How many run at once.
        draft: Take the last outputs of unchanged code, though the library has changed.

    Raises:
        PageError: Code failed, or a figure has no description.
    """
    site = Site(out)
    with ProcessPoolExecutor(jobs) as pool:
        for path, run in zip(pages, pool.map(partial(_run, draft=draft), pages), strict=True):
            if isinstance(run, PageRun):
                site.write_page(run)
            else:
                site.write_notebook(path, run)


def write_demo(out: Path) -> None:
    """Write the default detector's page, which docs/demo.md embeds; it is made here and is not in the repository."""
    target = out / DEMO
    target.parent.mkdir(parents=True, exist_ok=True)
    write_page(md.Detector.load(), target, overwrite=True)


def main() -> int:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, help="pages and notebooks; default: all")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--draft", action="store_true", help="take the last outputs of unchanged code, though the library has changed"
    )
    options = parser.parse_args()
    pages = [path.resolve() for path in options.pages]
    if not pages:
        shutil.rmtree(options.out, ignore_errors=True)
        shutil.copytree(DOCS, options.out, ignore=shutil.ignore_patterns("*.md"))
        # First what the others wait for.
        pages = sorted(documentation_pages(), key=lambda path: path != TUTORIAL) + notebooks()
    try:
        if not options.pages:
            write_demo(options.out)
        build(pages, options.out, jobs=options.jobs, draft=options.draft)
    except (PageError, DetectorError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
