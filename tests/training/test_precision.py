"""The choice of a precision, and clones in another precision."""

import os

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training import precision
from melanoma_detect.training.precision import PrecisionChoice, clone_with_precision


class Trainer:
    def __init__(self):
        self.steps = 0

    def train_on_batch(self, images, labels):
        self.steps += 1


@pytest.mark.parametrize(
    ("times", "expected"),
    [((2.0, 1.0), "mixed_bfloat16"), ((1.0, 2.0), "float32"), ((1.0, 0.98), "float32")],
)
def test_auto_chooses_bfloat16_only_if_clearly_faster(monkeypatch, times, expected):
    trainers = {"float32": Trainer(), "mixed_bfloat16": Trainer()}
    by_trainer = dict(zip(map(id, trainers.values()), times, strict=True))
    monkeypatch.setattr(precision, "_time_step", lambda trainer, batch: by_trainer[id(trainer)])
    choice = precision.choose_precision("auto", trainers.__getitem__, (None, None))
    assert choice.precision == expected
    assert ("2.0 times as fast" in str(choice)) == (expected == "mixed_bfloat16")
    assert ("no faster on this machine" in str(choice)) == (expected == "float32")
    assert all(trainer.steps == 1 for trainer in trainers.values())


def test_a_processor_without_fast_bfloat16_is_found_out_quietly(monkeypatch, capfd):
    class Noisy(Trainer):
        def train_on_batch(self, images, labels):
            if not self.steps:
                os.write(
                    2,
                    b"E0000 00:00:1795.462 745 util.cc:131] oneDNN supports DT_BFLOAT16 only on platforms with AVX-512",
                )
            super().train_on_batch(images, labels)

    precision.choose_precision("auto", {"float32": Trainer(), "mixed_bfloat16": Noisy()}.__getitem__, (None, None))
    assert capfd.readouterr().err == ""


def test_named_precision_is_not_timed():
    assert precision.choose_precision("mixed_bfloat16", None, None) == PrecisionChoice("mixed_bfloat16", {})


@pytest.mark.parametrize("name", ["cnn", "lesion_net", "mobilenet_v2:0.35"])
def test_clone_computes_in_bfloat16_with_the_same_weights(name):
    options = {"weights": None} if "mobilenet" in name else {}
    model = md.build_model(name, num_classes=3, input_shape=(32, 32, 3), **options)
    clone = clone_with_precision(model, "mixed_bfloat16")
    for cloned, original in zip(clone.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(cloned, original)
    assert clone.get_layer("features").compute_dtype == "bfloat16"
    assert clone.layers[-1].compute_dtype == "float32"
    x = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(clone(x)), np.asarray(model(x)), atol=0.05)


def test_clone_has_the_same_trainable_layers():
    model = md.build_model("mobilenet_v2:0.35", num_classes=3, input_shape=(32, 32, 3), weights=None)
    model.get_layer("body").layers[5].trainable = False
    clone = clone_with_precision(model, "float32")
    assert [weight.path for weight in clone.trainable_weights] == [weight.path for weight in model.trainable_weights]
