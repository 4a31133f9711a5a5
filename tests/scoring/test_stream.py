"""Score tables that are written to an open file."""

import csv
import io

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError
from melanoma_detect.scoring.stream import stream_scores


def stream(sources, detector, **options):
    file = io.BytesIO()
    scores = stream_scores(sources, file, detector=detector, progress=False, **options)
    return scores, file.getvalue()


@pytest.mark.parametrize("sort", [None, "risk"])
def test_it_is_the_table_that_score_writes(lesions, detector, tmp_path, sort):
    written = md.score(lesions / "Test", detector=detector, out=tmp_path / "s.csv", sort=sort, progress=False)
    scores, content = stream(lesions / "Test", detector, sort=sort)
    assert content == (tmp_path / "s.csv").read_bytes()
    assert (scores.out, scores.images, scores.alerts, scores.refers) == (
        "-",
        written.images,
        written.alerts,
        written.refers,
    )


def test_rows_are_flushed_batch_by_batch(lesions, detector):
    class Pipe(io.BytesIO):
        def flush(self):
            self.sizes = [*getattr(self, "sizes", []), len(self.getvalue().splitlines())]

    pipe = Pipe()
    stream_scores(lesions / "Test", pipe, detector=detector, batch_size=10, progress=False)
    assert pipe.sizes == [1, 11, 21, 31, 37]


def test_wrong_arguments_write_nothing(detector, tmp_path):
    for sources, options in (([], {}), (tmp_path / "gone", {}), (tmp_path, {}), ("a.jpg", {"batch_size": 0})):
        file = io.BytesIO()
        with pytest.raises(DatasetError):
            stream_scores(sources, file, detector=detector, progress=False, **options)
        assert file.getvalue() == b""


def test_an_unreadable_image_is_counted(detector, tmp_path):
    (tmp_path / "bad.jpg").write_text("no image")
    scores, content = stream(tmp_path, detector)
    [row] = csv.DictReader(io.StringIO(content.decode()))
    assert (scores.unreadable, row["decision"], row["reason"]) == (1, "refer", "unreadable")
