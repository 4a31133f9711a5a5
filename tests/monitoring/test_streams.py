"""Reading the files of a stream: periods, sources, unreadable images, and tables that are none."""

import os

import numpy as np
import pytest

from melanoma_detect.errors import DatasetError
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.sketch import Cell, Sketch
from melanoma_detect.monitoring.sketch_file import pack_sketch
from melanoma_detect.monitoring.streams import read_samples, read_stream


def test_tables_with_dates_are_put_into_the_order_of_time(write_table):
    paths = [write_table(f"clinic_{day}.csv", [0.1]) for day in ("2026-11-03", "2026-11-01")]
    assert [samples.period for samples in read_samples(paths)] == ["2026-11-01", "2026-11-03"]
    others = [write_table(name, [0.1]) for name in ("b.csv", "a.csv")]
    assert [samples.period for samples in read_samples(others)] == ["b", "a"]


def test_dates_of_one_kind_are_ordered_however_they_are_written(write_table):
    paths = [write_table(f"scores_{day}.csv", [0.1]) for day in ("20261103", "2026-11-02", "20261101")]
    assert [samples.period for samples in read_samples(paths)] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    mixed = [write_table(f"scores_{name}.csv", [0.1]) for name in ("2026-W48", "2026-11-30")]
    assert [samples.period for samples in read_samples(mixed)] == ["2026-W48", "2026-11-30"]


def test_tables_of_one_day_are_one_period(write_table):
    paths = [write_table(f"{name}_2026-W48.csv", [0.1, 0.2], decision=name) for name in ("alert", "refer")]
    [samples] = read_samples(paths)
    assert (samples.images, samples.alerts, samples.refers) == (4, 2, 2)
    assert len(samples.values[Statistic("melanoma")]) == 4
    assert [each.source for each in read_samples(paths, by="table")] == ["alert", "refer"]


def test_sources_are_told_apart(write_table):
    path = write_table("scores.csv", [0.1, 0.2], folder="rooms/two")
    assert read_samples([path], by="folder")[0].source == "two"
    assert [each.source for each in read_samples([path], by=lambda name: name[-5:])] == ["0.jpg", "1.jpg"]
    with pytest.raises(DatasetError, match="by='lamp'; expected 'folder'"):
        read_samples([path], by="lamp")
    with pytest.raises(DatasetError, match=r"scores\.csv: a table does not say which camera"):
        read_samples([path], by="camera")


def test_unreadable_images_have_no_values(write_table):
    [samples] = read_samples([write_table("scores.csv", [0.1], image_type="clinical", unreadable=2)])
    assert (samples.images, samples.unreadable) == (3, 2)
    counts = {str(statistic): len(values) for statistic, values in samples.values.items()}
    assert counts == {"melanoma (clinical)": 1, "malignant (clinical)": 1, "abstained": 1}


def test_parquet_holds_the_same(write_table):
    from melanoma_detect.scoring.table import parse_rows, write_parquet

    path = write_table("scores.csv", [0.1, 0.25], unreadable=1)
    with path.open(newline="", encoding="utf-8") as file:
        names, *rows = parse_rows(file)
    parquet = path.with_suffix(".parquet")
    write_parquet(parquet, names, rows)
    [from_csv], [from_parquet] = read_samples([path]), read_samples([parquet])
    assert from_csv.values.keys() == from_parquet.values.keys()
    for statistic, values in from_csv.values.items():
        assert np.array_equal(values, from_parquet.values[statistic])
    assert from_parquet.unreadable == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,label\na.jpg,nevus\n", "has no column path"),
        ("path,diagnosis,melanoma,malignant,decision,abstained,image_type,reason\n", "lists no images"),
        (
            "path,melanoma,malignant,decision,abstained,image_type,reason\na.jpg,high,0.1,clear,false,,\n",
            "a.jpg: melanoma is 'high'; expected a probability",
        ),
        (
            "path,melanoma,malignant,decision,abstained,image_type,reason\na.jpg,0.2,1.5,clear,false,,\n",
            "a.jpg: malignant is '1.5'; expected a probability",
        ),
    ],
)
def test_what_is_no_score_table_is_named(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=message) as raised:
        read_samples([path])
    assert str(path) in str(raised.value)


def test_missing_tables_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"absent\.csv: cannot be opened"):
        read_samples([tmp_path / "absent.csv"])
    with pytest.raises(DatasetError, match="no tables to watch"):
        read_samples([])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "scores.csv")
    with pytest.raises(DatasetError, match="is a named pipe"):
        read_samples([tmp_path / "scores.csv"])


def test_a_table_that_is_given_twice_is_refused(write_table):
    path = write_table("scores.csv", [0.1])
    with pytest.raises(DatasetError, match=r"scores\.csv: given 2 times; expected each table once"):
        read_samples([path, path])


def test_a_baseline_that_is_in_the_stream_too_is_refused(write_table):
    day, other = write_table("a_2026-11-01.csv", [0.1, 0.7]), write_table("b_2026-11-02.csv", [0.2])
    copy = write_table("copy.csv", [0.1, 0.7])
    copy.write_text("\n".join([*day.read_text().splitlines()[:1], *day.read_text().splitlines()[:0:-1]]))
    for earlier in (day, copy):
        with pytest.raises(DatasetError, match=r"a_2026-11-01\.csv: has the images of .*\.csv of the baseline"):
            read_stream([day, other], [earlier])
    stream = read_stream([day], [other])
    assert [block.period for block in (*stream.blocks, *stream.baseline)] == ["2026-11-01", "2026-11-02"]


@pytest.fixture
def write_sketch(tmp_path):
    def write(name, cells, detector="a" * 64, marks=(1,)):
        path = tmp_path / name
        made = {place: Cell(images=len(values)) for place, values in cells.items()}
        for place, values in cells.items():
            made[place].add_values(Statistic("melanoma"), values)
        path.write_bytes(pack_sketch(Sketch(detector, marks, made)))
        return path

    return write


def test_sketches_are_merged_by_day_and_camera(write_sketch):
    first = write_sketch("first.sketch", {("2026-11-02", "A"): [0.1], ("2026-11-01", ""): [0.2]})
    second = write_sketch("second.sketch", {("2026-11-02", "A"): [0.3, 0.4], ("2026-11-02", "B"): [0.5]}, marks=(2,))
    blocks = read_samples([first, second])
    assert [(block.period, block.source, block.images) for block in blocks] == [
        ("2026-11-01", "", 1),
        ("2026-11-02", "", 4),
    ]
    blocks = read_samples([first, second], by="camera")
    assert {(block.source, block.images) for block in blocks} == {("unknown camera", 1), ("A", 3), ("B", 1)}
    assert {block.source for block in read_samples([first, second], by="table")} == {"first", "second"}


def test_numbers_of_tables_beside_a_sketch_are_rounded_as_its_are(write_sketch, write_table):
    table = write_table("scores_2026-11-02.csv", [0.1234])
    stream = read_stream([write_sketch("a.sketch", {("2026-11-01", ""): [0.1234]}), table])
    assert stream.rounded
    first, second = (block.values[Statistic("melanoma")].tolist() for block in stream.blocks)
    assert first == second != [0.1234]


def test_sketches_of_other_detectors_and_of_the_same_images_are_refused(write_sketch):
    first = write_sketch("first.sketch", {("2026-11-01", ""): [0.2]})
    with pytest.raises(DatasetError, match="expected each image once"):
        read_samples([first, write_sketch("same.sketch", {("2026-11-01", ""): [0.2]})])
    other = write_sketch("other.sketch", {("2026-11-02", ""): [0.2]}, detector="b" * 64, marks=(2,))
    with pytest.raises(DatasetError, match="is of another detector"):
        read_samples([first, other])
    with pytest.raises(DatasetError, match=r"first\.sketch: has the images of .*copy\.sketch of the baseline"):
        read_stream([first], [write_sketch("copy.sketch", {("2026-11-03", ""): [0.2]})])
    with pytest.raises(DatasetError, match="is of no images"):
        read_samples([write_sketch("empty.sketch", {})])
