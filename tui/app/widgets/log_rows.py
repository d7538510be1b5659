"""Rows of a log's view: the lines that a filter lets through."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from tui.run.log import LogLines
from tui.run.log_search import Filter, Scan


class Rows:
    """Line numbers by row. Rows are only ever added at the end, until another filter is set."""

    def __init__(self, log: LogLines, wanted: Filter | None = None, *, folded: bool = True) -> None:
        """`folded` walls are one row each; where a pattern filters, what it lets through is never folded."""
        self.log = log
        self.filter = wanted or Filter()
        self.folded = folded and self.filter.pattern is None
        self.scan = None if self.filter.pattern is None else Scan(log, self.filter)
        """Looks through the texts, where they matter."""
        self.seen = 0
        """Lines of the log that were considered."""
        self.debug = 0
        """Debug lines among them."""
        self._numbers = array("I")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> int:
        return self._numbers[row]

    def grow(self, count: int) -> None:
        """The log has `count` lines now, or the scan has come further."""
        if self.scan is not None:
            self._numbers = self.scan.later
        else:
            wanted = self.filter
            self._numbers.extend(
                self.log.chosen(self.seen, count, least=wanted.least, source=wanted.source, folded=self.folded)
            )
        self.debug += self.log.of_level("debug", self.seen, count).count(1)
        self.seen, self._count = count, len(self._numbers)

    def row_of(self, number: int) -> int:
        """Return the row of a line; where it is not shown, that of the next one that is."""
        return bisect_left(self._numbers, number, 0, self._count)

    def shows(self, number: int) -> bool:
        """Tell whether a line has a row."""
        row = self.row_of(number)
        return row < self._count and self._numbers[row] == number

    def error(self, number: int, step: int) -> int | None:
        """Find the first error shown at or after `number`, once around; with a negative `step` at or before it."""
        errors = self.log.of_level("error", 0, self.seen)
        for first, last in (
            ((number, self.seen), (0, number)) if step > 0 else ((0, number + 1), (number + 1, self.seen))
        ):
            first, last = max(first, 0), max(last, 0)
            at = errors.find(1, first, last) if step > 0 else errors.rfind(1, first, last)
            while at >= 0 and not self.shows(at):
                at = errors.find(1, at + 1, last) if step > 0 else errors.rfind(1, first, at)
            if at >= 0:
                return at
        return None

    def wall(self, row: int) -> int:
        """Return the number of lines that a folded wall stands for; 0 for any other row."""
        return self.log.wall(self._numbers[row]) if self.folded else 0

    def numbers(self, first: int = 0, last: int | None = None) -> "array[int]":
        """Return the lines of these rows, with all lines of folded walls."""
        numbers = self._numbers[first : self._count if last is None else last]
        if not self.folded or not numbers:
            return numbers
        end = numbers[-1] + max(self.log.wall(numbers[-1]), 1)
        wanted = self.filter
        return array("I", self.log.chosen(numbers[0], end, least=wanted.least, source=wanted.source, folded=False))

    def texts(self, numbers: Sequence[int], most_bytes: int) -> list[str]:
        """Return the whole texts of lines, as many as `most_bytes` take."""
        taken: list[str] = []
        left = most_bytes
        for number in numbers:
            text = self.log.whole(number).text
            left -= len(text.encode()) + 1
            if left < 0:
                break
            taken.append(text)
        return taken
