"""A run as plain text: what ``run`` and ``show`` print."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from tui.reports import check, delegation, execution, memory, operators
from tui.reports.format import duration, field, labelled, stage_seconds
from tui.reports.operators import Detail
from tui.run.derived import Outcome, badge, checked, gone_through, outcome, progress_words
from tui.run.spec import asked_words
from tui.run.state import StageState, State
from tui.text import clean

OUTCOMES: Mapping[Outcome, str] = {
    "ok": "OK",
    "mismatch": "MISMATCH",
    "failed": "FAILED",
    "stopped": "STOPPED",
    "lost": "LOST",
    "running": "RUNNING",
    "unknown": "NOT KNOWN",
}


def summary(state: State, detail: Detail = "top") -> str:
    """Everything known of a run, every figure with its source."""
    return "\n".join([title(state), status_line(state), *chain.from_iterable(_sections(state, detail))])


def _sections(state: State, detail: Detail) -> Iterator[Iterable[str]]:
    """The parts of a summary; a new figure adds one."""
    yield _platform(state)
    yield _stages(state)
    yield execution.estimate_lines(state)
    yield memory.pool_need_lines(state)
    yield execution.inference_lines(state)
    yield execution.cpu_lines(state)
    yield memory.pool_lines(state)
    yield check.check_lines(state)
    yield delegation.delegation_lines(state)
    yield operators.operator_lines(state, detail)
    yield execution.step_lines(state)
    yield execution.profile_lines(state)
    yield _limits(state)
    yield (labelled("Note", clean(note)) for note in state.notes)


def title(state: State) -> str:
    """Model, target and quantization in one line."""
    spec = state.spec
    if spec is None:
        return state.run.id
    name = Path(spec.model).name if "/" in spec.model else spec.model
    return clean("  ".join((name, *asked_words(spec))))


def status_line(state: State) -> str:
    """Outcome, duration, reason and hint in one line."""
    run = state.run
    parts, hint = [OUTCOMES[outcome(state)]], run.hint
    if run.seconds is not None:
        parts.append(duration(run.seconds))
    if run.reason:
        parts.append(clean(run.reason))
    elif outcome(state) == "mismatch" and (result := checked(state)) is not None and result.reason:
        parts.append(clean(result.reason))
        hint = result.hint or hint
    line = "  ".join(parts)
    return f"{line} ({clean(hint)})" if hint else line


def _platform(state: State) -> Iterator[str]:
    if state.platform is not None:
        version = f" {state.platform.version}" if state.platform.version else ""
        yield labelled("Platform", f"{badge(state)}   {clean(state.platform.name)}{version}")


def _stages(state: State) -> Iterator[str]:
    # A stage without an end in a run that is over was cut off with it.
    unended = " ..." if state.run.status == "running" else " cut off"
    if reached := [_stage(stage, unended) for stage in gone_through(state) if stage.status != "pending"]:
        yield labelled("Stages", " · ".join(reached))


def _stage(stage: StageState, unended: str) -> str:
    marks = {"failed": " FAILED", "stopped": " stopped", "skipped": " skipped", "running": unended}
    seconds = "" if stage.seconds is None or stage.status == "skipped" else f" {stage_seconds(stage.seconds)}"
    progress = f" ({clean(progress_words(stage.progress), 60)})" if stage.progress else ""
    return f"{stage.name}{seconds}{marks.get(stage.status, '')}{progress}"


def _limits(state: State) -> Iterator[str]:
    for limit in state.limits:
        name, verdict = limit.name, "ok" if limit.ok else "EXCEEDED"
        yield labelled("Limit", f"{name} {field(name, limit.value)} / {field(name, limit.limit)}  {verdict}")
