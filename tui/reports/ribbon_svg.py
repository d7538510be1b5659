"""The ribbon for a page, in the units of an SVG: boxes, their hatching, and the partitions' brackets."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.reports.format import UNKNOWN, number, percentage
from tui.reports.ribbon import Part, parts, unknown_words
from tui.reports.ribbon_layout import Block, label, layout, spans
from tui.run.state import State
from tui.text import clean, counted

CELLS, UNIT = 500, 2
"""Resolution of the layout, and the width of one of its cells."""
WIDTH = CELLS * UNIT
HEIGHT = 46
FIXED_CELLS = 18
"""Width of a part of unknown time: room for the label of a conversion."""
CHARACTER = 7.3
"""Width of a character in a label."""
HATCH, HATCHED_FROM = 6, 22
"""Distance of the lines of the hatching, and where it begins: below the label."""
MOST_NAMES = 12
"""Names in the tooltip of a group."""


@dataclass(frozen=True)
class Box:
    """A block of the ribbon: its class in the style sheet, place, words in it and in its tooltip."""

    role: str
    x: int
    width: int
    label: str
    share: str
    words: str
    hatch: str
    """Path of the lines that mark work of the CPU; empty for the NPU."""


@dataclass(frozen=True)
class Bracket:
    """A partition's stretch."""

    path: str
    middle: int
    label: str


@dataclass(frozen=True)
class Ribbon:
    """Boxes and brackets, and the legend's words on parts of unknown time."""

    boxes: tuple[Box, ...]
    brackets: tuple[Bracket, ...]
    summary: str
    unknown: str


def ribbon(state: State) -> Ribbon | None:
    """Lay the network out; None where nothing of it is known."""
    found = parts(state)
    if not found:
        return None
    blocks = layout(found, CELLS)
    total = sum(part.cycles or 0 for part in found)
    planned = bool(state.cpu.operators)
    on_cpu = sum(part.side == "cpu" for part in found)
    sides = f"{counted(len(found) - on_cpu, 'operator')} on the NPU" + (f", {on_cpu} on the CPU" if planned else "")
    return Ribbon(
        tuple(_boxes(blocks, total)),
        tuple(
            _bracket(span.start * UNIT, span.cells * UNIT, f"P{span.partition} {number(span.cycles)}", span.partition)
            for span in spans(blocks)
        ),
        f"{sides}, in the order they run",
        unknown_words(found, planned=planned),
    )


def _boxes(blocks: Sequence[Block], total: int) -> list[Box]:
    boxes: list[Box] = []
    x = shade = 0
    for block in blocks:
        width = block.cells * UNIT
        share = percentage(block.cycles / total) if total and block.cycles is not None else ""
        boxes.append(
            Box(
                role="cpu-2" if block.side == "cpu" else f"npu-{2 + shade % 2}",
                x=x,
                width=width,
                label=_fitting(label(block, int((width - 6) / CHARACTER)), width),
                share=_fitting(share, width),
                words=_words(block, share),
                hatch="" if block.side == "npu" else _hatch(x, width),
            )
        )
        x += width
        shade += block.side != "cpu"
    return boxes


def _fitting(words: str, width: int) -> str:
    """The words, where they have room and are more than a letter."""
    return words if width >= CHARACTER * max(len(words), 2) + 6 or words in ("q", "dq") else ""


def _words(block: Block, share: str) -> str:
    """Name, kind, cycles and share of a block, for its tooltip."""
    cycles = "time not known" if block.cycles is None else f"{number(block.cycles)} cycles, {share or UNKNOWN}"
    if len(block.parts) == 1:
        return f"{_named(block.parts[0])}: {cycles}"
    names = ", ".join(_named(part) for part in block.parts[:MOST_NAMES])
    more = f" and {len(block.parts) - MOST_NAMES} more" if len(block.parts) > MOST_NAMES else ""
    return f"{counted(len(block.parts), 'operator')}: {cycles}: {names}{more}"


def _named(part: Part) -> str:
    module = f"{clean(part.module, 80)} " if part.module and part.module != part.name else ""
    return f"{module}{clean(part.name, 80)} ({clean(part.kind, 80)})"


def _hatch(x: int, width: int) -> str:
    """Lines from lower left to upper right, cut at the box."""
    lines, height = [], HEIGHT - HATCHED_FROM
    for begin in range(-height + HATCH, width, HATCH):
        left, right = max(begin, 0), min(begin + height, width)
        lines.append(f"M{x + left} {HEIGHT - (left - begin)}L{x + right} {HEIGHT - (right - begin)}")
    return "".join(lines)


def _bracket(x: int, width: int, words: str, partition: int) -> Bracket:
    """A line below the stretch with its ends turned up, and as much of its name as fits."""
    short = f"P{partition}"
    fitting = next((text for text in (words, short) if width >= CHARACTER * len(text)), "")
    path = f"M{x + 1} {HEIGHT + 3}v5h{max(width - 2, 0)}v-5"
    return Bracket(path, x + width // 2, fitting)
