"""The stages of a run as a rail: which are done, which is at work and how far against what is usual, which are open."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app import ascii
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import Clock, fit
from tui.reports.format import stage_seconds
from tui.run.derived import gone_through, outcome
from tui.run.events import Stage
from tui.run.state import StageState, State

BROAD, TALL = 100, 30
"""Size of a screen from which on the rail has its two rows."""
WORDS = 72
"""Width from which on one row names all stages."""
PIECE = 22
"""Cells of the rail where one row has no room for names."""
NEARLY = 0.95
"""Most that the stage at work is filled: it may take longer than it usually does."""
SLOT = 6
"""Cells kept for the seconds of a stage, so that nothing moves while they count."""

GLYPHS = {"ok": "●", "running": "◉", "pending": "○", "failed": "✗", "stopped": "■", "skipped": "○"}
MARKS = {"ok": "✓", "running": "●", "pending": "○", "failed": "✗", "stopped": "■", "skipped": "○"}
MARKS_ASCII = {"ok": "+", "running": "*", "pending": ".", "failed": "!", "stopped": "#", "skipped": "."}
"""Marks that are no letters: they stand before names, without a blank."""
ROLES = {"ok": "ok", "running": "accent", "pending": "faint", "failed": "fail", "stopped": "warn", "skipped": "faint"}


@dataclass(frozen=True)
class Stop:
    """A stage on the rail."""

    name: str
    status: str
    """A stage's status; ``failed`` also of a check that found a mismatch."""
    words: str
    """Seconds, or what else there is to say."""
    share: float = 0.0
    """Share of the usual time that is over, of the stage at work."""


def stops(state: State, usual: Mapping[Stage, float], now: float) -> tuple[Stop, ...]:
    """All stages that this run goes through; `usual` are seconds by stage, `now` is the Unix time."""
    return tuple(_stop(stage, state, usual.get(stage.name), now) for stage in gone_through(state))


def _stop(stage: StageState, state: State, usual: float | None, now: float) -> Stop:
    if stage.status == "running":
        if state.run.status != "running":
            return Stop(stage.name, "stopped", "cut off")
        taken = max(now - stage.started, 0.0) if stage.started else 0.0
        share = min(taken / usual, NEARLY) if usual else 0.0
        return Stop(stage.name, "running", f"{int(taken)}" if stage.started else "", share)
    if stage.status == "skipped":
        return Stop(stage.name, "skipped", "skipped")
    if stage.name == "check" and stage.status == "ok" and outcome(state) == "mismatch":
        return Stop(stage.name, "failed", "MISMATCH")
    seconds = stage_seconds(stage.seconds) if stage.seconds is not None else ""
    words = {"failed": "FAILED", "stopped": "stopped"}.get(stage.status, "cached" if stage.cached else "")
    if stage.status in ("failed", "stopped"):
        return Stop(stage.name, stage.status, f"{seconds} {words}".strip())
    return Stop(stage.name, stage.status, words or seconds)


class Rail(Lines):
    """Stages of a run: two rows with their seconds, or one row of words."""

    def __init__(self, clock: Clock = time.time, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.clock = clock
        self._state: State | None = None
        self._usual: Mapping[Stage, float] = {}

    def take(self, state: State, usual: Mapping[Stage, float] | None = None) -> None:
        """Show a newer state; `usual` are the seconds that stages usually take, where they are known."""
        self._state = state
        if usual is not None:
            self._usual = usual
        self.draw()

    def tick(self) -> None:
        """Go on with the clock of the stage at work."""
        if self._state is not None and self._state.run.status == "running":
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the rail in the size that the screen has room for."""
        if self._state is None:
            return []
        found = stops(self._state, self._usual, self.clock())
        size = self.app.size
        if size.width >= BROAD and size.height >= TALL:
            return _two_rows(found, width, paint)
        return [_row_of_words(found, width, paint) if width >= WORDS else _piece(found, width, paint)]


def _columns(found: Sequence[Stop], width: int) -> list[int]:
    """Width of each stage by its name and the slot for its seconds, over the whole width."""
    needs = [len(stop.name) + SLOT for stop in found]
    left, columns = width, []
    for at, need in enumerate(needs):
        columns.append(left * need // sum(needs[at:]))
        left -= columns[-1]
    return columns


def _two_rows(found: Sequence[Stop], width: int, paint: Paint) -> list[Strip]:
    line: list[Segment] = []
    names: list[Segment] = []
    columns = _columns(found, width)
    for at, (stop, cells) in enumerate(zip(found, columns, strict=True)):
        role, last = ROLES[stop.status], at == len(found) - 1
        line.append(Segment(GLYPHS[stop.status], paint.ink(role, bold=stop.status == "failed")))
        if not last:
            done = cells - 1 if stop.status == "ok" else int((cells - 1) * stop.share)
            line += [Segment("━" * done, paint.ink(role)), Segment("─" * (cells - 1 - done), paint.ink("line"))]
        names += _named(stop, cells, cells if last else cells - 1, paint)
    return [Strip(line), Strip(names)]


def _named(stop: Stop, cells: int, room: int, paint: Paint) -> list[Segment]:
    """Name and seconds of a stage in its column; what has no room is left out."""
    left = room - len(stop.name) - 1
    words = next((words for words in (stop.words, stop.words.partition(" ")[0]) if cell_len(words) <= left), "")
    told = stop.status not in ("ok", "pending", "skipped")
    name = paint.ink("strong", bold=True) if told else paint.ink("text" if stop.status == "ok" else "faint")
    beside = paint.ink(ROLES[stop.status]) if told else paint.ink("muted" if stop.status == "ok" else "faint")
    text = fit(stop.name, min(len(stop.name), room))
    rest = cells - cell_len(text)
    return [Segment(text, name), Segment(fit(f" {words}" if words else "", rest), beside)]


def _row_of_words(found: Sequence[Stop], width: int, paint: Paint) -> Strip:
    """All stages with a mark each, and as many of their words as there is room for, the latest first."""
    taken = sum(len(stop.name) + 2 for stop in found)
    said: dict[int, str] = {}
    by_news = sorted(range(len(found)), key=lambda at: (found[at].status in ("ok", "pending", "skipped"), -at))
    for at in by_news:
        words = found[at].words
        if words and words != "skipped" and taken + 1 + len(words) <= width:
            said[at] = f" {words}"
            taken += 1 + len(words)
    row: list[Segment] = []
    marks = MARKS_ASCII if ascii.wanted() else MARKS
    for at, stop in enumerate(found):
        role = ROLES[stop.status]
        told = stop.status not in ("ok", "pending", "skipped")
        row.append(Segment(marks[stop.status], paint.ink(role, bold=told)))
        words = f"{said.get(at, '')} "
        if told:
            row += [Segment(stop.name, paint.ink("strong", bold=True)), Segment(words, paint.ink(role))]
        else:  # in one style: a line that is sent every second is short
            row.append(Segment(stop.name + words, paint.ink("muted")))
    return Strip(row)


def _piece(found: Sequence[Stop], width: int, paint: Paint) -> Strip:
    """A short rail without names, and where the run is in words."""
    at = next((at for at, stop in enumerate(found) if stop.status not in ("ok", "skipped")), len(found))
    row: list[Segment] = []
    for index, cells in enumerate(_columns([Stop("", stop.status, "") for stop in found], PIECE)):
        stop = found[index]
        role = ROLES[stop.status]
        if index == at and stop.status != "pending":
            row += [
                Segment(GLYPHS[stop.status], paint.ink(role, bold=True)),
                Segment("─" * (cells - 1), paint.ink("line")),
            ]
        else:
            done = stop.status == "ok"
            row.append(Segment(("━" if done else "─") * cells, paint.ink(role if done else "line")))
    return Strip([*row, Segment(fit(f"  {_where(found, at)}", max(width - PIECE, 0)), paint.ink("text"))])


def _where(found: Sequence[Stop], at: int) -> str:
    if at == len(found):
        return "all stages done"
    stop = found[at]
    place = f"{stop.name}, {at + 1} of {len(found)}"
    match stop.status:
        case "failed" if stop.words == "MISMATCH":
            return f"{stop.name} MISMATCH"
        case "failed" | "stopped":
            return f"{stop.status} in {place}" if stop.words != "cut off" else f"cut off in {place}"
        case "running":
            return f"{place}, {stop.words} s" if stop.words else place
    return f"{at} of {len(found)} stages done"
