"""Checks of what a builder takes and returns, before anything is learnt."""

import inspect
import warnings
from typing import Any

import keras

from melanoma_detect.models.contract import every_layer
from melanoma_detect.models.registry import find_entry
from melanoma_detect.models.signatures import GIVEN, signature_of
from melanoma_detect.testing.subject import Subject, check, settings

_NO_SOURCE = (
    "expected a docstring in the builder, or a summary in the package's metadata: list_models() shows its first line"
)
# Layers that carry code of their own, which a file must not.
_WRAPPERS = ("TorchModuleWrapper", "FlaxLayer", "JaxLayer")


@check
def check_name(subject: Subject) -> None:
    """It is found under its name, with a line that describes it."""
    if isinstance(subject.architecture, str) and not find_entry(subject.architecture).description:
        subject.fail(f"nothing describes it; {_NO_SOURCE}")


@check
def check_signature(subject: Subject) -> None:
    """It takes `input_shape` and `num_classes` by name, and options that are each named and have a default."""
    parameters = signature_of(subject.entry, subject.builder).parameters
    for name in GIVEN:
        if name not in parameters or parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY:
            subject.fail(
                f"its builder does not take {name} as a keyword; expected build(*, input_shape, num_classes, …)"
            )
    for name, parameter in parameters.items():
        if parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
            subject.fail(f"its builder takes {parameter}; expected each option by its name, so that slips are found")
        if name not in GIVEN and parameter.default is inspect.Parameter.empty:
            subject.fail(f"its option {name} has no default; expected one: build_model(name) must work as it is")


@check
def check_structure(subject: Subject) -> None:
    """It keeps the contract: its input, its last softmax over logits, its layer named `features`."""
    subject.build()


@check
def check_sizes_and_classes(subject: Subject) -> None:
    """It can be built for other image sizes, not square ones too, and for two to twelve classes."""
    height, width, _ = subject.input_shape
    for shape, classes in (((height + 32, width + 16, 3), 2), ((height, width + 40, 3), 12)):
        model = subject.build(shape, classes)
        answers = subject.answers(subject.images(shape), model)
        if answers.shape != (4, classes):
            subject.fail(f"built for {shape} and {classes} classes it answers {answers.shape}; expected (4, {classes})")


@check
def check_same_seed(subject: Subject) -> None:
    """The same seed gives the same first weights: it draws them from Keras's generators alone."""
    one, again = (subject.build(seed=7).get_weights() for _ in range(2))
    if any((ours != theirs).any() for ours, theirs in zip(one, again, strict=True)):
        subject.fail(
            "two models of one seed have other weights; expected initialisers without a seed of their own making"
        )


@check
def check_no_code(subject: Subject) -> None:
    """Nothing in it is code: no Lambda layers, no lambda functions, no wrapped modules of other frameworks."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        config = subject.model.to_json()
    if any("lambda" in str(warning.message) for warning in said) or "__lambda__" in config:
        subject.fail("it has a lambda function, which is saved as code; use named functions of Keras")
    for word in _WRAPPERS:
        if word in config:
            subject.fail(f"it has a {word}, which is saved as another framework's code; use Keras layers and keras.ops")
    for layer in every_layer(subject.model):
        if "<locals>" in type(layer).__qualname__:
            subject.fail(
                f"layer {layer.name} is of a class inside a function; define {type(layer).__name__} in a module"
            )


@check
def check_settings_untouched(subject: Subject) -> None:
    """Building it leaves Keras's global settings as they were."""
    before = dict(settings())
    try:
        subject.build()
        changed = [f"{name}: {before[name]} → {value}" for name, value in settings() if before[name] != value]
    finally:
        _restore(before)
    if changed:
        subject.fail(
            f"building it changes Keras's settings for everybody ({', '.join(changed)}); set them on its layers"
        )


@check
def check_backbone(subject: Subject) -> None:
    """If it has a layer named `backbone`, that has weights, and there are others to train before it."""
    backbone = next((layer for layer in subject.model.layers if layer.name == "backbone"), None)
    if backbone is None:
        return
    if not backbone.weights:
        subject.fail("its layer named backbone has no weights; expected the pretrained part as one layer")
    if len(subject.model.weights) == len(backbone.weights):
        subject.fail("all its weights are in the backbone; expected a head beside it, which is trained first")


def _restore(before: dict[str, Any]) -> None:
    keras.config.set_floatx(before["floatx"])
    keras.config.set_dtype_policy(before["dtype policy"])
    keras.config.set_image_data_format(before["image data format"])
    keras.config.set_epsilon(float(before["epsilon"]))
    logging = keras.config.enable_interactive_logging, keras.config.disable_interactive_logging
    logging[before["interactive logging"] != "True"]()
