"""One `--map` for several sources: a label that only some of them have is no error."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from melanoma_detect.cli.datasets import parse_label_map
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.suggest import did_you_mean

if TYPE_CHECKING:
    import melanoma_detect as md


class SharedMap:
    """The names that `--map` gives to the labels of several sources.

    Args:
        given: What `--map` gives, or None.

    Raises:
        OptionError: It has another form.

    Examples:
        >>> SharedMap(["nv=nevus"]).unused
        {'nv'}
    """

    def __init__(self, given: Sequence[str] | None) -> None:
        self._names = parse_label_map(given or ())
        self.unused = set(self._names)  # names that no source has used so far
        self._labels: set[str] = set()

    def load(self, load: "Callable[[dict[str, str | None] | None], md.Dataset]") -> "md.Dataset":
        """Load a source with those of the names that stand for one of its labels.

        Args:
            load: Loads it with a label map.

        Returns:
            The dataset.
        """
        from melanoma_detect.data.label_map import UnusedNameError  # noqa: PLC0415 - --help stays fast

        names = dict(self._names)
        try:
            data = load(names or None)
        except UnusedNameError as error:
            self._labels.update(error.labels)
            names = {name: new for name, new in names.items() if name not in error.names}
            data = load(names or None)
        except DatasetError:  # who knows which labels a source has that cannot be loaded
            self.unused.clear()
            raise
        self.unused -= set(names)
        return data

    def check_used(self) -> None:
        """Raise DatasetError for a name that stands for a label of no source, once all are loaded.

        Raises:
            DatasetError: There is one.
        """
        if self.unused:
            name = min(self.unused)
            hint = did_you_mean(name, sorted(self._labels))
            raise DatasetError(
                f"--map names {name!r}, which is a label of none of the sources; {hint}the labels are "
                f"{', '.join(sorted(self._labels))}"
            )
