"""Headline figures of a run as the faces of tiles: what a state tells, and what an earlier run lets expect."""

import statistics
import time
from typing import Literal, NamedTuple

from tui.app.widgets.tile import TileFace
from tui.reports.execution import deviation_words
from tui.reports.format import UNKNOWN, accuracy, change, decibels, difference, frequency, kib_words, number, percentage
from tui.reports.format import time as time_words
from tui.run.check import Check
from tui.run.derived import checked, npu_ms, outcome
from tui.run.events import Stage
from tui.run.figures import Source, Spread, spread
from tui.run.state import State, stage

LAST = "last run"
"""Name of the run that expected figures come from, before the time at which it began."""

SMALL = 17
"""Cells for words in a tile of a screen of 80 columns."""

CHECK_KEY = "3"
"""Key of the panel that has the check."""

VERDICTS = {"match": ("✓ MATCH", "ok"), "mismatch": ("✗ MISMATCH", "fail"), "skipped": ("NOT CHECKED", "warn")}
"""A check as a word that stands out, and the role of its colour."""


def faces(state: State, last: State | None = None, named: str = LAST) -> tuple[TileFace, ...]:
    """Latency, NPU cycles, share on the NPU, SRAM and check; what is not known yet as in `last`, an earlier run.

    `named` says which run that is.
    """
    pairs = [(face(state), None if last is None else face(last)) for face in (_latency, _cycles, _nodes, _sram)]
    words = "" if last is None else f"{named} {_when(state, last)}"
    return (*(_expected(now, then, words, state) for now, then in pairs), _check(state))


class Changed(NamedTuple):
    """Change of a run's latency against another's."""

    percent: float
    baseline: bool
    """True where the other is the baseline of the model, False where it is the run before."""
    when: str
    """Time at which the other began, in words."""


def with_change(latency: TileFace, changed: Changed) -> TileFace:
    """The face of a latency that says how it has changed: ``-9.3 % vs baseline 10:41``."""
    words = change(changed.percent)
    if changed.baseline:
        brief = (f"{words} vs baseline", f"{words} vs base")
        return latency._replace(words=f"{words} vs baseline {changed.when}", brief=brief)
    return latency._replace(words=f"{words} vs {changed.when}", brief=(f"{words} vs run before", f"{words} vs before"))


def _expected(now: TileFace, then: TileFace | None, words: str, state: State) -> TileFace:
    if now.figure != UNKNOWN or then is None or then.figure == UNKNOWN or state.run.status != "running":
        return now
    return then._replace(note="expected", share=None, words=words, dim=True)


def _when(state: State, last: State) -> str:
    """Time of the day at which a run began, or the day where it is another one's."""
    if last.run.created is None:
        return ""
    then, now = time.localtime(last.run.created), time.localtime(state.run.created or last.run.created)
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%b %d", then)


def _missing(state: State, after: Stage) -> str:
    """Say why a figure is not known; `after` is the stage that brings it."""
    if state.spec is not None and state.spec.target.is_cpu:
        return "no NPU"
    if stage(state, after).status == "skipped":
        return "not in the log" if state.spec is not None and state.spec.log is not None else f"{after} was skipped"
    match state.run.status:
        case "running":
            return f"after {after}"
        case "ok":
            return "see the notes"
    return "not reached"


def _counted(state: State) -> tuple[Spread | None, Source | Literal[""]]:
    """NPU cycles of the inferences, and whose figures they are; empty where a log does not tell."""
    cycles = spread(inference.npu_cycles for inference in state.inferences)
    return cycles, "estimated" if cycles is None else state.inferences[-1].source or ""


def _latency(state: State) -> TileFace:
    cycles, source = _counted(state)
    estimate = state.estimate
    foreseen = estimate.inference_ms if estimate is not None else None
    ms = foreseen if cycles is None else npu_ms(state, cycles.median)
    timed = [inference.program_ms for inference in state.inferences if inference.program_ms is not None]
    if ms is None and timed:
        figure, _, unit = time_words(statistics.median(timed) / 1e3).partition(" ")
        return TileFace("LATENCY", figure, unit, words="by its own clock")
    if ms is None:
        why = "clock not known" if cycles is not None else _missing(state, "vela")
        return TileFace("LATENCY", UNKNOWN, words=why)
    figure, _, unit = time_words(ms / 1e3).partition(" ")
    rate = f"{number(1e3 / ms, 0 if ms < 100 else 1)}/s" if ms else ""
    alone = "NPU alone" if state.delegation is not None and state.delegation.kept else ""
    words = alone or rate
    if state.clock_hz:
        at = frequency(state.clock_hz)
        words = f"{words} at {at}" if len(f"{words} at {at}") <= SMALL else f"{words}, {at}"
    return TileFace("LATENCY", figure, unit, source, words=words)


def _cycles(state: State) -> TileFace:
    cycles, source = _counted(state)
    estimate = state.estimate
    known = cycles.median if cycles is not None else estimate.total_cycles if estimate is not None else None
    if known is None:
        return TileFace("NPU CYCLES", UNKNOWN, words=_missing(state, "vela"))
    if cycles is not None and not cycles.steady:
        return TileFace("NPU CYCLES", number(known), "", source, words=f"VARIES: {deviation_words(cycles)}")
    per_cycle = state.spec.target.macs if state.spec is not None else 0
    share = estimate.macs / (known * per_cycle) if estimate and estimate.macs and known and per_cycle else None
    words = "" if share is None else f"{percentage(share)} MAC use"
    return TileFace("NPU CYCLES", number(known), "", source, share, words)


def _nodes(state: State) -> TileFace:
    found = state.delegation
    percent = None if found is None else found.delegated_percent
    if found is None or percent is None:
        return TileFace("ON THE NPU", UNKNOWN, words=_missing(state, "lower"))
    nodes = found.delegated_nodes + found.non_delegated_nodes
    # Not all on the NPU is never 100 %, and some never 0.
    whole = 100 if not found.non_delegated_nodes else max(min(round(percent), 99), 1 if found.delegated_nodes else 0)
    return TileFace("ON THE NPU", f"{whole}", "%", "nodes", percent / 100, f"{found.delegated_nodes:,} of {nodes:,}")


def _sram(state: State) -> TileFace:
    estimate = state.estimate
    known = estimate.sram_kib if estimate is not None else None
    if estimate is None or known is None:
        return TileFace("SRAM PEAK", UNKNOWN, words=_missing(state, "vela"), role="sram")
    figure, _, unit = kib_words(known).partition(" ")
    face = TileFace("SRAM PEAK", figure, unit, "estimated", role="sram")
    limit = state.spec.limits.sram_kib if state.spec is not None else None
    if limit:
        # Beyond the limit the bar is full: the words say by how much.
        over = known > limit
        words = f"limit {number(limit)} EXCEEDED" if over else f"of {number(limit)} allowed"
        return face._replace(share=known / limit, words=words, role="fail" if over else "sram")
    others = (("flash", estimate.flash_kib), ("DRAM", estimate.dram_kib))
    return face._replace(words="  ".join(f"{name} {kib_words(size)}" for name, size in others if size))


def _check(state: State) -> TileFace:
    found, running = checked(state), state.run.status == "running"
    so_far = state.accuracy
    if running and state.check is None and so_far is not None and so_far.inputs:
        share = so_far.platform_correct / so_far.inputs
        words = f"{so_far.platform_correct:,} of {so_far.inputs:,}"
        return TileFace("RIGHT SO FAR", number(100 * share, 1), "%", CHECK_KEY, share, words, role="ok")
    if found is None or (state.check is None and running and found.status != "mismatch"):
        waits = running and stage(state, "check").status == "pending"
        words = "comes last" if waits else _missing(state, "check")
        return TileFace("CHECK", UNKNOWN, "", CHECK_KEY, words=words, role="line" if running else "warn")
    word, role = VERDICTS["mismatch" if outcome(state) == "mismatch" else found.status]
    beside, words = _distance(found)
    return TileFace("CHECK", word, beside, CHECK_KEY, words=words, role=role, pill=role)


def _distance(check: Check) -> tuple[str, str]:
    """Largest error for beside the verdict, and accuracy or noise for below it."""
    if check.status == "skipped":
        return "", f"{CHECK_KEY} says why"
    if check.status == "mismatch":
        return "", f"{CHECK_KEY} says where"
    errors = [output.max_abs_error for output in check.outputs]
    worst = max((error for error in errors if error is not None), default=None)
    beside = "" if worst is None else "exact" if worst == 0 else f"max {difference(worst)}"
    if check.accuracy is not None and check.accuracy.inputs:
        return beside, f"{accuracy(check.accuracy.platform_correct / check.accuracy.inputs)} right"
    noise = [output.sqnr_db for output in check.outputs if output.sqnr_db is not None]
    return beside, f"SQNR {decibels(min(noise))}" if noise else ""
