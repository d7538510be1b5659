"""A state as a trace for ui.perfetto.dev or chrome://tracing: Chrome's trace-event format, as a JSON object.

Two clocks that are never mixed have a process each: the stages by this machine's wall time, and the NPU by its own
cycles, turned into microseconds at the clock of the system config. Both begin at 0.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tui.reports import memory
from tui.reports.execution import estimated_by
from tui.reports.format import UNKNOWN, frequency
from tui.reports.pmu import event
from tui.reports.text import status_line, title
from tui.run.derived import badge_and_board
from tui.run.figures import Operator
from tui.run.state import State
from tui.text import clean

Event = dict[str, Any]

WALL, NPU = 1, 2
"""Processes of the trace."""
STAGES_TRACK, INFERENCES_TRACK, OPERATORS_TRACK, TRACED_TRACK = 1, 1, 2, 3

MOST_INFERENCES = 50
"""Inferences that are drawn."""
DEFAULT_HZ = 1e9


def trace(state: State) -> dict[str, Any]:
    """The trace: ``traceEvents`` with ``ts`` and ``dur`` in microseconds, and a description in ``otherData``."""
    events = [*_stages(state), *_npu(state)]
    events.sort(key=lambda e: (e["ts"], -e.get("dur", 0.0)))
    return {
        "displayTimeUnit": "ns",
        "traceEvents": [*_names(state, events), *events],
        "otherData": {
            "run": clean(state.run.id),
            "what": title(state),
            "status": status_line(state),
            "platform": badge_and_board(state) or "no platform was started",
            "notes": [*_remarks(state), *(clean(note) for note in state.notes)],
        },
    }


def _hz(state: State) -> float:
    return state.clock_hz or DEFAULT_HZ


def _remarks(state: State) -> Iterator[str]:
    if state.run.status != "ok":
        yield f"the run is {state.run.status}: the trace ends where its journal does"
    if state.operators and not state.clock_hz:
        yield "the NPU's clock is not known: cycles are drawn at 1 GHz"
    if len(state.inferences) > MOST_INFERENCES:
        yield f"the first {MOST_INFERENCES} of {len(state.inferences)} inferences are drawn"
    if state.operators:
        yield "operators stand one behind the other; the estimate does not say which overlap"
    if state.delegation is not None and state.delegation.kernels:
        yield "kernels on the CPU are not drawn: when they run is not known"


def _names(state: State, events: Sequence[Event]) -> Iterator[Event]:
    """Names of the processes and threads that have events."""
    clock = frequency(state.clock_hz) if state.clock_hz else "an unknown clock, drawn as 1 GHz"
    sources = sorted({i.source for i in state.inferences if i.source})
    traced = sorted({o.traced_source for o in state.operators if o.traced_source})
    names = {
        (WALL, None): "Stages: wall time on the machine that ran it (measured)",
        (WALL, STAGES_TRACK): "stages",
        (NPU, None): f"NPU: its cycles at {clock}",
        (NPU, INFERENCES_TRACK): f"inferences ({' and '.join(sources) or 'not run'})",
        (NPU, OPERATORS_TRACK): f"operators (estimated by {estimated_by(state)})",
        (NPU, TRACED_TRACK): f"operators of the newest inference ({' and '.join(traced)}, PMU trace)",
    }
    used = {(e["pid"], e.get("tid")) for e in events}
    used |= {(pid, None) for pid, _ in used}
    for (pid, tid), name in names.items():
        if (pid, tid) in used:
            kind = "process_name" if tid is None else "thread_name"
            yield {"ph": "M", "name": kind, "pid": pid, "tid": tid or 0, "ts": 0, "args": {"name": name}}
            order = kind.replace("_name", "_sort_index")
            yield {"ph": "M", "name": order, "pid": pid, "tid": tid or 0, "ts": 0, "args": {"sort_index": tid or pid}}


def _slice(name: str, pid: int, tid: int, begin_us: float, length_us: float, **args: Any) -> Event:
    shown = {key: clean(value) if isinstance(value, str) else value for key, value in args.items() if value is not None}
    return {
        "ph": "X",
        "name": clean(name, 200) or UNKNOWN,
        "pid": pid,
        "tid": tid,
        "ts": round(begin_us, 3),
        "dur": round(max(length_us, 0.0), 3),
        "args": shown,
    }


def _stages(state: State) -> Iterator[Event]:
    started = [s.started for s in state.stages if s.started is not None]
    begin = min([*started, *([state.run.created] if state.run.created else [])], default=0.0)
    reached = 0.0
    for stage in sorted((s for s in state.stages if s.started is not None), key=lambda s: s.started or 0.0):
        assert stage.started is not None
        if (end := stage.finished) is None:
            end = stage.started + (stage.seconds or 0.0) if stage.status != "running" else state.last_event
        at, until = (stage.started - begin) * 1e6, ((end or stage.started) - begin) * 1e6
        # Slices of a track lie inside each other or beside each other, or they cannot be drawn.
        inside = at < reached
        until = min(until, reached) if inside else until
        reached = reached if inside else until
        yield _slice(
            stage.name,
            WALL,
            STAGES_TRACK,
            at,
            until - at,
            status=stage.status,
            own_seconds=stage.seconds,
            cached=stage.cached,
            reason=stage.reason,
        )


def _npu(state: State) -> Iterator[Event]:
    per_us = _hz(state) / 1e6
    at = 0.0
    drawn = state.inferences[:MOST_INFERENCES]
    if not drawn and state.operators:
        yield from _operators(state, 0.0, per_us, estimate=True)
    for number, inference in enumerate(drawn):
        newest = number == len(state.inferences) - 1
        cycles = inference.npu_cycles
        length = max(
            (cycles or 0) / per_us,
            sum(o.total_cycles or o.npu_cycles or 0 for o in state.operators) / per_us,
            sum(o.traced_cycles or 0 for o in state.operators) / per_us if newest else 0.0,
        )
        if cycles is not None:
            name = f"inference {inference.index + 1}"
            args = {"cycles": cycles, "source": inference.source, "cpu_cycles": inference.cpu_cycles}
            yield _slice(name, NPU, INFERENCES_TRACK, at, cycles / per_us, **args, wall_s=inference.wall_s)
        for name, count in inference.pmu.items():
            what = f"PMU {clean(event(name), 100)}, an inference ({inference.source or 'source not known'})"
            yield {"ph": "C", "name": what, "pid": NPU, "ts": round(at, 3), "args": {"count": count}}
        yield from _operators(state, at, per_us, estimate=True)
        if newest and any(o.traced_cycles is not None for o in state.operators):
            yield from _operators(state, at, per_us, estimate=False)
        # A gap, so that one inference can be told from the next.
        at += length * 1.02


def _operators(state: State, at: float, per_us: float, *, estimate: bool) -> Iterator[Event]:
    """Operators one after the other from a moment on; fused ones are in the one that does their work."""
    areas = memory.areas(state.tensors) if estimate else []
    for operator in state.operators:
        cycles = operator.cycles if estimate else operator.traced_cycles
        if cycles is None or operator.fused_into is not None:
            continue
        for area in areas:
            if area.partition == operator.partition and operator.time is not None:
                name = f"{clean(area.memory, 40)} in use (Vela's schedule)"
                held = memory.needed(area.alive(operator.time))
                yield {"ph": "C", "name": name, "pid": NPU, "ts": round(at, 3), "args": {"bytes": held}}
        track = OPERATORS_TRACK if estimate else TRACED_TRACK
        yield _slice(_label(operator), NPU, track, at, cycles / per_us, **_details(operator, cycles, estimate))
        at += cycles / per_us


def _label(operator: Operator) -> str:
    return f"{operator.name} {operator.op}" if operator.name != operator.op else operator.name


def _details(operator: Operator, cycles: int, estimate: bool) -> dict[str, Any]:
    return {
        "cycles": cycles,
        "source": operator.source if estimate else operator.traced_source,
        "module": operator.module,
        "line": operator.line,
        "bound": operator.bound,
        "macs": operator.macs,
        "utilization": operator.utilization,
    }
