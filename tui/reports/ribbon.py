"""The network as a ribbon: its operators in running order, each as wide as it is slow.

The order is the program's plan; within a partition it is the order in which the NPU runs its operators. Parts of
unknown time - all that the CPU does, and operators without an estimate - have one fixed width, which views must say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal

from tui.reports.operators import entries
from tui.run.state import State
from tui.text import printable_name

BOOKKEEPING = frozenset({"JumpIfFalse", "Move", "Free"})
"""Steps of the plan that are no work: they branch, and move and free values."""

Side = Literal["npu", "cpu", "both"]

FIXED_CELLS = 5
"""Width of a part whose time is not known, where there is room."""
FIXED_SHARE = 0.4
"""Most of the width that parts of unknown time take together."""
TINY_SHARE = 0.25
"""Most of the width that parts of less than a cell may take; beyond it they are grouped by module."""

JOINER = "\u200d"

CONVERSIONS = {"quantize_per_tensor": "q", "dequantize_per_tensor": "dq"}
"""Short labels of the conversions between float and integers."""


@dataclass(frozen=True)
class Part:
    """A piece of work in running order: an operator on the NPU with those fused into it, or a kernel on the CPU."""

    side: Side
    name: str
    kind: str
    """Vela's names of the operators, or the program's name of the kernel."""
    cycles: int | None = None
    """None for the CPU, whose time is not known, and where there is no estimate."""
    partition: int | None = None
    module: str | None = None
    operator: int | None = None
    """Place in `State.operators`; None on the CPU, and for a partition whose operators are not known."""
    step: int | None = None
    """Place in the program's plan of what the CPU does, and of a partition whose operators are not known."""


@dataclass(frozen=True)
class Block:
    """One or several neighbouring parts, drawn as one."""

    parts: tuple[Part, ...]
    cells: int

    @cached_property
    def side(self) -> Side:
        """Processor of all of its parts."""
        sides = {part.side for part in self.parts}
        return sides.pop() if len(sides) == 1 else "both"

    @cached_property
    def cycles(self) -> int | None:
        """Sum over its parts; None where one is not known."""
        known = [part.cycles for part in self.parts if part.cycles is not None]
        return sum(known) if len(known) == len(self.parts) else None

    @cached_property
    def partition(self) -> int | None:
        """Partition of all of its parts."""
        partitions = {part.partition for part in self.parts}
        return partitions.pop() if len(partitions) == 1 else None

    @cached_property
    def name(self) -> str:
        """Name of its only part; of several, the module they share and their number."""
        if len(self.parts) == 1:
            return self.parts[0].name
        shared = ".".join(_shared([_path(part) for part in self.parts]))
        return f"{shared} x{len(self.parts)}" if shared else f"x{len(self.parts)}"

    def holds(self, operator: int | None, step: int | None = None) -> bool:
        """Tell whether an operator of the NPU, or a step of the plan, is among its parts."""
        return any(
            (operator is not None and part.operator == operator) or (step is not None and part.step == step)
            for part in self.parts
        )


@dataclass(frozen=True)
class Span:
    """A partition's stretch of the ribbon."""

    partition: int
    start: int
    cells: int
    cycles: int | None


def parts(state: State) -> tuple[Part, ...]:
    """All parts in running order; without the program's plan only the NPU's, as the CPU's have no known place."""
    on_npu = _on_npu(state)
    steps = state.cpu.operators
    if not steps:
        return tuple(part for partition in sorted(on_npu) for part in on_npu[partition])
    found: list[Part] = []
    called = set()
    for at, step in enumerate(steps):
        if step.partition is not None:
            called.add(step.partition)
            found += on_npu.get(step.partition) or [_unseen(state, step.partition, at)]
        elif step.op not in BOOKKEEPING:
            found.append(Part("cpu", _kernel(step.op), step.op, module=step.module, step=at))
    return (*found, *(part for number in sorted(on_npu.keys() - called) for part in on_npu[number]))


def _on_npu(state: State) -> dict[int, list[Part]]:
    """Operators of each partition in running order."""
    found: dict[int, list[Part]] = {}
    running = entries(state.operators, "schedule")
    # A module's name is that of its operator of most work; the others go by what they do.
    by_work = sorted(running, key=lambda entry: (state.operators[entry.first].macs or 0, -entry.first))
    owners = {entry.label: entry.first for entry in by_work}
    for entry in running:
        operator = state.operators[entry.first]
        name = entry.label if owners[entry.label] == entry.first else operator.op
        found.setdefault(operator.partition, []).append(
            Part("npu", name, entry.kind, entry.cycles, operator.partition, operator.module, entry.first)
        )
    return found


def _unseen(state: State, partition: int, step: int) -> Part:
    """A partition whose operators are not known, as one part."""
    estimated = state.partitions[partition].total_cycles if partition < len(state.partitions) else None
    return Part("npu", f"P{partition}", "NPU", estimated, partition, step=step)


def _kernel(op: str) -> str:
    """``topk`` of ``aten::topk.values``."""
    name = op.rpartition("::")[2].partition(".")[0]
    return CONVERSIONS.get(name, name)


def unknown_words(found: Sequence[Part], *, planned: bool) -> str:
    """Say whose time is not known, for the legend; `planned` if the program's plan was known."""
    if not planned:
        return "CPU: its place in the program is not known"
    words = []
    if any(part.side == "cpu" for part in found):
        words.append("CPU, time not known")
    if any(part.side == "npu" and part.cycles is None for part in found):
        words.append("NPU without an estimate: fixed width")
    return "; ".join(words)


def layout(found: Sequence[Part], width: int, fixed: int = FIXED_CELLS) -> tuple[Block, ...]:
    """Lay the parts out over exactly `width` cells, whole ones, at least one for each block.

    Parts of less than a cell have one to themselves while these are few; else neighbours are grouped by module.
    """
    if width <= 0 or not found:
        return ()
    groups = [_Group((part,), size) for part, size in zip(found, _sizes(found, width, fixed), strict=True)]
    if sum(group.size < 1 for group in groups) > width * TINY_SHARE or len(groups) > width:
        for depth in range(max(len(_path(part)) for part in found), -1, -1):
            groups = list(_joined(groups, depth))
    while len(groups) > width:
        at = min(range(len(groups) - 1), key=lambda i: (not groups[i].beside(groups[i + 1]), _both(groups, i), i))
        groups[at : at + 2] = [groups[at].joined(groups[at + 1])]
    cells = _cells([group.size for group in groups], width)
    return tuple(Block(group.parts, count) for group, count in zip(groups, cells, strict=True))


@dataclass(frozen=True)
class _Group:
    """Neighbouring parts under construction, and their width before it is rounded."""

    parts: tuple[Part, ...]
    size: float

    def joined(self, other: "_Group") -> "_Group":
        return _Group((*self.parts, *other.parts), self.size + other.size)

    def beside(self, other: "_Group") -> bool:
        """Tell whether both are on the same processor and in the same partition."""
        last, first = self.parts[-1], other.parts[0]
        return (last.side, last.partition) == (first.side, first.partition)


def _both(groups: Sequence[_Group], at: int) -> float:
    return groups[at].size + groups[at + 1].size


def _joined(groups: Sequence[_Group], depth: int) -> Iterator[_Group]:
    """Groups with neighbours of less than a cell joined, where they share `depth` levels of their module's path."""
    current = groups[0]
    for group in groups[1:]:
        paths = [_path(part)[:depth] for part in (current.parts[0], group.parts[0])]
        small = current.size < 1 and group.size < 1
        if small and current.beside(group) and paths[0] == paths[1] and len(paths[0]) == depth:
            current = current.joined(group)
        else:
            yield current
            current = group
    yield current


def _sizes(found: Sequence[Part], width: int, fixed: int) -> list[float]:
    """Width of each part in cells and fractions: by its cycles, or fixed."""
    total = sum(part.cycles or 0 for part in found)
    unknown = sum(part.cycles is None for part in found)
    if not total:
        # Nothing tells the parts apart.
        return [width / len(found)] * len(found)
    room = width * FIXED_SHARE / unknown if unknown else 0.0
    each = min(float(fixed), float(int(room)) if room >= 1 else room)
    left = width - each * unknown
    return [each if part.cycles is None else left * part.cycles / total for part in found]


def _cells(sizes: Sequence[float], width: int) -> list[int]:
    """Sizes rounded to whole cells, at least one each, that add up to the width; there are no more than fit."""
    cells = [max(1, int(size)) for size in sizes]
    short = width - sum(cells)
    if short > 0:
        owed = sorted(range(len(sizes)), key=lambda i: (cells[i] - sizes[i], i))
        for at in range(short):
            cells[owed[at % len(owed)]] += 1
    for _ in range(-short):
        # One cell less matters least to the widest.
        cells[max(range(len(cells)), key=lambda i: (cells[i], -i))] -= 1
    return cells


def spans(blocks: Sequence[Block]) -> tuple[Span, ...]:
    """Stretches of the partitions, in running order."""
    found, start = [], 0
    for partition, together in groupby(blocks, key=lambda block: block.partition):
        stretch = tuple(together)
        cells = sum(block.cells for block in stretch)
        if partition is not None and all(block.side == "npu" for block in stretch):
            cycles = Block(tuple(part for block in stretch for part in block.parts), cells).cycles
            found.append(Span(partition, start, cells, cycles))
        start += cells
    return tuple(found)


def _path(part: Part) -> tuple[str, ...]:
    return tuple(level for level in (part.module or "").split(".") if level)


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Levels that all paths begin with."""
    levels = []
    for level in zip(*paths, strict=False):
        if len(set(level)) > 1:
            break
        levels.append(level[0])
    return tuple(levels)


def label(block: Block, cells: int) -> str:
    """Name of a block in at most so many characters: in full, its levels shortened to initials, or cut."""
    # What joins characters would, in a name that is cut, join its last one with what follows.
    name = printable_name(block.name, 60).replace(JOINER, "")
    if len(name) <= cells:
        return name
    short = _initials(name)
    return short if len(short) <= cells else short[:cells]


def _initials(name: str) -> str:
    """``s0.pa3`` of ``stages.0.path_a.3``; a name of one level stays."""
    name, space, count = name.partition(" ")
    levels = name.split(".")
    if len(levels) < 2:
        return name + space + count
    short = ""
    for level in levels:
        initials = level if level.isdecimal() else "".join(word[0] for word in level.split("_") if word)
        short += initials if not short or level.isdecimal() else f".{initials}"
    return short + space + count
