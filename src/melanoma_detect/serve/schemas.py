"""What the service answers, as its OpenAPI document describes it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """A JSON object with these members and no others."""

    model_config = ConfigDict(extra="forbid")


class ImagePrediction(Answer):
    """The prediction for one image: the members of `Prediction.to_dict`, and the file's name."""

    file: str = Field(description="The name of the file, or of the frame in it (lesion.dcm#2).")
    source: str = Field(description="The same, as Prediction.source.")
    diagnosis: str = Field(description="The most probable class; empty where the model gave no probabilities.")
    probabilities: dict[str, float | None] = Field(
        description="The probability of each class, 0 to 1; they sum to 1; null where the model gave no number: such an image "
        "is referred."
    )
    melanoma: float | None = Field(description="The probability of melanoma; null where the model gave no number.")
    malignant: float | None = Field(
        description="The probability of any malignant diagnosis; null where the model gave no number."
    )
    decision: Literal["alert", "clear", "refer"] = Field(
        description="alert: show it to a dermatologist. clear: neither an alert nor a likely cancer. refer: a person must look."
    )
    operating_point: dict[str, Any] | None = Field(
        description="The threshold that the decision was made with, and the sensitivity and specificity measured at it."
    )
    prediction_set: list[str] = Field(description="The diagnoses that cannot be ruled out.")
    abstained: bool = Field(description="Whether the detector makes no prediction for this image.")
    reason: str = Field(description="Why the image is referred; empty where it is not.")
    image_type: Literal["", "dermoscopy", "clinical"] = Field(
        description="What the detector recognised or was told; empty where it does not tell types apart."
    )


class UnreadableImage(Answer):
    """A file that cannot be read: it is referred, and never counts as clear."""

    file: str = Field(description="The name of the file.")
    source: str = Field(description="The same.")
    decision: Literal["refer"] = Field(description="A person must look.")
    reason: Literal["unreadable"] = Field(description="Why.")
    error: str = Field(description="What is wrong with the file, and what to do.")


class PredictAnswer(Answer):
    """The answer of /v1/predict."""

    detector: str = Field(description="The detector's name.")
    predictions: list[ImagePrediction | UnreadableImage] = Field(
        description="One for each image, in the order of the files."
    )
    unreadable: int = Field(description="How many of them could not be read.")
    disclaimer: str = Field(description="What this is not.")


class CardAnswer(Answer):
    """The answer of /v1/card."""

    detector: str = Field(description="The detector's name.")
    classes: list[str] = Field(description="The classes.")
    image_size: list[int] = Field(description="Height and width in pixels that images are read at.")
    operating_point: dict[str, Any] | None = Field(description="The threshold for alerts; null where there is none.")
    metrics: dict[str, Any] = Field(description="By split, what was measured.")
    made_with: dict[str, Any] = Field(description="The versions of the packages that it was made with.")
    model_card: str = Field(description="The model card in Markdown.")
    disclaimer: str = Field(description="What this is not.")


class Health(Answer):
    """The answer of /health."""

    status: Literal["ok"] = Field(description="The service answers.")
    version: str = Field(description="The version of melanoma-detect.")
    detector: str = Field(description="The detector's name.")


class Problem(Answer):
    """The answer to a request that failed."""

    error: str = Field(description="What was found, what was expected and what to do.")
