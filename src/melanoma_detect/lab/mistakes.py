"""The list of mistakes: what each is, which figure it spoils, and what in this library stands in its way."""

from collections.abc import Callable
from dataclasses import dataclass

from melanoma_detect.errors import DatasetError
from melanoma_detect.lab import choices, illusions, leaks
from melanoma_detect.lab.trials import Outcome, Trial
from melanoma_detect.utils.suggest import did_you_mean


@dataclass(frozen=True)
class Mistake:
    """A classic mistake of evaluation.

    Attributes:
        name: As `lab.run` takes it.
        title: In a few words.
        metric: The figure that it spoils.
        explanation: What is done wrongly, and why the figure then misleads.
        honest: What is done in its place.
        guard: What in this library stands in its way.
        procedure: Runs one trial, both ways.
        divisions: How often a trial divides its images anew; its figures are the mean. More where a test holds few melanomas.
    """

    name: str
    title: str
    metric: str
    explanation: str
    honest: str
    guard: str
    procedure: Callable[[Trial], Outcome]
    divisions: int = 1


_MISTAKES = (
    Mistake(
        "augment_before_split",
        "augment, then split",
        "accuracy",
        "Each image gets four turned and mirrored copies before the split, so that copies of the training images are tested.",
        "Split first; only training images get copies.",
        "balance and Augmentation change training images only; a Dataset in which a copy and its parent are in two splits "
        "raises LeakError.",
        leaks.augment_before_split,
    ),
    Mistake(
        "split_by_image",
        "split by image, not by lesion",
        "accuracy",
        "Images are split at random although lesions were photographed several times, so that trained lesions are tested.",
        "All images of a lesion stay in one split.",
        "load_dataset joins the images of a lesion or patient into a group; a group in two splits raises LeakError.",
        leaks.split_by_image,
    ),
    Mistake(
        "keep_duplicates",
        "keep duplicates",
        "accuracy",
        "One image in three is in the folder a second time, saved again under another name, so that trained images are tested.",
        "Duplicates are removed before the split.",
        "load_dataset finds duplicates by bytes and by perceptual hash and keeps them in one split; audit reports them.",
        leaks.keep_duplicates,
    ),
    Mistake(
        "source_shortcut",
        "one source for each class",
        "AUC for melanoma",
        "95 % of the melanomas and 5 % of the rest come from one clinic, whose camera shows: the model learns the camera.",
        "Each clinic contributes melanomas and other lesions alike.",
        "audit warns when the source predicts the class; Detector.evaluate reports results by source; the recipe's "
        "source-balanced sampling weakens the shortcut.",
        illusions.source_shortcut,
        divisions=4,
    ),
    Mistake(
        "threshold_on_test",
        "tune the threshold on the test",
        "balanced accuracy of the alert",
        "Of all thresholds the one is reported that is best on the test images: chance favours one of them.",
        "The threshold is chosen on validation images and reported on test images.",
        "Detector.fit sets its operating points on the validation split; evaluate never moves them.",
        choices.threshold_on_test,
        divisions=4,
    ),
    Mistake(
        "threshold_on_training",
        "set the threshold on training images",
        "sensitivity for melanoma",
        "The threshold that finds 90 % of the melanomas is set on training images, which the model knows by heart.",
        "The threshold is set on validation images.",
        "Detector.fit sets its operating points and its temperature on the validation split.",
        choices.threshold_on_training,
        divisions=4,
    ),
    Mistake(
        "select_on_test",
        "select the model on the test",
        "accuracy",
        "Twenty models are trained, and the best on the test images is reported; early stopping on the test is the same.",
        "The model is selected on validation images and reported on test images.",
        "Detector.fit selects the epoch on the validation split, and never sees the test split.",
        choices.select_on_test,
    ),
    Mistake(
        "accuracy_alone",
        "accuracy where melanomas are rare",
        "accuracy, truly balanced accuracy",
        "With 2 % melanomas, a model that alerts to none is right in 98 % of the images.",
        "Balanced accuracy, the mean of sensitivity and specificity, counts both kinds alike.",
        "evaluate puts sensitivity, specificity and balanced accuracy with intervals beside the accuracy.",
        illusions.accuracy_alone,
        divisions=4,
    ),
    Mistake(
        "drop_unsure",
        "leave out what is hard",
        "accuracy",
        "The 40 % of the test images that the model is least sure of are left out, and the accuracy of the rest is reported.",
        "Every test image counts.",
        "evaluate gives the coverage and the melanomas abstained from beside every figure.",
        illusions.drop_unsure,
        divisions=2,
    ),
)


def list_mistakes() -> tuple[Mistake, ...]:
    """List the mistakes of the lab.

    Returns:
        Each with its name, what it is, and what stands in its way.

    Examples:
        >>> [mistake.name for mistake in list_mistakes()][:2]
        ['augment_before_split', 'split_by_image']
    """
    return _MISTAKES


def find_mistake(name: str) -> Mistake:
    """Return a mistake by its name.

    Args:
        name: One of `list_mistakes()`; blanks and hyphens are taken for underscores.

    Returns:
        The mistake.

    Raises:
        DatasetError: There is none of this name.

    Examples:
        >>> find_mistake("split-by-image").title
        'split by image, not by lesion'
    """
    known = {mistake.name: mistake for mistake in _MISTAKES}
    wanted = str(name).replace("-", "_").replace(" ", "_")
    if wanted not in known:
        raise DatasetError(f"mistake={name!r}; {did_you_mean(wanted, known)}expected one of {', '.join(known)}")
    return known[wanted]
