"""A sweep as text and as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tui.analysis.sweep import Point, Sweep
from tui.reports.format import UNKNOWN, frequency, kib_words, ms, number, percentage, table
from tui.reports.operators import LIMITERS
from tui.reports.sweep_metrics import LATENCY, Scale, scale
from tui.run.spec import Limits
from tui.text import clean
from tui.toolchain import boards, vela

COLUMNS = Point.__struct_fields__
FASTEST, SMALLEST, BROKEN = "★", "◆", "!"
"""Marks of points: the fastest, the smallest that keeps the limits, and those that break one."""
WEAK = 1.5
"""Gain from twice the MACs below which something else is in the way."""
WAITING = 0.2
"""Share of the cycles from which on a memory is worth naming."""


@dataclass(frozen=True)
class Pick:
    """A point worth taking, and why."""

    mark: str
    name: str
    point: Point


@dataclass(frozen=True)
class Doubling:
    """A point, and the one with twice its MACs."""

    smaller: Point
    larger: Point
    factor: float
    """Ratio of their times: 2 where twice the MACs are twice as fast."""

    @property
    def weak(self) -> bool:
        """True if it brings much less than it costs."""
        return self.factor < WEAK


def to_csv(sweep: Sweep) -> str:
    """A heading, then a line for each point; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for point in sweep.points:
        writer.writerow(["" if (value := getattr(point, name)) is None else value for name in COLUMNS])
    return out.getvalue()


def summary(sweep: Sweep, limits: Limits | None = None) -> str:
    """Time of an inference: a table for each system config, what more MACs bring there, and the best choices.

    NPUs of several families stand in one table.
    """
    if any(point.vela is not None for point in sweep.points):
        return "\n".join([*_velas(sweep), "", *_pick_lines(sweep, limits)])
    laid = scale(LATENCY, sweep.points)
    unit = f" in {laid.unit[0]}" if laid.unit else ""
    lines = [f"{clean(sweep.model)}: time of an inference{unit}, estimated by Vela"]
    systems = list(dict.fromkeys(point.system_config for point in sweep.points))
    of_system = {system: [p for p in sweep.points if p.system_config == system] for system in systems}
    if len({boards.npu_of(system).name for system in systems}) > 1:
        lines += ["", *_families(sweep, laid)]
        for system in systems:
            lines += [f"{line}  ({clean(system)})" for line in _doubling_lines(of_system[system])]
    else:
        for system, points in of_system.items():
            lines += ["", clean(system), *_heat_map(sweep, laid, points), *_doubling_lines(points)]
    return "\n".join([*lines, "", *_pick_lines(sweep, limits)])


def _pick_lines(sweep: Sweep, limits: Limits | None) -> Iterator[str]:
    """The best choices, or how near the best comes; then what has no estimate, and why."""
    chosen = picks(sweep, limits)
    width = max((len(pick.name) for pick in chosen), default=0)
    yield from (f"{pick.mark} {pick.name:{width}}  {point_words(pick.point)}" for pick in chosen)
    if not chosen and (words := nearest_words(sweep.points)):
        yield words
    for point in sweep.points:
        if point.total_cycles is None:
            where = f"{point.target} {point.memory_mode} {point.system_config}"
            yield f"{UNKNOWN} {clean(where)}: {clean(point.reason or '')}"


def compiler_words(point: Point) -> str:
    """``stable Vela 5.1.0``; of a path the end; empty where there is one compiler."""
    name = None if point.toolchain is None else "/".join(point.toolchain.rstrip("/").split("/")[-2:])
    parts = (name, point.vela and f"Vela {point.vela}")
    return clean(" ".join(part for part in parts if part), 60)


def _velas(sweep: Sweep) -> Iterator[str]:
    """A row for each configuration, and for each version of Vela its own estimate beside the simulator's cycles."""
    yield f"{clean(sweep.model)}: cycles by each Vela's own estimate / by the simulator's model of its commands"
    yield "estimates of two Velas are of two cycle models: they are compared by the simulator's"
    compilers = list(dict.fromkeys(map(compiler_words, sweep.points)))
    places = dict.fromkeys((point.target, point.memory_mode, point.system_config) for point in sweep.points)
    at = {(p.target, p.memory_mode, p.system_config, compiler_words(p)): p for p in sweep.points}
    rows = [["", *(f"{words}  " for words in compilers)]]
    for place in places:
        cells = []
        for words in compilers:
            point = at.get((*place, words))
            known = point is not None and point.total_cycles is not None
            text = f"{number(point.total_cycles)} / {number(point.simulated_cycles)}" if known and point else UNKNOWN
            cells.append(f"{text}{marks(sweep, point).ljust(2)}")
        rows.append([clean(" ".join(place)), *cells])
    yield ""
    yield from (f"  {line}" for line in table(rows, right=range(1, len(compilers) + 1)))


def picks(sweep: Sweep, limits: Limits | None = None) -> list[Pick]:
    """Pick the fastest point, and the smallest that keeps the limits; none where no point keeps them."""
    found = [(FASTEST, "fastest", sweep.best), (SMALLEST, smallest_name(limits or Limits()), sweep.cheapest)]
    return [Pick(mark, name, point) for mark, name, point in found if point is not None]


def smallest_name(limits: Limits) -> str:
    """``smallest under 55.0 µs``."""
    if limits == Limits():
        return "smallest"
    if limits == Limits(inference_ms=limits.inference_ms):
        return f"smallest under {ms(limits.inference_ms)}"
    return "smallest within the limits"


def nearest_words(points: Sequence[Point]) -> str:
    """Say that no point keeps the limits, and how near the fastest comes; empty without an estimate."""
    known = [point for point in points if point.judged_ms is not None]
    if not known:
        return ""
    fastest = min(known, key=lambda point: (point.judged_ms, point.configuration.macs))
    return f"none keeps the limit: {ms(fastest.judged_ms)} at best"


def point_words(point: Point) -> str:
    """A point in one line."""
    return clean(
        f"{' '.join(filter(None, (point.target, point.memory_mode, point.system_config, compiler_words(point))))}:"
        f" {ms(point.judged_ms)}, {number(point.judged_cycles)} cycles, {kib_words(point.sram_kib)} SRAM"
    )


def point_details(point: Point, limit_ms: float | None = None) -> list[str]:
    """All that is known of a point, the most important first; for one without an estimate the reason."""
    if point.total_cycles is None:
        return [clean(point.reason or "no estimate", 120)]
    words = [ms(point.inference_ms)]
    if limit_ms and point.inference_ms:
        over = point.inference_ms / limit_ms - 1
        words[0] += f", {percentage(abs(over))} {'over' if over > 0 else 'under'} the limit" if over else ", the limit"
    words += [f"{number(point.total_cycles)} cycles", f"MAC use {percentage(point.utilization)}"]
    words += [text for text in (waiting_words(point),) if text]
    for name, size in (("SRAM", point.sram_kib), ("DRAM", point.dram_kib), ("flash", point.flash_kib)):
        if size != 0 or name == "SRAM":
            words.append(f"{name} {kib_words(size)}")
    return words


def waiting_words(point: Point) -> str:
    """``47% wait for SRAM``: the cycles that a memory limits, where they are many."""
    if point.memory is None or point.memory_share is None or point.memory_share < WAITING:
        return ""
    return f"{percentage(point.memory_share)} wait for {LIMITERS.get(point.memory, clean(point.memory, 20))}"


def doublings(points: Sequence[Point]) -> list[Doubling]:
    """Compare neighbours of one memory mode and system config whose MACs are twice those of the smaller."""
    known = sorted((p for p in points if p.inference_ms), key=lambda p: p.configuration.macs)
    return [
        Doubling(one, two, (one.inference_ms or 0) / (two.inference_ms or 1))
        for one, two in pairwise(known)
        if two.configuration.macs == 2 * one.configuration.macs
    ]


def factor_words(doubling: Doubling) -> str:
    """``×1.85``."""
    return f"×{number(doubling.factor, 2)}"


def reason_words(doubling: Doubling) -> str:
    """Reason for a weak doubling, by the larger one's figures; empty where it is not known."""
    if not doubling.weak:
        return ""
    use = doubling.larger.utilization
    return waiting_words(doubling.larger) or ("" if use is None else f"MACs are used to {percentage(use)}")


def _doubling_lines(points: Sequence[Point]) -> Iterator[str]:
    """Gains from twice the MACs in the fastest memory mode."""
    fastest = min((p for p in points if p.inference_ms), key=lambda p: p.inference_ms or 0, default=None)
    if fastest is None:
        return
    mode = fastest.memory_mode
    found = doublings([point for point in points if point.memory_mode == mode])
    if found:
        reason = f": {words}" if (words := reason_words(found[-1])) else ""
        yield f"  twice the MACs, {clean(mode)}: {'  '.join(map(factor_words, found))}{reason}"


def _heat_map(sweep: Sweep, laid: Scale, points: Sequence[Point]) -> list[str]:
    accelerators = list(dict.fromkeys(point.target for point in points))
    modes = list(dict.fromkeys(point.memory_mode for point in points))
    at = {(point.memory_mode, point.target): point for point in points}
    rows = [["", *(f"{name.rsplit('-', 1)[-1]} MACs  " for name in accelerators)]]
    rows += [[clean(mode), *(_cell(sweep, laid, at.get((mode, name))) for name in accelerators)] for mode in modes]
    return [f"  {line}" for line in table(rows, right=range(1, len(accelerators) + 1))]


def _families(sweep: Sweep, laid: Scale) -> list[str]:
    """A row for each NPU and system config, a column for each memory mode."""
    modes = list(dict.fromkeys(point.memory_mode for point in sweep.points))
    places = dict.fromkeys((point.target, point.system_config) for point in sweep.points)
    at = {(point.target, point.system_config, point.memory_mode): point for point in sweep.points}
    rows = [["", *(f"{clean(mode)}  " for mode in modes), "system config", "clock"]]
    for name, system in places:
        cells = (_cell(sweep, laid, at.get((name, system, mode))) for mode in modes)
        rows.append([clean(name), *cells, clean(boards.short_system_config(system)), frequency(vela.clock_hz(system))])
    return [f"  {line}" for line in table(rows, right=range(1, len(modes) + 1))]


def _cell(sweep: Sweep, laid: Scale, point: Point | None) -> str:
    return f"{laid.text(point, unit=False)}{marks(sweep, point).ljust(2)}"


def marks(sweep: Sweep, point: Point | None) -> str:
    """``★`` the fastest, ``◆`` the smallest that keeps the limits, ``!`` breaks one."""
    if point is None or point.total_cycles is None:
        return ""
    if not point.ok:
        return BROKEN
    return FASTEST * (point == sweep.best) + SMALLEST * (point == sweep.cheapest)
