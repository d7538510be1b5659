"""The log of a run by line number, read from its journal when asked for: a console may have millions of lines.

Kept in memory for each line are its place in the journal and its level, nothing else.
"""

import os
from array import array
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from tui import events
from tui.events import AnyEvent, Level
from tui.text import clean

LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")


class LogLine(NamedTuple):
    """One line of log, fit to be shown."""

    level: Level
    source: str
    text: str


class LogLines:
    """The ``logged`` events of one journal. One thread adds, any may read what it has been told is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets = array("Q")
        self._lengths = array("Q")
        self._levels = bytearray()
        self._file: FileIO | None = None

    def __len__(self) -> int:
        return len(self._levels)

    def add(self, offset: int, length: int, event: AnyEvent) -> None:
        """Note where an event lies in the journal, if it is a line of log."""
        if isinstance(event, events.Logged):
            self._offsets.append(offset)
            self._lengths.append(length)
            # Last, as the length of `self` is that of the levels: a reader never sees half an entry.
            self._levels.append(LEVELS.index(event.level))

    def level(self, number: int) -> Level:
        """The level of a line."""
        return LEVELS[self._levels[number]]

    def __getitem__(self, number: int) -> LogLine:
        """A line, cleaned and cut to a sane length; an empty one where the journal has gone."""
        level = self.level(number)
        try:
            if self._file is None:
                self._file = FileIO(self._path)
            data = os.pread(self._file.fileno(), self._lengths[number], self._offsets[number])
        except OSError:
            return LogLine(level, "", "")
        event = events.decode(data)
        if not isinstance(event, events.Logged):
            return LogLine(level, "", "")
        return LogLine(level, clean(event.source, 40), clean(event.text))
