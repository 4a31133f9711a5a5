"""The kit: what is good passes, and for each check there is a bad architecture that only fails where it should."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import melanoma_detect as md
from melanoma_detect.models import classification_head
from melanoma_detect.testing import MODEL_CHECKS, check_model

CHECKS = {check.__name__: check for check in MODEL_CHECKS}


def good(*, input_shape, num_classes, width=4):
    """Convolve, average, decide."""
    return assembled(input_shape, num_classes, width)


def assembled(input_shape, num_classes, width=4, *, before=(), scale=1 / 255, body=None, head=None, named="features"):
    pixels = keras.Input(input_shape)
    x = layers.Rescaling(scale)(pixels)
    for layer in before:
        x = layer(x)
    x = body(x) if body else layers.Conv2D(width, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D(name=named)(x)
    return keras.Model(pixels, head(x, num_classes) if head else classification_head(x, num_classes))


def no_keyword(input_shape, num_classes, /):
    """Take sizes by position only."""


def any_options(*, input_shape, num_classes, **options):
    """Swallow every slip."""
    return assembled(input_shape, num_classes)


def no_default(*, input_shape, num_classes, width=4, depth):
    """Need to be told."""
    return assembled(input_shape, num_classes)


def no_features(*, input_shape, num_classes):
    """Name nothing."""
    return assembled(input_shape, num_classes, named="pooled")


def one_size(*, input_shape, num_classes):
    """Work at one size."""
    if input_shape != (64, 64, 3):
        raise ValueError("64×64 only")
    return assembled(input_shape, num_classes)


def own_randomness(*, input_shape, num_classes):
    """Draw weights without Keras."""
    values = np.random.default_rng().normal(size=(3, 3, 3, 4))
    start = keras.initializers.Constant(values)
    return assembled(input_shape, num_classes, body=layers.Conv2D(4, 3, kernel_initializer=start))


def a_lambda(*, input_shape, num_classes):
    """Hide code in an activation."""
    return assembled(input_shape, num_classes, before=[layers.Activation(lambda x: x * 2)])


def local_class(*, input_shape, num_classes):
    """Define a layer where no file finds it."""

    class Doubled(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    return assembled(input_shape, num_classes, before=[Doubled()])


def changes_settings(*, input_shape, num_classes):
    """Set what is not its own."""
    keras.config.set_epsilon(1e-3)
    return assembled(input_shape, num_classes)


def empty_backbone(*, input_shape, num_classes):
    """Call nothing a backbone."""
    return assembled(input_shape, num_classes, before=[layers.Activation("linear", name="backbone")])


def all_backbone(*, input_shape, num_classes):
    """Leave no head."""

    def head(x, classes):
        logits = layers.Dense(classes, name="backbone")(x)
        return layers.Activation("softmax", dtype="float32")(logits)

    return assembled(input_shape, num_classes, body=layers.MaxPooling2D(), head=head)


def unscaled(*, input_shape, num_classes):
    """Take raw pixels as they are."""
    return assembled(input_shape, num_classes, scale=50.0)


def not_finite(*, input_shape, num_classes):
    """Divide by nothing."""

    def head(x, classes):
        logits = layers.Rescaling(float("inf"))(layers.Dense(classes)(x))
        return layers.Activation("softmax", dtype="float32")(logits)

    return assembled(input_shape, num_classes, head=head)


def blind(*, input_shape, num_classes):
    """Look at nothing."""
    return assembled(input_shape, num_classes, before=[layers.Rescaling(0.0)])


def features_beside(*, input_shape, num_classes):
    """Decide by something else than the features."""
    pixels = keras.Input(input_shape)
    x = layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(pixels))
    pooled = layers.GlobalAveragePooling2D(name="features")(x)
    other = layers.GlobalMaxPooling2D()(x)
    return keras.Model(pixels, classification_head(layers.Concatenate()([pooled, other]), num_classes))


@keras.saving.register_keras_serializable("tests")
class AlwaysNoisy(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(1)

    def call(self, inputs):
        return inputs + keras.random.normal(ops.shape(inputs), seed=self.seed_generator)


def noisy(*, input_shape, num_classes):
    """Draw when it answers."""
    return assembled(input_shape, num_classes, before=[AlwaysNoisy()])


@keras.saving.register_keras_serializable("tests")
class LessTheOthers(layers.Layer):
    """A layer that takes the mean of the batch off."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0, keepdims=True)


def batch_minded(*, input_shape, num_classes):
    """Normalise by the batch when it answers."""
    return assembled(input_shape, num_classes, before=[LessTheOthers()])


def cut_gradient(*, input_shape, num_classes):
    """Let no gradient through."""

    def head(x, classes):
        logits = ops.stop_gradient(layers.Dense(classes)(x))
        return layers.Activation("softmax", dtype="float32")(logits)

    return assembled(input_shape, num_classes, head=head)


def nothing_to_learn(*, input_shape, num_classes):
    """Have no weights to train."""
    model = assembled(input_shape, num_classes)
    model.trainable = False
    return model


@keras.saving.register_keras_serializable("tests")
class Reversed(layers.Layer):
    """A layer with a gradient that leads up."""

    def call(self, inputs):
        return 2 * ops.stop_gradient(inputs) - inputs


def learns_backwards(*, input_shape, num_classes):
    """Go up."""

    def head(x, classes):
        logits = Reversed()(layers.Dense(classes)(x))
        return layers.Activation("softmax", dtype="float32")(logits)

    return assembled(input_shape, num_classes, head=head)


class Unregistered(layers.Layer):
    def call(self, inputs):
        return inputs * 2


def unregistered(*, input_shape, num_classes):
    """Use a layer that Keras does not know when it loads."""
    return assembled(input_shape, num_classes, before=[Unregistered()])


@keras.saving.register_keras_serializable("tests")
class Forgetful(layers.Layer):
    """A layer whose file does not keep its factor."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {"name": self.name}


def forgetful(*, input_shape, num_classes):
    """Lose a number on the way to the file."""
    return assembled(input_shape, num_classes, before=[Forgetful(20.0)])


@keras.saving.register_keras_serializable("tests")
class Fourier(layers.Layer):
    """An operation that the exporter does not know."""

    def call(self, inputs):
        real, _ = ops.fft2((inputs, ops.zeros_like(inputs)))
        return inputs + 1e-3 * real


def not_exportable(*, input_shape, num_classes):
    """Use what ONNX cannot say."""
    return assembled(input_shape, num_classes, before=[Fourier()])


def not_exportable_and_marked(*, input_shape, num_classes):
    """Use what ONNX cannot say, and say so."""
    return assembled(input_shape, num_classes, before=[Fourier()])


not_exportable_and_marked.onnx = False


@keras.saving.register_keras_serializable("tests")
class Single(layers.Layer):
    """A layer that takes float32 only."""

    def call(self, inputs):
        if keras.backend.standardize_dtype(inputs.dtype) != "float32":
            raise TypeError("float32 only")
        return inputs


def float32_only(*, input_shape, num_classes):
    """Refuse mixed precision."""
    return assembled(input_shape, num_classes, before=[Single()])


@keras.saving.register_keras_serializable("tests")
class Sharp(layers.Layer):
    """A layer whose answers depend on digits that bfloat16 does not have."""

    def call(self, inputs):
        return (inputs - ops.cast(0.1234, inputs.dtype)) * 1e4 % 20


def imprecise(*, input_shape, num_classes):
    """Hang on the last digits."""
    return assembled(input_shape, num_classes, before=[Sharp()])


BAD = [
    ("check_signature", no_keyword, "does not take input_shape as a keyword"),
    ("check_signature", any_options, r"takes \*\*options"),
    ("check_signature", no_default, "option depth has no default"),
    ("check_structure", no_features, "no layer is named 'features'"),
    ("check_same_seed", own_randomness, "two models of one seed have other weights"),
    ("check_no_code", a_lambda, "has a lambda"),
    ("check_no_code", local_class, "is of a class inside a function"),
    ("check_settings_untouched", changes_settings, r"epsilon: 1e-07 → 0\.001"),
    ("check_backbone", empty_backbone, "has no weights"),
    ("check_backbone", all_backbone, "all its weights are in the backbone"),
    ("check_pixels_to_probabilities", unscaled, "raw pixels reach its weights"),
    ("check_pixels_to_probabilities", not_finite, "expected probabilities"),
    ("check_images_matter", blind, "the same for every image"),
    ("check_features_lead_to_logits", features_beside, "need more than its features"),
    ("check_same_answers", noisy, "otherwise the second time"),
    ("check_same_answers", batch_minded, "with the images beside it"),
    ("check_learning", cut_gradient, "No gradients provided|none of its weights moves"),
    ("check_learning", nothing_to_learn, "no weights to train"),
    ("check_learning", learns_backwards, "at no rate does the loss"),
    ("check_saved_file", unregistered, "cannot be loaded"),
    ("check_saved_file", forgetful, "answers otherwise"),
    ("check_onnx", not_exportable, "mark the builder with onnx = False"),
    ("check_mixed_precision", imprecise, "expected nearly the same"),
]


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("model", ["cnn", "lesion_net", good])
def test_good_architectures_pass(model, check):
    check(model)


@pytest.mark.filterwarnings(
    "ignore:No gradients were provided:UserWarning", "ignore:Gradients do not exist:UserWarning"
)
@pytest.mark.parametrize(("check", "builder", "message"), BAD, ids=[builder.__name__ for _, builder, _ in BAD])
def test_each_check_can_fail(check, builder, message):
    with pytest.raises(md.errors.ContractError, match=message):
        CHECKS[check](builder)


def test_the_builders_own_error_comes_through():
    with pytest.raises(ValueError, match="64×64 only"):
        CHECKS["check_sizes_and_classes"](one_size)
    with pytest.raises(TypeError, match="float32 only"):
        CHECKS["check_mixed_precision"](float32_only)


def test_mixed_precision_is_set_back_where_the_check_fails():
    with pytest.raises(TypeError):
        CHECKS["check_mixed_precision"](float32_only)
    assert keras.config.dtype_policy().name == "float32"


def test_settings_are_set_back_where_the_check_fails():
    with pytest.raises(md.errors.ContractError):
        CHECKS["check_settings_untouched"](changes_settings)
    assert keras.config.epsilon() == 1e-7


def test_what_cannot_be_exported_may_be_marked():
    CHECKS["check_onnx"](not_exportable_and_marked)


def test_every_check_has_a_bad_architecture():
    covered = {check for check, _, _ in BAD} | {"check_sizes_and_classes", "check_name"}
    assert covered == set(CHECKS)


def test_a_check_that_fails_does_not_stop_the_others():
    results = list(check_model(forgetful))
    assert [result.name for result in results] == list(CHECKS)
    assert [result.name for result in results if not result.passed] == ["check_saved_file", "check_onnx"]
    assert "ContractError: architecture 'forgetful'" in next(result.error for result in results if result.error)


def test_options_reach_the_builder():
    CHECKS["check_structure"](good, width=2)
    with pytest.raises(md.errors.ModelError, match="unexpected keyword argument 'depth'"):
        CHECKS["check_structure"](good, depth=2)


def test_nothing_is_downloaded():
    CHECKS["check_structure"]("mobilenet_v2:0.35")


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_a_pretrained_family_passes(check):
    check("mobilenet_v2:0.35")


@pytest.mark.slow
@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "model", [entry.name for entry in md.list_models() if entry.name not in {"cnn", "lesion_net", "mobilenet_v2"}]
)
def test_everything_that_is_listed_passes(model, check):
    check(model)
