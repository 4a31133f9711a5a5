"""Balancing: the training split only, each copy with its parent, the same bytes whatever the number of workers."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, OutputError


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("how", "expected"), [({"add": 4}, None), ({"to": 25}, 25), ({"to": "max"}, "max")])
def test_only_train_grows(data, how, expected):
    balanced = md.balance(data, progress=False, **how)
    before, after = data.distribution(), balanced.distribution()
    assert (after[["validation", "test"]] == before[["validation", "test"]]).all(axis=None)
    if expected is None:
        assert (after["train"] == before["train"] + 4).all()
    else:
        goal = before["train"].max() if expected == "max" else 25
        assert (after["train"] == goal).all()


def test_the_given_dataset_and_folder_stay_as_they_are(data, lesions):
    files, records = contents(lesions), data.records
    md.balance(data, add=2, progress=False)
    assert data.records == records
    assert contents(lesions) == files


def test_every_copy_names_its_parent_and_stands_beside_it(data):
    balanced = md.balance(data, add=3, progress=False)
    by_id = {record.id: record for record in balanced.records}
    copies = [record for record in balanced.records if record.parent]
    assert len(copies) == 27
    for copy in copies:
        parent = by_id[copy.parent]
        assert (copy.label, copy.group, copy.split, copy.source) == (
            parent.label,
            parent.group,
            "train",
            parent.source,
        )
        assert parent.parent is None


def test_copies_of_copies_are_never_made(data):
    twice = md.balance(md.balance(data, add=3, progress=False), add=3, seed=9, progress=False)
    originals = {record.id for record in data.records}
    assert {record.parent for record in twice.records if record.parent} <= originals


def test_one_worker_and_two_make_the_same_bytes(data, tmp_path):
    for workers in (1, 2):
        md.balance(data, add=30, workers=workers, cache=tmp_path / str(workers), progress=False)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert len(contents(tmp_path / "1")) == 271


def test_relative_folders_stay_found_when_the_working_folder_changes(lesions, tmp_path, monkeypatch):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        shutil.copytree(lesions, "isic9")
        data = md.load_dataset("isic9", image_size=(32, 32))
        # Two workers, which outlive the first call and its working folder.
        balanced = md.balance(data, add=30, workers=2, cache="cache", progress=False)
        monkeypatch.chdir(tmp_path)
        assert all(record.path.is_file() for record in balanced.records)


def test_the_seed_decides(data):
    digests = [{record.digest for record in md.balance(data, add=3, seed=s, progress=False).records} for s in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_a_second_call_reads_what_the_first_made(data, tmp_path):
    first = md.balance(data, add=2, cache=tmp_path, progress=False)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")}
    assert md.balance(data, add=2, cache=tmp_path, progress=False).records == first.records
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")} == times


def test_the_manifest_says_what_was_done(data, tmp_path):
    balanced = md.balance(data, add=20, cache=tmp_path, seed=5, progress=False)
    manifest = json.loads(next(tmp_path.glob("*/manifest.json")).read_text())
    assert manifest["seed"] == 5
    assert manifest["operations"] == {"rotate": {"probability": 0.7, "max_left_rotation": 10, "max_right_rotation": 10}}
    made = [record.parent for record in balanced.records if record.parent]
    assert [entry["parent"] for entry in manifest["images"]] == made
    turned = np.mean([entry["applied"] == ["rotate"] for entry in manifest["images"]])
    assert turned == pytest.approx(0.7, abs=0.12)


def test_copies_are_the_parent_changed_as_asked(data):
    balanced = md.balance(data, add=2, operations={"flip_left_right": {"probability": 1}}, progress=False)
    by_id = {record.id: record for record in balanced.records}
    copy = next(record for record in balanced.records if record.parent)
    parent = np.asarray(Image.open(by_id[copy.parent].path).resize((32, 32), Image.Resampling.BILINEAR))
    made = np.asarray(Image.open(copy.path))
    assert made.shape == (32, 32, 3)
    assert np.abs(made.astype(int) - parent[:, ::-1]).mean() < 6


def test_the_same_copies_twice_are_refused(data):
    once = md.balance(data, add=3, progress=False)
    with pytest.raises(DatasetError, match="these copies are in the dataset already"):
        md.balance(once, add=3, progress=False)


def test_balanced_means_as_many_as_the_largest_class(data):
    assert md.balance(data, progress=False).records == md.balance(data, to="max", progress=False).records


def test_nothing_to_add_changes_nothing(data):
    assert md.balance(data, to=1, progress=False) is data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"add": 1, "to": 2}, "expected one of them"),
        ({"add": -1}, "whole number"),
        ({"to": "most"}, "or 'max'"),
        ({"operations": {"twirl": {}}}, "no operation 'twirl'"),
        ({"operations": ["rotate"]}, "expected names with arguments"),
    ],
)
def test_slips_are_answered(data, options, message):
    with pytest.raises(DatasetError, match=message):
        md.balance(data, progress=False, **options)


def test_a_class_without_training_images_is_named(data):
    kept = [record for record in data.records if record.label != "nevus" or record.split != "train"]
    with pytest.raises(DatasetError, match="class 'nevus' has no training images"):
        md.balance(data.with_records(kept), add=1, progress=False)


def test_an_unwritable_cache_is_named_and_left_clean(data, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        md.balance(data, add=1, cache=tmp_path / "taken" / "cache", progress=False)


def test_an_image_that_vanished_leaves_nothing_half_made(tree, tmp_path):
    root = tree({"Train/melanoma": 4, "Train/nevus": 4, "Test/melanoma": 1, "Test/nevus": 1})
    loaded = md.load_dataset(root, image_size=(32, 32))
    for record in loaded.train.records:
        record.path.unlink()
    with pytest.raises(md.errors.ImageError, match="no such file"):
        md.balance(loaded, add=5, cache=tmp_path / "cache", progress=False)
    assert not any(path.suffix == ".jpg" for path in (tmp_path / "cache").rglob("*"))
    assert all(path.name.endswith(".partial") for path in (tmp_path / "cache").iterdir())


KILLED = """
import os, signal, sys
import melanoma_detect as md
from melanoma_detect.data import balance
count, rename = 0, balance.Path.replace
def replace(self, target):
    global count
    count += 1
    if count > 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
balance.Path.replace = replace
md.balance(md.load_dataset(sys.argv[1], image_size=(32, 32)), add=10, cache=sys.argv[2], progress=False)
"""


def test_a_call_that_was_killed_goes_on_where_it_stopped(lesions, data, tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    done = subprocess.run(
        [sys.executable, "killed.py", lesions, tmp_path / "cache"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    made = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("[0-9]*.jpg")}
    assert len(made) == 20
    md.balance(data, add=10, cache=tmp_path / "cache", progress=False)
    md.balance(data, add=10, cache=tmp_path / "undisturbed", progress=False)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("[0-9]*.jpg")}
    assert len(after) == 90
    assert made.items() <= after.items(), "what was finished is not made again"
    whole, undisturbed = contents(tmp_path / "cache"), contents(tmp_path / "undisturbed")
    assert {name: whole[name] for name in undisturbed} == undisturbed


def test_a_call_that_was_killed_before_the_manifest_goes_on_too(data, tmp_path):
    balanced = md.balance(data, add=2, cache=tmp_path, progress=False)
    (folder,) = tmp_path.iterdir()
    (folder / "manifest.json").unlink()
    folder.rename(tmp_path / f".{folder.name}.partial")
    assert md.balance(data, add=2, cache=tmp_path, progress=False) == balanced
    assert list(tmp_path.iterdir()) == [folder]


def test_a_cached_set_without_its_manifest_is_an_error(data, tmp_path):
    md.balance(data, add=2, cache=tmp_path, progress=False)
    (folder,) = tmp_path.iterdir()
    (folder / "manifest.json").unlink()
    with pytest.raises(OutputError, match=rf"{folder.name}: holds files, but no manifest\.json.*delete this folder"):
        md.balance(data, add=2, cache=tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == [folder]


def test_two_processes_at_once_end_with_the_same_images(lesions, tmp_path):
    script = KILLED.split("def replace", maxsplit=1)[0] + KILLED.split("balance.Path.replace = replace")[1].replace(
        "add=10", "add=30"
    )
    (tmp_path / "make.py").write_text(script)
    command = [sys.executable, "make.py", lesions, tmp_path / "cache"]
    running = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [process.communicate(timeout=120)[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0], ends
    assert len(list((tmp_path / "cache").glob("*/[0-9]*/[0-9]*.jpg"))) == 270


def test_copies_come_at_the_size_asked_for(data):
    balanced = md.balance(data, add=1, image_size=(20, 30), progress=False)
    copy = next(record for record in balanced.records if record.parent)
    with Image.open(copy.path) as image:
        assert image.size == (30, 20)


def test_weights_show_each_class_as_often_as_files_would(data):
    weighted = md.balance(data, to="max", method="weights", progress=False)
    assert len(weighted) == len(data)
    most = int(data.distribution()["train"].max())
    batches = weighted.train.batches(image_size=(8, 8), shuffle=True)
    epochs = []
    for _ in range(3):
        shown = np.concatenate([batches[at][1] for at in range(len(batches))])
        assert np.abs(np.bincount(shown, minlength=9) - most).max() <= 1
        epochs.append(shown.tolist())
        batches.on_epoch_end()
    assert epochs[0] != epochs[1] != epochs[2]


def test_weights_make_no_files(data, tmp_path):
    with pytest.raises(DatasetError, match="cache= goes with method='files'"):
        md.balance(data, method="weights", cache=tmp_path, progress=False)
    with pytest.raises(DatasetError, match="expected 'files' or 'weights'"):
        md.balance(data, method="magic", progress=False)


def test_a_coarse_label_is_no_class_to_fill_up_to(data):
    melanomas = [record for record in data.records if record.label == "melanoma"]
    coarse = replace(
        data,
        classes=tuple(label for label in data.classes if label != "melanoma"),
        label_groups={"malignant": ("basal cell carcinoma", "squamous cell carcinoma")},
        records=[replace(record, label="malignant") if record in melanomas else record for record in data.records],
    )
    counts = coarse.distribution()["train"]
    weighted = md.balance(coarse, method="weights")
    largest = counts.drop("malignant").max()
    for label in coarse.classes:
        total = sum(record.weight for record in weighted.train if record.label == label)
        assert total == pytest.approx(largest)
    assert {record.weight for record in weighted.train if record.label == "malignant"} == {1.0}


def test_lists_and_numbers_of_numpy_are_sizes_and_counts(data):
    made = md.balance(data, add=np.int64(1), image_size=[32, 48], progress=False)
    assert len(made.train) == len(data.train) + 9
    with pytest.raises(DatasetError, match="image_size"):
        md.balance(data, add=1, image_size=[32])
    with pytest.raises(DatasetError, match="did you mean 'weights'"):
        md.balance(data, method="weight")


def test_an_interrupted_call_says_what_was_kept(data, tmp_path, monkeypatch):
    monkeypatch.setattr("melanoma_detect.data.balance._Work.make", lambda *_: exec("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt) as caught:
        md.balance(data, add=1, cache=tmp_path / "cache", progress=False)
    assert (
        "copies made so far are kept in the cache folder; the same call goes on from there."
        in caught.value.__notes__[0]
    )


def test_a_split_is_not_enough(data):
    with pytest.raises(DatasetError, match="data is a Split; expected the whole Dataset, whose training split grows"):
        md.balance(data.train)
    with pytest.raises(DatasetError, match=r"data is a str; expected the whole Dataset: load_dataset\(folder\)"):
        md.balance("isic9")


def test_classes_that_are_mostly_copies_are_named(data, tmp_path, capsys):
    counts = data.distribution()["train"]
    md.balance(data, add=1, cache=tmp_path)
    assert "are copies" not in capsys.readouterr().err
    md.balance(data, add=3 * int(counts.max()), cache=tmp_path)
    share = round(300 * counts.max() / (counts.min() + 3 * counts.max()))
    told = capsys.readouterr().err
    assert f"{share} % of the training images of " in told
    assert "and over half of those of 8 other classes are copies: a model sees only" in told
