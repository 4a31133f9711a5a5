"""Every door for images has a fixed list of formats: no file starts a program, whatever its name and its first bytes say.

Pillow asks all of its plug-ins where no list is given, and for PostScript it starts Ghostscript. A program that stands for
Ghostscript says here whether it was started.
"""

import ast
import io
import os
import zipfile
from pathlib import Path
from subprocess import SubprocessError

import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.images.frames import Frame
from melanoma_detect.images.reader import load_rgb, read_pixels, read_size
from melanoma_detect.serve.images import decode_upload
from melanoma_detect.serve.settings import ServeSettings
from melanoma_detect.serve.uploads import Upload

SOURCE = Path(md.__file__).parent
GHOSTSCRIPT = '#!/bin/sh\necho "$*" >> "$GS_LOG"\n[ "$1" = "--version" ] && echo 10.0\nexit 1\n'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\n0 setgray\nshowpage\n%%EOF\n"
# Images of formats that Pillow knows and this library does not.
OTHERS = ("PPM", "TGA", "PCX", "SGI", "ICO", "DDS", "SPIDER", "MSP", "XBM", "JPEG2000", "QOI", "ICNS")


@pytest.fixture
def started(tmp_path, monkeypatch):
    """A function that returns what Ghostscript was asked to do."""
    log, programs = tmp_path / "started.txt", tmp_path / "programs"
    programs.mkdir()
    for name in ("gs", "gswin32c", "gswin64c"):
        program = programs / name
        program.write_text(GHOSTSCRIPT, encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("GS_LOG", str(log))
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # Pillow looks for it once a process
    return lambda: log.read_text(encoding="utf-8") if log.exists() else ""


@pytest.fixture
def eps(tmp_path):
    """A PostScript file that is named as a photograph."""
    path = tmp_path / "lesion.jpg"
    path.write_bytes(EPS)
    return path


def test_ghostscript_is_noticed(eps, started):
    from PIL import EpsImagePlugin  # noqa: F401 - Pillow opens PostScript from here on, wherever no list is given

    with pytest.raises((OSError, SubprocessError)), Image.open(eps) as image:
        image.load()
    assert started()


def calls_of_open():
    """Yield the place of each call of Pillow's `Image.open` in this library, and whether it has a list of formats."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Image.open", "PIL.Image.open"):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", {word.arg for word in node.keywords}


def test_every_call_of_open_has_a_list_of_formats():
    calls = list(calls_of_open())
    assert calls
    assert [place for place, words in calls if "formats" not in words] == []


DOORS = {
    "a path": read_pixels,
    "bytes": lambda path: read_pixels(path.read_bytes()),
    "an open file": lambda path: read_pixels(io.BytesIO(path.read_bytes())),
    "a frame": lambda path: read_pixels(Frame(path.read_bytes(), 1)),
    "at a size": lambda path: load_rgb(path, (32, 32)),
    "its size": read_size,
    "the service": lambda path: raise_found(
        decode_upload(Upload("a.jpg", path.read_bytes()), md.Detector.load().predictor, ServeSettings())
    ),
    "predict": lambda path: md.Detector.load().predict(path),
    "explain": lambda path: md.Detector.load().explain(path, progress=False),
}


def raise_found(answers):
    for _, answer in answers:
        if isinstance(answer, Exception):
            raise answer


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_postscript_is_no_image(door, eps, started):
    with pytest.raises(MelanomaDetectError, match=r"not an image of a known format|only a DICOM file"):
        door(eps)
    assert started() == ""


def test_postscript_in_a_dataset(tree, started):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    (root / "Train" / "nevus" / "eps.jpg").write_bytes(EPS)
    with pytest.warns(md.errors.DataWarning, match=r"eps\.jpg"):
        data = md.load_dataset(root, image_size=(32, 32))
    assert [entry.record.path.name for entry in data.set_aside] == ["eps.jpg"]
    assert md.audit(data, progress=False)["unreadable"].count == 1
    assert started() == ""


def test_postscript_in_a_zip_archive(tree, started, tmp_path):
    root = tree({"melanoma": 2, "nevus": 2})
    (root / "nevus" / "eps.jpg").write_bytes(EPS)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted(root.rglob("*.*")):
            archive.write(path, path.relative_to(root))
    with pytest.warns(md.errors.DataWarning, match=r"eps\.jpg"):
        md.load_dataset(tmp_path / "set.zip", image_size=(32, 32))
    assert started() == ""


def test_postscript_in_a_folder_to_score(tree, started, tmp_path):
    root = tree({"lesions": 2})
    (root / "lesions" / "eps.jpg").write_bytes(EPS)
    result = md.score(root, out=tmp_path / "answers.csv", progress=False)
    assert (result.images, result.unreadable) == (3, 1)
    assert started() == ""


def test_postscript_among_the_golden_images(started, tmp_path):
    saved, changed = tmp_path / "own.detector", tmp_path / "changed.detector"
    md.Detector.load().save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            target.writestr(name, EPS if name.startswith("golden/") and name.endswith(".png") else source.read(name))
    with pytest.raises(MelanomaDetectError):
        md.Detector.load(changed)
    assert started() == ""


@pytest.mark.parametrize("kind", OTHERS)
def test_other_formats_are_no_image(kind, tmp_path):
    content = io.BytesIO()
    Image.init()
    try:
        Image.new("L" if kind != "XBM" else "1", (32, 32)).save(content, kind)
    except (KeyError, OSError, ValueError):
        Image.new("1", (32, 32)).save(content, kind) if kind == "MSP" else content.write(b"qoif" + bytes(99))
    path = tmp_path / "other.png"
    path.write_bytes(content.getvalue())
    with pytest.raises(MelanomaDetectError, match=r"not an image of a known format|cannot be decoded"):
        read_pixels(path)
