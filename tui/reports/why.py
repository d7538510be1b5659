"""Why a run did not end well: cause, place, stage, and what to try."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui.reports.format import decibels, duration
from tui.run.check import Link, broken
from tui.run.derived import checked, outcome, progress_words
from tui.run.events import STAGES
from tui.run.state import StageState, State
from tui.text import counted

Role = Literal["fail", "warn"]


@dataclass(frozen=True)
class Why:
    """The end of a run in the words of whoever met it: text from outside."""

    cause: str
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    beside: str = ""
    """The operator or pass that was at work there."""
    stage: str = ""
    """The stage, its number of all, and how far the run had come; empty for a run that came to its end."""
    links: str = ""
    """The links of the check, where one does not hold."""
    remedy: str = ""
    """Something to try."""
    figure: str = ""
    """Errors that the log has, in words."""
    role: Role = "fail"


def why(state: State, hint: str = "") -> Why | None:
    """The reason of an end that was not good; None for any other state. `hint` stands in where the state has none."""
    ended = outcome(state)
    figure = counted(state.log_errors, "error") if state.log_errors else ""
    if ended == "mismatch":
        return _mismatch(state)
    if ended not in ("failed", "lost", "stopped", "unknown"):
        return None
    at = cut_off(state)
    reason = state.run.reason or "no reason given"
    if ended == "failed" and at is not None and reason.startswith(f"{at.name}: "):
        cause, beside, remedy = _taken_apart(reason.removeprefix(f"{at.name}: "), at.line)
    else:
        cause, beside, remedy = reason, "", ""
    return Why(
        cause=cause,
        line=at.line if at is not None else None,
        beside=beside,
        stage=_stage(state, at),
        remedy=state.run.hint or remedy or hint,
        figure=figure,
        role="warn" if ended in ("stopped", "unknown") else "fail",
    )


def cut_off(state: State) -> StageState | None:
    """The stage that failed, or was not over when the run was."""
    unfinished = [stage for stage in state.stages if stage.status in ("failed", "stopped", "running")]
    return next((stage for stage in unfinished if stage.status == "failed"), unfinished[-1] if unfinished else None)


def _stage(state: State, at: StageState | None) -> str:
    if state.spec is not None and state.spec.log is not None:
        return f"{at.name}, read from a log" if at is not None else "read from a log"
    after = f"after {duration(state.run.seconds)}" if state.run.seconds is not None else ""
    if at is None:
        return after or "before the first stage"
    words = [f"{at.name}, {STAGES.index(at.name) + 1} of {len(STAGES)}"]
    if at.progress is not None:
        words.append(progress_words(at.progress))
    return ", ".join([*words, after] if after else words)


# -- the parts of a reason, as a failed stage puts them together (`tui.compile.diagnostics.failures`)

_PART = re.compile(r"; (in \w+|operator [\w.]+)$")


def _taken_apart(reason: str, line: str | None) -> tuple[str, str, str]:
    """Cause, what was at work, and remedy of ``CAUSE; in PASS; operator NAME; at FILE:LINE (REMEDY)``."""
    rest, remedy = _without_remedy(reason)
    rest = rest.removesuffix(f"; at {line}") if line is not None else rest
    parts: list[str] = []
    while match := _PART.search(rest):
        parts.insert(0, match[1])
        rest = rest[: match.start()]
    return rest, ", ".join(parts), remedy


def _without_remedy(reason: str) -> tuple[str, str]:
    """A reason without the bracket at its end, and what stands in that."""
    if not reason.endswith(")"):
        return reason, ""
    depth = 0
    for at in range(len(reason) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(reason[at], 0)
        if not depth:
            opens = at > 0 and reason[at - 1] == " "
            return (reason[: at - 1], reason[at + 1 : -1]) if opens else (reason, "")
    return reason, ""


# -- outputs that are not the model's

CHANGED = {
    "quantized": "Quantization changed the result",
    "lowered": "Lowering changed the result",
    "platform": "The platform computed something else",
}
OTHERWISE = {
    "quantized": "advice names what loses less: better calibration data, or --quantize a16w8",
    "lowered": "no known fault of the compiler: rewrite the operator, or leave it to the CPU",
    "platform": "no known fault in the program's commands: run it on the other platform",
}


def _mismatch(state: State) -> Why:
    found = checked(state)
    links = found.links if found is not None else ()
    link = broken(links)
    if found is None or link is None:
        return Why(cause=(found.reason if found is not None else None) or "outputs differ from the reference")
    chain = [f"{one.name} {_held(one)}" for one in links]
    cause = CHANGED[link.name] + (f": {link.reason}" if link.reason and not link.operator else _levels(links, link))
    operator = f"first at {link.operator}" if link.operator else ""
    return Why(
        cause=cause,
        line=link.line,
        beside=operator,
        links=", ".join(chain),
        remedy=link.hint or OTHERWISE[link.name],
    )


def _levels(links: Sequence[Link], link: Link) -> str:
    """Loss of signal at a link, in words: ``, 38.8 dB -> 7.9 dB``."""
    before = links[links.index(link) - 1].sqnr_db if link is not links[0] else None
    return f", {decibels(before)} -> {decibels(link.sqnr_db)}" if before and link.sqnr_db else ""


def _held(link: Link) -> str:
    level = f" {decibels(link.sqnr_db)}" if link.sqnr_db is not None else ""
    return {"match": f"holds{level}", "mismatch": f"BROKEN{level}", "skipped": "not compared"}[link.status]
