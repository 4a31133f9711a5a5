"""Any number of images become one table."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DetectorError, OutputError
from melanoma_detect.scoring import score as scoring
from melanoma_detect.scoring import worklist

NINE = ["p_AK", "p_BCC", "p_DF", "p_MEL", "p_NV", "p_BKL", "p_SK", "p_SCC", "p_VASC"]
COLUMNS = [
    "path",
    "diagnosis",
    *NINE,
    "melanoma",
    "malignant",
    "decision",
    "alert",
    "abstained",
    "reason",
    "error",
]


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


def paths(path="scores.csv"):
    return [row["path"] for row in read(path)]


def parts(out="scores.csv"):
    return sorted(Path(f".{out}-partial").glob("*-*.csv"))


def test_a_row_says_what_the_detector_says(detector, lesions):
    photos = sorted((lesions / "Test").rglob("*.jpg"))
    result = score(lesions / "Test", detector, batch_size=7)
    rows = read()
    assert list(rows[0]) == COLUMNS
    assert [row["path"] for row in rows] == [str(photo) for photo in photos]
    for row, answer in zip(rows, detector.predict(photos), strict=True):
        codes = {f"p_{md.taxonomy.find(name).code}": value for name, value in answer.probabilities.items()}
        assert {name: float(row[name]) for name in NINE} == pytest.approx(codes, abs=1e-6)
        assert sum(float(row[name]) for name in NINE) == pytest.approx(1)
        assert float(row["melanoma"]) == pytest.approx(answer.melanoma, abs=1e-6)
        assert float(row["malignant"]) == pytest.approx(answer.malignant, abs=1e-6)
        assert (row["diagnosis"], row["decision"]) == (answer.diagnosis, answer.decision)
        assert row["alert"] == ("true" if answer.alert else "false")
        assert (row["abstained"], row["reason"]) == ("true" if answer.abstained else "false", answer.reason)
        assert row["error"] == ""
    assert result.images == result.alerts + result.clears + result.refers == 36


def test_classes_that_the_detector_lacks_are_zero(bright, shades):
    score(shades({"a.png": 200}), bright(("mole", "nevus", "malignant melanoma")))
    [row] = read()
    assert {name for name in NINE if float(row[name])} == {"p_NV", "p_MEL"}
    assert float(row["p_NV"]) == pytest.approx(1 - float(row["melanoma"]))  # two classes of one code are one column


def test_a_class_that_the_taxonomy_does_not_know_has_a_column_of_its_own(bright, shades):
    score(shades({"a.png": 200}), bright(("nevus", "akiec", "wart")))
    [row] = read()
    assert list(row) == [*COLUMNS[:11], "p_akiec", "p_wart", *COLUMNS[11:]]
    assert float(row["p_wart"]) > 0.9
    assert float(row["melanoma"]) == 0


def test_without_a_threshold_everything_is_referred(bright, shades):
    result = score(shades({"a.png": 200, "b.png": 2}), bright(threshold=None))
    assert result.refers == 2
    assert [row["decision"] for row in read()] == ["refer", "refer"]


def test_what_cannot_be_read_is_a_row_with_its_error(bright, shades):
    folder = shades({"a.png": 10, "z.png": 250})
    (folder / "text.jpg").write_text("no image")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "half.png").write_bytes((folder / "a.png").read_bytes()[:45])
    result = score([folder, "missing.jpg"], bright(), batch_size=2)
    rows = {Path(row["path"]).name: row for row in read()}
    assert list(rows) == ["a.png", "empty.jpg", "half.png", "text.jpg", "z.png", "missing.jpg"]
    assert (result.images, result.unreadable, result.refers) == (6, 4, 4)
    for name, words in {
        "empty.jpg": "the file is empty",
        "half.png": "cannot be decoded",
        "text.jpg": "not an image",
        "missing.jpg": "no such file",
    }.items():
        row = rows[name]
        assert words in row["error"]
        assert (row["decision"], row["alert"], row["abstained"], row["reason"]) == (
            "refer",
            "false",
            "true",
            "unreadable",
        )
        assert [row[column] for column in ("diagnosis", *NINE, "melanoma", "malignant")] == [""] * 12
    assert rows["a.png"]["decision"] == "clear"
    assert rows["z.png"]["decision"] == "alert"


def test_a_batch_of_nothing_but_bad_images(bright, tmp_path):
    (tmp_path / "bad.jpg").write_text("no image")
    assert score("bad.jpg", bright()).unreadable == 1


def test_whatever_a_decoder_raises_is_a_row(bright, shades, monkeypatch):
    def burst(*_):
        raise MemoryError

    detector = bright()
    monkeypatch.setattr(detector.predictor, "preprocess", burst)
    assert score(shades({"a.png": 10}), detector).unreadable == 1
    assert read()[0]["error"] == "MemoryError"


def cell(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def test_csv_and_parquet_say_the_same(bright, shades):
    import pyarrow.parquet as pq

    folder = shades({f"{value:03d}.png": value for value in range(0, 256, 5)})
    (folder / 'bad, "so"\n.jpg').write_text("no image")
    score(folder, bright(), "scores.csv")
    score(folder, bright(), "scores.parquet")
    table = pq.read_table("scores.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert list(types) == COLUMNS
    assert {types[name] for name in (*NINE, "melanoma", "malignant")} == {"double"}
    assert {types[name] for name in ("alert", "abstained")} == {"bool"}
    assert [{name: cell(value) for name, value in row.items()} for row in table.to_pylist()] == read()
    bad = next(row for row in table.to_pylist() if row["error"])
    assert bad["melanoma"] is None


def test_the_table_is_csv_as_the_standard_has_it(bright, shades):
    score(shades({"a.png": 1, "b.png": 2}), bright())
    content = Path("scores.csv").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == 3
    assert content.startswith(b"path,diagnosis,")


@pytest.mark.skipif(os.name == "nt", reason="Windows forbids such names")
def test_strange_names_come_back(bright, shades):
    names = [
        "a,b.png",
        'say "aah".png',
        "two\nlines.png",
        "back\r\nslash\\.png",
        "naïve 痣 🩺.png",
        " edges .png",
        "=1+1.png",
    ]
    folder = shades(dict.fromkeys(names, 9))
    (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes((folder / names[0]).read_bytes())
    score(folder, bright())
    found = [Path(path).name for path in paths()]
    assert sorted(found) == sorted([*names, r"caf\udce9.jpg"])
    assert {row["error"] for row in read()} == {""}
    score(folder, bright(), "scores.parquet")


def test_folders_are_read_in_a_fixed_order_without_clutter(bright, shades):
    folder = shades({"b/1.png": 1, "a/2.png": 2, "a/deep/3.png": 3, "z.png": 4, ".hidden/5.png": 5, "._6.png": 6})
    (folder / "notes.docx").write_text("no image")
    score(folder, bright())
    assert [str(Path(path).relative_to(folder)) for path in paths()] == ["z.png", "a/2.png", "a/deep/3.png", "b/1.png"]


def test_sources_come_one_after_the_other(bright, shades):
    folder = shades({"a.png": 1, "b.png": 2})
    with zipfile.ZipFile("more.zip", "w") as archive:
        archive.write(folder / "a.png", "inside/c.png")
    score([folder / "b.png", "more.zip", folder], bright())
    assert paths() == [str(folder / "b.png"), "more.zip/inside/c.png", str(folder / "a.png"), str(folder / "b.png")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", 'age,Image\r\n50,a.png\r\n51,"sub/b,c.png"\r\n52,\r\n53,gone.png\r\n'),
        ("list.tsv", "\ufeffpath\tage\na.png\t50\nsub/b,c.png\t51\n\t52\ngone.png\t53\n"),
    ],
)
def test_tables_name_images(bright, shades, name, text):
    folder = shades({"a.png": 250, "sub/b,c.png": 1})
    (folder / name).write_text(text, encoding="utf-8", newline="")
    score(folder / name, bright())
    rows = read()
    assert [row["path"] for row in rows] == ["a.png", "sub/b,c.png", f"{folder / name}, row 3", "gone.png"]
    assert [row["decision"] for row in rows] == ["alert", "clear", "refer", "refer"]
    assert "names no image" in rows[2]["error"]
    assert "gone.png: no such file" in rows[3]["error"]


def test_a_list_of_paths_and_bare_ids(bright, shades):
    folder = shades({"a.png": 250, "ISIC_0000001.jpg": 1, "images/ISIC_0000002.png": 1, "images/b.png": 1})
    names = [str(folder / "a.png"), "ISIC_0000001", "ISIC_0000002", "b.png"]
    (folder / "list.txt").write_text("\n".join(names))
    score(folder / "list.txt", bright())
    assert [(row["path"], row["error"]) for row in read()] == [(name, "") for name in names]


def test_a_parquet_table_names_images(bright, shades):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = shades({"a.png": 250, "b.png": 1})
    pq.write_table(pa.table({"age": [1, 2, 3], "filename": ["b.png", "a.png", None]}), folder / "list.parquet")
    score(folder / "list.parquet", bright())
    assert [row["decision"] for row in read()] == ["clear", "alert", "refer"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "list.csv",
            b"age,site\n1,back\n",
            "no column names the images \\(it has age, site\\); expected one of path",
        ),
        ("list.csv", b"path\n\xff\xfe\n", "cannot be read as a table"),
        ("list.parquet", b"nonsense", "cannot be read as a table"),
        ("list.zip", b"nonsense", "cannot be unpacked"),
        ("folder/notes.docx", b"", "no images in it"),
        ("list.txt", b"", "no images; expected at least one"),
    ],
)
def test_sources_that_are_none_are_refused(bright, tmp_path, name, content, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        score(name.split("/")[0], bright())
    assert not Path("scores.csv").exists()


def test_a_folder_that_cannot_be_listed_is_refused(bright, shades, monkeypatch):
    folder = shades({"a.png": 1, "shut/b.png": 2})
    scandir = os.scandir

    def shut(place):
        if str(place).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(DatasetError, match="cannot be listed"):
        score(folder, bright())


def test_a_worklist_starts_with_what_to_look_at_first(bright, shades, monkeypatch):
    shading = {"a.png": 10, "b.png": 240, "c.png": 120, "d.png": 140, "e.png": 240}
    folder = shades(shading)
    (folder / "a_bad.jpg").write_text("no image")
    expected = ["b.png", "e.png", "d.png", "a_bad.jpg", "c.png", "a.png"]
    score(folder, bright(), sort="risk")
    assert [Path(path).name for path in paths()] == expected
    monkeypatch.setattr(worklist, "_RUN", 2)  # more than fits into memory
    score(folder, bright(), "again.csv", sort="risk")
    assert [Path(path).name for path in paths("again.csv")] == expected
    score(folder, bright(threshold=None), "referred.csv", sort="risk")
    assert [Path(path).name for path in paths("referred.csv")][-1] == "a_bad.jpg"


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import Brightness
import melanoma_detect as md
from melanoma_detect.inference.bundle import DetectorConfig
detector = md.Detector(DetectorConfig(("nevus", "melanoma"), (8, 8)), Brightness(2, pause=0.001))
print(md.score(sys.argv[3:], detector=detector, out=sys.argv[2], shard_size=8, batch_size=3, progress=False).resumed)
"""


def run_and_kill(command, at_least):
    """Run until so many parts are kept, then kill it for real."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while len(parts()) < at_least and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not Path("scores.csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_run_that_was_killed_goes_on(shades, tmp_path):
    folder = shades({f"{number:02d}.png": number for number in range(35)})
    sources = [str(folder)] * 30

    def command(out):
        return [sys.executable, "-c", KILLED, str(Path(__file__).parent), out, *sources]

    run_and_kill(command("scores.csv"), at_least=3)
    first = len(parts())
    run_and_kill(command("scores.csv"), at_least=first + 3)
    second = len(parts())
    assert 3 <= first < first + 3 <= second < 132
    resumed = subprocess.run(command("scores.csv"), capture_output=True, text=True, check=True).stdout
    assert int(resumed) == 8 * second
    assert paths() == [str(folder / f"{number:02d}.png") for number in range(35)] * 30
    subprocess.run(command("whole.csv"), capture_output=True, check=True)
    assert Path("scores.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


class Stop(Exception):
    """What ends a run from within."""


@pytest.fixture
def unfinished(bright, shades, monkeypatch):
    """Twenty images, of which a run that stopped kept ten."""
    folder = shades({f"{number:02d}.png": number for number in range(20)})
    detector = bright()

    def stopping(self, part, rows):
        if part.number == 2:
            raise Stop
        keep(self, part, rows)

    keep = scoring.Journal.keep
    with monkeypatch.context() as patch:
        patch.setattr(scoring.Journal, "keep", stopping)
        with pytest.raises(Stop):
            score(folder, detector, shard_size=5)
    assert len(parts()) == 2
    return folder


def test_what_is_done_is_not_asked_again(unfinished, bright, monkeypatch):
    detector = bright()
    answered = []
    answer = detector.predictor.predict_inputs
    monkeypatch.setattr(
        detector.predictor, "predict_inputs", lambda inputs, names: answered.extend(names) or answer(inputs, names)
    )
    result = score(unfinished, detector, shard_size=5)
    assert result.resumed == 10
    assert sorted(Path(name).name for name in answered[3:]) == [f"{number:02d}.png" for number in range(10, 20)]
    assert len(set(paths())) == len(paths()) == 20


def test_another_operating_point_does_not_go_on(unfinished, bright):
    with pytest.raises(OutputError, match="an unfinished run is kept there with another detector"):
        score(unfinished, bright().at(sensitivity=0.9), shard_size=5)


def test_another_detector_does_not_go_on(unfinished, bright):
    for other in (bright(scale=0.2), bright(threshold=0.4), bright(("nevus", "BCC"))):
        with pytest.raises(
            OutputError, match="unfinished run is kept there with another detector; go on with the same"
        ):
            score(unfinished, other, shard_size=5)
    result = score(unfinished, bright(scale=0.2), shard_size=5, overwrite=True)
    assert (result.images, result.resumed) == (20, 0)
    score(unfinished, bright(scale=0.2), "afresh.csv", shard_size=5)
    assert Path("scores.csv").read_bytes() == Path("afresh.csv").read_bytes()


def test_other_settings_and_other_sources_do_not_go_on(unfinished, bright):
    with pytest.raises(OutputError, match="another batch size and another shard size"):
        score(unfinished, bright(), shard_size=4, batch_size=4)
    with pytest.raises(OutputError, match="another list of sources"):
        score([unfinished, unfinished], bright(), shard_size=5)
    assert not Path("scores.csv").exists()


def test_a_image_that_changed_is_noticed(unfinished, bright, shades):
    changed = unfinished / "07.png"
    shades({"07.png": 255})
    os.utime(changed, ns=(1, 1))
    with pytest.raises(OutputError, match=r"images have changed .* \(from .*05\.png on\); start anew"):
        score(unfinished, bright(), shard_size=5)
    result = score(unfinished, bright(), shard_size=5, overwrite=True)
    assert (result.images, result.resumed, result.alerts) == (20, 5, 1)


def test_images_that_are_gone_are_noticed(unfinished, bright):
    for number in range(5, 20):
        (unfinished / f"{number:02d}.png").unlink()
    with pytest.raises(OutputError, match="some are gone"):
        score(unfinished, bright(), shard_size=5)
    assert score(unfinished, bright(), shard_size=5, overwrite=True).images == 5
    assert len(paths()) == 5


def test_the_order_is_chosen_in_the_end(unfinished, bright):
    assert score(unfinished, bright(), shard_size=5, sort="risk").resumed == 10
    assert [Path(path).stem for path in paths()] == [f"{number:02d}" for number in range(19, -1, -1)]


def test_a_table_that_is_there_is_kept_until_a_new_one_is_whole(bright, shades, monkeypatch):
    folder = shades({"a.png": 1})
    Path("scores.csv").write_text("precious")
    with pytest.raises(OutputError, match=r"scores\.csv: is there already; choose another place, or overwrite it"):
        score(folder, bright())
    with monkeypatch.context() as patch:
        patch.setattr(scoring.Journal, "finish", lambda *_: (_ for _ in ()).throw(Stop))
        with pytest.raises(Stop):
            score(folder, bright(), overwrite=True)
    assert Path("scores.csv").read_text() == "precious"
    assert score(folder, bright(), overwrite=True).resumed == 1
    assert len(read()) == 1


def test_a_place_that_cannot_be_written_is_named(bright, shades):
    folder = shades({"a.png": 1})
    Path("file").write_text("")
    with pytest.raises(OutputError, match=r"file/scores\.csv: cannot be written"):
        score(folder, bright(), "file/scores.csv")
    score(folder, bright(), "new/folder/scores.csv")
    assert [path.name for path in Path("new/folder").iterdir()] == ["scores.csv"]


@pytest.mark.skipif(os.name == "nt", reason="no such locks there")
def test_two_runs_do_not_write_one_table(bright, shades):
    folder = shades({"a.png": 1})
    with scoring.store_of("scores.csv").alone(), pytest.raises(OutputError, match="another run is writing it"):
        score(folder, bright())
    assert score(folder, bright()).images == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size=0; expected a whole number from 1 on"),
        ({"workers": -1}, "workers=-1"),
        ({"sort": "name"}, "sort='name'; expected 'risk'"),
        ({"engine": "spark"}, "engine='spark'; expected one of 'local', 'ray'"),
    ],
)
def test_settings_that_are_none_are_refused(bright, shades, settings, message):
    with pytest.raises(DatasetError, match=message):
        score(shades({"a.png": 1}), bright(), **settings)


def test_slips_are_answered_before_a_detector_is_loaded(shades):
    folder = shades({"a.png": 1})
    with pytest.raises(OutputError, match=r"expected a name that ends in \.csv or \.parquet"):
        score(folder, "nowhere", "scores.txt")
    with pytest.raises(DatasetError, match="nothere: no such file"):
        score(["nothere"], "nowhere")
    with pytest.raises(DatasetError, match="no sources"):
        score([], "nowhere")
    with pytest.raises(DetectorError, match="nowhere: no such detector"):
        score(folder, "nowhere")


def test_what_breaks_the_model_is_not_hidden(bright, shades, monkeypatch):
    detector = bright()
    folder = shades({"a.png": 1})
    score(folder, detector)
    run = detector.predictor.runtime.run
    monkeypatch.setattr(detector.predictor.runtime, "run", lambda pixels: run(pixels) if len(pixels) == 3 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        score(folder, detector, "other.csv")


LIGHT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from conftest import Brightness
import melanoma_detect as md
from melanoma_detect.inference.bundle import DetectorConfig
detector = md.Detector(DetectorConfig(("nevus", "melanoma"), (8, 8)), Brightness(2))
for out in ("scores.csv", "scores.parquet"):
    md.score(sys.argv[2], detector=detector, out=out, sort="risk", progress=False)
heavy = ("tensorflow", "keras", "pandas", "sklearn", "matplotlib", "ray", "fsspec")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def test_scoring_imports_nothing_heavy(shades):
    folder = shades({"a.png": 1})
    command = [sys.executable, "-c", LIGHT, str(Path(__file__).parent), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_bar_says_rate_and_rest(bright, shades, capsys):
    folder = shades({f"{number}.png": number for number in range(9)})
    md.score(folder, detector=bright(), out="scores.csv", batch_size=2)
    shown = capsys.readouterr().err
    assert "9/9" in shown
    assert "images/s" in shown


def test_the_outcome_reads_like_a_sentence(bright, shades):
    result = score(shades({"a.png": 1, "b.png": 250}), bright())
    assert str(result).startswith("2 images in ")
    assert str(result).endswith("1 alert, 1 clear, 0 refer, of which 0 unreadable")
