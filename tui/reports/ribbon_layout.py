"""The parts of a ribbon laid out over a width in cells: blocks, stretches of the partitions, names cut to size.

Of a network with more operators than can be told apart, neighbours are drawn as one block by their module.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import groupby

from tui.reports.ribbon import CONVERSIONS, Part, Side
from tui.text import printable_name

FIXED_CELLS = 5
"""Width of a part whose time is not known, where there is room."""
FIXED_SHARE = 0.4
"""Most of the width that parts of unknown time take together."""
TINY_SHARE = 0.25
"""Most of the width that parts of less than a cell may take; beyond it neighbours are grouped."""
CROWDED = 3
"""Cells for each part, below which neighbours are grouped."""
READABLE = 5
"""Cells that a group should have: enough for the beginning of its name."""

JOINER = "\u200d"


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
    def stretch(self) -> tuple[int, bool] | None:
        """Partition of all of its parts, and whether it is called again."""
        found = {(part.partition, part.again) for part in self.parts}
        partition, again = found.pop()
        return None if found or partition is None else (partition, again)

    @cached_property
    def name(self) -> str:
        """Name of its only part; of several, the modules they share and their number, else the slowest."""
        if len(self.parts) == 1:
            return self.parts[0].name
        if self.side == "cpu":
            return _kernels(self.parts)
        paths = [_path(part) for part in self.parts]
        shared = _shared(paths)
        levels = [*shared, *_between(paths[0][len(shared) :], paths[-1][len(shared) :])] if shared else []
        if levels:
            return f"{'.'.join(levels)} x{len(self.parts)}"
        slowest = max(self.parts, key=lambda part: part.cycles or 0)
        return f"{slowest.name} +{len(self.parts) - 1}"

    def holds(self, operator: int | None, step: int | None = None) -> bool:
        """Tell whether an operator of the NPU, or a step of the plan, is among its parts."""
        return any(
            (operator is not None and part.operator == operator) or (step is not None and part.step == step)
            for part in self.parts
        )


def _kernels(kernels: Sequence[Part]) -> str:
    """Kernels in a row by those that are no conversions: ``topk``, ``topk +2``; ``dq q`` where there are no others."""
    own = [part.name for part in kernels if part.name not in CONVERSIONS.values()]
    if not own:
        return " ".join(dict.fromkeys(part.name for part in kernels))
    return own[0] + (f" +{len(own) - 1}" if len(own) > 1 else "")


def _between(first: Sequence[str], last: Sequence[str]) -> list[str]:
    """The level at which a group's parts differ, where its modules are numbered: ``0..3``."""
    if first and last and first[0].isdecimal() and last[0].isdecimal() and first[0] != last[0]:
        return [f"{first[0]}..{last[0]}"]
    return []


@dataclass(frozen=True)
class Span:
    """A partition's stretch of the ribbon."""

    partition: int
    start: int
    cells: int
    cycles: int | None
    again: bool = False
    """A further call of the partition."""
    cut: bool = False
    """True where more of the partition lies beyond the ends: its cycles are not all."""


@dataclass(frozen=True)
class _Group:
    """Neighbouring parts under construction, and their width before it is rounded."""

    parts: tuple[Part, ...]
    size: float

    def joined(self, other: "_Group") -> "_Group":
        return _Group((*self.parts, *other.parts), self.size + other.size)

    def beside(self, other: "_Group") -> bool:
        """Tell whether both are on the same processor and in the same partition."""
        return _stretch(self.parts[-1]) == _stretch(other.parts[0])


def _stretch(part: Part) -> tuple[Side, int | None, bool]:
    return part.side, part.partition, part.again


def scale(found: Sequence[Part], width: int) -> float | None:
    """Cycles that `width` cells would stand for in `layout`, parts of unknown time aside; None where none are known.

    Ribbons have one scale if all are laid out at the largest of theirs.
    """
    total = sum(part.cycles or 0 for part in found)
    left = width - _each(found, width) * sum(part.cycles is None for part in found)
    return total * width / left if total and left > 0 else None


def layout(found: Sequence[Part], width: int, at_scale: float | None = None) -> tuple[Block, ...]:
    """Lay the parts out over exactly `width` cells, whole ones, at least one for each block.

    Where there are more parts than can be told apart, neighbours are grouped by module. With `at_scale`, cycles for
    the whole width, as many cells are taken as the parts need at that scale, or all where they need more.
    """
    if width <= 0 or not found:
        return ()
    groups = [_Group((part,), size) for part, size in zip(found, _sizes(found, width, at_scale), strict=True)]
    tiny = sum(group.size < 1 for group in groups)
    if tiny > width * TINY_SHARE or len(groups) * CROWDED > width:
        groups = _grouped(groups)
    while len(groups) > width:
        at = min(range(len(groups) - 1), key=lambda i: (not groups[i].beside(groups[i + 1]), _both(groups, i), i))
        groups[at : at + 2] = [groups[at].joined(groups[at + 1])]
    sizes = [group.size for group in groups]
    whole = width if at_scale is None else min(width, max(len(groups), round(sum(sizes))))
    return tuple(Block(group.parts, count) for group, count in zip(groups, _cells(sizes, whole), strict=True))


def _both(groups: Sequence[_Group], at: int) -> float:
    return groups[at].size + groups[at + 1].size


# -- grouping


def _grouped(singles: Sequence[_Group]) -> list[_Group]:
    """Parts in groups: what runs on one processor, split by module while the pieces have room for a name."""
    found: list[_Group] = []
    for _, run in groupby(singles, key=lambda single: _stretch(single.parts[0])):
        found += _split(list(run))
    return found


def _split(singles: Sequence[_Group]) -> list[_Group]:
    """Split a run of parts into the modules directly below the one that they share."""
    whole = reduce(_Group.joined, singles)
    if len(singles) == 1 or singles[0].parts[0].side == "cpu":
        return [whole]
    depth = len(_shared([_path(single.parts[0]) for single in singles]))
    below = [list(run) for _, run in groupby(singles, key=lambda single: _path(single.parts[0])[depth : depth + 1])]
    if len(below) == 1:  # all are the module's own
        below = [[single] for single in singles]
    sizes = [sum(single.size for single in run) for run in below]
    if max(single.size for single in singles) < READABLE and whole.size < 3 * READABLE:
        return [whole]
    found: list[_Group] = []
    crowd: list[_Group] = []
    for run, size in zip(below, sizes, strict=True):
        if size >= READABLE:
            found += [*_gathered(crowd), *_split(run)]
            crowd = []
        else:
            crowd.append(reduce(_Group.joined, run))
    return [*found, *_gathered(crowd)]


def _gathered(crowd: Sequence[_Group]) -> Iterator[_Group]:
    """Neighbours too narrow for a name joined until they have room for one; a little rest goes with the last."""
    ready: _Group | None = None
    current: _Group | None = None
    for group in crowd:
        current = group if current is None else current.joined(group)
        if current.size >= READABLE:
            if ready is not None:
                yield ready
            ready, current = current, None
    if ready is not None and current is not None and 2 * current.size < READABLE:
        ready, current = ready.joined(current), None
    yield from (group for group in (ready, current) if group is not None)


# -- cells


def _each(found: Sequence[Part], width: int) -> float:
    """Width of a part whose time is not known."""
    unknown = sum(part.cycles is None for part in found)
    room = width * FIXED_SHARE / unknown if unknown else 0.0
    return min(float(FIXED_CELLS), float(int(room)) if room >= 1 else room)


def _sizes(found: Sequence[Part], width: int, at_scale: float | None) -> list[float]:
    """Width of each part in cells and fractions: by its cycles, or fixed."""
    own = scale(found, width)
    if own is None:
        # Nothing tells the parts apart.
        return [width / len(found)] * len(found)
    each, per_cell = _each(found, width), max(own, at_scale or 0.0) / width
    return [each if part.cycles is None else part.cycles / per_cell for part in found]


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


def spans(blocks: Sequence[Block], beyond: Sequence[Part] = ()) -> tuple[Span, ...]:
    """Stretches of the partitions, in running order; `beyond` are parts of the network that are not shown."""
    found, start = [], 0
    elsewhere = {(part.partition, part.again) for part in beyond}
    for stretch, together in groupby(blocks, key=lambda block: block.stretch):
        run = tuple(together)
        cells = sum(block.cells for block in run)
        if stretch is not None and all(block.side == "npu" for block in run):
            cycles = Block(tuple(part for block in run for part in block.parts), cells).cycles
            found.append(Span(stretch[0], start, cells, cycles, stretch[1], cut=stretch in elsewhere))
        start += cells
    return tuple(found)


# -- names


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
    """Name of a block in at most so many characters."""
    return fitting_name(block.name, cells)


def fitting_name(path: str, cells: int) -> str:
    """Name in at most so many characters: in full, its levels shortened to initials, or cut."""
    # What joins characters would, in a name that is cut, join its last one with what follows.
    name = printable_name(path, 60).replace(JOINER, "")
    if len(name) <= cells:
        return name
    short = _initials(name)
    return short if len(short) <= cells else short[:cells]


def _initials(name: str) -> str:
    """``s0.pa3`` of ``stages.0.path_a.3``; a name of one level stays."""
    name, space, count = name.partition(" ")
    levels = name.replace("..", "-").split(".")
    if len(levels) < 2:
        return name + space + count
    short = ""
    for level in levels:
        numbered = level[:1].isdecimal()
        initials = level if numbered else "".join(word[0] for word in level.split("_") if word)
        short += initials if not short or numbered else f".{initials}"
    return short.replace("-", "..") + space + count
