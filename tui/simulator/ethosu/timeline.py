"""Begin and end of each command: passes run one after the other, DMA beside them, waits keep them in order.

The command reader takes commands in the order of the stream: a pass once at most `KERNELS` of them are unfinished, a
DMA_WAIT or KERNEL_WAIT once no more than its parameter are. The hardware overlaps the end of a pass with the begin of
the next; as the compiler does, this adds them up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tui.simulator.ethosu.costs import Cost
from tui.simulator.ethosu.stream import Command, Stream, decode

KERNELS = 2
"""Passes that may be under way at once."""


@dataclass(frozen=True)
class Span:
    """A pass or DMA_START in time: `begin` and `end` in cycles from the start of the timeline."""

    cost: Cost
    begin: int
    end: int


@lru_cache(maxsize=16)
def _waits(stream: Stream) -> dict[int, tuple[tuple[str, int], ...]]:
    """(DMA_WAIT or KERNEL_WAIT, how many may be unfinished) before the operation at each byte offset."""
    waits: dict[int, tuple[tuple[str, int], ...]] = {}
    waiting: list[tuple[str, int]] = []
    at = 0
    while at < len(stream.words):
        step, length = decode(stream, at)
        at += length
        if step.setting:
            continue
        if step.name in ("DMA_WAIT", "KERNEL_WAIT"):
            waiting.append((step.name, step.parameter))
        else:
            waits[step.offset] = tuple(waiting)
            waiting = []
    return waits


class Timeline:
    """Plays the commands of one stream as they are executed, branches and repetitions included."""

    def __init__(self, stream: Stream, costs: Sequence[Cost], begin: int = 0) -> None:
        """`costs` are those the cycle model found for `stream`; `begin` is the cycle it starts at."""
        self._waits = _waits(stream)
        self._costs: Mapping[int, Cost] = {cost.command.offset: cost for cost in costs}
        self._read = begin
        self._passes = [begin]
        self._copies = [begin]

    @property
    def end(self) -> int:
        """The cycle by which everything so far is done."""
        return max(self._passes[-1], self._copies[-1])

    def play(self, command: Command) -> Span | None:
        """Span of a command; None of one that takes no time of its own: a branch, or a member of a pass."""
        for name, count in self._waits.get(command.offset, ()):
            queue = self._copies if name == "DMA_WAIT" else self._passes
            self._read = max(self._read, self._unfinished(queue, count))
        cost = self._costs.get(command.offset)
        if cost is None:
            return None
        if command.name == "DMA_START":
            queue = self._copies
        else:
            queue = self._passes
            self._read = max(self._read, self._unfinished(queue, KERNELS - 1))
        begin = max(queue[-1], self._read)
        queue.append(begin + cost.total)
        return Span(cost, begin, begin + cost.total)

    @staticmethod
    def _unfinished(queue: Sequence[int], count: int) -> int:
        """The cycle from which on at most `count` of a queue are unfinished."""
        return queue[-1 - count] if count < len(queue) else queue[0]


def end(stream: Stream, costs: Sequence[Cost]) -> int:
    """Cycles of all commands of a stream, each once: `Timeline` follows branches."""
    timeline = Timeline(stream, costs)
    for cost in costs:
        timeline.play(cost.command)
    return timeline.end
