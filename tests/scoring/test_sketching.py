"""The sketch beside a table: each image once, whatever interrupted the run."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, OutputError
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.sketch_file import read_sketch
from melanoma_detect.monitoring.streams import read_samples
from melanoma_detect.scoring.sketching import limit_cells, plain_reason


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


@pytest.fixture
def photos(make_images):
    """A folder of seven images, one with a camera and a day, and one that is broken."""
    folder = make_images({f"{number}.png": 30 * number for number in range(6)})
    exif = Image.Exif()
    exif[0x0110] = "Canon EOS 80D"
    exif.get_ifd(0x8769)[0x9003] = "2021:03:05 10:30:00"
    Image.new("RGB", (8, 8), (250,) * 3).save(folder / "camera.jpg", exif=exif)
    (folder / "broken.png").write_bytes(b"no image")
    return folder


def test_the_table_is_the_same_and_the_sketch_counts_it(make_detector, photos):
    detector = make_detector()
    score(photos, detector)
    result = score(photos, detector, "with.csv", sketch="with.sketch", batch_size=3, sort=None)
    assert Path("with.csv").read_bytes() == Path("scores.csv").read_bytes()
    assert (result.sketch, result.images) == ("with.sketch", 8)
    sketch = read_sketch("with.sketch")
    assert sketch.images == 8
    assert sketch.cells["2021-03-05", "Canon EOS 80D"].alerts == 1
    [plain] = [cell for (_, camera), cell in sketch.cells.items() if not camera]
    assert (plain.images, plain.unreadable) == (7, 1)
    assert plain.histograms[Statistic("brightness")].total() == plain.moments.count == 6
    text = Path("with.sketch").read_text(encoding="utf-8")
    assert not [name for name in ("camera.jpg", "images", "broken") if name in text.replace('"images":', "")]


def test_sketch_and_table_give_the_same_samples(detector, lesions):
    score(lesions / "Test", detector, "day_2026-11-01.csv", sketch="day.sketch")
    [table], [sketch] = read_samples(["day_2026-11-01.csv"]), read_samples(["day.sketch"])
    assert (table.images, table.alerts, table.refers) == (sketch.images, sketch.alerts, sketch.refers)
    for statistic, values in table.values.items():
        assert np.sort(sketch.values[statistic]) == pytest.approx(np.sort(values), abs=0.006)
    for given in (["day_2026-11-01.csv", "day.sketch"], ["day.sketch", "day_2026-11-01.csv"]):
        with pytest.raises(DatasetError, match="expected each image once"):
            read_samples(given)
    with pytest.raises(DatasetError, match="holds no names of images"):
        read_samples(["day.sketch"], by="folder")


def test_a_sorted_and_a_resumed_run_count_each_image_once(make_detector, photos, monkeypatch):
    from melanoma_detect.scoring.resume import ScoringState

    detector, save = make_detector(), ScoringState.save
    score(photos, detector, "all.csv", sketch="all.sketch")
    saved = Counter()

    def save_twice(self, shard, rows):
        saved[shard.number] += 1
        save(self, shard, rows)
        if len(saved) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ScoringState, "save", save_twice)
        with pytest.raises(KeyboardInterrupt):
            score(photos, detector, shard_size=2, sketch="scores.sketch")
    with pytest.raises(OutputError, match="set of columns"):
        score(photos, detector, shard_size=2)
    result = score(photos, detector, shard_size=2, sketch="scores.sketch", sort=None)
    assert result.resumed == 4
    assert Path("scores.sketch").read_bytes() == Path("all.sketch").read_bytes()
    score(photos, detector, "sorted.csv", sort="risk", sketch="sorted.sketch")
    assert Path("sorted.sketch").read_bytes() == Path("all.sketch").read_bytes()


def test_a_run_that_ends_between_sketch_and_table_is_resumed(make_detector, photos, monkeypatch):
    from melanoma_detect.scoring.storage import LocalStore

    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "publish", fail)
        with pytest.raises(KeyboardInterrupt):
            score(photos, make_detector(), sketch="scores.sketch")
    assert read_sketch("scores.sketch").images == 8
    assert score(photos, make_detector(), sketch="scores.sketch").resumed == 8
    assert read_sketch("scores.sketch").images == 8


def test_nothing_is_overwritten_and_wrong_names_are_told(make_detector, photos):
    detector = make_detector()
    Path("other.sketch").write_text("mine", encoding="utf-8")
    for name, message in (
        ("other.sketch", "exists"),
        ("sketch.json", r"\.sketch"),
        ("s3://bucket/a.sketch", "a path of this machine"),
    ):
        with pytest.raises(OutputError, match=message):
            score(photos, detector, sketch=name)
    assert not Path("scores.csv").exists()
    score(photos, detector, sketch="other.sketch", overwrite=True)
    assert read_sketch("other.sketch").images == 8


def test_reasons_have_no_numbers():
    assert plain_reason("basal cell carcinoma (99.0%) is malignant") == "basal cell carcinoma (…) is malignant"
    assert len(plain_reason("x" * 500)) == 120


def test_many_days_become_months_and_then_many_cameras_one():
    from melanoma_detect.monitoring.sketch import Cell, Sketch

    cells = {
        (f"2026-{month:02d}-{day:02d}", f"camera {month}"): Cell(images=1) for month in (1, 2) for day in (1, 2, 3)
    }
    sketch = Sketch("0" * 64, cells=cells)
    assert limit_cells(sketch, 6) is sketch
    assert [*limit_cells(sketch, 2).cells] == [("2026-01-01", "camera 1"), ("2026-02-01", "camera 2")]
    cells["2026-02-05", "another"] = Cell(images=2)
    assert {place: cell.images for place, cell in limit_cells(sketch, 2).cells.items()} == {
        ("2026-01-01", ""): 3,
        ("2026-02-01", ""): 5,
    }


def test_a_sketch_that_would_be_too_large_to_read_becomes_coarser():
    from melanoma_detect.monitoring.sketch import Cell, Sketch
    from melanoma_detect.monitoring.sketch_file import pack_sketch

    sketch = Sketch("0" * 64, cells={(f"2026-01-{day:02d}", "A"): Cell(images=1) for day in range(1, 11)})
    size = len(pack_sketch(sketch))
    assert limit_cells(sketch, 10, size) is sketch
    assert limit_cells(sketch, 10, size - 1).cells["2026-01-01", "A"].images == 10
