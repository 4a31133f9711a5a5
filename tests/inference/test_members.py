"""Members of a detector's file: each has a digest, and nothing is unpacked before its size is known."""

import io
import json
import random
import struct
import tracemalloc
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from detector_members import rewrite

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.members import (
    CONFIG,
    KERAS,
    MAX_SIZES,
    compression,
    digest_of,
    digests_to_bytes,
    open_archive,
)

SMALL = Path(__file__).parent / "data" / "schema_5.detector"
IMAGE = md.draw_lesion("melanoma", seed=3, size=32).pixels


def copy(target, change=None, *, extra=()):
    """Copy the small detector byte for byte but for some members, with the digests that it had."""
    with zipfile.ZipFile(SMALL) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member.filename, change(member.filename, content) if change else content)
        for name, content, method in extra:
            new.writestr(name, content, method)
    return target


@pytest.mark.parametrize("name", ["detector.json", "model.onnx", "features.npz", "golden/1.png", "golden/answers.json"])
def test_a_changed_member_is_refused_by_name(tmp_path, name):
    changed = copy(tmp_path / "changed.detector", lambda own, content: content + b" " if own == name else content)
    with pytest.raises(DetectorError, match=rf"changed\.detector: {name} differs from its digest"):
        md.Detector.load(changed)


@pytest.mark.parametrize("name", ["model.keras", "training_fingerprint.json"])
def test_a_changed_member_that_is_read_later_is_refused_then(tmp_path, name):
    changed = copy(tmp_path / "changed.detector", lambda own, content: content + b" " if own == name else content)
    loaded = md.Detector.load(changed)
    with pytest.raises(DetectorError, match=rf"{name} differs from its digest"):
        loaded.predictor.files.keras() if name == KERAS else loaded.predictor.files.fingerprint()


def settings_that_answer_otherwise(values):
    """Yield changes that keep every value in its range."""
    first, second = values["classes"][:2]
    yield "swapped classes", lambda new: new["classes"].__setitem__(slice(0, 2), [second, first])
    yield "no abstention", lambda new: [own.update(ood_threshold=None) for own in new["calibrations"].values()]
    yield "no limits", lambda new: new.update(input_limits={"side": 0})
    yield "another temperature", lambda new: [own.update(temperature=2.0) for own in new["calibrations"].values()]
    yield "another sensitivity", lambda new: new["settings"].update(sensitivity=0.6)
    yield "another resize", lambda new: new.update(resize="crop")


def test_settings_in_their_ranges_are_refused_too(tmp_path):
    values = json.loads(zipfile.ZipFile(SMALL).read(CONFIG))
    for what, change in settings_that_answer_otherwise(values):
        changed = json.loads(json.dumps(values))
        change(changed)
        content = json.dumps(changed).encode()
        place = copy(tmp_path / "changed.detector", lambda own, old, new=content: new if own == CONFIG else old)
        with pytest.raises(DetectorError, match="differs from its digest"):
            md.Detector.load(place)
        # With digests that fit it is another detector, whose signature would tell.
        rewrite(SMALL, place, {CONFIG: content})
        assert md.Detector.load(place).predictor.config != md.Detector.load(SMALL).predictor.config, what


def test_digests_and_schema_must_fit(tmp_path):
    values = json.loads(zipfile.ZipFile(SMALL).read(CONFIG))
    older = json.dumps(values | {"schema": 4}).encode()
    rewrite(SMALL, tmp_path / "a.detector", {CONFIG: older})
    with pytest.raises(DetectorError, match=r"is of schema 4 and has digests\.json"):
        md.Detector.load(tmp_path / "a.detector")
    rewrite(SMALL, tmp_path / "b.detector", {}, digests=False)
    with pytest.raises(DetectorError, match=r"is of schema 5 and lacks digests\.json"):
        md.Detector.load(tmp_path / "b.detector")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"sha256": []}', b'{"sha256": {"model.onnx": 1}}'])
def test_damaged_digests(tmp_path, content):
    place = copy(tmp_path / "c.detector", lambda own, old: content if own == "digests.json" else old)
    with pytest.raises(DetectorError, match=r"c\.detector"):
        md.Detector.load(place)


def damages(content, count, seed):
    """Yield a file with one byte changed, a piece cut out, or its end cut off."""
    chosen = random.Random(seed)
    for number in range(count):
        place = chosen.randrange(len(content))
        if number % 3 == 0:
            yield content[:place] + bytes([content[place] ^ 1 << chosen.randrange(8)]) + content[place + 1 :]
        elif number % 3 == 1:
            yield content[:place] + content[place + chosen.randint(1, 4096) :]
        else:
            yield content[:place]


def everything(path):
    """Return what a detector's file answers and holds: probabilities, fingerprint and Keras model."""
    loaded = md.Detector.load(path, threads=1)
    files = loaded.predictor.files
    return loaded.predict(IMAGE).probabilities, files.fingerprint(), files.keras and files.keras()


def refused_or_equal(path, expected, damaged):
    """Return whether a damaged file is refused; fail where it answers otherwise."""
    path.write_bytes(damaged)
    try:
        assert everything(path) == expected
    except DetectorError:
        return True
    return False


def test_a_damaged_file_is_refused_or_answers_the_same(tmp_path):
    expected = everything(SMALL)
    refused = [
        refused_or_equal(tmp_path / "d.detector", expected, damaged)
        for damaged in damages(SMALL.read_bytes(), 150, seed=1)
    ]
    assert sum(refused) > 130  # a byte of a date changes nothing


@pytest.mark.slow
def test_two_thousand_damages(tmp_path):
    from melanoma_detect.inference.bundle import SHIPPED

    for count, source in ((2000, SMALL), (200, SHIPPED)):  # the large one takes ten times as long
        expected = everything(source)
        for damaged in damages(source.read_bytes(), count, seed=count):
            refused_or_equal(tmp_path / "d.detector", expected, damaged)


def test_members_that_are_no_detector_s(tmp_path):
    nothing = copy(tmp_path / "e.detector", extra=[("evil.py", b"", zipfile.ZIP_STORED)])
    with pytest.raises(DetectorError, match="has members that no detector has"):
        md.Detector.load(nothing)
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = copy(tmp_path / "f.detector", extra=[(CONFIG, b"{}", zipfile.ZIP_STORED)])
    with pytest.raises(DetectorError, match="the same name twice"):
        md.Detector.load(twice)


def bomb(target, name, size, method=zipfile.ZIP_DEFLATED):
    """Write a zip with a member of zeros."""
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(CONFIG, b"{}", zipfile.ZIP_STORED)
        if name != CONFIG:
            archive.writestr(name, bytes(size), method)
    return target


@pytest.mark.parametrize(
    ("size", "method", "problem"),
    [
        (65 * 2**20, zipfile.ZIP_DEFLATED, "would unpack from"),
        (1000, zipfile.ZIP_BZIP2, "compressed in a way that no detector is"),
        (1000, zipfile.ZIP_LZMA, "compressed in a way that no detector is"),
    ],
)
def test_a_member_that_would_fill_the_memory(tmp_path, size, method, problem):
    with pytest.raises(DetectorError, match=problem):
        md.Detector.load(bomb(tmp_path / "bomb.detector", "model.onnx", size, method))


def test_a_directory_of_thousands_of_members_is_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.detector", "w") as archive:
        for number in range(10_000):
            archive.writestr(f"{number}", b"")
    with pytest.raises(DetectorError, match="as of thousands of members"):
        md.Detector.load(tmp_path / "many.detector")


def test_overlapping_members(tmp_path):
    """Members that share their bytes: a small file that unpacks again and again."""
    place = copy(tmp_path / "g.detector")
    content = bytearray(place.read_bytes())
    with zipfile.ZipFile(place) as archive:
        start = archive.start_dir
        offset = archive.getinfo("model.onnx").header_offset
    entry = (
        content.index(b"model.keras", start) - 46
    )  # in the directory, the name stands 46 bytes after its entry's start
    content[entry + 42 : entry + 46] = struct.pack("<I", offset)
    place.write_bytes(content)
    with pytest.raises(DetectorError, match="overlap or lie outside"):
        md.Detector.load(place)


def test_large_zeros_are_stored_so_that_they_do_not_look_like_a_bomb():
    assert compression(bytes(2**20)) == zipfile.ZIP_STORED
    assert compression(np.arange(2**18, dtype=np.int32).tobytes()) == zipfile.ZIP_DEFLATED


def test_digests_are_the_same_in_any_order():
    members = {"b": b"2", "a": b"1"}
    assert digests_to_bytes(members) == digests_to_bytes(dict(reversed(members.items())))
    assert json.loads(digests_to_bytes(members))["sha256"]["a"] == digest_of(b"1")


def test_every_size_is_bounded():
    assert max(MAX_SIZES.values()) <= 4 * 2**30
    with open_archive(SMALL) as archive:
        assert all(member.file_size < MAX_SIZES[member.filename] for member in archive.infolist())
        assert archive.open(CONFIG).read(1) == b"{"
        assert isinstance(io.BytesIO(archive.read(CONFIG)), io.BytesIO)


def with_false_size(source, target, name, packed, announced):
    """Copy a file, with a member whose deflated bytes unpack to more than the directory and its own header say."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            new.writestr(member.filename, packed if member.filename == name else old.read(member))
    content = bytearray(target.read_bytes())
    with zipfile.ZipFile(target) as archive:
        place, directory = archive.getinfo(name).header_offset, archive.start_dir
    struct.pack_into("<H", content, place + 8, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", content, place + 22, announced)
    entry = content.rindex(name.encode()) - 46
    assert entry >= directory
    struct.pack_into("<H", content, entry + 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", content, entry + 24, announced)
    target.write_bytes(content)
    return target


def zeros(size):
    """Return the deflated bytes of so many zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(size // 2**20)) + packer.flush()


@pytest.mark.parametrize("name", ["detector.json", "model.onnx", "golden/1.png", "digests.json"])
def test_a_member_unpacks_to_no_more_than_it_says(tmp_path, name):
    place = with_false_size(SMALL, tmp_path / "g.detector", name, zeros(200 * 2**20), 200)
    tracemalloc.start()
    try:
        with pytest.raises(DetectorError, match=r"g\.detector"):
            md.Detector.load(place)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


def test_a_detector_with_a_history_of_nan_and_a_class_that_is_no_utf_8_is_read_again(tmp_path):
    predictor = md.Detector.load(SMALL).predictor
    history = predictor.config.history | {"loss": [float("nan")] * len(predictor.config.history["loss"])}
    classes = ("n\udce4vus", *predictor.config.classes[1:])
    config = replace(predictor.config, history=history, classes=classes, title="\udce4")
    md.Detector(config, predictor.runtime, predictor.files).save(tmp_path / "h.detector")
    loaded = md.Detector.load(tmp_path / "h.detector")
    assert loaded.classes[0] == "nävus"
    assert np.isnan(loaded.predictor.config.history["loss"]).all()
