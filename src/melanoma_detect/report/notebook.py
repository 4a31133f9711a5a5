"""What a notebook shows of a dataset, an audit, an evaluation, a prediction, ...: HTML without scripts, which loads nothing.

Light and dark: the colours are those of JupyterLab, VS Code, Colab or this documentation where they set them, else as the
system prefers. Nothing has an id, so that the same value may be shown twice.
"""

import importlib
from typing import Any

# The module and the function of the view of a class, by its name: a module is imported when it is needed, since a prediction
# needs neither pandas nor Matplotlib. By name, because `Scores` and others stand above this package.
_VIEWS = {
    "Audit": ("notebook_data", "audit"),
    "Comparison": ("notebook_evaluation", "comparison"),
    "Dataset": ("notebook_data", "dataset"),
    "Detector": ("notebook_settings", "detector"),
    "Evaluation": ("notebook_evaluation", "evaluation"),
    "Explanation": ("notebook_prediction", "explanation"),
    "ExternalValidation": ("notebook_evaluation", "external_validation"),
    "Finding": ("notebook_data", "finding"),
    "MeasuredPoint": ("notebook_settings", "measured_point"),
    "MistakeResult": ("notebook_lab", "mistake_result"),
    "MistakeTable": ("notebook_lab", "mistake_table"),
    "Monitoring": ("notebook_monitoring", "monitoring"),
    "ModelInfo": ("notebook_settings", "model_info"),
    "ModelList": ("notebook_settings", "model_list"),
    "OperatingPoint": ("notebook_settings", "operating_point"),
    "Prediction": ("notebook_prediction", "prediction"),
    "Predictions": ("notebook_prediction", "predictions"),
    "Recipe": ("notebook_settings", "recipe"),
    "Record": ("notebook_data", "record"),
    "Scores": ("notebook_settings", "scores"),
    "SimilarCases": ("notebook_similar", "similar_cases"),
    "SimilarIndex": ("notebook_similar", "similar_index"),
    "Split": ("notebook_data", "split"),
}


def render(value: Any) -> str:
    """Render a value as HTML for a notebook.

    Args:
        value: A `Dataset`, `Split`, `Record`, `Audit`, `Finding`, `Detector`, `Evaluation`, `ExternalValidation`,
            `Comparison`, `Prediction`, `Predictions`, `Explanation`, `ModelInfo`, `ModelList`, `OperatingPoint`,
            `MeasuredPoint`, `MistakeResult`, `MistakeTable`, `Monitoring`, `Recipe`, `Scores`, `SimilarCases` or
            `SimilarIndex`.

    Returns:
        HTML: one element with its style, whose names begin with `mdv`.

    Raises:
        TypeError: There is no view of the value's class.

    Examples:
        >>> render(data).startswith("<style>")
        True
    """
    for cls in type(value).__mro__:
        if cls.__name__ in _VIEWS:
            module, function = _VIEWS[cls.__name__]
            view = getattr(importlib.import_module(f"melanoma_detect.report.{module}"), function)
            return str(view(value))
    raise TypeError(f"no view for {type(value).__name__}")
