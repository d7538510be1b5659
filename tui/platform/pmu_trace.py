"""Progress of an NPU, from its PMU trace (``--pmu-trace``) while it is being written.

The trace is a gzip'd Chrome trace whose numbers are strings. Events of the thread ``qread`` hold the position the NPU
reads its commands from, in words of 4 bytes; what was read from the position before ended a cycle earlier. Source:
ExecuTorch's examples/arm/visualize.py.
"""

import codecs
import json
import re
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.files import Growing
from tui.run.events import Event, OperatorsTraced
from tui.run.figures import Operator, Source

GZIP = 31
"""zlib's window bits for a gzip container."""

WORD = 4
THREAD = "qread"
CHUNK = 1 << 20
"""Bytes unpacked at a time, and the longest event taken for one."""

_ARRAY = re.compile(r'"traceEvents"\s*:\s*\[|^\s*\[')
_NEXT = re.compile(r"[{\]]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]|"', re.DOTALL)
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Step:
    """Work of the NPU from one position of its command stream to the next one known.

    Settings and waits lie between operations: a step belongs to the last operation at or before its offset.
    """

    stream: int
    """Number of command streams begun before this one: delegates and inferences follow each other."""
    offset: int
    """Byte offset from the start of the command stream, as in the queue table of Vela's debug database."""
    begin: int
    """NPU cycles since the trace began."""
    end: int


class Places:
    """Map from steps of the NPU to operators."""

    def __init__(self, operators: Sequence[Operator], calls: Sequence[int]) -> None:
        """`calls` are the partitions in the order an inference has them executed."""
        self._calls = calls
        self._places: dict[int, list[tuple[int, int]]] = {
            partition: sorted(
                (offset, at) for at, o in enumerate(operators) if o.partition == partition for offset in o.commands
            )
            for partition in set(calls)
        }

    def find(self, stream: int, offset: int) -> tuple[int, int] | None:
        """(inference, place of the operator) at an offset of the streams begun so far, None where it cannot be told.

        What comes before the first operator, such as a copy of its weights, is done for it.
        """
        if not self._calls:
            return None
        inference, call = divmod(stream, len(self._calls))
        places = self._places[self._calls[call]]
        if not places:
            return None
        index = bisect_right(places, offset, key=lambda place: place[0])
        return inference, places[max(0, index - 1)][1]


class Follower:
    """Follows a trace file while the platform writes it."""

    def __init__(self, path: Path, places: Places, source: Source) -> None:
        self._file = Growing(path)
        self._places = places
        self._source = source
        self._reader = Reader()
        self._inference = 0
        self._cycles: dict[int, int] = {}

    def events(self) -> list[Event]:
        """Events of what has been written since the last call, one for each inference the NPU was at."""
        events: list[Event] = []
        changed: dict[int, int] = {}
        for step in self._reader.feed(self._file.more()):
            place = self._places.find(step.stream, step.offset)
            if place is None:
                continue
            inference, operator = place
            if inference != self._inference:
                events += self._event(changed)
                self._inference, self._cycles, changed = inference, {}, {}
            self._cycles[operator] = self._cycles.get(operator, 0) + step.end - step.begin
            changed[operator] = self._cycles[operator]
        return events + self._event(changed)

    def _event(self, changed: dict[int, int]) -> list[Event]:
        if not changed:
            return []
        at = self._places.find(*self._reader.position)
        # Of an inference that is over, the last one it had executed.
        running = at[1] if at is not None and at[0] == self._inference else next(reversed(changed))
        return [OperatorsTraced(inference=self._inference, cycles=changed, running=running, source=self._source)]


class Reader:
    """Takes a trace's bytes as they come; however they are cut, the steps are the same. Damage ends it silently."""

    def __init__(self) -> None:
        self._gzip = zlib.decompressobj(GZIP)
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._buffer = ""
        self._inside = False
        self._ended = False
        self._stream = 0
        self._last: tuple[int, int] | None = None
        """Position and cycle of the last event."""

    @property
    def position(self) -> tuple[int, int]:
        """Number of streams begun before, and byte offset the NPU has reached in this one."""
        return self._stream, self._last[0] if self._last else 0

    @property
    def complete(self) -> bool:
        """True if no more can come: the trace has ended, or is damaged."""
        return self._ended

    def feed(self, data: bytes) -> list[Step]:
        """The steps that end in the next bytes of the file."""
        steps: list[Step] = []
        while data and not self._ended:
            try:
                plain = self._gzip.decompress(data, CHUNK)
            except zlib.error:
                self._ended = True
                break
            data = self._gzip.unconsumed_tail
            if not plain and not data:
                break
            self._buffer += self._text.decode(plain)
            self._take(steps)
        return steps

    def _take(self, steps: list[Step]) -> None:
        """Take all events that are whole from the buffer."""
        at = 0
        if not self._inside:
            begun = _ARRAY.search(self._buffer)
            if begun is None:
                # What comes before the events is short.
                self._ended = len(self._buffer) > CHUNK
                return
            self._inside, at = True, begun.end()
        while (mark := _NEXT.search(self._buffer, at)) is not None:
            if mark[0] == "]":
                self._ended = True
                break
            event, end = _object(self._buffer, mark.start())
            if end is None:
                at = mark.start()
                break
            at = end
            self._event(event, steps)
        else:
            at = len(self._buffer)
        self._buffer = self._buffer[at:]
        self._ended = self._ended or len(self._buffer) > CHUNK

    def _event(self, event: Any, steps: list[Step]) -> None:
        if not isinstance(event, dict) or event.get("tid") != THREAD or not isinstance(event.get("args"), dict):
            return
        words, ts = _number(event["args"].get("qread")), _number(event.get("ts"))
        if words is None or ts is None:
            return
        offset, cycle = WORD * words, max(0, ts - 1)
        if self._last is None:
            self._last = offset, cycle
            return
        before, begin = self._last
        if offset < before:
            self._stream += 1
        elif offset > before:
            steps.append(Step(self._stream, before, begin, max(begin, cycle)))
        else:
            return
        self._last = offset, max(begin, cycle)


def _number(value: object) -> int | None:
    """A count that is a number or, as the FVP writes them, text."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return int(text) if _DIGITS.fullmatch(text) else None


def _object(text: str, at: int) -> tuple[Any, int | None]:
    """The JSON object that begins at `at` and where it ends: None where it is not whole; nothing if it is none."""
    try:
        return json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        depth = 0
        for token in _TOKEN.finditer(text, at):
            if token[0] == '"':
                return None, None
            depth += {"{": 1, "}": -1}.get(token[0], 0)
            if depth == 0:
                return None, token.end()
        return None, None
