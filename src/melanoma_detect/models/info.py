"""Information about an architecture: its options, number of parameters, source, and documentation."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from melanoma_detect.models.build import build_model, resolve_architecture
from melanoma_detect.models.registry import Builder, parse_name
from melanoma_detect.models.signatures import REQUIRED, builder_signature
from melanoma_detect.printable import printable
from melanoma_detect.utils.notebook import notebook_view


@dataclass(frozen=True)
class Option:
    """An option of a builder.

    Attributes:
        name: The keyword.
        default: Its default; None also if it has no default.
        type: Its annotation, as text; empty if it has none.
        required: Whether it has no default.
    """

    name: str
    default: Any
    type: str
    required: bool = False

    def __str__(self) -> str:
        annotated = f"{self.name}: {self.type}" if self.type else self.name
        return annotated if self.required else f"{annotated} = {self.default!r}"


@dataclass(frozen=True)
class ModelInfo:
    """Information about an architecture.

    Attributes:
        name: The name that `build_model` takes.
        package: The package that offers it.
        version: The package's version.
        target: The builder, as `"module:function"`.
        description: What it is, by the first line of the builder's docstring, or the package's summary.
        signature: The builder's signature, as text.
        options: The options that `build_model` passes on, by name.
        parameters: The number of weights at `input_shape` and `num_classes`.
        input_shape: `(height, width, 3)` in pixels.
        num_classes: The number of classes.
        source: The builder's file and line.
        documentation: The builder's docstring.
    """

    name: str
    package: str
    version: str
    target: str
    description: str
    signature: str
    options: Mapping[str, Option]
    parameters: int
    input_shape: tuple[int, int, int]
    num_classes: int
    source: str
    documentation: str

    _repr_html_ = notebook_view

    @property
    def _package_text(self) -> str:
        return f"of {self.package} {self.version}" if self.version else self.package

    def __str__(self) -> str:
        height, width, _ = self.input_shape
        lines = [
            f"{self.name} {self._package_text}: {self.description}",
            f"{self.parameters:,} parameters at {height}×{width} and {self.num_classes} classes",
            *(f"  {option}" for option in self.options.values()),
            f"built by {self.target} ({self.source})",
        ]
        return "\n".join(map(printable, lines))


def model_info(
    name: str | Builder, *, num_classes: int = 9, input_shape: tuple[int, int, int] = (180, 180, 3)
) -> ModelInfo:
    """Return information about an architecture.

    The architecture is built once to count its parameters. If it has an option `weights`, it is built with `weights=None`, so
    that nothing is downloaded.

    Args:
        name: A name from `list_models()`, with or without a variant; or a function of your own, as `build_model` takes it.
        num_classes: The number of classes to count parameters for.
        input_shape: The `(height, width, 3)` in pixels to count parameters at.

    Returns:
        The information.

    Raises:
        UnknownModelError: No package offers the name.
        ModelError: It is neither a name nor a function, such as a model.
        BrokenPluginError: The package that offers it cannot be imported.
        ContractError: The builder returned a model that breaks the contract.

    Examples:
        >>> print(model_info("cnn"))
        cnn of melanoma-detect ...: The assignment's network: ...
        3,989,801 parameters at 180×180 and 9 classes
          filters: Sequence[int] = (16, 32, 64)
          dropout: float = 0.2
          batch_normalization: bool = False
        built by melanoma_detect.models.cnn:build (...cnn.py, line ...)
    """
    entry, builder = resolve_architecture(name)
    signature = builder_signature(entry, builder)
    options = _options(signature)
    weights: dict[str, Any] = {"weights": None} if "weights" in options else {}
    model = build_model(name, num_classes=num_classes, input_shape=input_shape, **weights)
    variant = parse_name(name).variant if isinstance(name, str) else None
    return ModelInfo(
        name=f"{entry.name}:{variant}" if variant else entry.name,
        package=entry.package,
        version=entry.version,
        target=entry.target,
        description=entry.description,
        signature=f"{entry.name}{signature}",
        options=options,
        parameters=model.count_params(),
        input_shape=input_shape,
        num_classes=num_classes,
        source=_source(builder),
        documentation=inspect.getdoc(builder) or "",
    )


def _options(signature: inspect.Signature) -> dict[str, Option]:
    empty = inspect.Parameter.empty
    return {
        name: Option(
            name,
            None if parameter.default is empty else parameter.default,
            "" if parameter.annotation is empty else _annotation(parameter.annotation),
            required=parameter.default is empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD,
        )
        for name, parameter in signature.parameters.items()
        if name not in REQUIRED
    }


def _annotation(annotation: Any) -> str:
    """Return an annotation as text, without the modules that readers know anyway."""
    return re.sub(r"\b(collections\.abc|typing|os)\.", "", inspect.formatannotation(annotation))


def _source(builder: Any) -> str:
    try:
        return f"{inspect.getsourcefile(builder)}, line {inspect.getsourcelines(builder)[1]}"
    except (OSError, TypeError):
        return "no Python source"
