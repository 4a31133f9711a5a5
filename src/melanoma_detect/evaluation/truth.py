"""What a label says about an image: whether it shows a melanoma, and whether it is malignant, as far as the label tells."""

from collections.abc import Sequence
from typing import NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.taxonomy import Malignancy


class LabelTruth(NamedTuple):
    """What a label says.

    Attributes:
        melanoma: Whether it means melanoma; None for a coarse label that covers melanoma and other diagnoses.
        malignancy: `"malignant"`, `"indeterminate"` or `"benign"`; None where the taxonomy does not know, or where the label
            covers diagnoses that differ in it.
    """

    melanoma: bool | None
    malignancy: Malignancy | None


def label_truth(label: str, members: Sequence[str] = ()) -> LabelTruth:
    """Return what a label says about melanoma and malignancy.

    A label that the taxonomy does not know counts as another diagnosis than melanoma: a data set that has melanomas names
    them.

    Args:
        label: A class, a coarse label, or several classes joined with "or".
        members: The classes that a coarse label covers in its data set.

    Returns:
        What is true of all diagnoses that the label may mean; None where they differ.

    Examples:
        >>> label_truth("melanoma in situ")
        LabelTruth(melanoma=True, malignancy='malignant')
        >>> label_truth("actinic keratosis or squamous cell carcinoma")
        LabelTruth(melanoma=False, malignancy=None)
    """
    known = taxonomy.is_known(label)
    names = [label] if known else []
    names += members or ([] if known else label.split(" or "))
    melanoma = {_is_melanoma(name) for name in names}
    malignancy = {taxonomy.malignancy(name) for name in names}
    return LabelTruth(
        melanoma.pop() if len(melanoma) == 1 else None, malignancy.pop() if len(malignancy) == 1 else None
    )


def _is_melanoma(name: str) -> bool | None:
    codes = taxonomy.meaning(name)
    if codes == {taxonomy.MELANOMA}:
        return True
    return None if taxonomy.MELANOMA in codes or taxonomy.covers(name, taxonomy.MELANOMA) else False
