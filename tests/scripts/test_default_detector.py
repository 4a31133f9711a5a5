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


def test_images_that_were_learnt_from_are_left_out_with_their_groups(step, pack):
    packed = step("packed")
    left = packed.without_groups(pack, [PAIRS[10][0]])
    images = left.table.image
    assert set(images[left.rows(packed.LEFT_OUT)]) == {name for pair in PAIRS[10:] for name in pair}  # one group
    assert set(images[left.rows("held")]) == {"ISIC_0000000", "ISIC_0000900"}
    assert list(step("records").sets_of(left, "held")) == ["ham10000 dermoscopy"]
    with pytest.raises(SystemExit, match="ISIC_9999999: not in the pack"):
        packed.without_groups(pack, ["ISIC_9999999"])


class WrittenDetector:
    """Stands for a detector that writes its metrics into a file, or fails to."""

    def __init__(self, *, fails):
        self.predictor, self.fails, self.metrics = self, fails, {}

    def with_metrics(self, metrics):
        self.metrics |= metrics
        return self

    def save(self, path, *, overwrite):
        if self.fails:
            raise OSError("the disk is full")
        assert overwrite
        path.write_bytes(b"x" * 2_500_000)


@pytest.fixture
def validation(detector, data):
    return detector.evaluate({"clinic": data})


@pytest.fixture
def evaluate_script(step, work, tmp_path, monkeypatch, validation):
    """Return a function that runs evaluate.py with figures that are known already; it returns the detector."""
    script = step("evaluate")
    (tmp_path / "pack").symlink_to(work / "pack")
    (tmp_path / "new.detector").write_bytes(b"old")

    def run(*options, fails=False):
        written = WrittenDetector(fails=fails)
        monkeypatch.setattr(script.md.Detector, "load", lambda file: written)
        monkeypatch.setattr(script, "evaluate", lambda *arguments: (validation, {"clinical_referred": 1.0}))
        command = ["evaluate.py", str(tmp_path), "--detector", str(tmp_path / "new.detector"), *options]
        monkeypatch.setattr(sys, "argv", command)
        script.main()
        return written

    return run


def test_figures_are_written_when_the_detector_has_its_metrics(evaluate_script, tmp_path):
    with pytest.raises(OSError, match="the disk is full"):
        evaluate_script("--write", fails=True)
    assert not (tmp_path / "figures.txt").exists()
    written = evaluate_script("--write")
    assert list(written.metrics) == ["held: clinic"]
    lines = (tmp_path / "figures.txt").read_text(encoding="utf-8").splitlines()
    assert lines == ["clinical_referred 1.0000 0.95", "megabytes 2.5000 12.0"]  # of the file with its metrics


def test_what_is_left_out_is_recorded(evaluate_script, tmp_path):
    written = evaluate_script("--write", "--leave-out", PAIRS[10][0])
    text = f"Left out, as learnt from: {PAIRS[10][0]}, with their groups 4 images of all parts."
    assert (tmp_path / "figures.txt").read_text(encoding="utf-8").startswith(f"# {text}\n")
    assert (tmp_path / "evaluation.md").read_text(encoding="utf-8").startswith(text)
    assert text in written.metrics["held: clinic"]["notes"]


def test_metrics_need_a_file_to_be_written_into(step, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "nowhere", "--write"])
    with pytest.raises(SystemExit):
        step("evaluate").main()
    assert "--write needs --detector" in capsys.readouterr().err


def test_outputs_have_one_distance_for_each_image(step, pack, tmp_path):
    assemble, rows = step("assemble"), np.arange(5)
    outputs = assemble.CalibrationInputs(np.zeros((5, 9), np.float32), np.arange(8.0 * 5))  # of eight views
    assemble.write_outputs(tmp_path / "1-views.npz", pack, rows, outputs)
    with np.load(tmp_path / "1-views.npz") as written:
        assert written["distances"].tolist() == [0, 1, 2, 3, 4]
    inputs, labelled = step("compare_calibrations").load_outputs(tmp_path / "1-views.npz", None)
    assert len(inputs.distances) == len(labelled.groups) == 5
    assemble.write_outputs(tmp_path / "none.npz", pack, rows, outputs._replace(distances=np.empty(0)))
    assert not len(step("compare_calibrations").load_outputs(tmp_path / "none.npz", None)[0].distances)


def test_a_text_file_is_complete_or_absent(step, tmp_path):
    atomic, file = step("atomic"), tmp_path / "record.json"
    atomic.write_text(file, "one")
    with pytest.raises(UnicodeEncodeError):
        atomic.write_text(file, "half\ud800")
    assert file.read_text(encoding="utf-8") == "one"


@pytest.fixture
def train_default(monkeypatch, tmp_path):
    """Return train_default.py with steps that write what their successors wait for, and the names of those that ran."""
    monkeypatch.syspath_prepend(str(STEPS.parent))
    script = importlib.import_module("train_default")
    made = {"pack.py": "pack/table.csv", "soup.py": "shipped.json", "assemble.py": "default.detector"}
    made |= {"evaluate.py": "figures.txt"}
    ran, failing = [], set()

    def step(python, name, *options):
        ran.append(name)
        if name in failing:
            raise SystemExit(f"{name} failed")
        file = tmp_path / "work" / (f"{options[1]}.json" if name == "distill.py" else made[name])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("new", encoding="utf-8")

    monkeypatch.setattr(script, "step", step)
    command = ["train_default.py", "source", "--weights", "weights", "--work", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", [*command, "--device", "cpu", "--out", str(tmp_path / "out.detector")])
    yield script, ran, failing
    del sys.modules["train_default"]


def test_the_shipped_file_is_written_when_all_else_is_done(train_default, tmp_path):
    script, ran, failing = train_default
    out, work = tmp_path / "out.detector", tmp_path / "work"
    out.write_text("old", encoding="utf-8")
    failing.add("evaluate.py")
    with pytest.raises(SystemExit):
        script.main()
    assert out.read_text(encoding="utf-8") == "old"
    failing.clear()
    script.main()
    assert out.read_text(encoding="utf-8") == "new"
    assert ran == ["pack.py", *["distill.py"] * 2, "soup.py", "assemble.py", "evaluate.py", "evaluate.py"]
    (work / "default.detector").unlink()  # a file that is assembled again has no metrics: it is measured again
    script.main()
    assert ran[-2:] == ["assemble.py", "evaluate.py"]


def test_a_python_without_pytorch_is_named_with_its_error(train_default, monkeypatch):
    script = train_default[0]
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nModuleNotFoundError: No module named 'torch'\n")
    monkeypatch.setattr(script.subprocess, "run", lambda *arguments, **options: failed)
    with pytest.raises(SystemExit, match=r"--torch-python any: cannot import PyTorch \(ModuleNotFoundError: No module"):
        script.find_device("any")
    monkeypatch.undo()
    with pytest.raises(SystemExit, match="--torch-python /nowhere/python: cannot be started"):
        script.find_device("/nowhere/python")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::melanoma_detect.errors.DataWarning")  # the pack is small
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
    with np.load(tmp_path / "features.npz") as features:
        assert len(features["features"]) == len(features["sources"]) == (pack.table.part != "held").sum()
    with np.load(tmp_path / "outputs" / "8-views.npz") as outputs:
        assert outputs["logits"].shape == (len(pack.rows("validation")), 9)
        assert set(outputs["sources"]) <= {"ham10000", "milk10k"}
    evaluate = step("evaluate")
    validation, figures = evaluate.evaluate(loaded, pack, evaluate.Options("held", localized=False))
    assert set(validation.evaluations) == {"ham10000 dermoscopy", "milk10k clinical", "milk10k dermoscopy"}
    assert sum(map(len, validation.evaluations.values())) == len(pack.rows("held"))
    assert 0 <= figures["balanced_accuracy_nine"] <= 1
    assert (tmp_path / "any.detector").stat().st_size < 12e6


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

def make(name, teachers=(), seed=1, plan=plan):
    made = distill.Distillation(pack, plan, folder / name, seed=seed, device=torch.device("cpu"))
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

network.save_arrays(whole.average, folder / "first.npz")
again = distill.Distillation(
    pack, plan, folder / "again", seed=7, device=torch.device("cpu"), origin=folder / "first.npz"
)
again.start(folder / "none.npz")
started = again.average.state_dict()
results["start"] = all(torch.equal(after[name], started[name]) for name in network.array_names(again.average))
results["restart"] = float((again.average.eval()(pixels) - again.network.eval()(pixels)).detach().abs().max())
again._save()
results["restart refused"] = []
try:
    make("again", seed=7)
except SystemExit as error:
    results["restart refused"].append(str(error))

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
results["refused"] = []
for changes in ({"seed": 2}, {"plan": train.GPU}, {"teachers": [whole.average]}):
    try:
        make("stopped", **changes)
    except SystemExit as error:
        results["refused"].append(str(error))
saved = torch.load(folder / "stopped.pt", weights_only=True)
del saved["options"]
torch.save(saved, folder / "old.pt")
try:
    make("old")
except SystemExit as error:
    results["refused"].append(str(error))
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

measured = [train.predict_logits(teacher, pack, pack.rows("validation"), torch.device("cpu"), 32)]
own, train.bfloat16_on_gpu = train.bfloat16_on_gpu, lambda device: torch.autocast("cpu", torch.bfloat16)
with train.bfloat16_on_gpu(None):
    results["classifier"] = str(teacher(pixels).dtype)
    results["rounded"] = float((teacher(pixels) - answers).abs().max())
measured.append(train.predict_logits(teacher, pack, pack.rows("validation"), torch.device("cpu"), 32))
train.bfloat16_on_gpu, results["measured"] = own, torch.equal(*measured)
sides, predict = [], train.predict_logits
def keep_side(network, pack, rows, device, side):
    sides.append(side)
    return predict(network, pack, rows, device, 32)
train.predict_logits = keep_side
make("large", plan=plan._replace(sides=(32, 300))).measure()
train.predict_logits, results["side"] = predict, sides

train.MIN_PART = 2
short = make("short", [teacher])
short.network.eval()  # parts have batch statistics of their own
batch = torch.randn(8, 3, 32, 32), torch.tensor(pack.rows("train")[:8]), torch.arange(8) == 3
gradients, losses = [], []
def forward(pixels, limit=8, whole=short.network.forward):
    if len(pixels) > limit:
        raise torch.cuda.OutOfMemoryError("no memory is left")
    return whole(pixels)
for limit in (8, 2):
    short.network.forward = lambda pixels, limit=limit: forward(pixels, limit)
    losses.append(short._compute_gradients(*batch))
    gradients.append(torch.cat([value.grad.flatten() for value in short._learning if value.grad is not None]))
results["parts"] = short.parts
results["difference"] = [float((own[0] - own[1]).abs().max() / own[0].abs().max()) for own in (losses, gradients)]
short.network.forward = lambda pixels: forward(pixels, 1)
try:
    short._compute_gradients(*batch)
except SystemExit as error:
    results["too large"] = str(error)

try:
    train.run(make("fresh"), folder / "nowhere")
except SystemExit as error:
    results["no weights"] = str(error)

mean = soup.average([teacher, teacher])
results["soup"] = float((mean(pixels) - answers).detach().abs().max())
results["chosen"] = soup.choose({"one": teacher, "two": teacher}, pack)[1]
network.save_arrays(teacher, folder / "whole.npz")
(folder / "whole.json").write_text(json.dumps(whole.record()))
(folder / "pack").symlink_to(sys.argv[2])
sys.argv = ["soup.py", str(folder), "chosen", "--runs", "whole"]
soup.main()
results["images"] = json.loads((folder / "chosen.json").read_text())["images"] - len(pack.rows("train"))
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
def test_the_checkpoint_of_another_training_is_refused(training):
    seed, plan, teachers, old = training["refused"]
    assert "stopped.pt: belongs to a training with seed 1, not 2. Go on with its options" in seed
    assert "network lite0, not lite2" in plan
    assert "teachers none, not 1" in teachers
    assert "old.pt: does not say which training it belongs to" in old


@pytest.mark.backend
def test_a_warm_restart_goes_on_from_the_averaged_weights(training):
    assert training["start"]
    assert training["restart"] < 1e-4
    assert "again.pt: belongs to a training with start first, not none" in training["restart refused"][0]


@pytest.mark.backend
def test_networks_are_measured_in_float32_at_the_size_they_were_trained_for(training):
    assert training["measured"]
    assert training["rounded"] > 0  # what a GPU computes in bfloat16
    assert training["classifier"] == "torch.float32"
    assert training["side"] == [300]


@pytest.mark.backend
def test_a_batch_that_memory_does_not_hold_is_learnt_in_parts(training):
    assert training["parts"] == 4
    assert max(training["difference"]) < 1e-4
    assert "memory does not even hold 2 images of 32 pixels" in training["too large"]


@pytest.mark.backend
def test_missing_imagenet_weights_are_named(training):
    assert "efficientnet_lite0_notop.npz: there are no ImageNet weights of lite0" in training["no weights"]


@pytest.mark.backend
def test_the_choice_records_the_number_of_images(training):
    assert training["images"] == 0


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
