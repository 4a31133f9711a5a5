"""One table of labels for several sources: a row that names an image of another source is no reason for a note."""

import contextlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from melanoma_detect.errors import DataWarning
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.user_warning import warn_user

# As `describe_unmatched` says it, with what joins it to the other parts of a message.
_UNMATCHED = (
    r"([\d,]+) rows? of {} names? (?:an image that is|images that are) not there \([^()]*(?:\([^()]*\)[^()]*)*\)(?:; )?"
)


class SharedTable:
    """A table that labels the images of several sources.

    Args:
        path: The table.
        sources: How many sources it labels.

    Examples:
        >>> SharedTable(Path("labels.csv"), 2).unmatched
        []
    """

    def __init__(self, path: Path, sources: int) -> None:
        self.path, self._sources = path, sources
        self.unmatched: list[int] = []  # rows that name no image of a source, for each of them
        self._pattern = re.compile(_UNMATCHED.format(re.escape(path.name)))

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Keep back, while a source is loaded, the notes on rows that name no image of it."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for warning in caught:
            self._pass_on(str(warning.message), warning.category)

    def _pass_on(self, message: str, category: type[Warning]) -> None:
        found = self._pattern.findall(message)
        self.unmatched += [int(number.replace(",", "")) for number in found]
        rest = self._pattern.sub("", message) if found else message
        if not rest.endswith(": "):  # after the source's name, nothing else was said
            warn_user(rest.removesuffix("; "), category)

    def note_rows_of_no_source(self) -> None:
        """Warn of rows that name an image of no source, once all sources are loaded.

        Warns:
            DataWarning: There are such rows.
        """
        from melanoma_detect.data.sources.table_reader import read_table  # noqa: PLC0415 - --help stays fast

        if len(self.unmatched) < self._sources:
            return  # every row names an image of one source
        rows = len(read_table(self.path).rows)
        if (left := rows - sum(rows - number for number in self.unmatched)) > 0:
            name = "names an image" if left == 1 else "name images"
            warn_user(f"{count_noun(left, 'row')} of {self.path.name} {name} of none of the sources", DataWarning)
