"""A sweep as text and as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence

from tui.analysis.sweep import Point, Sweep
from tui.reports.format import UNKNOWN, TimeUnit, kib_words, ms, number, table, time, time_unit
from tui.text import clean

COLUMNS = Point.__struct_fields__


def to_csv(sweep: Sweep) -> str:
    """A heading, then a line for each point; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for point in sweep.points:
        writer.writerow(["" if (value := getattr(point, name)) is None else value for name in COLUMNS])
    return out.getvalue()


def summary(sweep: Sweep) -> str:
    """Time of an inference: a table for each system config, and the best choices."""
    unit = unit_name(sweep)
    lines = [f"{clean(sweep.model)}: time of an inference{f' in {unit}' if unit else ''}, estimated by Vela"]
    for system in dict.fromkeys(point.system_config for point in sweep.points):
        lines += ["", clean(system), *_heat_map(sweep, [p for p in sweep.points if p.system_config == system])]
    lines.append("")
    lines += [f"{word:11}{point_words(point)}" for word, point in _choices(sweep)]
    for point in sweep.points:
        if point.total_cycles is None:
            where = f"{point.target} {point.memory_mode} {point.system_config}"
            lines.append(f"{UNKNOWN} {clean(where)}: {clean(point.reason or '')}")
    return "\n".join(lines)


def _choices(sweep: Sweep) -> Iterator[tuple[str, Point]]:
    if sweep.best is not None:
        yield "fastest *", sweep.best
    if sweep.cheapest is not None:
        yield "smallest +", sweep.cheapest


def point_words(point: Point) -> str:
    """A point in one line."""
    return clean(
        f"{point.target} {point.memory_mode} {point.system_config}: {ms(point.inference_ms)},"
        f" {number(point.total_cycles)} cycles, {kib_words(point.sram_kib)} SRAM"
    )


def _heat_map(sweep: Sweep, points: Sequence[Point]) -> list[str]:
    accelerators = list(dict.fromkeys(point.target for point in points))
    modes = list(dict.fromkeys(point.memory_mode for point in points))
    at = {(point.memory_mode, point.target): point for point in points}
    rows = [["", *(f"{name.rsplit('-', 1)[-1]} MACs  " for name in accelerators)]]
    rows += [[clean(mode), *(cell(sweep, at.get((mode, name))) for name in accelerators)] for mode in modes]
    return [f"  {line}" for line in table(rows, right=range(1, len(accelerators) + 1))]


def cell(sweep: Sweep, point: Point | None) -> str:
    """Time and marks: ``*`` the fastest, ``+`` the smallest that keeps the limits, ``!`` breaks one."""
    if point is None or point.inference_ms is None:
        return f"{UNKNOWN}  "
    mark = ("*" if point == sweep.best else " ") + ("+" if point == sweep.cheapest else " ")
    unit = _unit(sweep)
    text = time(point.inference_ms / 1000, unit)
    return f"{text.partition(' ')[0] if unit else text}{mark if point.ok else '! '}"


def _unit(sweep: Sweep) -> TimeUnit | None:
    return time_unit(point.inference_ms / 1000 for point in sweep.points if point.inference_ms is not None)


def unit_name(sweep: Sweep) -> str:
    """Unit of the times in a sweep's cells; empty where each cell has its own."""
    unit = _unit(sweep)
    return "" if unit is None else unit[0]
