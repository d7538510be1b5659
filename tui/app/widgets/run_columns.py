"""Columns of the table of runs: what each sorts by, what it shows, and when it gives way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tui.analysis.changes import Changes
from tui.app.widgets.cells import Drawn, Inked, Share, Sparks
from tui.app.widgets.table import Column
from tui.app.widgets.words import Clock, model_name, since
from tui.reports.format import UNKNOWN, TimeUnit, change, duration, ms, time, time_unit
from tui.reports.when import clock, day
from tui.run.derived import Outcome
from tui.run.index import Row
from tui.text import printable_name

GLYPHS: Mapping[Outcome, tuple[str, str]] = {
    "ok": ("✓", "ok"),
    "mismatch": ("✗", "fail"),
    "failed": ("✗", "fail"),
    "stopped": ("!", "warn"),
    "lost": ("?", "warn"),
    "running": ("●", "accent"),
    "unknown": ("?", "muted"),
}
"""Sign and colour of each outcome."""

LAYOUTS = {True: "channels last", False: "as written"}
TREND = 8
"""Runs of a trend in a row."""

BASELINE, AGAINST_BASELINE = "baseline", " b"


@dataclass(frozen=True)
class Table:
    """Everything that the rows of a table share."""

    changes: Changes
    short: Mapping[str, str]
    """Short names of runs."""
    seconds_unit: TimeUnit | None
    by_day: bool
    """True where rows stand below the day that they are of."""
    now: Clock

    @classmethod
    def of(
        cls, runs: Mapping[str, Row], changes: Changes, short: Mapping[str, str], *, by_day: bool, now: Clock
    ) -> "Table":
        """Share what these runs need."""
        return cls(changes, short, time_unit(run.seconds for run in runs.values()), by_day, now)


Cell = str | Drawn

# Ten thousand runs are of a few models on a few targets.
_name = lru_cache(maxsize=1024)(printable_name)
_model_name = lru_cache(maxsize=1024)(model_name)
_ms = lru_cache(maxsize=4096)(ms)
_seconds = lru_cache(maxsize=4096)(lambda seconds, unit: time(seconds, unit) if unit else duration(seconds))


@dataclass(frozen=True)
class RunColumn:
    """A column of the table: the figure of a run that it sorts by, None where that is not known, and its cell."""

    column: Column
    figure: Callable[[Row, Table], Any]
    cell: Callable[[Row, Table], Cell]
    sorts: bool = True
    option: bool = False
    """Says what the run was asked to do: it gives way first where all rows were asked the same."""


def _size(accelerator: str) -> int:
    """MACs of an accelerator by its name; 0 where it names none, as a run's damaged spec may."""
    last = accelerator.rpartition("-")[2]
    return int(last) if last.isascii() and last.isdecimal() and len(last) < 10 else 0


def npu_words(run: Row) -> str:
    """Return ``u85-256`` of ``ethos-u85-256``."""
    return UNKNOWN if run.accelerator is None else _name(run.accelerator.removeprefix("ethos-"))


def layout_words(run: Row) -> str:
    """Return the layout of a run's input."""
    return UNKNOWN if run.channels_last is None else LAYOUTS[run.channels_last]


def _when(run: Row, table: Table) -> str:
    time_of_day, date = clock(run.name, run.created), day(run.name, run.created)
    return time_of_day if table.by_day or not date else f"{date[4:6]}-{date[6:]} {time_of_day}"


def _latency(run: Row, table: Table) -> Cell:
    if run.status == "running":
        usual, gone = table.changes.usual_seconds(run), elapsed(run, table.now)
        return Share(min(gone / usual, 0.95)) if usual and gone is not None else UNKNOWN
    if run.latency_ms is None:
        return Inked(UNKNOWN, "faint")
    # Of networks of any size: each in the unit that fits.
    return Inked(_ms(run.latency_ms), "strong", bold=True)


def elapsed(run: Row, now: Clock) -> float | None:
    """Return for how many seconds a run goes on; None where its begin is not known."""
    return None if run.created is None else max(now() - run.created, 0.0)


def change_role(run: Row, percent: float | None) -> str:
    """Return the colour of a run's change of latency: less is better, but of no use where the outputs are wrong."""
    if not percent:
        return "faint"
    if percent > 0:
        return "fail"
    return "muted" if run.outcome == "mismatch" else "ok"


def _change(run: Row, table: Table) -> Cell:
    if table.changes.is_baseline(run):
        return Inked(BASELINE, "accent")
    reference = table.changes.reference(run)
    percent = None if reference is None else reference.change_pct(run)
    if reference is None or percent is None:
        return ""
    # The signs of percent stand below each other, with and without the letter.
    other = " " * len(AGAINST_BASELINE) if table.changes.baselines else ""
    words = change(percent) + (AGAINST_BASELINE if reference.baseline else other)
    return Inked(words, change_role(run, percent))


def _check(run: Row, table: Table) -> Cell:
    return Inked(*verdict(run))


def verdict(run: Row) -> tuple[str, str, bool]:
    """Return what came of a run in a word, its colour, and whether it is bold; of one that goes on, its stage."""
    match run.outcome:
        case "running":
            return run.stage or "starting", "accent", False
        case "mismatch" | "failed":
            return run.outcome.upper(), "fail", True
        case "stopped" | "lost":
            return run.outcome.upper(), "warn", False
        case "unknown":
            return "not known", "warn", False
    if run.check == "match":
        return "MATCH", "ok", False
    return ("compiled" if run.platform is None else "not checked"), "muted", False


def _took(run: Row, table: Table) -> Cell:
    if run.status == "running":
        gone = elapsed(run, table.now)
        return UNKNOWN if gone is None else Inked(since(0, gone), "accent")
    return UNKNOWN if run.seconds is None else _seconds(run.seconds, table.seconds_unit)


def note(run: Row, table: Table) -> str:
    """Return why a run did not end well, else what was asked for otherwise than in the run before."""
    if run.outcome in ("failed", "lost", "stopped", "unknown"):
        reason = printable_name(run.reason or "")
        if run.stage and not reason.startswith(f"{run.stage}:"):
            return f"{run.stage}: {reason}" if reason else f"in {run.stage}"
        return reason
    reference = table.changes.reference(run)
    return "" if reference is None else ", ".join(differences(run, reference.run))


def differences(run: Row, other: Row) -> list[str]:
    """Return the options of a run that are not those of another, each in a word or two."""
    words = []
    if run.accelerator != other.accelerator:
        words.append(npu_words(run))
    if run.memory_mode != other.memory_mode:
        words.append(_name(run.memory_mode or UNKNOWN))
    if run.system_config != other.system_config:
        words.append(_name(run.system_config or UNKNOWN))
    if run.quantize != other.quantize:
        words.append(run.quantize or UNKNOWN)
    if run.channels_last != other.channels_last:
        words.append(layout_words(run))
    return words


def _stamp(run: Row, table: Table) -> tuple[str, float]:
    return f"{day(run.name, run.created)}{run.name[9:15]}", run.created or 0.0


WHEN = RunColumn(Column("when", role="muted"), _stamp, _when)
LATENCY = RunColumn(Column("latency", right=True), lambda run, _: run.latency_ms, _latency)

COLUMNS = (
    RunColumn(Column(""), lambda run, _: run.outcome, lambda run, _: Inked(*GLYPHS[run.outcome], True), sorts=False),
    WHEN,
    RunColumn(
        Column("model", flex=True, width=10, most=30, role="strong"),
        lambda run, _: run.model and _model_name(run.model, 30),
        lambda run, _: UNKNOWN if run.model is None else _model_name(run.model, 30),
    ),
    # Numbers sort as numbers: 1024 comes after 256.
    RunColumn(
        Column("NPU", drop=1, most=14),
        lambda run, _: None if run.accelerator is None else (_size(run.accelerator), run.accelerator),
        lambda run, _: npu_words(run),
        option=True,
    ),
    RunColumn(
        Column("memory", drop=6, most=20, role="muted"),
        lambda run, _: run.memory_mode,
        lambda run, _: UNKNOWN if run.memory_mode is None else _name(run.memory_mode),
        option=True,
    ),
    RunColumn(
        Column("type", drop=8, role="muted"),
        lambda run, _: run.quantize,
        lambda run, _: run.quantize or UNKNOWN,
        option=True,
    ),
    RunColumn(
        Column("layout", drop=9, role="muted"),
        lambda run, _: run.channels_last,
        lambda run, _: layout_words(run),
        option=True,
    ),
    LATENCY,
    RunColumn(Column("change", right=True), lambda run, table: table.changes.change_pct(run), _change),
    RunColumn(
        Column("trend", drop=4),
        lambda run, _: None,
        lambda run, table: Sparks(table.changes.latencies(run, TREND)),
        sorts=False,
    ),
    RunColumn(Column("check"), lambda run, _: run.outcome, _check),
    RunColumn(Column("took", right=True, drop=5, role="muted"), lambda run, _: run.seconds, _took),
    RunColumn(
        Column("run", drop=3, most=15, role="muted"),
        lambda run, _: run.name,
        lambda run, table: printable_name(table.short.get(run.name, run.name)),
    ),
    RunColumn(Column("note", drop=7, flex=True, width=14, role="muted", optional=True), note, note),
)
