"""A run as a self-contained HTML page: no script, no style or picture from elsewhere.

The page itself is ``report.html.jinja`` beside this file, its head ``head.html.jinja``; here is what they are made of.
All text in it is foreign: it is cleaned and escaped by the environment, and no filter that could undo this is used.
"""

import functools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tui import __version__, themes
from tui.analysis.advice import Advised
from tui.reports import advice, confusion, delegation, execution, headline, memory, pmu, ribbon_svg, text, why
from tui.reports import check as checking
from tui.reports import operators as arrange
from tui.reports.format import (
    UNKNOWN,
    difference,
    duration,
    field,
    frequency,
    kib,
    kib_words,
    ms,
    number,
    percentage,
    stage_seconds,
)
from tui.reports.memory import Area
from tui.reports.memory_svg import drawn, memory_svg
from tui.reports.operators import Entry
from tui.run import spec
from tui.run.derived import badge_and_board, checked, gone_through, outcome
from tui.run.log import LogLine
from tui.run.state import State
from tui.text import clean, counted

TEMPLATE = "report.html.jinja"
FRAGMENT = "fragment.html.jinja"
LONGEST = 1_000
"""Characters of one text."""
SHOWN = 16
"""Operators that are shown unfolded, those of most cycles."""
TAIL = 25
"""Lines at the log's end that are shown unfolded."""
ENDING = 10
"""Lines at the end of a log without an error, which stand for its first one."""
MOST_ERRORS = 50
SHADES = sum(role.startswith("tensor-") for role in themes.ROLES)
"""Shades of tensors."""


@dataclass(frozen=True)
class LogPart:
    """The part of a log that a page shows: the last errors and the newest lines, of how many."""

    errors: tuple[LogLine, ...] = ()
    newest: tuple[LogLine, ...] = ()
    lines: int = 0
    errors_in_all: int = 0
    first: tuple[LogLine, ...] = ()
    """The first error with some lines before and after it."""
    first_line: int = 0
    """Number of the first error's line, from 1."""


@dataclass(frozen=True)
class Map:
    """A memory of a partition: addresses upwards, steps of the schedule to the right."""

    area: Area
    words: str
    peak: str
    drawing: Markup
    drawn: int
    """Tensors in the drawing, the largest."""


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tui.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ours = themes.ours()
    made.filters.update(dotted=_dotted, short_line=_short_line)
    made.globals.update(
        number=number,
        counted=counted,
        ms=ms,
        kib=kib,
        kib_words=kib_words,
        difference=difference,
        duration=duration,
        field=field,
        frequency=frequency,
        stage_seconds=stage_seconds,
        percentage=percentage,
        traced_ratio=arrange.traced_ratio,
        limiter=arrange.limiter,
        needs_words=arrange.needs_words,
        commands_words=arrange.commands_words,
        pool_words=memory.pool_words,
        pool_need_words=memory.pool_need_words,
        output_line=checking.output_line,
        tensor_words=memory.tensor_words,
        cause_operators=delegation.cause_operators,
        cause_details=delegation.cause_details,
        against=checking.AGAINST,
        event=pmu.event,
        meaning=pmu.meaning,
        moment=_moment,
        bytes_words=_bytes,
        shades=SHADES,
        at_stake=advice.at_stake,
        effect=advice.effect,
        light=themes.variables(ours["light"], ours["light"]),
        dark=themes.variables(ours["dark"], ours["dark"]),
        ribbon_size=(ribbon_svg.WIDTH, ribbon_svg.HEIGHT),
    )
    return made


def _shown(value: Any) -> Any:
    """Prepare a value for the page: foreign text loses its control characters."""
    if value is None:
        return UNKNOWN
    return clean(value, LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


def _dotted(words: str) -> str:
    """Replace the double spaces between words, which a page would collapse, by dots."""
    return " · ".join(part for part in words.split("  ") if part)


def _short_line(line: str | None) -> str:
    """``FILE:LINE`` without the file's folders."""
    return UNKNOWN if line is None else line.rpartition("/")[2]


def _moment(seconds: float | None) -> str:
    """Unix time as a date."""
    if seconds is None:
        return UNKNOWN
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _bytes(size: int) -> str:
    return f"{number(size)} bytes" if size < 10_240 else kib(size)


def _map(area: Area, state: State) -> Map:
    peak = memory.peak(area, state.operators)
    words = memory.peak_words(area, peak).rstrip(":")
    return Map(area, memory.area_words(area), words, memory_svg(area, state), drawn(area))


def _share(cycles: int | None, most: int) -> float:
    """Percent of the longest, for a bar."""
    return round(100 * (cycles or 0) / most, 1) if most else 0.0


def _rows(entries: Sequence[Entry], state: State) -> list[dict[str, Any]]:
    """Operators or modules with the cells of their rows."""
    most = max((entry.cycles or 0 for entry in entries), default=0)
    total = sum(o.cycles or 0 for o in state.operators)
    return [
        {
            "entry": entry,
            "operator": None if entry.operator is None else state.operators[entry.operator],
            "bar": _share(entry.cycles, most),
            "share": percentage(entry.cycles / total) if total and entry.cycles is not None else UNKNOWN,
        }
        for entry in entries
    ]


def page(state: State, log: LogPart, advised: Advised | None = None, hint: str = "") -> str:
    """Render the page, with a part of the log; `advised` is None where no advice was asked for.

    `hint` is what to try where a run that ended badly does not say it itself.
    """
    areas, check = memory.areas(state.tensors), checked(state)
    walls = [i.wall_s for i in state.inferences if i.wall_s is not None]
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            **_head(state, log, hint),
            check_line=checking.check_line(check),
            links=checking.link_rows(check) if check is not None else [],
            accuracy=checking.accuracy_line(state.check),
            confusion=confusion.for_page(state.check.confusion if state.check is not None else None),
            noisiest=checking.layers_line(state.layers),
            statistics=execution.statistics_words(state.statistics),
            estimator=execution.estimated_by(state),
            inference_summary=execution.inference_summary(state, state.inferences),
            cut_off=why.cut_off(state),
            memory_words=_memory_words(state),
            shown=SHOWN,
            wall_s=sum(walls) / len(walls) if walls else None,
            stages=[s for s in gone_through(state) if s.status != "pending"],
            timeline=_timeline(state),
            fallback_cost=delegation.fallback_cost(state.delegation) if state.delegation else "",
            by_cycles=_rows(arrange.entries(state.operators), state),
            by_module=_rows(arrange.tree(state.operators), state),
            traced=any(o.traced_source == "measured" for o in state.operators),
            ribbon=ribbon_svg.ribbon(state),
            maps=[_map(area, state) for area in sorted(areas, key=lambda area: -area.size)],
            tail=log.newest[-TAIL:],
            advised=advised,
            versions={
                name: value
                for name in state.versions.__struct_fields__
                if (value := getattr(state.versions, name)) is not None
            },
            fvp_tui=__version__,
        )
    )


def head(state: State, hint: str = "") -> str:
    """Render the page's head alone - verdict, cause and figures - as a part of somebody else's page.

    Its style applies to nothing outside of it, and follows the browser's light or dark.
    """
    return _environment().get_template(FRAGMENT).render(**_head(state, LogPart(), hint), words=None)


def block(lines: str) -> str:
    """Render a text with its columns as a part of somebody else's page, in the style of `head`."""
    return _environment().get_template(FRAGMENT).render(words=lines.splitlines())


def _head(state: State, log: LogPart, hint: str) -> dict[str, Any]:
    """The values that a page's head shows."""
    tiles, reason = headline.headlines(state), why.why(state, hint)
    return {
        "state": state,
        "run": state.run,
        "title": text.title(state),
        "badge": badge_and_board(state) or "no platform was started",
        "command": shlex.join(map(clean, spec.command_line(state.spec))) if state.spec else None,
        "outcome": outcome(state),
        "check": checked(state),
        "verdict": headline.OUTCOMES[outcome(state)],
        # A run that failed early has no figures, and no use for a row of dashes.
        "tiles": tiles if any(one.figure != UNKNOWN for one in tiles) else (),
        "why": reason,
        "log": log,
        "excerpt": (log.first or log.newest[-ENDING:]) if reason and state.run.status != "ok" else (),
    }


def _timeline(state: State) -> list[tuple[float, float]]:
    """Begin and width of each stage in a line of 1000 units."""
    seconds = [stage.seconds or 0.0 for stage in gone_through(state) if stage.status != "pending"]
    total, at, found = sum(seconds), 0.0, []
    for own in seconds:
        width = 1000 * own / total if total else 0.0
        found.append((round(at, 1), round(width, 1)))
        at += width
    return found


def _memory_words(state: State) -> str:
    if state.estimate is None:
        return ""
    known = (("SRAM", state.estimate.sram_kib), ("DRAM", state.estimate.dram_kib), ("flash", state.estimate.flash_kib))
    return ", ".join(f"{name} {kib_words(value)}" for name, value in known)
