"""The log of a run by line number, read from its journal on demand: a console may have millions of lines.

Kept in memory for each line are its place in the journal and a byte on what it is: 13 bytes, nothing else.
"""

import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from io import FileIO
from itertools import accumulate, compress
from pathlib import Path
from typing import NamedTuple

import msgspec

from tui.run import events
from tui.run.events import Level
from tui.run.heads import Head
from tui.text import MAX_LINE, clean

LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")

SPAN_BYTES = 1 << 20
"""Bytes of the journal that are read at a time."""
TAIL_BYTES = 1 << 18
LONG = 1 << 16
"""Bytes that are read of a longer line of the journal; the screen shows `MAX_LINE` characters of it."""

# What is known of a line is one byte: its level, its part in a wall, and its source.
_LEVEL, _WALL, _REST, _SOURCE = 0b11, 0b100, 0b1000, 4
_OTHER = 15
"""The number of all sources that came after the first fifteen."""

BASE64_WIDTH = 76
"""Characters of a line that are looked at to tell whether it goes on with base64."""


class LogLine(NamedTuple):
    """A line of log, fit to be shown."""

    level: Level
    source: str
    text: str


class _Line(msgspec.Struct, frozen=True, gc=False):
    event: str
    source: str = ""
    text: str = ""
    level: Level = "info"


_line = msgspec.json.Decoder(_Line)
_lines = msgspec.json.Decoder(list[_Line])


class LogLines:
    """The ``logged`` events of a journal. One thread adds lines, any may read those that are there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets = array("Q")
        self._lengths = array("I")
        self._kinds = bytearray()
        self._sources: list[str] = []
        self._codes: dict[tuple[Level, str], int] = {}
        self._in_wall = False
        self._file: FileIO | None = None

    def __len__(self) -> int:
        return len(self._kinds)

    # -- what is there

    def add(self, offset: int, lines: Sequence[bytes], heads: Sequence[Head | None]) -> None:
        """Note where the log's lines lie among lines of the journal from `offset` on, of which these are the heads."""
        logged = [head is not None and head.logged for head in heads]
        sizes = [len(line) for line in lines]
        starts = accumulate((size + 1 for size in sizes), initial=offset)
        kinds = bytearray(self._code(head) for head in compress(heads, logged) if head is not None)
        if kinds:
            self._mark_walls(list(compress(lines, logged)), kinds)
            self._offsets.extend(compress(starts, logged))
            self._lengths.extend(compress(sizes, logged))
            # Last, as the length of `self` is that of the kinds: a reader never sees half an entry.
            self._kinds += kinds

    def _code(self, head: Head) -> int:
        code = self._codes.get((head.level, head.source))
        if code is None:
            if head.source not in self._sources and len(self._sources) < _OTHER:
                self._sources.append(head.source)
            source = self._sources.index(head.source) if head.source in self._sources else _OTHER
            code = LEVELS.index(head.level) | source << _SOURCE
            if source != _OTHER:  # a writer may invent a name for every line
                self._codes[head.level, head.source] = code
        return code

    def _mark_walls(self, lines: Sequence[bytes], kinds: bytearray) -> None:
        block = b"\n".join(lines)
        if not self._in_wall and not any(mark in block for mark in _BEGINNINGS):
            return
        for at, line in enumerate(lines):
            text = _decode(line[:LONG]).text
            begins = _BEGINS.match(text) is not None
            if self._in_wall and (begins or _GOES_ON.match(text[:BASE64_WIDTH])):
                kinds[at] |= _REST
            else:
                self._in_wall = begins
                kinds[at] |= _WALL if begins else 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that can be told apart, in the order they came, as they are in the journal."""
        return tuple(self._sources)

    def level(self, number: int) -> Level:
        """The level of a line."""
        return LEVELS[self._kinds[number] & _LEVEL]

    def wall(self, number: int) -> int:
        """Lines of the wall of base64 that begins with this line; 0 where none does."""
        if not self._kinds[number] & _WALL:
            return 0
        end = number + 1
        while end < len(self._kinds) and self._kinds[end] & _REST:
            end += 1
        return end - number

    def wall_of(self, number: int) -> int | None:
        """The first line of the wall that a line is part of."""
        while number > 0 and self._kinds[number] & _REST:
            number -= 1
        return number if self._kinds[number] & _WALL else None

    def chosen(self, first: int, last: int, *, least: Level, source: str | None, folded: bool) -> Iterator[int]:
        """Numbers in ``range(first, last)`` of the lines of at least a level and of a source, if one is named.

        With `folded` only the first line of each wall is among them.
        """
        place = self._sources.index(source) if source in self._sources else _OTHER
        table = bytes(
            (kind & _LEVEL) >= LEVELS.index(least)
            and (source is None or kind >> _SOURCE == place)
            and not (folded and kind & _REST)
            for kind in range(256)
        )
        return compress(range(first, last), self._kinds[first:last].translate(table))

    def of_level(self, level: Level, first: int, last: int) -> bytes:
        """Mark the lines of ``range(first, last)`` that are of this level by a 1, a byte each."""
        table = bytes((kind & _LEVEL) == LEVELS.index(level) for kind in range(256))
        return bytes(self._kinds[first:last].translate(table))

    # -- what they say

    def __getitem__(self, number: int) -> LogLine:
        """A line, cleaned and cut to a sane length; an empty one where the journal has gone."""
        line = self._read(number, LONG)
        return LogLine(self.level(number), clean(line.source, 40), clean(line.text))

    def whole(self, number: int) -> LogLine:
        """A line, cleaned but not cut."""
        line = self._read(number, self._lengths[number])
        return LogLine(self.level(number), clean(line.source, 40), clean(line.text, max(len(line.text) * 8, MAX_LINE)))

    def texts(self, first: int, last: int) -> Iterator[list[str]]:
        """The texts of ``range(first, last)`` as `__getitem__` has them, a few thousand at a time."""
        while first < last:
            end = min(bisect_right(self._offsets, self._offsets[first] + SPAN_BYTES, first, last), last)
            end = max(end, first + 1)
            yield self._span(first, end)
            first = end

    def _span(self, first: int, last: int) -> list[str]:
        begin = self._offsets[first]
        data = (
            self._bytes(begin, self._offsets[last - 1] + self._lengths[last - 1] - begin) if last - first > 1 else b""
        )
        if not data or max(self._lengths[first:last]) > LONG:
            return [self[number].text for number in range(first, last)]
        lines = [
            data[at - begin : at - begin + size]
            for at, size in zip(self._offsets[first:last], self._lengths[first:last], strict=True)
        ]
        try:
            texts = [line.text for line in _lines.decode(b"[" + b",".join(lines) + b"]")]
        except (msgspec.DecodeError, UnicodeDecodeError):
            texts = []
        if len(texts) != last - first:
            return [self[number].text for number in range(first, last)]
        return [text if len(text) <= MAX_LINE and text.isprintable() else clean(text) for text in texts]

    def _read(self, number: int, most: int) -> _Line:
        return _decode(self._bytes(self._offsets[number], min(self._lengths[number], most)))

    def _bytes(self, offset: int, size: int) -> bytes:
        try:
            if self._file is None:
                self._file = FileIO(self._path)
            return os.pread(self._file.fileno(), size, offset)
        except OSError:
            return b""


def _decode(data: bytes) -> _Line:
    """A line, or the head of a long one; without text where it is damaged."""
    try:
        return _line.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    # The head of a line is JSON again with an end; the cut may have gone through a character or an escape of up to
    # two times six bytes.
    for less in range(13):
        try:
            return _line.decode(data[: len(data) - less] + b'"}')
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return _Line(event="")


def tail(path: Path, count: int) -> list[LogLine]:
    """The last lines of the log in a journal, at most `count`, without reading the rest of it."""
    try:
        with path.open("rb") as file:
            start = max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0)
            file.seek(start)
            lines = file.read().split(b"\n")[1 if start else 0 : -1]
    except OSError:
        return []
    newest = []
    for line in reversed(lines):
        event = events.decode(line)
        if isinstance(event, events.Logged):
            newest.append(LogLine(event.level, clean(event.source, 40), clean(event.text)))
            if len(newest) == count:
                break
    return newest[::-1]


# A runner that cannot write its ETDump to a file prints it (write_etdump in ExecuTorch's arm_executor_runner.cpp):
# "#[RUN THIS]", "# Writing etdump.bin [base64]", 'echo "BASE64" | base64 -d >etdump.bin', "#[END]".
_BEGINNINGS = (b"#[RUN THIS]", b" [base64]", b'echo \\"')
_BEGINS = re.compile(r'#\[RUN THIS\]|# Writing \S{1,40} \[base64\]|echo "[A-Za-z0-9+/=]{40}')
_GOES_ON = re.compile(r'[A-Za-z0-9+/]{40,}={0,2}$|[A-Za-z0-9+/=]{0,76}" \| base64|#\[END\]$|python3? .*etdump')
