"""The training loop."""

import math
from dataclasses import replace

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.training.trainer import train


def model(classes=9, seed=123):
    return md.build_model("cnn", num_classes=classes, input_shape=(32, 32, 3), seed=seed)


def run(model, data, **options):
    return train(model, data, FitOptions(**{"epochs": 2, "seed": 1, "progress": False} | options))


def test_loss_falls(data):
    recipe = Recipe(augmentation=None, learning_rate=2e-3, patience=25)
    history = run(model(), data, epochs=25, recipe=recipe).history
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert history["accuracy"][-1] > 0.5
    assert history["epoch"] == list(range(1, 26))
    assert all(len(column) == 25 for column in history.values())


def test_model_gets_the_weights_of_the_best_epoch(data):
    network = model()
    trained = run(network, data, epochs=6, recipe=Recipe(learning_rate=0.01))
    network.compile(loss="sparse_categorical_crossentropy")
    loss = network.evaluate(data.validation.batches((32, 32)), verbose=0)
    assert loss == pytest.approx(min(trained.history["val_loss"]), rel=1e-4)
    assert trained.history["val_loss"][trained.best_epoch - 1] == min(trained.history["val_loss"])


def test_early_stopping_by_patience(data):
    trained = run(model(), data, epochs=30, recipe=Recipe(learning_rate=0.05, patience=2))
    assert len(trained.history["loss"]) == trained.best_epoch + 2


def test_same_seed_gives_the_same_training(data):
    first, again, other = (run(model(), data, seed=seed, epochs=1).history["loss"] for seed in (1, 1, 2))
    assert first == pytest.approx(again, rel=1e-5)
    assert first != pytest.approx(other, rel=1e-5)


def test_test_split_is_not_used(data):
    without = data.with_records([*data.train.records, *data.validation.records])
    assert run(model(), without).history["loss"] == pytest.approx(run(model(), data).history["loss"], rel=1e-3)


@pytest.mark.parametrize("name", ["default", "strong"])
def test_other_recipes_reduce_the_loss(data, name):
    recipe = replace(md.Recipe.named(name), precision="float32", learning_rate=3e-3, ema=0.8)
    network = model()
    history = run(network, data, epochs=8, recipe=recipe).history
    assert history["val_loss"][-1] < history["val_loss"][0]
    assert all(map(math.isfinite, history["loss"]))


def test_coarse_labels_can_be_trained_on(data):
    pair = ("nevus", "melanoma")
    records = tuple(replace(r, label="either") if r.label in pair and r.split == "train" else r for r in data.records)
    coarse = replace(data, records=records, label_groups={"either": pair})
    recipe = replace(md.Recipe.named("strong"), precision="float32", learning_rate=3e-3, ema=0.0)
    history = run(model(), coarse, epochs=6, recipe=recipe).history
    assert history["loss"][-1] < history["loss"][0]


def test_model_gets_the_averaged_weights_that_were_validated(data):
    network = model()
    trained = run(network, data, epochs=3, recipe=Recipe(ema=0.9, learning_rate=0.01, augmentation=None))
    network.compile(loss="sparse_categorical_crossentropy")
    loss = network.evaluate(data.validation.batches((32, 32)), verbose=0)
    assert loss == pytest.approx(min(trained.history["val_loss"]), rel=1e-4)


def test_model_stays_float32_after_training_in_bfloat16(data):
    network = model()
    before = network.get_weights()
    trained = run(network, data, epochs=2, recipe=Recipe(precision="mixed_bfloat16"))
    assert trained.precision == "mixed_bfloat16"
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert any((old != new).any() for old, new in zip(before, network.get_weights(), strict=True))


def test_auto_precision_prints_its_choice(data, capsys):
    run(model(), data, epochs=1, progress=True)
    assert "float32" not in capsys.readouterr().err  # there was nothing to choose
    trained = run(model(), data, epochs=1, recipe=Recipe(precision="auto"), progress=True)
    assert trained.precision in ("float32", "mixed_bfloat16")
    assert f"training computes in {trained.precision.removeprefix('mixed_')}" in capsys.readouterr().err


def test_model_and_data_that_do_not_fit_raise(data):
    with pytest.raises(DetectorError, match="num_classes=9"):
        run(model(4), data)
    with pytest.raises(DetectorError, match=r"the data is a str; expected a Dataset"):
        run(model(), "isic9")
    with pytest.raises(DetectorError, match=r"the model is a str; expected a Keras model: md\.build_model"):
        run("cnn", data)
    with pytest.raises(DetectorError, match="epochs=0"):
        run(model(), data, epochs=0)
    with pytest.raises(DetectorError, match="validation split is empty"):
        run(model(), data.with_records(data.train.records))


def test_broken_image_raises_before_training(tree):
    root = tree({"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 1, "Test/nevus": 1})
    broken = replace(md.load_dataset(root, image_size=(32, 32)), decoded=PixelCache())
    victim = broken.train.records[0].path
    victim.write_bytes(victim.read_bytes()[:500])
    with pytest.raises(ImageError, match=victim.name):
        run(model(2), broken)
