"""The file of a sketch: the same when it is read again, and every other file is refused with its name."""

import json
import os

import numpy as np
import pytest

from melanoma_detect.errors import DatasetError
from melanoma_detect.monitoring.grids import PROJECTIONS
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.sketch import Cell, Sketch
from melanoma_detect.monitoring.sketch_file import pack_sketch, read_sketch, unpack_sketch


@pytest.fixture
def sketch():
    cell = Cell(images=5, unreadable=1, alerts=1, refers=2)
    values = np.array([0.1, 0.2, 0.2, 0.9])
    cell.add_values(Statistic("melanoma", "dermoscopy"), values)
    cell.moments.add(np.repeat(values[:, None], PROJECTIONS, axis=1))
    cell.add_reason("too dark")
    return Sketch("a" * 64, (2**64 - 1,), {("2026-11-27", "Canon EOS 80D"): cell})


def test_a_sketch_is_the_same_when_it_is_read_again(sketch, tmp_path):
    path = tmp_path / "a.sketch"
    path.write_bytes(pack_sketch(sketch))
    again = read_sketch(path)
    assert pack_sketch(again) == path.read_bytes()
    assert (again.images, again.marks, again.detector) == (5, sketch.marks, sketch.detector)
    cell, expected = again.cells["2026-11-27", "Canon EOS 80D"], sketch.cells["2026-11-27", "Canon EOS 80D"]
    assert cell.histograms == expected.histograms
    assert cell.moments.covariance == pytest.approx(expected.moments.covariance, abs=1e-9)


def changes():
    """Yield changes of the document of a sketch, each of which must be refused."""

    def of_cell(**values):
        return lambda document: document["cells"][0].update(values)

    def of_counts(*values):
        return lambda document: document["cells"][0]["histograms"][0].update(counts=list(values))

    yield "format", lambda document: document.update(format="other")
    yield "other members", lambda document: document.update(images=3)
    yield "64 hexadecimal", lambda document: document.update(detector="../x")
    yield "whole number", lambda document: document.update(marks=[2**64])
    yield "at most", lambda document: document.update(marks=[0] * 200_000)
    yield "twice", lambda document: document["cells"].append(document["cells"][0])
    yield "such as 2026-11-27", of_cell(day="yesterday")
    yield "such as 2026-11-27", of_cell(day="2026-02-31")
    yield "such as 2026-11-27", of_cell(day="٢٠٢٦-١١-٠١")
    yield "printable", of_cell(camera="\x1b[31m")
    yield "printable", of_cell(camera="x" * 300)
    yield "more alerts", of_cell(alerts=6)
    yield "more alerts", of_cell(unreadable=6)
    yield "whole number", of_cell(images=1e3)
    yield "whole number", of_cell(images=True)
    yield "whole number", of_cell(images=-1)
    yield "whole number", of_cell(images=10**30)
    yield "whole number", of_cell(reasons={"too dark": 10**9})
    yield "reasons", of_cell(reasons=[])
    yield "members", of_cell(path="a.jpg")
    yield "more numbers", of_counts([3, 400])
    yield "whole number", of_counts([1400, 1])
    yield "bin and count", of_counts([1])
    yield "bin and count", of_counts(1)
    yield "16 numbers", of_cell(features={"count": 1, "sums": [0.0] * 15, "products": [0.0] * 136})
    yield "16 numbers", of_cell(features={"count": 1, "sums": [float("nan")] * 16, "products": [0.0] * 136})
    yield "136 numbers", of_cell(features={"count": 1, "sums": [0.0] * 16, "products": ["1"] * 136})


@pytest.mark.parametrize(("message", "change"), list(changes()))
def test_a_file_of_another_form_is_refused(message, change, sketch, tmp_path):
    document = json.loads(pack_sketch(sketch))
    change(document)
    path = tmp_path / "a.sketch"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DatasetError, match=message) as raised:
        read_sketch(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"[]", b'{"format": ' + b"9" * 5000 + b"}"])
def test_what_is_no_sketch_is_refused(content):
    with pytest.raises(ValueError, match="is no sketch"):
        unpack_sketch(content)


def test_every_damaged_byte_is_refused_or_harmless(sketch):
    content, rng = pack_sketch(sketch), np.random.default_rng(1)
    for place in rng.integers(0, len(content), 300):
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        try:
            found = unpack_sketch(bytes(damaged))
        except ValueError:
            continue
        assert found.images <= 20_000_000
        found.samples()


def test_too_many_images_and_missing_files_are_named(sketch, tmp_path):
    cell = sketch.cells["2026-11-27", "Canon EOS 80D"]
    sketch.cells["2026-11-28", ""] = Cell(images=20_000_000)
    assert cell.images == 5
    with pytest.raises(ValueError, match="score them in parts"):
        unpack_sketch(pack_sketch(sketch))
    with pytest.raises(DatasetError, match=r"absent\.sketch: cannot be read"):
        read_sketch(tmp_path / "absent.sketch")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.sketch")
    with pytest.raises(DatasetError, match="is a named pipe"):
        read_sketch(tmp_path / "a.sketch")
