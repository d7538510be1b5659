"""Memory: the NPU's tensors by address and time, their peak, and the runner's pools."""

import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tui.reports.format import UNKNOWN, kib, labelled, number
from tui.run.figures import MemoryPool, Operator, PoolNeed, TensorPlace
from tui.run.state import State
from tui.text import clean, counted

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
    """Tensors needed then, the largest first."""
    operator: Operator | None
    """Operator that runs then; None where it is not known."""


def areas(tensors: Sequence[TensorPlace]) -> list[Area]:
    """Memories that hold tensors, by partition. Constants are left out: they lie there all the time."""
    found: dict[tuple[int, str], list[TensorPlace]] = {}
    for tensor in tensors:
        found.setdefault((tensor.partition, tensor.memory), []).append(tensor)
    return [
        Area(partition, memory, tuple(sorted(held, key=lambda t: (-t.bytes, t.start, t.address))))
        for (partition, memory), held in sorted(found.items())
    ]


def peak(area: Area, operators: Sequence[Operator]) -> Peak:
    """Find the step at which an area is fullest. Views of the same bytes count once."""
    time = max((t.start for t in area.tensors), key=lambda step: (needed(area.alive(step)), -step))
    running = [o for o in operators if o.partition == area.partition and o.time is not None and o.time <= time]
    at = max(running, key=lambda o: o.time or 0, default=None)
    alive = area.alive(time)
    return Peak(time, needed(alive), alive, at)


def needed(tensors: Sequence[TensorPlace]) -> int:
    """Bytes that tensors cover together."""
    total, reached = 0, 0
    for begin, end in sorted((t.address, t.address + t.bytes) for t in tensors):
        total += max(end - max(begin, reached), 0)
        reached = max(reached, end)
    return total


def cells(area: Area, width: int, height: int) -> list[list[int | None]]:
    """Place in `area.tensors` of the tensor that has the most of each cell; None where the memory is free.

    A row for each of `height` equal ranges of addresses, the lowest first; time to the right.
    """
    size, steps = area.size, area.steps
    shares: list[list[tuple[float, int | None]]] = [[(0.0, None)] * width for _ in range(height)]
    for place, tensor in enumerate(area.tensors):
        low, high = tensor.address / size * height, (tensor.address + tensor.bytes) / size * height
        left, right = tensor.start * width // steps, ((tensor.end + 1) * width - 1) // steps
        for row in range(int(low), min(int(-(-high // 1)), height)):
            share = min(high, row + 1) - max(low, row)
            for column in range(left, right + 1):
                if share > shares[row][column][0]:
                    shares[row][column] = share, place
    return [[place for _, place in row] for row in shares]


def picture(area: Area, width: int, height: int) -> list[str]:
    """Addresses upwards, time to the right; a cell has the mark of the tensor that has the most of it.

    All steps are equally wide; where they are too many for the width, several share a column.
    """
    width, height = max(width // area.steps * area.steps or width, 1), max(height, 1)
    marks = [area.mark(tensor) for tensor in area.tensors]
    return [
        "".join(FREE if place is None else marks[place] for place in row)
        for row in reversed(cells(area, width, height))
    ]


def pool_need_lines(state: State) -> Iterator[str]:
    """Pools with what the program asks of them."""
    yield from _under("Needs", map(pool_need_words, state.pools))


def pool_lines(state: State) -> Iterator[str]:
    """Pools with what the runner used of them."""
    yield from _under("Pools", map(pool_words, state.memory))


def _under(label: str, texts: Iterable[str]) -> Iterator[str]:
    """Label the first of several lines."""
    for text in texts:
        yield labelled(label, text)
        label = ""


def pool_words(pool: MemoryPool) -> str:
    """Bytes used of a memory pool of the runner, and its size."""
    sizes = [number(size) for size in (pool.used, pool.size) if size is not None]
    return f"{clean(pool.name, 40)} {' of '.join(sizes) or UNKNOWN} bytes"


def pool_need_words(pool: PoolNeed) -> str:
    """Bytes that a program asks of a pool of the runner."""
    size = "" if pool.available is None else f" of {number(pool.available)}"
    excess = f", {number(pool.excess)} TOO MANY" if pool.excess else ""
    return f"{pool.name} at least {number(pool.needed)}{size} bytes{excess}"


def area_words(area: Area) -> str:
    """A memory, the partition that uses it, and how much."""
    partition = f", partition {area.partition}" if area.partition else ""
    tensors, steps = counted(len(area.tensors), "tensor"), counted(area.steps, "step")
    return f"{clean(area.memory, 20)}{partition}: {kib(area.size)}, {tensors} in {steps}"


def peak_words(area: Area, peak: Peak) -> str:
    """The most bytes that are needed, and when."""
    at = f" while {clean(peak.operator.name, 60)} ({clean(peak.operator.op, 20)}) runs" if peak.operator else ""
    return f"peak {kib(peak.bytes)} in step {peak.time}{at}:"


def tensor_words(tensor: TensorPlace) -> str:
    """A tensor in a legend."""
    name = clean(tensor.module or tensor.name, 60)
    return f"{kib(tensor.bytes)}  {name}  {clean(tensor.dtype, 10)} {clean(tensor.format, 10)}"


def memory_map(state: State, width: int = 100, height: int = 16) -> str:
    """Each memory of the NPU: its peak, the tensors of it, and a picture."""
    lines = []
    for area in areas(state.tensors):
        highest = peak(area, state.operators)
        lines += [area_words(area), peak_words(area, highest)]
        lines += [f"  {area.mark(tensor)} {tensor_words(tensor)}" for tensor in highest.tensors]
        lines += picture(area, width, height)
    return "\n".join(lines or ["tensor placement is not known: the run has no Vela report"])
