"""The card of the model under the cursor: what it is, and what its runs have shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint, bar
from tui.app.widgets.words import fit, wrapped
from tui.reports.format import UNKNOWN, kib, kib_words, ms, number, percentage
from tui.text import printable_name

if TYPE_CHECKING:
    from tui.reports.ribbon import Part
    from tui.run.index import Row

LABEL = 8
GAP = "   "
TREND_CELLS = 20
LEAST_WORDS = 5
"""Words on the last run that are never left out: up to its latency."""
MOST_RUNS = 10
"""Runs that are listed, the newest."""
LEAST_SLOWEST, MOST_SLOWEST = 4, 16
"""Operators from which on it is worth listing the slowest, and as many as are."""
NAME, KIND, MOST_BAR = 18, 14, 20
"""Cells of the columns of such a list."""
VERDICTS = {"match": ("✓ MATCH", "ok"), "mismatch": ("✗ MISMATCH", "fail"), "skipped": ("not checked", "muted")}
OUTCOMES = {
    "ok": ("✓ OK", "ok"),
    "mismatch": ("✗ MISMATCH", "fail"),
    "failed": ("✗ FAILED", "fail"),
    "lost": ("✗ LOST", "fail"),
    "stopped": ("! STOPPED", "warn"),
    "running": ("running", "accent"),
    "unknown": ("? not known", "warn"),
}
BY = {
    "fvp": "measured",
    "fast": "fast mode",
    "vela": "Vela",
    "simulator": "simulator",
    "board": "board",
    "program": "own clock",
}
"""Sources of latencies."""


@dataclass(frozen=True)
class Sheet:
    """Facts about a model. Texts are clean."""

    title: str = ""
    source: str = ""
    """Its file."""
    inputs: str = ""
    """Shapes and types of its inputs; of a model that was never compiled, the source that makes them."""
    outputs: str = ""
    macs: int | None = None
    program_bytes: int | None = None
    flash_kib: float | None = None
    parts: "tuple[Part, ...]" = ()
    """The network of its newest run that has one."""
    runs: "tuple[Row, ...]" = ()
    """Its runs, newest first."""
    reason: str = ""
    """Why it cannot be compiled here."""


Row_ = list[Segment]


class ModelCard(Lines):
    """Lines about a model, as many as there is room for; the most telling first."""

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:
        super().__init__(id=id)
        self._clock = clock
        self.sheet = Sheet()

    def show(self, sheet: Sheet) -> None:
        """Show another model."""
        if sheet != self.sheet:
            self.sheet = sheet
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw all lines."""
        sheet, height = self.sheet, self.size.height
        pen = _Pen(paint, width)
        rows = [pen.line((sheet.title or UNKNOWN, "text", False))]
        if sheet.reason:
            rows.append(pen.line((sheet.reason, "warn", False)))
        if not sheet.runs:
            rows += self._new(pen, height - len(rows))
        else:
            rows += self._known(pen, height - len(rows))
        return [Strip(row) for row in rows[:height]]

    def _new(self, pen: "_Pen", room: int) -> list[Row_]:
        """Draw a model that was never run."""
        sheet = self.sheet
        last = [pen.line(("Enter", "accent", True), (" runs it: then its figures stand here.", "muted", False))]
        last = [] if sheet.reason else last
        source = [pen.named("source", sheet.source)] if sheet.source else []
        inputs = pen.wrapped("inputs", sheet.inputs, max(room - len(source) - len(last), 1)) if sheet.inputs else []
        return [*source, *inputs, *last]

    def _known(self, pen: "_Pen", room: int) -> list[Row_]:
        sheet = self.sheet
        signature = pen.facts(("in", sheet.inputs or UNKNOWN), ("out", sheet.outputs))
        program = kib(sheet.program_bytes) if sheet.program_bytes is not None else UNKNOWN
        figures = pen.facts(("MACs", number(sheet.macs)), ("program", program), ("flash", kib_words(sheet.flash_kib)))
        last = pen.last(sheet.runs, self._clock())
        rows = [signature, figures, last][: max(room, 0)]
        if room < 3:
            return [last, signature][: max(room, 0)]
        ribbon = pen.ribbon(sheet.parts) if room >= 5 else []
        loose = room >= 3 + len(ribbon) + 2
        blank = [pen.line()] if loose else []
        rows = [signature, figures, *blank, *ribbon, *(blank if ribbon else []), last]
        now = self._clock()
        left = room - len(rows) - 2
        if len(sheet.runs) > 1 and left >= 1:
            shown = sheet.runs[: min(left, MOST_RUNS)]
            rows += [*blank, pen.heads(), *(pen.run(run, now) for run in shown)]
        left = room - len(rows) - 2
        slowest = sorted(sheet.parts, key=lambda part: -(part.cycles or 0))[: max(min(left, MOST_SLOWEST), 0)]
        if slowest and left >= LEAST_SLOWEST:
            total = sum(part.cycles or 0 for part in sheet.parts)
            rows += [*blank, pen.line(("where the time goes", "faint", False))]
            rows += [pen.part(part, total) for part in slowest if part.cycles]
        return rows


class _Pen:
    """Draws the lines of a card."""

    def __init__(self, paint: Paint, width: int) -> None:
        self._paint = paint
        self._width = width

    def line(self, *words: tuple[str, str, bool]) -> Row_:
        """Words with their roles, cut to the width."""
        row, left = [], self._width
        for text, role, bold in words:
            shown = fit(text, min(cell_len(text), left))
            left -= cell_len(shown)
            row.append(Segment(shown, self._paint.ink(role, bold=bold)))
        return row

    def facts(self, *facts: tuple[str, str]) -> Row_:
        """Labels with their values; the last ones are left out where they have no room."""
        words: list[tuple[str, str, bool]] = []
        left = self._width
        for label, value in facts:
            gap = GAP if words else ""
            left -= cell_len(f"{gap}{label} {value}")
            if not value or (words and left < 0):
                break
            words += [(f"{gap}{label} ", "muted", False), (value, "text", False)]
        return self.line(*words)

    def named(self, label: str, text: str) -> Row_:
        """A label, and a value that is cut."""
        return self.line((label.ljust(LABEL), "muted", False), (text, "text", False))

    def wrapped(self, label: str, text: str, most: int) -> list[Row_]:
        """A label, and a value on as many lines as it needs, but for the most; the last one is cut."""
        lines = wrapped(text, self._width - LABEL, most)
        return [self.named(label if at == 0 else "", line) for at, line in enumerate(lines)]

    def ribbon(self, parts: "tuple[Part, ...]") -> list[Row_]:
        """The network of the newest run, in two lines."""
        if not parts:
            return []
        from tui.app.widgets.ribbon_pen import Pen, Phase
        from tui.reports.ribbon_layout import layout

        blocks = layout(parts, self._width)
        pen = Pen(self._paint)
        total = sum(part.cycles or 0 for part in parts)
        at_rest: list[Phase] = ["rest"] * len(blocks)
        return [pen.names(blocks, at_rest), pen.shares(blocks, at_rest, total)]

    def last(self, runs: "Sequence[Row]", now: float) -> Row_:
        """Number of runs, how the latency went, and how the last one ended."""
        from tui.app.widgets.spark import spark

        newest = runs[0]
        same = [r.latency_ms for r in reversed(runs) if r.latency_ms is not None and r.latency_by == _kind(runs)]
        count = f"{len(runs)} run" if len(runs) == 1 else f"{len(runs)} runs"
        trend = spark(same, TREND_CELLS) if len(same) > 1 else ""
        verdict, role = _verdict(newest)
        by = f" {BY[newest.latency_by]}" if newest.latency_by is not None else ""
        words = [
            (f"{count} ", "muted", False),
            (f"{trend}  " if trend else " ", "npu", False),
            ("last ", "muted", False),
            (verdict, role, True),
            (f"  {ms(newest.latency_ms)}", "strong", True),
            (by, "faint", False),
            (f"  {when(newest.created, now)}", "muted", False),
        ]
        while len(words) > LEAST_WORDS and sum(cell_len(text) for text, _, _ in words) > self._width:
            words.pop()
        return self.line(*words)

    def heads(self) -> Row_:
        """The heads of the columns of runs."""
        return self.line((f"{'run':<17}{'NPU':<10}{'memory':<16}{'latency':>9}  check", "faint", False))

    def run(self, run: "Row", now: float) -> Row_:
        """A run in a line."""
        verdict, role = _verdict(run)
        npu = (run.accelerator or UNKNOWN).removeprefix("ethos-")
        return self.line(
            (fit(when(run.created, now), 15) + "  ", "muted", False),
            (fit(npu, 8) + "  ", "text", False),
            (fit(run.memory_mode or UNKNOWN, 14) + "  ", "text", False),
            (fit(ms(run.latency_ms), 9, right=True) + "  ", "text", False),
            (verdict, role, False),
        )

    def part(self, part: "Part", total: int) -> Row_:
        """An operator with its share of all cycles."""
        cycles = part.cycles or 0
        share = cycles / total if total else 0.0
        name, kind = printable_name(part.name, NAME), printable_name(part.kind, KIND)
        cells = max(min(self._width - NAME - KIND - 22, MOST_BAR), 4)
        return [
            *self.line((fit(name, NAME) + "  ", "text", False), (fit(kind, KIND) + "  ", "muted", False)),
            *bar(self._paint, share, cells, "npu"),
            *self.line((f"{percentage(share):>5} {number(cycles):>12}", "muted", False)),
        ]


def _kind(runs: "Sequence[Row]") -> str | None:
    """Find who counted the newest latency: those of different kinds say nothing about each other."""
    return next((run.latency_by for run in runs if run.latency_ms is not None), None)


def _verdict(run: "Row") -> tuple[str, str]:
    if run.outcome == "ok" and run.check is not None:
        return VERDICTS[run.check]
    return OUTCOMES[run.outcome]


def when(moment: float | None, now: float) -> str:
    """``today 10:41``, ``yesterday 09:00``, ``11-23 10:41``, ``2025-11-23``."""
    if moment is None:
        return UNKNOWN
    there, here = datetime.fromtimestamp(moment).astimezone(), datetime.fromtimestamp(now).astimezone()
    days = (here.date() - there.date()).days
    if days in (0, 1):
        return f"{'yesterday' if days else 'today'} {there:%H:%M}"
    return f"{there:%m-%d %H:%M}" if there.year == here.year else f"{there:%Y-%m-%d}"
