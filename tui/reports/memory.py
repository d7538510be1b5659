"""Where the NPU's tensors lie and when: the peak, who makes it, and a picture of addresses against time."""

import string
from collections.abc import Sequence
from dataclasses import dataclass

from tui.run.figures import Operator, TensorPlace

FREE = "."
MARKS = string.ascii_uppercase + string.ascii_lowercase + string.digits
"""Marks of tensors in a picture, the largest first; those beyond share the last."""


@dataclass(frozen=True)
class Area:
    """A memory as one partition uses it."""

    partition: int
    memory: str
    """Vela's name of the memory."""
    tensors: tuple[TensorPlace, ...]
    """The largest first."""

    @property
    def size(self) -> int:
        """Bytes from the first address that is used to the end of the last."""
        return max(t.address + t.bytes for t in self.tensors)

    @property
    def steps(self) -> int:
        """Steps of the schedule, from the first to the last."""
        return max(t.end for t in self.tensors) + 1

    def alive(self, time: int) -> tuple[TensorPlace, ...]:
        """Tensors that are needed at a step, the largest first."""
        return tuple(t for t in self.tensors if t.start <= time <= t.end)

    def mark(self, tensor: TensorPlace) -> str:
        """The letter of a tensor in the picture."""
        return MARKS[min(self.tensors.index(tensor), len(MARKS) - 1)]


@dataclass(frozen=True)
class Peak:
    """The step at which the most bytes are needed."""

    time: int
    bytes: int
    tensors: tuple[TensorPlace, ...]
    """Those alive, the largest first."""
    operator: Operator | None
    """What runs then; None where it is not known."""


def areas(tensors: Sequence[TensorPlace]) -> list[Area]:
    """Memories in which tensors lie, by partition. Constants are left out: they lie there all the time."""
    found: dict[tuple[int, str], list[TensorPlace]] = {}
    for tensor in tensors:
        found.setdefault((tensor.partition, tensor.memory), []).append(tensor)
    return [
        Area(partition, memory, tuple(sorted(held, key=lambda t: (-t.bytes, t.start, t.address))))
        for (partition, memory), held in sorted(found.items())
    ]


def peak(area: Area, operators: Sequence[Operator]) -> Peak:
    """When an area is fullest. Views of the same bytes count once."""
    time = max((t.start for t in area.tensors), key=lambda step: (needed(area.alive(step)), -step))
    running = [o for o in operators if o.partition == area.partition and o.time is not None and o.time <= time]
    at = max(running, key=lambda o: o.time or 0, default=None)
    alive = area.alive(time)
    return Peak(time, needed(alive), alive, at)


def needed(tensors: Sequence[TensorPlace]) -> int:
    """Bytes that some tensors cover."""
    total, reached = 0, 0
    for begin, end in sorted((t.address, t.address + t.bytes) for t in tensors):
        total += max(end - max(begin, reached), 0)
        reached = max(reached, end)
    return total


def picture(area: Area, width: int, height: int) -> list[str]:
    """Addresses upwards, time to the right; a cell has the mark of the tensor that has the most of it.

    All steps are equally wide; where they are too many for the width, several share a column.
    """
    size, steps = area.size, area.steps
    width, height = max(width // steps * steps or width, 1), max(height, 1)
    cells = [[(0.0, FREE)] * width for _ in range(height)]
    for tensor in area.tensors:
        mark = area.mark(tensor)
        low, high = tensor.address / size * height, (tensor.address + tensor.bytes) / size * height
        left, right = tensor.start * width // steps, ((tensor.end + 1) * width - 1) // steps
        for row in range(int(low), min(int(-(-high // 1)), height)):
            share = min(high, row + 1) - max(low, row)
            for column in range(left, right + 1):
                if share > cells[row][column][0]:
                    cells[row][column] = share, mark
    return ["".join(mark for _, mark in row) for row in reversed(cells)]
