"""Names of subgroups and diagnoses as a report shows them: in words, and the same in every table and figure."""

from melanoma_detect import taxonomy
from melanoma_detect.evaluation.subgroups import Subgroup

_LISTS = {"head_neck_face": "head, neck, face", "head/neck": "head, neck"}


def subgroup_name(part: Subgroup) -> str:
    """Return the name of a subgroup in words: tables write `head_neck_face`.

    Args:
        part: The subgroup.

    Returns:
        Text.

    Examples:
        >>> subgroup_name(Subgroup("site", "head_neck_face", 9, 9, 3, {}))
        'head, neck, face'
    """
    if part.kind == "source":  # a folder or a table, whose name stays as it is
        return part.name
    return _LISTS.get(part.name, part.name.replace("_", " "))


def diagnosis_name(label: str, classes: tuple[str, ...]) -> str:
    """Return a label of the data as the class that it means, where there is one: tables write `ak` or `NV`.

    Args:
        label: A label of the data.
        classes: The detector's classes.

    Returns:
        The class, with the label in parentheses where that is another word; else the label.

    Examples:
        >>> diagnosis_name("ak", ("actinic keratosis", "nevus")), diagnosis_name("nevus", ("nevus",))
        ('actinic keratosis (ak)', 'nevus')
    """
    known = taxonomy.find(label)
    if known is None or known.name == label or known.name not in classes:
        return label
    is_coarse = taxonomy.meaning(label) > taxonomy.meaning(known.name)  # bkl is seborrheic keratosis too
    return label if is_coarse else f"{known.name} ({label})"
