"""What a label says about an image: whether it shows a melanoma, and whether it is malignant, as far as the label tells."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.taxonomy import Malignancy


class LabelTruth(NamedTuple):
    """What a label says.

    Attributes:
        melanoma: Whether it means melanoma; None for a coarse label that covers melanoma and other diagnoses, and for one that
            the taxonomy does not know.
        malignancy: `"malignant"`, `"indeterminate"` or `"benign"`; None where the taxonomy does not know, or where the label
            covers diagnoses that differ in it.
    """

    melanoma: bool | None
    malignancy: Malignancy | None


def label_truth(label: str, members: Sequence[str] = (), *, classes: Sequence[str] = ()) -> LabelTruth:
    """Return what a label says about melanoma and malignancy.

    A label that the taxonomy does not know says neither: "LMM??" or "melanomma" may well be a melanoma. It is no melanoma
    where it is a class of the detector beside melanoma, which has learnt to tell the two apart.

    Args:
        label: A class, a coarse label, or several classes joined with "or".
        members: The classes that a coarse label covers in its data set.
        classes: The detector's classes.

    Returns:
        What is true of all diagnoses that the label may mean; None where they differ, or where nobody knows.

    Examples:
        >>> label_truth("melanoma in situ")
        LabelTruth(melanoma=True, malignancy='malignant')
        >>> label_truth("actinic keratosis or squamous cell carcinoma")
        LabelTruth(melanoma=False, malignancy=None)
        >>> label_truth("melanoma?"), label_truth("our lesion", classes=("melanoma", "our lesion")).melanoma
        (LabelTruth(melanoma=None, malignancy=None), False)
    """
    known = taxonomy.is_known(label)
    names = [label] if known else []
    names += members or ([] if known else label.split(" or "))
    has_melanoma = taxonomy.positions(classes, code=taxonomy.MELANOMA)
    apart = {taxonomy.meaning(name) for name in classes} if has_melanoma else set()
    melanoma = {_is_melanoma(name, apart) for name in names}
    malignancy = {taxonomy.malignancy(name) for name in names}
    return LabelTruth(
        melanoma.pop() if len(melanoma) == 1 else None, malignancy.pop() if len(malignancy) == 1 else None
    )


def _is_melanoma(name: str, apart: Collection[frozenset[str]]) -> bool | None:
    codes = taxonomy.meaning(name)
    if codes == {taxonomy.MELANOMA}:
        return True
    if not taxonomy.is_known(name):
        return False if codes in apart else None
    return None if taxonomy.MELANOMA in codes or taxonomy.covers(name, taxonomy.MELANOMA) else False
