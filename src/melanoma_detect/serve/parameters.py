"""Query parameters: what each endpoint takes, checked by name, read as text or number, and judged by the library itself."""

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from melanoma_detect.serve.refusals import Refusal
from melanoma_detect.utils.suggest import did_you_mean


@dataclass(frozen=True)
class Parameter:
    """A query parameter.

    Attributes:
        name: Its name.
        description: What it means.
        schema: Its JSON schema; of the type `"number"` it is read as one.
    """

    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})

    def document(self) -> dict[str, Any]:
        """Return the parameter as OpenAPI describes it."""
        described = {"name": self.name, "in": "query", "required": False, "schema": self.schema}
        return described | {"description": self.description}


SENSITIVITY = Parameter(
    "sensitivity",
    "The share of the target that must raise an alert: the threshold is set for it. The detector's own if left out.",
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
)
TARGET = Parameter(
    "target",
    "What is alerted to: melanoma, or any malignant diagnosis.",
    {"type": "string", "enum": ["melanoma", "malignant"]},
)
IMAGE_TYPE = Parameter(
    "image_type",
    "The type of all images: dermoscopy, clinical (photographs without a dermatoscope), or auto to recognise it.",
    {"type": "string", "enum": ["dermoscopy", "clinical", "auto"]},
)
COVERAGE = Parameter(
    "coverage",
    "The share of prediction sets that hold the true diagnosis.",
    {"type": "number", "enum": [0.8, 0.9, 0.95, 0.99]},
)
METHOD = Parameter(
    "method",
    "How: cam, the class activation map, or occlusion, which takes 157 predictions; the first that the detector has.",
    {"type": "string", "enum": ["cam", "occlusion"]},
)
FORMAT = Parameter(
    "format",
    "json or markdown; without it the header Accept decides.",
    {"type": "string", "enum": ["json", "markdown"]},
)


def diagnosis_parameter(classes: tuple[str, ...]) -> Parameter:
    """Return the parameter that names a diagnosis to explain.

    Args:
        classes: The detector's classes.

    Returns:
        The parameter.

    Examples:
        >>> diagnosis_parameter(("nevus", "melanoma")).schema["enum"]
        ['nevus', 'melanoma', 'malignant']
    """
    choices = [*classes, "malignant"] if "malignant" not in classes else list(classes)
    return Parameter(
        "diagnosis", "The diagnosis to explain; the most probable one if left out.", {"type": "string", "enum": choices}
    )


def read_parameters(request: Request, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """Read the query parameters of a request.

    A name that is none of them is refused: a slip in `sensitivity` must not pass for the detector's own.

    Args:
        request: The request.
        parameters: What the endpoint takes.

    Returns:
        The value of each; None where it is not given.

    Raises:
        Refusal: A name is unknown or given twice, or a number is none.

    Examples:
        >>> request = Request({"type": "http", "query_string": b"sensitivity=0.9"})
        >>> read_parameters(request, (SENSITIVITY, TARGET))
        {'sensitivity': 0.9, 'target': None}
    """
    names = [parameter.name for parameter in parameters]
    for name, _ in request.query_params.multi_items():
        if name not in names:
            hint = did_you_mean(name, names)
            raise _refusal(f"there is no parameter {name!r}; {hint}expected {', '.join(names) or 'none'}")
        if len(request.query_params.getlist(name)) > 1:
            raise _refusal(f"{name} is given more than once; give it once")
    return {parameter.name: _read(request.query_params.get(parameter.name), parameter) for parameter in parameters}


def _read(text: str | None, parameter: Parameter) -> Any:
    if text is None or parameter.schema["type"] != "number":
        return text
    try:
        return float(text)
    except ValueError:
        raise _refusal(f"{parameter.name}={text!r}; expected a number, such as 0.95") from None


def _refusal(sentence: str) -> Refusal:
    return Refusal(422, sentence, "parameters")
