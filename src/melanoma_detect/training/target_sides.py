"""Which images show a target, melanoma or any malignant diagnosis, by labels that may cover several classes."""

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.operating_points import Target


def target_sides(
    targets: NDArray[np.bool_], classes: tuple[str, ...], target: Target
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which images show a target, and of which the label tells.

    Args:
        targets: The classes that the label of each image covers, bool `(n, classes)`.
        classes: Class names, in the order of the columns.
        target: `"melanoma"` or `"malignant"`.

    Returns:
        bool `(n,)` twice: a coarse label that covers classes of both kinds tells nothing.

    Examples:
        >>> targets = np.array([[True, False], [False, True], [True, True]])
        >>> shown, known = target_sides(targets, ("melanoma", "nevus"), "melanoma")
        >>> shown[known].tolist(), known.tolist()
        ([True, False], [True, True, False])
    """
    code, malignant = (taxonomy.MELANOMA, False) if target == "melanoma" else (None, True)
    in_target = np.isin(np.arange(len(classes)), taxonomy.positions(classes, code=code, malignant=malignant))
    inside, outside = targets @ in_target, targets @ ~in_target
    return inside, inside != outside
