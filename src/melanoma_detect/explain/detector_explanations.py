"""What a detector says about one image beside its prediction: a heat map, and similar cases."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from melanoma_detect.images.reader import ImageLike
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.deprecation import renamed_keywords

if TYPE_CHECKING:
    from melanoma_detect.data.record import Record
    from melanoma_detect.explain.explain import Explanation, Method
    from melanoma_detect.similar.cases import SimilarCases
    from melanoma_detect.similar.make import Cases


class DetectorExplanations:
    """The explanations of a `Detector`.

    Attributes:
        predictor: The model with its calibration.
    """

    predictor: Predictor

    @renamed_keywords("Detector.explain", photo="image")
    def explain(
        self,
        image: ImageLike,
        *,
        diagnosis: str | None = None,
        method: "Method" = "auto",
        similar_to: "Cases | None" = None,
        progress: bool = True,
    ) -> "Explanation":
        """Explain which parts of an image are evidence for a diagnosis, as a heat map.

        The class activation map weights the model's last feature maps as its last layer does: exact, as fast as a prediction,
        at a low resolution. Grad-CAM does the same by the gradients of the Keras model, also where further layers follow the
        maps; it first loads Keras and the model, ten seconds and more. Occlusion hides one part of the image after the other
        and measures how the probability changes: 157 predictions.

        Args:
            image: One image, as `predict` takes it.
            diagnosis: A class, a name of the taxonomy, or `"malignant"`; None for the most probable class.
            method: `"cam"`, `"grad-cam"`, `"occlusion"`, or `"auto"` for the first of them that the detector allows.
            similar_to: Cases whose nearest are shown below the map: what `similar` takes; None for none.
            progress: Draw a progress bar where it takes more than two seconds.

        Returns:
            The explanation: a heat map over the image; printing it describes the map.

        Raises:
            DetectorError: The detector does not know the diagnosis, or its model does not allow the method.
            DatasetError: `similar_to` holds no cases.

        Examples:
            >>> detector.explain(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", diagnosis="melanoma").heat.shape
            (32, 32)
        """
        from melanoma_detect.explain.explain import explain  # noqa: PLC0415 - predictions do not need it

        if similar_to is None:
            return explain(self.predictor, image, diagnosis=diagnosis, method=method, progress=progress)
        read: Any = image.read() if hasattr(image, "read") else image  # both read it
        explanation = explain(self.predictor, read, diagnosis=diagnosis, method=method, progress=progress)
        return replace(explanation, similar=self.similar(read, similar_to, progress=progress))

    def similar(
        self,
        image: "ImageLike | Record",
        cases: "Cases",
        *,
        k: int = 8,
        exclude: Iterable[str] = (),
        progress: bool = True,
    ) -> "SimilarCases":
        """Find the labelled images that are most similar to an image, in the detector's feature space.

        No case shows the same lesion or patient as the image, and no two cases show the same one. The image itself, copies of
        it (also turned, mirrored, rescaled or compressed again) and other photographs of its lesion from the same view are
        recognised among the cases, and left out with all images of their lesion and patient. A patient whom the dataset does
        not name is known to you alone: leave that patient's images out by `exclude`.

        Args:
            image: One image, as `predict` takes it, or a record of a dataset.
            cases: A dataset or a split, whose features are computed at the first call and kept; an index from
                `md.similar_index`, or the path of its file.
            k: How many cases, 1 or more. Fewer are returned where there are no more lesions.
            exclude: Ids of records, or groups of lesions or patients, that are left out too.
            progress: Draw a progress bar where it takes more than two seconds.

        Returns:
            The cases with their distances, diagnoses and sources, the nearest first; `plot()` draws them.

        Raises:
            ImageError: The image cannot be read, or the model gives no numbers for it.
            DatasetError: There is no image to compare with, `k` is no such number, or nothing has an id of `exclude`.
            DetectorError: Another detector made the index.

        Examples:
            >>> found = detector.similar(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", data, k=4)
            >>> len(found), all(case.record.path.name != "melanoma_5000.jpg" for case in found)
            (4, True)
        """
        from melanoma_detect.similar.find import find_similar  # noqa: PLC0415 - predictions do not need it

        return find_similar(self.predictor, image, cases, k=k, exclude=exclude, progress=progress)
