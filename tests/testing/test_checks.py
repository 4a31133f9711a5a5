"""The conformance kit: good architectures pass, and for each check there is a bad one that fails it."""

import inspect

import keras
import numpy as np
import pytest
from keras import layers, ops

import melanoma_detect as md
from melanoma_detect.models import classification_head
from melanoma_detect.testing import MODEL_CHECKS, check_model

CHECKS = {check.__name__: check for check in MODEL_CHECKS}


def good(*, input_shape, num_classes, width=4):
    """A convolution, global pooling, and a head."""
    return build_network(input_shape, num_classes, width)


def build_network(
    input_shape, num_classes, width=4, *, before=(), scale=1 / 255, body=None, head=None, named="features"
):
    pixels = keras.Input(input_shape)
    x = layers.Rescaling(scale)(pixels)
    for layer in before:
        x = layer(x)
    x = body(x) if body else layers.Conv2D(width, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D(name=named)(x)
    return keras.Model(pixels, head(x, num_classes) if head else classification_head(x, num_classes))


def no_keyword(input_shape, num_classes, /):
    """Takes sizes by position only."""


def any_options(*, input_shape, num_classes, **options):
    """Accepts any option."""
    return build_network(input_shape, num_classes)


def no_default(*, input_shape, num_classes, width=4, depth):
    """Has an option without a default."""
    return build_network(input_shape, num_classes)


def no_features(*, input_shape, num_classes):
    """Has no layer named features."""
    return build_network(input_shape, num_classes, named="pooled")


def one_size(*, input_shape, num_classes):
    """Can be built at one size only."""
    if input_shape != (64, 64, 3):
        raise ValueError("64×64 only")
    return build_network(input_shape, num_classes)


def own_randomness(*, input_shape, num_classes):
    """Draws weights without Keras."""
    values = np.random.default_rng().normal(size=(3, 3, 3, 4))
    start = keras.initializers.Constant(values)
    return build_network(input_shape, num_classes, body=layers.Conv2D(4, 3, kernel_initializer=start))


def own_seed(*, input_shape, num_classes):
    """Sets the seed itself."""
    keras.utils.set_random_seed(0)
    return build_network(input_shape, num_classes)


def a_lambda(*, input_shape, num_classes):
    """Has a lambda function as an activation."""
    return build_network(input_shape, num_classes, before=[layers.Activation(lambda x: x * 2)])


def local_class(*, input_shape, num_classes):
    """Defines a layer inside a function."""

    class Doubled(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    return build_network(input_shape, num_classes, before=[Doubled()])


def changes_settings(*, input_shape, num_classes):
    """Changes a global setting."""
    keras.config.set_epsilon(1e-3)
    return build_network(input_shape, num_classes)


def empty_backbone(*, input_shape, num_classes):
    """Has a backbone without weights."""
    return build_network(input_shape, num_classes, before=[layers.Activation("linear", name="backbone")])


def all_backbone(*, input_shape, num_classes):
    """Has no weights outside its backbone."""

    def head(x, classes):
        logits = layers.Dense(classes, name="backbone")(x)
        return layers.Activation("softmax", dtype="float32")(logits)

    return build_network(input_shape, num_classes, body=layers.MaxPooling2D(), head=head)


def unscaled(*, input_shape, num_classes):
    """Does not scale raw pixels."""
    return build_network(input_shape, num_classes, scale=50.0)


def raw_pixels(*, input_shape, num_classes):
    """Takes pixels as they are."""
    return build_network(input_shape, num_classes, scale=1.0)


def centred(*, input_shape, num_classes):
    """Subtracts a mean only, as Caffe's networks do."""
    return build_network(input_shape, num_classes, before=[layers.Rescaling(255, offset=-120)])


def normalized_first(*, input_shape, num_classes):
    """Normalises raw pixels by its first layer."""
    return build_network(input_shape, num_classes, scale=1.0, before=[layers.BatchNormalization()])


def normalized_later(*, input_shape, num_classes):
    """Normalises after its first convolution."""

    def body(x):
        return layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2)(x)))

    return build_network(input_shape, num_classes, scale=1.0, body=body)


def not_finite(*, input_shape, num_classes):
    """Gives outputs that are not finite."""

    def head(x, classes):
        logits = layers.Rescaling(float("inf"))(layers.Dense(classes)(x))
        return layers.Activation("softmax", dtype="float32")(logits)

    return build_network(input_shape, num_classes, head=head)


def constant_output(*, input_shape, num_classes):
    """Ignores the image."""
    return build_network(input_shape, num_classes, before=[layers.Rescaling(0.0)])


def features_beside(*, input_shape, num_classes):
    """Computes logits from more than the features."""
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
    """Adds noise when it predicts."""
    return build_network(input_shape, num_classes, before=[AlwaysNoisy()])


@keras.saving.register_keras_serializable("tests")
class SubtractBatchMean(layers.Layer):
    """A layer that subtracts the mean of the batch."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0, keepdims=True)


def batch_dependent(*, input_shape, num_classes):
    """Normalises by the batch when it predicts."""
    return build_network(input_shape, num_classes, before=[SubtractBatchMean()])


def stopped_gradient(*, input_shape, num_classes):
    """Stops the gradient."""

    def head(x, classes):
        logits = ops.stop_gradient(layers.Dense(classes)(x))
        return layers.Activation("softmax", dtype="float32")(logits)

    return build_network(input_shape, num_classes, head=head)


def no_trainable_weights(*, input_shape, num_classes):
    """Has no trainable weights."""
    model = build_network(input_shape, num_classes)
    model.trainable = False
    return model


@keras.saving.register_keras_serializable("tests")
class ReversedGradient(layers.Layer):
    """A layer with a reversed gradient."""

    def call(self, inputs):
        return 2 * ops.stop_gradient(inputs) - inputs


def reversed_gradient(*, input_shape, num_classes):
    """Raises the loss in training."""

    def head(x, classes):
        logits = ReversedGradient()(layers.Dense(classes)(x))
        return layers.Activation("softmax", dtype="float32")(logits)

    return build_network(input_shape, num_classes, head=head)


class Unregistered(layers.Layer):
    def call(self, inputs):
        return inputs * 2


def unregistered(*, input_shape, num_classes):
    """Uses a layer that is not registered with Keras."""
    return build_network(input_shape, num_classes, before=[Unregistered()])


@keras.saving.register_keras_serializable("tests")
class Forgetful(layers.Layer):
    """A layer whose configuration lacks its factor."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {"name": self.name}


def forgetful(*, input_shape, num_classes):
    """Loses an argument when it is saved."""
    return build_network(input_shape, num_classes, before=[Forgetful(20.0)])


@keras.saving.register_keras_serializable("tests")
class Fourier(layers.Layer):
    """An operation that cannot be exported."""

    def call(self, inputs):
        real, _ = ops.fft2((inputs, ops.zeros_like(inputs)))
        return inputs + 1e-3 * real


def not_exportable(*, input_shape, num_classes):
    """Cannot be exported to ONNX."""
    return build_network(input_shape, num_classes, before=[Fourier()])


def not_exportable_and_marked(*, input_shape, num_classes):
    """Cannot be exported to ONNX and is marked so."""
    return build_network(input_shape, num_classes, before=[Fourier()])


not_exportable_and_marked.onnx = False


@keras.saving.register_keras_serializable("tests")
class Single(layers.Layer):
    """A layer that takes float32 only."""

    def call(self, inputs):
        if keras.backend.standardize_dtype(inputs.dtype) != "float32":
            raise TypeError("float32 only")
        return inputs


def float32_only(*, input_shape, num_classes):
    """Cannot be built under mixed precision."""
    return build_network(input_shape, num_classes, before=[Single()])


@keras.saving.register_keras_serializable("tests")
class Sharp(layers.Layer):
    """A layer whose output depends on digits that bfloat16 does not have."""

    def call(self, inputs):
        return (inputs - ops.cast(0.1234, inputs.dtype)) * 1e4 % 20


def imprecise(*, input_shape, num_classes):
    """Depends on the last digits."""
    return build_network(input_shape, num_classes, before=[Sharp()])


BAD = [
    ("check_signature", no_keyword, "does not take input_shape as a keyword"),
    ("check_signature", any_options, r"takes \*\*options"),
    ("check_signature", no_default, "option depth has no default"),
    ("check_structure", no_features, "no layer is named 'features'"),
    ("check_same_seed", own_randomness, "two models built with the same seed have different weights"),
    ("check_same_seed", own_seed, "different seeds have the same weights"),
    ("check_no_code", a_lambda, "has a lambda"),
    ("check_no_code", local_class, "is defined inside a function"),
    ("check_settings_untouched", changes_settings, r"epsilon: 1e-07 → 0\.001"),
    ("check_backbone", empty_backbone, "has no weights"),
    ("check_backbone", all_backbone, "all its weights are in the backbone"),
    ("check_pixels_to_probabilities", unscaled, "raw pixels reach its weights"),
    ("check_pixels_to_probabilities", not_finite, "expected probabilities"),
    ("check_pixel_scale", raw_pixels, r"gets pixels of 0 to 255, .*\.Rescaling\(1 / 255\)"),
    ("check_images_matter", constant_output, "the same for every image"),
    ("check_features_lead_to_logits", features_beside, "depend on more than its features"),
    ("check_same_answers", noisy, "differs the second time"),
    ("check_same_answers", batch_dependent, "with the other images of the batch"),
    ("check_learning", stopped_gradient, "No gradients provided|none of its weights changes"),
    ("check_learning", no_trainable_weights, "no weights to train"),
    ("check_learning", reversed_gradient, "the loss on the same images falls at no rate"),
    ("check_saved_file", unregistered, "cannot be loaded"),
    ("check_saved_file", forgetful, "its output differs"),
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


@pytest.mark.parametrize("builder", [centred, normalized_first, normalized_later])
def test_pixels_may_be_brought_to_scale_in_other_ways(builder):
    CHECKS["check_pixel_scale"](builder)


def test_errors_of_the_builder_are_raised():
    with pytest.raises(md.errors.ModelError, match="64×64 only"):
        CHECKS["check_sizes_and_classes"](one_size)
    with pytest.raises(md.errors.ModelError, match="float32 only"):
        CHECKS["check_mixed_precision"](float32_only)


def test_precision_policy_is_restored_after_a_failure():
    with pytest.raises(md.errors.ModelError):
        CHECKS["check_mixed_precision"](float32_only)
    assert keras.config.dtype_policy().name == "float32"


def test_settings_are_restored_after_a_failure():
    with pytest.raises(md.errors.ContractError):
        CHECKS["check_settings_untouched"](changes_settings)
    assert keras.config.epsilon() == 1e-7


def test_builder_marked_without_onnx_passes():
    CHECKS["check_onnx"](not_exportable_and_marked)


def test_every_check_has_a_bad_architecture():
    covered = {check for check, _, _ in BAD} | {"check_sizes_and_classes", "check_name"}
    assert covered == set(CHECKS)


def test_all_checks_run_after_a_failure():
    results = list(check_model(forgetful))
    assert [result.name for result in results] == list(CHECKS)
    assert [result.name for result in results if result.error] == ["check_saved_file"]
    assert [(result.name, result.not_run) for result in results if result.not_run] == [
        ("check_onnx", "check_saved_file failed")
    ]
    assert "ContractError: architecture 'forgetful'" in next(result.error for result in results if result.error)


def test_one_fault_fails_one_check():
    results = list(check_model(no_features))
    assert [result.name for result in results if result.error] == ["check_structure"]
    without_model = {"check_name", "check_signature", "check_structure"}
    assert {result.name for result in results if result.not_run == "check_structure failed"} == set(
        CHECKS
    ) - without_model
    assert not any(result.passed for result in results if result.not_run)


def broken(*, input_shape, num_classes):
    """Raises an error of its own."""
    raise RuntimeError("out of order")


@pytest.mark.parametrize(("builder", "words"), [(broken, "out of order"), (one_size, "64×64 only")])
def test_error_of_the_builder_names_its_line_once(builder, words):
    error = next(result.error for result in check_model(builder) if result.error)
    lines, first = inspect.getsourcelines(builder)
    raised = first + next(number for number, line in enumerate(lines) if "raise " in line)
    assert words in error
    assert error.count(f"{__file__}, line {raised}") == 1


def test_fault_of_another_kind_is_no_question_of_onnx():
    with pytest.raises(md.errors.ContractError, match="no layer is named 'features'") as raised:
        CHECKS["check_onnx"](no_features)
    assert "onnx" not in str(raised.value)


def test_onnx_failure_names_the_architecture_once():
    with pytest.raises(
        md.errors.ContractError, match=r"^architecture 'not_exportable': ONNX Runtime cannot run"
    ) as raised:
        CHECKS["check_onnx"](not_exportable)
    assert "build.onnx = False" in str(raised.value)


def test_options_are_passed_to_the_builder():
    CHECKS["check_structure"](good, width=2)
    with pytest.raises(md.errors.ModelError, match="unexpected keyword argument 'depth'"):
        CHECKS["check_structure"](good, depth=2)


def test_nothing_is_downloaded():
    CHECKS["check_structure"]("mobilenet_v2:0.35")


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_pretrained_architecture_passes(check):
    check("mobilenet_v2:0.35")


OTHERS = [entry.name for entry in md.list_models() if entry.name not in {"cnn", "lesion_net", "mobilenet_v2"}]
# These train, save or convert. What differs between the other networks does not bear on them: one with layer normalization and
# one of another package's weights stand for all.
LONG_CHECKS = {"check_learning", "check_saved_file", "check_onnx", "check_mixed_precision", "check_same_answers"}
LONG_MODELS = {"convnext_tiny", "efficientnet_lite0", "mobilenet_v3"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "check"),
    [
        pytest.param(model, check, id=f"{model}-{check.__name__}")
        for model in OTHERS
        for check in MODEL_CHECKS
        if model in LONG_MODELS or check.__name__ not in LONG_CHECKS
    ],
)
def test_every_listed_architecture_passes(model, check):
    check(model)


def test_long_checks_and_models_are_known():
    assert {check.__name__ for check in MODEL_CHECKS} > LONG_CHECKS
    assert set(OTHERS) > LONG_MODELS
