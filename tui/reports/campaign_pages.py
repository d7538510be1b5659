"""A campaign as a folder of files: a page with all cells, a page for each run, CSV, JSON, JUnit for CI, Markdown.

The page is ``campaign.html.jinja`` beside this file. It loads nothing from elsewhere; its links lead to the runs' pages
beside it.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from tui import __version__, themes
from tui.campaign.configuration import CellResult
from tui.campaign.result import Result
from tui.errors import UsageError
from tui.files import write_whole
from tui.reports import campaign as words
from tui.reports import confusion, export
from tui.reports import junit as junit_xml
from tui.reports import markdown as md
from tui.reports.format import UNKNOWN, accuracy, change, duration, kib_words, ms
from tui.reports.junit import Case, Problem, Suite
from tui.run import store
from tui.text import clean, counted

INDEX, CSV, JSON, JUNIT, MARKDOWN = "index.html", "cells.csv", "campaign.json", "junit.xml", "summary.md"
RUNS = "runs"
"""Folder of the runs' pages."""
WIDTH, HEIGHT, MARGIN = 560, 240, 68
"""Size of a drawing, and of the room for its axes, in its own units."""
ROLES = {
    "ok": "ok", "limit": "warn", "failed": "fail", "lost": "fail", "unavailable": "warn", "cancelled": "warn",
    "running": "accent", "waiting": "muted",
}  # fmt: skip
"""Colours by status."""


def write(result: Result, folder: Path) -> None:
    """Write all files into a folder, which is made.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        (folder / RUNS).mkdir(parents=True, exist_ok=True)
        for run in dict.fromkeys(run for cell in result.cells for run in (cell.run, *cell.runs) if run is not None):
            if (store.folder() / run).is_dir():
                write_whole(folder / RUNS / f"{run}.html", export.document(store.folder() / run, "html"))
        files = {
            INDEX: page(result, folder),
            CSV: words.to_csv(result),
            JSON: msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n",
            JUNIT: junit(result),
            MARKDOWN: markdown(result),
        }
        for name, text in files.items():
            write_whole(folder / name, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}") from error


def markdown(result: Result) -> str:
    """A heading, the table of times, and a line for each cell that is not well."""
    head, *rows = [[md.words(cell) for cell in row] for row in words.matrix(result)]
    lines = [
        f"### {md.words(result.name or result.id)}",
        "",
        f"{counted(len(result.cells), 'cell')}: {words.counts_words(result)}",
        "",
        *md.table(head, rows),
        "",
        *(f"- {md.words(_bad_line(cell))}" for cell in bad(result)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _bad_line(cell: CellResult) -> str:
    return words.line(cell) + (f"; worse: {cell.worse}" if cell.worse else "")


def bad(result: Result) -> list[CellResult]:
    """The cells that did not end well, failures first."""
    order = {"failed": 0, "lost": 1, "unavailable": 2, "limit": 3}
    found = [cell for cell in result.cells if cell.status in order or cell.check == "mismatch" or cell.worse]
    return sorted(found, key=lambda cell: order.get(cell.status, 4))


def junit(result: Result) -> str:
    """JUnit's XML: a suite for each model, a case for each cell; what is over a limit or worse is a failure."""
    suites = []
    for model in dict.fromkeys(cell.model for cell in result.cells):
        cases = [
            Case(
                clean(f"{cell.quantize} {cell.target} {cell.memory_mode} {cell.system_config}", 120),
                cell.seconds,
                tuple(_problems(cell)),
            )
            for cell in result.cells
            if cell.model == model
        ]
        name = words.short_model(model)
        suites.append(Suite(name, name, tuple(cases)))
    return junit_xml.document(result.name or result.id, suites)


def _problems(cell: CellResult) -> Iterator[Problem]:
    if cell.status in ("failed", "lost"):
        yield "error", cell.reason or cell.status
    elif cell.status in ("waiting", "running", "cancelled", "unavailable"):
        yield "skipped", cell.reason or cell.status
    elif cell.status == "limit":
        yield "failure", cell.reason or "over a limit"
    elif cell.check == "mismatch":
        yield "failure", "the outputs are not the model's"
    elif cell.worse:
        yield "failure", cell.worse


@dataclass(frozen=True)
class Dot:
    """A cell in a drawing."""

    x: float
    y: float
    words: str
    label: str
    """The target of one that no other beats in both; empty for any other."""


@dataclass(frozen=True)
class Drawing:
    """Times of one model's cells against another figure; both axes are logarithmic, but for a share."""

    model: str
    title: str
    dots: tuple[Dot, ...]
    x_ends: tuple[str, str]
    y_ends: tuple[str, str]


def drawings(result: Result) -> list[Drawing]:
    """Draw each model with several cells: time against SRAM and, where inputs are labelled, against accuracy."""
    found = []
    for model in dict.fromkeys(cell.model for cell in result.cells):
        known = [cell for cell in result.cells if cell.model == model and cell.inference_ms]
        with_sram = [(cell, cell.sram_kib) for cell in known if cell.sram_kib]
        with_accuracy = [(cell, cell.accuracy) for cell in known if cell.accuracy is not None]
        if len(with_sram) > 2:
            found.append(_drawing(model, "SRAM", with_sram, less=True))
        if len(with_accuracy) > 2 and len({cell.answers for cell, _ in with_accuracy} - {1}) > 0:
            found.append(_drawing(model, "accuracy", with_accuracy, less=False))
    return found


def _drawing(model: str, name: str, cells: Sequence[tuple[CellResult, float]], *, less: bool) -> Drawing:
    times = [cell.inference_ms or 0.0 for cell, _ in cells]
    values = [value for _, value in cells]
    text = kib_words if less else accuracy
    dots = []
    for (cell, value), time in zip(cells, times, strict=True):
        pairs = zip(times, values, strict=True)
        better = [t <= time and not _worse(v, value, less) and (t, v) != (time, value) for t, v in pairs]
        dots.append(
            Dot(
                x=MARGIN + (WIDTH - 2 * MARGIN) * _place(time, times, log=True),
                y=HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * _place(value, values, log=less),
                words=f"{cell.quantize} {cell.target} {cell.memory_mode}: {ms(time)}, {text(value)} {name}",
                label="" if any(better) else f"{cell.quantize} {cell.target.removeprefix('ethos-')}",
            )
        )
    return Drawing(
        model=words.short_model(model),
        title=f"time against {name}",
        dots=tuple(dots),
        x_ends=(ms(min(times)), ms(max(times))),
        y_ends=(text(min(values)), text(max(values))),
    )


def _worse(one: float, other: float, less: bool) -> bool:
    return one > other if less else one < other


def _place(value: float, values: Sequence[float], *, log: bool) -> float:
    """Place between the least and the most, 0..1; the middle where they are the same."""
    scale = math.log if log else float
    least, most = scale(min(values)), scale(max(values))
    return (scale(value) - least) / (most - least) if most > least else 0.5


def page(result: Result, folder: Path | None = None) -> str:
    """Render the page; `folder` is that with the runs' pages."""
    pages = {file.stem for file in (folder / RUNS).glob("*.html")} if folder is not None else set()
    rows = words.matrix(result)
    columns = list(dict.fromkeys(map(words.column_of, result.cells)))
    at = {(words.row_of(cell), words.column_of(cell)): cell for cell in result.cells}
    return (
        _environment()
        .get_template("campaign.html.jinja")
        .render(
            result=result,
            heading=rows[0],
            rows=[
                (heads, [at.get((row, column)) for column in columns])
                for heads, row in zip(
                    [row[: len(rows[0]) - len(columns)] for row in rows[1:]],
                    dict.fromkeys(map(words.row_of, result.cells)),
                    strict=True,
                )
            ],
            bad=bad(result),
            changed=[cell for cell in result.cells if cell.change_pct is not None],
            drawings=drawings(result),
            answered=[(cell, tables) for cell in result.cells if (tables := confusion.for_page(cell.confusion))],
            pages=pages,
            fvp_tui=__version__,
            size=(WIDTH, HEIGHT, MARGIN),
        )
    )


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tui.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: UNKNOWN if value is None else clean(value, 1000) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ours = themes.ours()
    globals_: dict[str, Any] = {
        "light": themes.variables(ours["light"], ours["light"]),
        "dark": themes.variables(ours["dark"], ours["dark"]),
        "ms": ms,
        "duration": duration,
        "change": change,
        "kib_words": kib_words,
        "line": words.line,
        "cell_words": words.cell_words,
        "short_model": words.short_model,
        "counts_words": words.counts_words,
        "source_words": words.source_words,
        "counted": counted,
        "roles": ROLES,
        "shades": sum(role.startswith("tensor-") for role in themes.ROLES),
    }
    made.globals.update(globals_)
    return made
