"""A campaign as text: a table of its cells, models by configurations, and what went wrong."""

import csv
import io
from collections.abc import Iterator, Sequence

from tui.campaign.configuration import CellResult
from tui.campaign.events import Status
from tui.campaign.result import Result
from tui.reports import confusion
from tui.reports.format import UNKNOWN, accuracy, change, duration, kib_words, ms, number, table
from tui.run.derived import CountedBy
from tui.text import clean, counted
from tui.toolchain import boards

MARKS = {
    "waiting": "·",
    "running": ">",
    "ok": "",
    "limit": "!",
    "failed": "FAILED",
    "lost": "LOST",
    "unavailable": "n/a",
    "cancelled": "stopped",
}
"""Marks beside a cell's figure, or in its place."""


SOURCES: dict[CountedBy, str] = {
    "vela": "estimated by Vela",
    "simulator": "estimated by the simulator",
    "fvp": "measured on the FVP",
    "board": "measured on a board",
    "fast": "of the FVP's fast mode",
    "program": "by the program's own clock",
}


def short_model(name: str) -> str:
    """A model's name without its kind or its folders."""
    return clean(name.rpartition(":")[2].rpartition("/")[2].removesuffix(".py"), 40)


def row_of(cell: CellResult) -> tuple[str, str]:
    """Model and quantization."""
    return cell.model, cell.quantize


def column_of(cell: CellResult) -> tuple[str, str, str]:
    """Accelerator, memory mode and system config."""
    return cell.target, cell.memory_mode, cell.system_config


def heading(column: tuple[str, str, str], columns: Sequence[tuple[str, str, str]]) -> str:
    """A column's name, with only what tells it from others: ``u85-256``, ``u85-256 Shared_Sram``."""
    target, mode, system = column
    words = [target.removeprefix("ethos-")]
    if len({other[1] for other in columns if other[0] == target}) > 1:
        words.append(mode)
    if len({other[2] for other in columns if other[0] == target}) > 1:
        words.append(boards.short_system_config(system))
    return clean(" ".join(words), 40)


def cell_words(cell: CellResult) -> str:
    """The figure of a cell and its mark: ``92.2 µs``, ``92.2 µs !``, ``FAILED``."""
    mark = MARKS[cell.status]
    if cell.inference_ms is None:
        return mark or UNKNOWN
    words = ms(cell.inference_ms)
    if cell.check == "mismatch":
        mark = "MISMATCH"
    if cell.change_pct is not None:
        words += f" {change(cell.change_pct)}"
    return f"{words} {mark}".rstrip()


def line(cell: CellResult) -> str:
    """A cell in a line of its own: ``resnet8 int8 ethos-u85-256 Sram_Only: 92.2 µs, 52.0 KiB SRAM, match``."""
    where = f"{short_model(cell.model)} {cell.quantize} {cell.target} {cell.memory_mode}"
    if cell.inference_ms is None:
        state = cell.status if cell.status in ("running", "waiting") else MARKS[cell.status].lower() or cell.status
        on = f" on {clean(cell.worker, 60)}" if cell.status == "running" and cell.worker is not None else ""
        return f"{where}: {state}{on} {clean(cell.reason or '', 200)}".rstrip()
    words = [ms(cell.inference_ms), f"{kib_words(cell.sram_kib)} SRAM"]
    if cell.check is not None:
        words.append(cell.check)
    if cell.accuracy is not None and cell.answers != 1:
        words.append(f"{accuracy(cell.accuracy)} of {number(cell.answers)}")
    if cell.reason is not None:
        words.append(clean(cell.reason, 200))
    if cell.reused:
        words.append("done before")
    return f"{where}: {', '.join(words)}"


def matrix(result: Result) -> list[list[str]]:
    """Rows of the table: models and quantizations by targets, with a heading."""
    columns = list(dict.fromkeys(map(column_of, result.cells)))
    rows = list(dict.fromkeys(map(row_of, result.cells)))
    at = {(row_of(cell), column_of(cell)): cell for cell in result.cells}
    several = len({quantize for _, quantize in rows}) > 1
    found = [["", *([""] if several else []), *(heading(column, columns) for column in columns)]]
    for row in rows:
        cells = [at.get((row, column)) for column in columns]
        words = [cell_words(cell) if cell is not None else "" for cell in cells]
        found.append([short_model(row[0]), *([row[1]] if several else []), *words])
    return found


def counts_words(result: Result) -> str:
    """``38 ok, 1 over a limit, 1 failed``."""
    names = {"limit": "over a limit", "unavailable": "without a platform"}
    order: tuple[Status, ...] = ("ok", "limit", "failed", "lost", "unavailable", "cancelled", "running", "waiting")
    counts = result.counts
    words = [f"{counts[status]:,} {names.get(status, status)}" for status in order if counts[status]]
    return ", ".join(words)


def source_words(result: Result) -> str:
    """The sources of the times: ``estimated by the simulator``; empty where none is known."""
    by = dict.fromkeys(cell.by for cell in result.cells if cell.by is not None)
    return " and ".join(SOURCES[one] for one in by)


def summary(result: Result) -> str:
    """The table, then each cell that did not end well, and how many did."""
    return "\n".join(_summary(result))


def _summary(result: Result) -> Iterator[str]:
    words = source_words(result)
    yield f"{clean(result.name or result.id, 60)}: time of an inference{f', {words}' if words else ''}"
    yield ""
    rows = matrix(result)
    figures = len(set(map(column_of, result.cells)))
    yield from (f"  {one}" for one in table(rows, right=range(len(rows[0]) - figures, len(rows[0]))))
    yield ""
    for cell in result.cells:
        if cell.status in ("failed", "lost", "unavailable", "limit") or cell.check == "mismatch" or cell.worse:
            yield f"! {line(cell)}{f'; worse: {cell.worse}' if cell.worse else ''}"
    took = "" if result.seconds is None else f" in {duration(result.seconds)}"
    reused = sum(cell.reused for cell in result.cells)
    before = f", {reused:,} of them done before" if reused else ""
    yield f"{counted(len(result.cells), 'cell')}{took}: {counts_words(result)}{before}"


def accuracy_tables(result: Result) -> str:
    """Print the answers to labelled inputs of each configuration, slices added up (`result.with_confusions`)."""
    parts = [
        "\n".join([f"{line(cell)}", *confusion.tables(cell.confusion)])
        for cell in result.cells
        if cell.confusion is not None
    ]
    return "\n\n".join(parts) or confusion.NONE


def overview(results: Sequence[Result]) -> list[str]:
    """A line for each campaign."""
    rows = [["campaign", "status", "cells", "time"]]
    for one in results:
        took = duration(one.seconds)
        rows.append([clean(one.id), one.status, counts_words(one), took])
    return table(rows, right=(3,))


def to_csv(result: Result) -> str:
    """A heading, then a line for each cell; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [name for name in CellResult.__struct_fields__ if name != "confusion"]
    writer.writerow(columns)
    for cell in result.cells:
        writer.writerow([_csv(getattr(cell, name)) for name in columns])
    return out.getvalue()


def _csv(value: object) -> object:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else value
