"""Checks of a builder's signature and of the structure of its models."""

import inspect
import warnings
from typing import Any

import keras

from melanoma_detect.models.contract import every_layer
from melanoma_detect.models.registry import find_entry
from melanoma_detect.models.signatures import REQUIRED, builder_signature
from melanoma_detect.testing.candidate import Candidate, check, keras_settings

_DESCRIPTION_EXPECTED = (
    "expected a docstring in the builder, or a summary in the package's metadata: list_models() shows its first line"
)
# Layers whose configuration contains code, which a file must not.
_WRAPPERS = ("TorchModuleWrapper", "FlaxLayer", "JaxLayer")


@check
def check_name(candidate: Candidate) -> None:
    """The architecture is found by its name and has a description of one line."""
    if isinstance(candidate.architecture, str) and not find_entry(candidate.architecture).description:
        candidate.fail(f"it has no description; {_DESCRIPTION_EXPECTED}")


@check
def check_signature(candidate: Candidate) -> None:
    """The builder takes `input_shape` and `num_classes` by keyword, and named options that each have a default."""
    parameters = builder_signature(candidate.entry, candidate.builder).parameters
    for name in REQUIRED:
        if name not in parameters or parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY:
            candidate.fail(
                f"its builder does not take {name} as a keyword; expected build(*, input_shape, num_classes, …)"
            )
    for name, parameter in parameters.items():
        if parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
            candidate.fail(
                f"its builder takes {parameter}; expected each option by its name, so that a misspelt one raises an error"
            )
        if name not in REQUIRED and parameter.default is inspect.Parameter.empty:
            candidate.fail(
                f"its option {name} has no default; expected one: build_model(name) must work without options"
            )


@check
def check_structure(candidate: Candidate) -> None:
    """The model keeps the contract: its input, a final softmax over logits, and a layer named `features`."""
    candidate.build()


@check
def check_sizes_and_classes(candidate: Candidate) -> None:
    """The model can be built for other image sizes, also not square ones, and for 2 to 12 classes."""
    height, width, _ = candidate.input_shape
    for shape, classes in (((height + 32, width + 16, 3), 2), ((height, width + 40, 3), 12)):
        model = candidate.build(shape, classes)
        probabilities = candidate.predict(candidate.images(shape), model)
        if probabilities.shape != (4, classes):
            candidate.fail(
                f"built for {shape} and {classes} classes, its output for 4 images is {probabilities.shape}; expected "
                f"(4, {classes})"
            )


@check
def check_same_seed(candidate: Candidate) -> None:
    """The same seed gives the same initial weights, and another seed others: all are drawn from Keras's generators."""
    first, again, other = (candidate.build(seed=seed).get_weights() for seed in (7, 7, 8))
    if any((expected != actual).any() for expected, actual in zip(first, again, strict=True)):
        candidate.fail(
            "two models built with the same seed have different weights; expected Keras initialisers, without random numbers "
            "from elsewhere"
        )
    if all((expected == actual).all() for expected, actual in zip(first, other, strict=True)):
        candidate.fail(
            "two models built with different seeds have the same weights; expected initialisers without seeds of their own, "
            "and a builder that sets no seed (keras.utils.set_random_seed)"
        )


@check
def check_no_code(candidate: Candidate) -> None:
    """The model contains no code: no Lambda layers, no lambda functions, no wrapped modules of other frameworks."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        config = candidate.model.to_json()
    if any("lambda" in str(warning.message) for warning in caught) or "__lambda__" in config:
        candidate.fail("it has a lambda function, which is saved as code; use functions of Keras by their names")
    for wrapper in _WRAPPERS:
        if wrapper in config:
            candidate.fail(
                f"it has a {wrapper}, which is saved as another framework's code; use Keras layers and keras.ops"
            )
    for layer in every_layer(candidate.model):
        if "<locals>" in type(layer).__qualname__:
            candidate.fail(
                f"the class of layer {layer.name} is defined inside a function; define {type(layer).__name__} in a module"
            )


@check
def check_settings_untouched(candidate: Candidate) -> None:
    """Building the model does not change Keras's global settings."""
    before = dict(keras_settings())
    try:
        candidate.build()
        changed = [f"{name}: {before[name]} → {value}" for name, value in keras_settings() if before[name] != value]
    finally:
        _restore(before)
    if changed:
        candidate.fail(
            f"building it changes Keras's global settings ({', '.join(changed)}); set them on its layers instead"
        )


@check
def check_backbone(candidate: Candidate) -> None:
    """A layer named `backbone`, if there is one, has weights, and the model has others outside it."""
    backbone = next((layer for layer in candidate.model.layers if layer.name == "backbone"), None)
    if backbone is None:
        return
    if not backbone.weights:
        candidate.fail("its layer named backbone has no weights; expected that layer to be the pretrained part")
    if len(candidate.model.weights) == len(backbone.weights):
        candidate.fail("all its weights are in the backbone; expected a head after it, which is trained first")


def _restore(before: dict[str, Any]) -> None:
    keras.config.set_floatx(before["floatx"])
    keras.config.set_dtype_policy(before["dtype policy"])
    keras.config.set_image_data_format(before["image data format"])
    keras.config.set_epsilon(float(before["epsilon"]))
    logging = keras.config.enable_interactive_logging, keras.config.disable_interactive_logging
    logging[before["interactive logging"] != "True"]()
