"""A training whose loss is no number stops with the epoch, the batch and the likely cause, and leaves nothing behind."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.models import classification_head
from melanoma_detect.training.calibrate import CalibrationInputs
from melanoma_detect.training.finite_loss import FiniteLoss
from melanoma_detect.training.finite_outputs import check_outputs


def model(classes=9):
    return md.build_model("cnn", num_classes=classes, input_shape=(32, 32, 3), seed=1)


def fit(network, data, **options):
    return md.Detector.fit(network, data, progress=False, sensitivity=0.5, **options)


def brittle(threshold):
    """Return a model that gives no numbers for images with a mean red over a threshold, 0 to 1."""
    pixels = keras.Input((32, 32, 3), name="pixels")
    x = layers.Rescaling(1 / 255)(pixels)
    red = ops.mean(x[..., 0], axis=(1, 2))
    lost = ops.sqrt(-ops.relu(red - threshold)) * 0.0 + 1.0
    features = layers.Dense(16, activation="relu", name="features")(layers.Flatten()(x))
    return keras.Model(pixels, classification_head(features * ops.reshape(lost, (-1, 1)), 9), name="brittle")


def test_a_learning_rate_that_is_too_high_is_named(data):
    recipe = md.Recipe(optimizer="sgd", learning_rate=1e12, augmentation=None)
    checkpoint = Path("checkpoint")
    with pytest.raises(DetectorError) as caught:
        fit(model(), data, recipe=recipe, epochs=3, checkpoint=checkpoint)
    found = str(caught.value)
    assert "the training loss is" in found
    assert "in batch 2 of 3 of epoch 1" in found
    assert "the learning rate of 1e+12 is likely too high: lower it, such as to 1e+11" in found
    assert not list(checkpoint.rglob("*")) or not any(path.is_file() for path in checkpoint.rglob("*"))


def test_weights_that_are_no_numbers_before_training_are_named(data):
    network = model()
    weight = network.weights[0]
    weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(DetectorError, match=f"the weight {weight.path} .* before training"):
        fit(network, data, epochs=1)


@pytest.mark.filterwarnings("ignore:.*gives other outputs:melanoma_detect.errors.DetectorWarning")
def test_a_model_without_numbers_from_the_beginning_is_no_matter_of_the_learning_rate(data):
    with pytest.raises(DetectorError, match=r"batch 1 of 3 of epoch 1.*before it has learnt anything"):
        fit(brittle(0.0), data, epochs=1)


def test_weights_that_become_no_numbers_stop_training_though_the_loss_hides_them(data):
    network = model()
    callback = FiniteLoss(network, 1e-3, "float32")
    callback.on_train_batch_end(0, {"loss": 2.0})
    network.weights[0].assign(np.full(network.weights[0].shape, np.nan))
    callback.on_train_batch_end(2, {"loss": 2.0})  # it looks at batches 1, 2, 4, 8 ...
    with pytest.raises(DetectorError, match=f"the weight {network.weights[0].path} .* after batch 4 of epoch 0"):
        callback.on_train_batch_end(3, {"loss": 2.0})
    with pytest.raises(DetectorError, match=f"the weight {network.weights[0].path} .* after epoch 2"):
        callback.on_epoch_end(1, {"loss": 2.0, "val_loss": 2.0})


def test_a_validation_loss_that_is_no_number_stops_training(data):
    means = [image[..., 0].mean() / 255 for image in data.train.pixels((32, 32))]
    records, pixels = data.validation.records, data.validation.pixels((32, 32)).copy()
    callback = FiniteLoss(None, 1e-3, "float32")
    callback.on_train_batch_end(0, {"loss": 2.0})
    with pytest.raises(DetectorError, match=r"the validation loss is nan after epoch 4, whose training loss is 2"):
        callback.on_epoch_end(3, {"loss": 2.0, "val_loss": float("nan")})
    callback.on_epoch_end(3, {"loss": 2.0, "val_loss": 1.0})
    # The brightest images are in validation alone.
    order = sorted(zip(means, data.train.records, strict=True), key=lambda pair: pair[0])
    dark = tuple(replace(record, group=f"dark {record.id}") for _, record in order[: len(order) // 2])
    bright = tuple(
        replace(record, split="validation", group=f"bright {record.id}") for _, record in order[len(order) // 2 :]
    )
    assert len(records) == len(pixels)
    divided = data.with_records([*dark, *bright, *data.test.records])
    limit = order[len(order) // 2 - 1][0] + 1e-4
    with pytest.raises(DetectorError, match="the validation loss is nan after epoch 1"):
        fit(brittle(limit), divided, epochs=2, recipe=md.Recipe(augmentation=None))


def test_a_run_whose_training_stops_leaves_no_detector(lesions):
    from melanoma_detect.pipeline import run

    recipe = md.Recipe(optimizer="sgd", learning_rate=1e12)
    with pytest.raises(DetectorError, match="in batch 2 of"):
        run(lesions, "run", epochs=2, recipe=recipe, image_size=(32, 32), progress=False)
    assert not list(Path().rglob("*.detector"))


def test_images_without_numbers_are_named_before_thresholds_are_set_on_them(data):
    records = data.validation.records
    logits = np.zeros((len(records), 9), np.float32)
    distances = np.zeros(2 * len(records))
    check_outputs({1: CalibrationInputs(logits, distances)}, records, "validation image")
    check_outputs({1: CalibrationInputs(logits, np.empty(0))}, records, "validation image")
    logits[2, 1] = np.inf
    distances[len(records) + 5] = np.nan
    with pytest.raises(DetectorError) as caught:
        check_outputs({1: CalibrationInputs(logits, distances)}, records, "validation image")
    assert f"no numbers for 2 of {len(records)} validation images ({records[2].path}, {records[5].path})" in str(
        caught.value
    )


def test_a_clinic_without_numbers_for_an_image_gets_no_detector(marked_detector, marked_image, data):
    from PIL import Image

    Image.fromarray(marked_image).save("marked.png")
    marked = replace(data.test.records[0], id="marked.png", path=Path("marked.png"), group="m", digest="0" * 64)
    # As a clinic of its own: each image counts as another lesion twice.
    own = [replace(record, id=f"{n} {record.id}", group=f"{n} {record.group}", digest=f"{n}{record.digest[1:]}")
           for n in (1, 2) for record in data.test.records]  # fmt: skip
    split = replace(data.test, records=(*own, marked))
    with pytest.raises(DetectorError, match=r"the model gives no numbers for 1 of \d+ local images \(marked.png\)"):
        marked_detector.localize(split)
