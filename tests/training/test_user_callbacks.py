"""Callbacks of the user: what they see, what they may stop, and what is refused."""

import csv
from dataclasses import replace

import keras
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.training import user_callbacks
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.trainer import train
from melanoma_detect.training.user_callbacks import check_callbacks
from melanoma_detect.utils.interruption import interruption_of


class Recorder(keras.callbacks.Callback):
    """Notes every event."""

    def __init__(self):
        super().__init__()
        self.events = []

    def on_train_begin(self, logs=None):
        self.events.append("begin")

    def on_train_end(self, logs=None):
        self.events.append(f"end {sorted(logs)}")

    def on_epoch_end(self, epoch, logs=None):
        self.events.append((epoch, sorted(logs)))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append("batch")

    def on_test_end(self, logs=None):
        self.events.append("test")


class StopAfter(keras.callbacks.Callback):
    """Stops a training after an epoch, counted from 0, or interrupts it there."""

    def __init__(self, epoch, *, interrupt=False):
        super().__init__()
        self.epoch, self.interrupt = epoch, interrupt

    def on_epoch_begin(self, epoch, logs=None):
        if self.interrupt and epoch > self.epoch:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        if not self.interrupt and epoch >= self.epoch:
            self.model.stop_training = True


def fit(data, callbacks, *, model=None, **options):
    model = model or md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    recipe = options.pop("recipe", md.Recipe(augmentation=None))
    return train(model, data, FitOptions(**{"recipe": recipe, "progress": False} | options, callbacks=callbacks))


@pytest.fixture(scope="module")
def two_phases(tmp_path_factory):
    """Return a function that builds a small model which is trained in two phases."""
    path = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    keras.applications.MobileNet(weights=None, include_top=False, alpha=0.25, input_shape=(32, 32, 3)).save_weights(
        path
    )
    return lambda: md.build_model("mobilenet:0.25", num_classes=9, input_shape=(32, 32, 3), weights=path)


def scalars(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        tag: [(event.step, float(make_ndarray(event.tensor_proto))) for event in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
        if tag.startswith("epoch_")
    }


def test_callbacks_see_every_event(data):
    recorder = Recorder()
    history = fit(data, [recorder], epochs=2).history
    columns = ["accuracy", "loss", "val_accuracy", "val_loss"]
    epochs = [event for event in recorder.events if isinstance(event, tuple)]
    assert epochs == [(0, columns), (1, columns)]
    assert recorder.events[0] == "begin"
    assert recorder.events[-1] == f"end {columns}"
    assert recorder.events.count("test") == 2
    assert recorder.events.count("batch") == 2 * len(data.train.batches((32, 32)))
    assert len(history["loss"]) == 2


def test_tensorboard_writes_the_history_to_its_event_files(data, tmp_path):
    history = fit(data, [keras.callbacks.TensorBoard(tmp_path / "logs", histogram_freq=1)], epochs=2).history
    for split, prefix in (("train", ""), ("validation", "val_")):
        written = scalars(tmp_path / "logs" / split)
        for column in ("loss", "accuracy"):
            assert [step for step, _ in written[f"epoch_{column}"]] == [0, 1]
            values = [value for _, value in written[f"epoch_{column}"]]
            assert values == pytest.approx(history[f"{prefix}{column}"], rel=1e-5)


def test_callbacks_do_not_change_the_training(data):
    plain = fit(data, (), epochs=1).history
    assert fit(data, [Recorder()], epochs=1).history["loss"] == plain["loss"]


def test_two_phases_are_one_training_to_a_callback(data, two_phases, tmp_path):
    recorder, recipe = Recorder(), replace(md.Recipe(augmentation=None), head_epochs=1)
    callbacks = [
        recorder,
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.TensorBoard(tmp_path / "logs"),
    ]
    history = fit(data, callbacks, model=two_phases(), epochs=2, recipe=recipe).history
    assert recorder.events.count("begin") == 1
    assert [event[0] for event in recorder.events if isinstance(event, tuple)] == [0, 1]
    with (tmp_path / "log.csv").open() as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == pytest.approx(history["loss"])
    assert [step for step, _ in scalars(tmp_path / "logs" / "train")["epoch_loss"]] == [0, 1]


def test_a_callback_may_stop_the_training_also_before_its_second_phase(data, two_phases, tmp_path):
    options = {"epochs": 4, "recipe": replace(md.Recipe(augmentation=None), head_epochs=2), "checkpoint": tmp_path}
    stopped = fit(data, [StopAfter(0)], model=two_phases(), **options)
    assert len(stopped.history["loss"]) == 1
    again = fit(data, [StopAfter(0)], model=two_phases(), resume=True, **options)
    assert again.history["loss"] == stopped.history["loss"]  # the checkpoint knows that it was stopped


def test_early_stopping_of_the_user_stops(data):
    stopping = keras.callbacks.EarlyStopping(patience=0, min_delta=1e9)
    assert len(fit(data, [stopping], epochs=4).history["loss"]) == 2


def test_a_resumed_training_appends_to_a_log(data, tmp_path):
    options = {"epochs": 2, "checkpoint": tmp_path / "checkpoint"}
    uninterrupted = fit(data, (), epochs=2)

    def log():
        return keras.callbacks.CSVLogger(tmp_path / "log.csv", append=True)

    first = log()
    with pytest.raises(KeyboardInterrupt) as caught:
        fit(data, [first, StopAfter(0, interrupt=True)], **options)
    first.csv_file.close()  # Keras ends no callback of a training that was interrupted
    interruption = interruption_of(caught.value)
    assert interruption.kept == f"1 of 2 epochs are kept in {tmp_path / 'checkpoint' / 'last.npz'}"
    assert interruption.path == tmp_path / "checkpoint" / "last.npz"
    assert "resume=True" in caught.value.__notes__[0]
    result = fit(data, [log()], resume=True, **options)
    assert result.history["loss"] == pytest.approx(uninterrupted.history["loss"])
    with (tmp_path / "log.csv").open() as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == [0, 1]


def test_an_interrupted_training_without_a_checkpoint_says_so(data):
    with pytest.raises(KeyboardInterrupt) as caught:
        fit(data, [StopAfter(0, interrupt=True)], epochs=2)
    assert caught.value.__notes__ == [
        "Interrupted: 1 epoch of 2 done, none kept; with checkpoint='a folder' a training can be resumed."
    ]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ("tensorboard", "callbacks is the str 'tensorboard'; expected a list"),
        (keras.callbacks.History(), "callbacks is the History <.*; expected a list"),
        ([keras.callbacks.CSVLogger], r"callbacks\[0\] is the class CSVLogger; expected CSVLogger\(\.\.\.\)"),
        ([keras.callbacks.History(), 3], r"callbacks\[1\] is the int 3; expected a Keras callback"),
        ([keras.callbacks.BackupAndRestore("b")], "BackupAndRestore.*use checkpoint='a folder'"),
        ([keras.callbacks.SwapEMAWeights()], "SwapEMAWeights.*ema="),
    ],
)
def test_what_is_no_callback_is_named_before_training(data, callbacks, message):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    with pytest.raises(DetectorError, match=message):
        md.Detector.fit(model, data, epochs=1, callbacks=callbacks, progress=False)


def test_two_settings_of_the_learning_rate_contradict_each_other(data):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    with pytest.raises(DetectorError, match="schedule 'cosine' sets the learning rate too; train with replace"):
        check_callbacks([halve], replace(md.Recipe(), schedule="cosine"))
    assert fit(data, [halve], epochs=1, recipe=md.Recipe(augmentation=None, schedule="constant")).history["loss"]


def test_none_means_no_callbacks():
    assert check_callbacks(None, md.Recipe()) == ()


def test_tensorboard_without_its_package_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(user_callbacks, "find_spec", lambda name: None)
    with pytest.raises(DetectorError, match=r"callbacks\[0\] is TensorBoard, .*: pip install tensorboard"):
        check_callbacks([keras.callbacks.TensorBoard(tmp_path)], md.Recipe())
