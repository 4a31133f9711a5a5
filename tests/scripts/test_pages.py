"""The machine that runs the documentation's pages: what it finds, runs, keeps and refuses."""

import os
import subprocess
import sys

import pages
import pytest

PAGE = '''# A page

```python
import warnings

number = 40
print("printed")
number + 2
```

```py
shown_only()
```

```python warns
warnings.warn("mind the step", UserWarning)
```

1. A step

    ```python raises
    {}["missing"]
    ```

```python
from matplotlib.figure import Figure


def draw():
    """A line that rises."""
    figure = Figure(figsize=(1, 1))
    figure.add_subplot().plot([1, 2])
    return figure


class Picture:
    """A picture that shows itself."""

    def _repr_png_(self):
        import io

        file = io.BytesIO()
        draw().savefig(file)
        return file.getvalue()


Picture()
```

```console
$ echo "number" > made.txt; pwd
$ cat made.txt
```

```python
open("made.txt").read()
```
'''


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Write a page whose folder is empty and whose outputs are kept in the test's own folder."""
    monkeypatch.setattr(pages, "STORE", tmp_path / "store")
    monkeypatch.setattr(pages, "_fill_folder", lambda folder, path, draft: None)

    def write(text):
        path = tmp_path / "page.md"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_page_has_one_name_also_in_a_checkout_behind_a_link(tmp_path):
    (tmp_path / "link").symlink_to(pages.ROOT, target_is_directory=True)
    code = "import pages; print(pages._name(pages.TUTORIAL), pages.TUTORIAL == pages.TUTORIAL.resolve())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "link" / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["docs/tutorials/first-detector.md", "True"]


def test_a_command_that_does_not_end_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "SECONDS", 0.2)
    with pytest.raises(pages.PageError, match=r"page.md:3: exec sleep 5\nran for over 0.2 seconds"):
        pages._run_console("$ exec sleep 5", tmp_path, set(), "page.md:3")


def test_blocks_are_found_with_their_lines_and_words():
    found = pages.find_blocks(PAGE)
    assert [block.language for block in found] == ["python"] * 4 + ["console", "python"]
    assert found[1].words == {"warns"}
    assert (found[2].code, found[2].indent, found[2].words) == ('{}["missing"]', 4, {"raises"})
    assert PAGE.splitlines()[found[0].start - 1] == "```python"
    assert PAGE.splitlines()[found[0].end - 1] == "```"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text\n```python quiet\n1\n```\n", r"page:2: quiet; expected no words, or raises, warns"),
        ("```python\n1\n", r"page:1: the block has no end"),
    ],
)
def test_a_block_that_is_written_wrongly_is_named(text, message):
    with pytest.raises(pages.PageError, match=message):
        pages.find_blocks(text)


def test_a_page_is_run_once_and_its_outputs_are_kept(page, monkeypatch):
    first = pages.run_page(page(PAGE)).notebook.cells
    assert first[0].outputs[0].text == "printed\n"
    assert first[0].outputs[1].data["text/plain"] == "42"
    assert first[1].outputs[0].text == "UserWarning: mind the step\n"
    assert first[2].outputs[0].ename == "KeyError"
    assert first[3].outputs[0].data["image/png"]
    assert first[3].metadata["alt"] == "A picture that shows itself."
    assert [output.text for output in first[4].outputs] == [".\n", "number\n"]
    assert first[5].outputs[0].data["text/plain"] == r"'number\n'"

    def run(*args, **options):
        raise AssertionError("ran again")

    monkeypatch.setattr(pages, "_run_blocks", run)
    assert pages.run_page(page(f"More words.\n{PAGE}")).notebook.cells == first
    with pytest.raises(AssertionError, match="ran again"):
        pages.run_page(page(PAGE.replace("40", "41")))
    monkeypatch.setattr(pages, "library_digest", lambda: "another")
    assert pages.run_page(page(PAGE), draft=True).notebook.cells == first
    with pytest.raises(AssertionError, match="ran again"):
        pages.run_page(page(PAGE))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```python\nfine = 1\nwrong = 1 / 0\n```", r"page.md:5: ZeroDivisionError: division by zero"),
        ("```python\nimport sys\nprint('noise', file=sys.stderr)\n```", r"page.md:3: wrote to standard error"),
        ("```python warns\n1\n```", r"page.md:3: gave no warning"),
        ("```python raises\n1\n```", r"page.md:3: raised no error"),
        (
            "```python\nprint('/home/somebody/x.png')\n```",
            r"page.md:3: shows a path of this machine: /home/somebody/x.png",
        ),
        ("```console\n$ false\n```", r"page.md:3: false\nended with 1"),
    ],
)
def test_a_block_that_does_what_it_should_not_fails_the_page(page, block, message):
    with pytest.raises(pages.PageError, match=message):
        pages.run_page(page(f"# A page\n\n{block}\n"))
    assert not (pages.STORE / "page.md.ipynb").exists()
