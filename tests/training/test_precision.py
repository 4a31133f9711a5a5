"""Which precision is chosen, and what a copy in another one is."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training import precision
from melanoma_detect.training.copying import training_copy


class Trainer:
    def __init__(self):
        self.steps = 0

    def train_on_batch(self, images, labels):
        self.steps += 1


@pytest.mark.parametrize(
    ("times", "expected"),
    [((2.0, 1.0), "mixed_bfloat16"), ((1.0, 2.0), "float32"), ((1.0, 0.98), "float32")],
)
def test_the_faster_one_is_chosen_where_it_is_worth_it(monkeypatch, times, expected):
    trainers = {"float32": Trainer(), "mixed_bfloat16": Trainer()}
    by_trainer = dict(zip(map(id, trainers.values()), times, strict=True))
    monkeypatch.setattr(precision, "_timed", lambda trainer, batch: by_trainer[id(trainer)])
    choice = precision.choose_precision("auto", trainers.__getitem__, (None, None))
    assert choice.precision == expected
    assert f"float32 {1000 * times[0]:.0f} ms" in str(choice)
    assert all(trainer.steps == 1 for trainer in trainers.values())


def test_what_is_named_is_not_tried():
    assert precision.choose_precision("mixed_bfloat16", None, None) == ("mixed_bfloat16", {})


@pytest.mark.parametrize("name", ["cnn", "lesion_net", "mobilenet_v2:0.35"])
def test_a_copy_computes_in_bfloat16_and_has_the_same_weights(name):
    options = {"weights": None} if "mobilenet" in name else {}
    model = md.build_model(name, num_classes=3, input_shape=(32, 32, 3), **options)
    copy = training_copy(model, "mixed_bfloat16")
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert copy.get_layer("features").compute_dtype == "bfloat16"
    assert copy.layers[-1].compute_dtype == "float32"
    x = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(copy(x)), np.asarray(model(x)), atol=0.05)


def test_a_copy_has_the_same_layers_to_train():
    model = md.build_model("mobilenet_v2:0.35", num_classes=3, input_shape=(32, 32, 3), weights=None)
    model.get_layer("body").layers[5].trainable = False
    copy = training_copy(model, "float32")
    assert [w.path for w in copy.trainable_weights] == [w.path for w in model.trainable_weights]
