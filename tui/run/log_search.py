"""Search of a log of millions of lines beside the event loop: by level, source, text or regular expression."""

import threading
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any

from tui.errors import UsageError, one_line
from tui.run.events import Level
from tui.run.log import LogLines

TELL_S = 0.5
"""Seconds between two reports of a search's progress."""
PATIENCE_S = 0.5
"""Seconds that a regular expression may take for a line: one that takes longer could take for ever."""


@dataclass(frozen=True)
class Pattern:
    """A text or regular expression to find in lines, ignoring case."""

    text: str
    regex: bool = False

    @cached_property
    def _compiled(self) -> Any:
        # Not the standard library's: that one can neither be told to give up nor let other threads go on.
        import regex

        try:
            return regex.compile(self.text, regex.IGNORECASE | regex.VERSION0)
        except regex.error as error:
            raise UsageError(f"not a regular expression: {one_line(error)}") from error

    def check(self) -> None:
        """Check that the pattern can be used.

        Raises:
            UsageError: it is no regular expression.
        """
        if self.regex:
            _ = self._compiled

    def matches(self, texts: list[str]) -> list[bool]:
        """Tell for each text whether it matches.

        Raises:
            UsageError: the expression takes too long.
        """
        if not self.regex:
            low = self.text.lower()
            # One look at all of them first: most of a long log has nothing of what is looked for.
            if low not in "\n".join(texts).lower():
                return [False] * len(texts)
            return [low in text.lower() for text in texts]
        search = self._compiled.search
        try:
            return [search(text, timeout=PATIENCE_S, concurrent=True) is not None for text in texts]
        except TimeoutError:
            raise UsageError(f"the regular expression takes more than {PATIENCE_S} s for a line") from None

    def places(self, text: str) -> list[tuple[int, int]]:
        """Beginning and end of each match in a text, in order."""
        if self.regex:
            try:
                return [m.span() for m in self._compiled.finditer(text, timeout=PATIENCE_S / 10) if m.end() > m.start()]
            except TimeoutError:
                return []
        low, needle = text.lower(), self.text.lower()
        # Lower-casing may change the length of exotic text: then nothing is marked, rather than the wrong part.
        if not needle or len(low) != len(text) or len(needle) != len(self.text):
            return []
        spans, at = [], low.find(needle)
        while at >= 0:
            spans.append((at, at + len(needle)))
            at = low.find(needle, at + len(needle))
        return spans


@dataclass(frozen=True)
class Filter:
    """A filter of log lines."""

    least: Level = "info"
    source: str | None = None
    pattern: Pattern | None = None
    without: bool = False
    """Lines that the pattern is not in."""


class Scan:
    """The numbers of the lines that a filter lets through and a pattern is in, found from a line on, once around.

    One thread of its own runs it, any may ask what it has found so far.
    """

    def __init__(self, log: LogLines, line_filter: Filter, pattern: Pattern | None = None, start: int = 0) -> None:
        self._log = log
        self.filter = line_filter
        self._pattern = pattern
        self.start = start
        self.later = array("I")
        """Found from the start on."""
        self.earlier = array("I")
        """Found before the start."""
        self._later_to, self._earlier_to = start, 0
        self.problem = ""
        """Reason for giving up; empty where there is none."""
        self.ended = threading.Event()
        """Set by whoever has no more use for it."""
        self._lock = threading.Lock()
        self._wanted = 0
        self._busy = False

    @property
    def hits(self) -> int:
        """Lines found so far."""
        return len(self.later) + len(self.earlier)

    def whole(self, count: int) -> bool:
        """Return True if the first `count` lines have all been searched."""
        return self._later_to >= count and self._earlier_to == self.start

    def share(self, count: int) -> float:
        """Share of the first `count` lines that has been searched, 0..1."""
        return (self._later_to - self.start + self._earlier_to) / count if count else 1.0

    def look(self, count: int, tell: Callable[[], object]) -> None:
        """Search the rest of the first `count` lines in a thread of its own.

        `tell` is called there whenever more is known.
        """
        with self._lock:
            self._wanted = count
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._run, args=(tell,), name="log-scan", daemon=True).start()

    def _run(self, tell: Callable[[], object]) -> None:
        going, reported, before = True, time.monotonic(), self.hits
        while going:
            try:
                if self._later_to < self._wanted:
                    self._later_to = self._part(self.later, self._later_to, self._wanted)
                elif self._earlier_to < self.start:
                    self._earlier_to = self._part(self.earlier, self._earlier_to, self.start)
            except UsageError as error:
                self.problem = str(error)
            with self._lock:
                going = not (self.whole(self._wanted) or self.problem or self.ended.is_set())
                self._busy = going
            # The first that is found, and the end, at once; else now and then: drawing takes the time of searching.
            if not going or (self.hits and not before) or time.monotonic() - reported > TELL_S:
                reported, before = time.monotonic(), self.hits
                tell()

    def _part(self, found: "array[int]", first: int, last: int) -> int:
        texts = next(self._log.texts(first, last))
        end = first + len(texts)
        line_filter = self.filter
        # A line of a level or a source that is not wanted is not searched: expressions are what takes time.
        numbers = list(self._log.chosen(first, end, least=line_filter.least, source=line_filter.source, folded=False))
        texts = [texts[number - first] for number in numbers]
        for pattern, with_it in ((line_filter.pattern, not line_filter.without), (self._pattern, True)):
            if pattern is not None:
                hits = [hit == with_it for hit in pattern.matches(texts)]
                numbers, texts = list(compress(numbers, hits)), list(compress(texts, hits))
        found.extend(numbers)
        return end

    def nearest(self, number: int, step: int, count: int) -> int | None:
        """The first line found at or after `number`, once around; with a negative `step` at or before it.

        None where there is none.

        Raises:
            LookupError: not known yet.
        """
        later, earlier = self.later, self.earlier
        if step > 0:
            if number >= self.start:
                if (at := bisect_left(later, number)) < len(later):
                    return later[at]
                if self._later_to < count:
                    raise LookupError
                number = 0
            if (at := bisect_left(earlier, number)) < len(earlier):
                return earlier[at]
            if self._earlier_to < self.start:
                raise LookupError
            if not later and self._later_to < count:
                raise LookupError
            return later[0] if later else earlier[0] if earlier else None
        if number >= self.start:
            if number >= self._later_to and self._later_to < count:
                raise LookupError
            if (at := bisect_right(later, number)) > 0:
                return later[at - 1]
            number = self.start
        if number >= self._earlier_to and self._earlier_to < self.start:
            raise LookupError
        if (at := bisect_right(earlier, number)) > 0:
            return earlier[at - 1]
        if not self.whole(count):
            raise LookupError
        return later[-1] if later else earlier[-1] if earlier else None
