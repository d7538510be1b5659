"""Bytes that a command stream writes over before anything has read them: rows that Vela put where others lie."""

from collections.abc import Sequence
from typing import Any
from unittest import mock

import numpy as np

from tests.simulator import programs
from tests.simulator.programs import Part
from tui.simulator.ethosu import sequencer
from tui.simulator.ethosu.memory import Memory
from tui.simulator.ethosu.stream import Command

Place = tuple[int, int, tuple[int, ...], tuple[int, ...]]
"""Region, offset, shape and strides of a view, in bytes."""


class Watch:
    """What the commands of a run read and write."""

    def __init__(self) -> None:
        self.reads: list[Place] = []
        self.writes: list[Place] = []
        self.unread: dict[int, np.ndarray[Any, Any]] = {}
        self.overwritten = False

    def finish(self, command: Command) -> None:
        """Take what a command did: it reads before it writes. Copies fill buffers, of which the end is never read."""
        if command.name == "DMA_START":
            self.reads, self.writes = self.reads + self.writes, []
        for place in self.reads:
            self._bytes(place)[...] = False
        for place in self.writes:
            self.overwritten |= bool(self._bytes(place).any())
        for place in self.writes:
            self._bytes(place)[...] = True
        self.reads, self.writes = [], []

    def _bytes(self, place: Place) -> np.ndarray[Any, Any]:
        region, offset, shape, strides = place
        return np.ndarray(shape, np.bool_, self.unread[region].data, offset, strides)


def overwrites(part: Part, inputs: Sequence[np.ndarray[Any, Any]]) -> bool:
    """True if a delegate writes over what it has written and nothing has read."""
    watch = Watch()

    class Watched(Memory):
        def view(self, number: int, dtype: Any, offset: int, shape: Any, strides: Any, *, write: bool) -> Any:
            watch.unread.setdefault(number, np.zeros(len(self.region(number)), np.bool_))
            place = number, offset, (*shape, dtype.itemsize), (*strides, 1)
            (watch.writes if write else watch.reads).append(place)
            return super().view(number, dtype, offset, shape, strides, write=write)

    with mock.patch.object(sequencer, "Memory", Watched):
        programs.simulate(part, part.load(), inputs, watch.finish)
    return watch.overwritten
