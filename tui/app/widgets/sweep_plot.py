"""The points of a sweep as a plot: latency against the NPU's MACs or the model's SRAM."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tui.analysis.sweep import Point, Sweep
from tui.app import ascii
from tui.app.widgets.scatter import Mark, Plot
from tui.reports.format import TIME_UNITS, ms, number, time_unit
from tui.reports.sweep import FASTEST, SMALLEST
from tui.toolchain import boards

GLYPHS, GLYPHS_ASCII = "●○×", "#ox"
ROLES = ("npu", "sram", "dram")
"""Roles of the memory modes, in their order; the last stands for all beyond."""
HARDLY = 1.25
"""Range of a size below which it is not what the latency depends on."""


@dataclass(frozen=True)
class Axis:
    """A size of a point."""

    name: str
    of: Callable[[Point], float | None]


MACS = Axis("MACs", lambda point: point.configuration.macs)
SRAM = Axis("SRAM", lambda point: point.sram_kib)
AXES = (MACS, SRAM)


def plot(
    sweep: Sweep,
    axis: Axis,
    modes: Sequence[str],
    here: Point | None,
    limit_ms: float | None,
    *,
    families: bool = False,
) -> Plot:
    """Lay the points out; the one under the cursor lies on top, then the picks.

    A point has the mark of its memory mode, or with several `families` that of its NPU.
    """

    def mark_of(point: Point) -> tuple[str, str]:
        return npu_mark(point.target) if families else mode_mark(point.memory_mode, modes)

    known = [p for p in sweep.points if p.inference_ms and axis.of(p)]
    marks = [_mark(p, axis, *mark_of(p)) for mode in reversed(modes) for p in known if p.memory_mode == mode]
    picked = ((SMALLEST, "ok", sweep.cheapest), (FASTEST, "strong", sweep.best))
    marks += [_mark(p, axis, glyph, role, bold=True) for glyph, role, p in picked if p in known and p is not None]
    if here in known and here is not None:
        on_it = next((glyph for glyph, _, p in picked[::-1] if p == here), mark_of(here)[0])
        marks.append(_mark(here, axis, on_it, "accent", bold=True))
    seconds = [(p.inference_ms or 0.0) / 1000 for p in known]
    return Plot(
        marks=tuple(marks),
        line=tuple((axis.of(p) or 1.0, (p.inference_ms or 0.0) / 1000) for p in frontier(known, axis)),
        ticks=tuple(_ticks(known, axis)),
        unit=time_unit([max(seconds)] if seconds else []) or TIME_UNITS[0],
        limit=limit_ms / 1000 if limit_ms else None,
        limit_words=f"limit {ms(limit_ms)}",
        empty="No point is estimated" + ("." if sweep.points else " yet."),
    )


def _mark(point: Point, axis: Axis, glyph: str, role: str, *, bold: bool = False) -> Mark:
    return Mark(axis.of(point) or 1.0, (point.inference_ms or 0.0) / 1000, glyph, role, bold)


def mode_mark(mode: str, modes: Sequence[str]) -> tuple[str, str]:
    """Glyph and role of a memory mode among those of a map."""
    at = min(modes.index(mode), len(ROLES) - 1)
    return (GLYPHS_ASCII if ascii.wanted() else GLYPHS)[at], ROLES[at]


def npu_mark(accelerator: str) -> tuple[str, str]:
    """Glyph and role of the family of an NPU: 8 is Ethos-U85."""
    npu = boards.of(accelerator).npu
    return npu.sign, ROLES[min(boards.NPUS.index(npu), len(ROLES) - 1)]


def frontier(points: Sequence[Point], axis: Axis) -> list[Point]:
    """Pick the points that no other one beats in both size and time, by size."""
    best, found = float("inf"), []
    known = [point for point in points if point.inference_ms and axis.of(point)]
    for point in sorted(known, key=lambda p: (axis.of(p) or 0.0, p.inference_ms or 0.0)):
        if (point.inference_ms or 0.0) < best:
            best = point.inference_ms or 0.0
            found.append(point)
    return found


def _ticks(points: Sequence[Point], axis: Axis) -> Iterator[tuple[float, str]]:
    """The sizes themselves; of many the least and the most."""
    sizes = sorted({axis.of(p) or 1.0 for p in points})
    if axis is MACS:
        yield from ((size, f"{size:g}") for size in sizes)
    else:
        yield from ((size, f"{number(size, 1)} KiB") for size in dict.fromkeys((*sizes[:1], *sizes[-1:])))


def remark(sweep: Sweep, axis: Axis) -> str:
    """Say that an axis tells little; empty where it does not."""
    sizes = [size for point in sweep.points if (size := axis.of(point))]
    return f"{axis.name} hardly varies" if sizes and max(sizes) < HARDLY * min(sizes) else ""
