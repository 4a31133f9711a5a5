"""The scripts that train the default detector, on drawn lesions."""

import csv
import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.models.contract import every_layer

STEPS = Path(__file__).parents[2] / "scripts" / "default_detector"
NINE = [diagnosis.name for diagnosis in md.taxonomy.DIAGNOSES]


@pytest.fixture(scope="module")
def step():
    """Return a function that imports one of the scripts by its name."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STEPS))
        yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(STEPS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def digest(text):
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def lesion(number, *, held):
    """Return a lesion id of HAM10000 that is held out, or one that is not."""
    ids = (f"HAM_{index:07d}" for index in range(1000))
    return [name for name in ids if (digest(name) % 5 == 0) == held][number]


def names(part, count, start):
    """Return ids of images whose groups are of a part, each from a thousand ids of its own, with a second id after each."""
    remainders = {"held": (0, 1), "validation": (2, 3), "train": tuple(range(4, 20))}[part]
    found = [
        f"ISIC_{index:07d}"
        for index in range(start, start + 1000, 2)
        if digest(f"group ISIC_{index:07d}") % 20 in remainders
    ]
    return [(name, f"ISIC_{int(name[5:]) + 1:07d}") for name in found[:count]]


def draw(path, diagnosis, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(md.draw_lesion(diagnosis, seed=seed, size=48).pixels).save(path)


def write(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture(scope="module")
def work(step, tmp_path_factory):
    """Pack three sources as the real ones are: without groups; with images that stand elsewhere too; of two types.

    Returns the working folder.
    """
    folder = tmp_path_factory.mktemp("default_detector")
    ham, rest, milk = (folder / name for name in ("ham10000_224", "ham10000_rest", "milk10k"))
    rows = []
    for index, label in enumerate(["mel", "nv", "akiec", "bkl"]):
        draw(ham / "images" / f"ISIC_{index:07d}.png", {"akiec": "AK"}.get(label, label), seed=index)
        rows.append((f"ISIC_{index:07d}", lesion(index, held=index == 0), label))
    write(ham / "metadata.csv", ("image_id", "lesion_id", "dx"), *rows)
    columns = ("image", "diagnosis", "lesion_id", "patient_id", "group", "image_type")
    draw(rest / "images" / "ISIC_0000900.png", "melanoma", seed=900)
    (rest / "images" / "ISIC_0000001.png").write_bytes((ham / "images" / "ISIC_0000001.png").read_bytes())
    same_lesion = ("images/ISIC_0000900.png", "melanoma", lesion(0, held=True), "", "", "dermoscopy")
    same_image = ("images/ISIC_0000001.png", "nevus", lesion(1, held=False), "", "", "dermoscopy")
    write(rest / "metadata.csv", columns, same_lesion, same_image)
    rows = []
    for place, (pair, label) in enumerate(zip(PAIRS, [*NINE, "melanoma", "benign", "nevus"], strict=True)):
        for name, kind in zip(pair, ("clinical", "dermoscopy"), strict=True):
            draw(milk / kind / f"{name}.png", "nevus" if label == "benign" else label, seed=digest(name) % 10**6)
            group = "together" if place >= len(PAIRS) - 2 else ""
            rows.append((f"{kind}/{name}.png", label, f"IL_{pair[0][5:]}", "", group, kind))
    write(milk / "metadata.csv", columns, *rows)
    step("pack").pack([ham, rest, milk], folder / "work" / "pack")
    return folder / "work"


PAIRS = [*names("train", 9, 1000), *names("validation", 1, 3000), *names("held", 2, 5000)]


@pytest.fixture
def pack(step, work):
    """Return the packed images."""
    return step("packed").load_pack(work / "pack")


def test_pack_makes_one_pool(pack, work):
    table = pack.table.set_index("image")
    assert set(pack.classes) == set(NINE)
    assert pack.pixels.shape == (4 + 1 + 24, 224, 224, 3)  # one image stands in two folders and is taken once
    covered = dict(zip(table.label, pack.targets.sum(axis=1).tolist(), strict=True))
    assert [covered[label] for label in ("akiec", "bkl", "benign", "melanoma")] == [2, 2, 5, 1]
    assert set(table.source) == {"ham10000_224", "ham10000_rest", "milk10k"}
    assert set(pack.collections) == {"ham10000", "milk10k"}
    known = json.loads((work / "pack" / "fingerprint.json").read_text(encoding="utf-8"))
    assert "ISIC_0000001" in known["ids"]
    assert "ISIC_0000000" not in known["ids"]


def test_parts_go_by_lesion_and_group(pack):
    table = pack.table.set_index("image")
    assert table.part["ISIC_0000000"] == table.part["ISIC_0000900"] == "held"  # two views of a lesion that is held out
    assert (table.part[["ISIC_0000001", "ISIC_0000002", "ISIC_0000003"]] != "held").all()
    assert {table.part[name] for pair in PAIRS[:9] for name in pair} == {"train"}
    assert {table.part[name] for name in PAIRS[9]} == {"validation"}
    assert {table.part[name] for pair in PAIRS[10:] for name in pair} == {"held"}
    assert table.group[PAIRS[10][0]] == table.group[PAIRS[11][1]]  # the source's own column joins them
    assert table.groupby("group").part.nunique().max() == 1


def test_sets_have_the_labels_and_the_type_of_their_source(step, pack):
    sets = step("records").sets_of(pack, "train")
    assert list(sets) == ["ham10000 dermoscopy", "milk10k clinical", "milk10k dermoscopy"]
    assert {record.label for record in sets["ham10000 dermoscopy"]} <= {"akiec", "bkl", "nevus"}
    assert {record.label for record in sets["milk10k clinical"]} == set(NINE)
    assert all(record.metadata["image_type"] == "clinical" for record in sets["milk10k clinical"])
    assert "benign" in step("records").sets_of(pack, "held")["milk10k dermoscopy"].label_groups


def test_half_of_a_choice_rests_on_the_worst_source(step):
    validation = step("validation")
    figures = {
        "a": {"auc": 0.9, "melanomas": 20, "others": 90, "balanced_accuracy": 0.6},
        "b": {"auc": 0.7, "melanomas": 20, "others": 90, "balanced_accuracy": 0.4},
        "c": {"auc": 0.1, "melanomas": 2, "others": 90, "balanced_accuracy": 0.5},  # too few to decide
    }
    assert validation.worst_source(figures) == "b"
    assert validation.score(figures) == pytest.approx(0.5 * 0.7 + 0.25 * 0.8 + 0.25 * 0.5)


def test_figures_of_sources(step, pack):
    rows = np.arange(len(pack.table))
    figures = step("validation").measure_sources(pack.targets / pack.targets.sum(axis=1, keepdims=True), pack, rows)
    assert figures["milk10k clinical"]["auc"] == 1.0
    assert figures["milk10k clinical"]["balanced_accuracy"] == 1.0
    assert figures["ham10000_rest dermoscopy"]["auc"] is None


def test_everyday_images_are_learnt_from_or_held(step, tmp_path):
    files = {f"{index}.png" for index in range(20)}
    for name in files:
        (tmp_path / name).touch()
    everyday = step("everyday")
    learnt, held = (everyday.everyday_files([tmp_path], part) for part in ("learnt", "held"))
    assert {file.name for file in (*learnt, *held)} == files
    assert min(len(learnt), len(held)) > 4


@pytest.mark.slow
def test_assembled_detector_is_calibrated_and_measured(step, pack, work, tmp_path):
    write_network(tmp_path / "any.npz", len(pack.classes))
    (tmp_path / "any.json").write_text('{"network": "lite0"}', encoding="utf-8")
    (tmp_path / "pack").symlink_to(work / "pack")
    detector = step("assemble").assemble(pack, tmp_path, tmp_path / "any.npz", side=64)
    detector.save(tmp_path / "any.detector")
    loaded = md.Detector.load(tmp_path / "any.detector")
    assert loaded.classes == pack.classes
    assert loaded.predictor.config.recipe["network"] == "lite0"
    assert "CC BY-NC" in loaded.predictor.config.notes["Licence of the weights"]
    records = step("records").records_of(pack, np.arange(len(pack.table)))
    seen = loaded.predictor.files.fingerprint().contains(records)
    assert seen.tolist() == (pack.table.part != "held").tolist()
    with np.load(tmp_path / "outputs" / "8-views.npz") as outputs:
        assert outputs["logits"].shape == (len(pack.rows("validation")), 9)
        assert set(outputs["sources"]) <= {"ham10000", "milk10k"}
    evaluate = step("evaluate")
    validation, figures = evaluate.evaluate(loaded, pack, evaluate.Options("held", localized=False))
    assert set(validation.evaluations) == {"ham10000 dermoscopy", "milk10k clinical", "milk10k dermoscopy"}
    assert sum(map(len, validation.evaluations.values())) == len(pack.rows("held"))
    assert 0 <= figures["balanced_accuracy_nine"] <= 1
    assert figures["megabytes"] < 12


def write_network(file, classes):
    """Write the arrays of an untrained network as the trainer does."""
    model = md.build_model("efficientnet_lite0", num_classes=classes, input_shape=(64, 64, 3), weights=None)
    arrays = {}
    for layer in every_layer(model):
        for weight in layer.weights if not hasattr(layer, "layers") else ():
            value = np.asarray(weight)
            axes = {4: (2, 3, 0, 1) if "dwconv" in layer.name else (3, 2, 0, 1), 2: (1, 0)}.get(value.ndim)
            arrays[f"{len(arrays):04d}|{weight.path}"] = value.transpose(axes) if axes else value
    np.savez(file, **arrays)


# Runs in a process of its own: PyTorch and TensorFlow do not always get on.
TRAINING = """
import json, sys
from pathlib import Path
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
import distill, network, soup, train
from packed import load_pack

torch.set_num_threads(1)
pack, folder, results = load_pack(Path(sys.argv[2])), Path(sys.argv[3]), {}
network.save_arrays(network.Network("lite0", 1), folder / "whole.npz")
backbone = {name: value for name, value in np.load(folder / "whole.npz").items() if "classifier" not in name}
np.savez(folder / "imagenet.npz", **backbone)
plan = train.CPU._replace(sides=(32, 32), batch=8)
train.CHECKPOINT_STEPS = 1

def make(name, teachers=()):
    made = distill.Distillation(pack, plan, folder / name, seed=1, device=torch.device("cpu"))
    made.teachers = teachers
    made.resume() or made.start(folder / "imagenet.npz")
    return made

whole = make("whole")
before = {name: value.clone() for name, value in whole.average.state_dict().items()}
pixels = torch.randn(2, 3, 32, 32)
results["folding"] = float((whole.average.eval()(pixels) - whole.network.eval()(pixels)).detach().abs().max())
whole.train()
after = whole.average.state_dict()
changed = {name for name in before if not torch.equal(before[name], after[name])}
results["stages"] = sorted({name.split(".")[1] for name in changed if name.startswith("blocks")})
results["stem"] = "conv_stem.weight" in changed

stopped = make("stopped")
save, saved = stopped._save, []
def save_twice():
    save()
    saved.append(1)
    if len(saved) == 2:
        raise KeyboardInterrupt
stopped._save = save_twice
try:
    stopped.train()
except KeyboardInterrupt:
    pass
resumed = make("stopped")
results["place"] = [resumed.epoch, resumed.step]
resumed.train()
results["resumed"] = all(torch.equal(a, b) for a, b in zip(after.values(), resumed.average.state_dict().values()))

row = int(np.flatnonzero(pack.table.label == "bkl")[0])
whole.adjustment = torch.zeros(9)
results["partial"] = float(whole.label_loss(torch.zeros(1, 9), torch.tensor([row])))
surely = torch.where(torch.tensor(pack.targets[row]), 20.0, 0.0)[None]
results["right"], results["wrong"] = (float(whole.label_loss(own, torch.tensor([row]))) for own in (surely, -surely))

student, rows, pixels = make("student"), torch.tensor(pack.rows("train")[:4]), torch.randn(4, 3, 32, 32)
teacher = whole.average.eval()
answers = teacher(pixels).detach()
student.teachers = [teacher]
for name, own in (("agrees", answers), ("differs", answers + 3 * torch.randn(4, 9))):
    share = student.loss(own, pixels, rows) - 0.3 * student.label_loss(own, rows)
    results[name] = float(share.abs().max())

mean = soup.average([teacher, teacher])
results["soup"] = float((mean(pixels) - answers).detach().abs().max())
results["chosen"] = soup.choose({"one": teacher, "two": teacher}, pack)[1]
network.save_arrays(teacher, folder / "trained.npz")
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def training(work, tmp_path_factory):
    """Train for two tiny epochs on the packed images, on the CPU, and return what came out. Needs PyTorch."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: pip install 'melanoma-detect[torch]'")
    folder = tmp_path_factory.mktemp("training")
    command = [sys.executable, "-c", TRAINING, str(STEPS), str(work / "pack"), str(folder)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr[-3000:]
    return json.loads(completed.stdout.splitlines()[-1])


@pytest.mark.backend
def test_training_resumes_exactly(training):
    assert training["place"] == [0, 2]
    assert training["resumed"]


@pytest.mark.backend
def test_frozen_stages_keep_their_weights_and_their_answers(training):
    assert training["folding"] < 1e-4
    assert training["stages"] == ["2", "3", "4", "5", "6"]
    assert not training["stem"]


@pytest.mark.backend
def test_a_partial_label_learns_the_sum_of_what_it_covers(training):
    assert training["partial"] == pytest.approx(0.95 * np.log(9 / 2) + 0.05 * np.log(9), abs=1e-5)
    assert training["right"] < training["wrong"]


@pytest.mark.backend
def test_a_student_learns_from_its_teachers(training):
    assert training["agrees"] < 1e-4
    assert training["differs"] > 0.1


@pytest.mark.backend
def test_an_average_stays_only_where_it_is_better(training):
    assert training["soup"] < 1e-4
    assert training["chosen"] == ["one"]
