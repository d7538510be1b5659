"""The state of a run: its journal folded into one value. Pure; every view is drawn from it and nothing else.

The log's lines are not part of it (a console may have millions): a view that shows them reads the
``logged`` events of the journal itself.
"""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import msgspec

from tui.run import events
from tui.run.events import STAGES, AnyEvent, Head, Stage
from tui.run.figures import (
    Artifact,
    Check,
    Cpu,
    CpuInference,
    Delegation,
    Earlier,
    Estimate,
    Figure,
    Inference,
    Layer,
    LimitResult,
    Link,
    MemoryPool,
    Operator,
    PlatformInfo,
    PoolNeed,
    Profiled,
    Statistics,
    TensorPlace,
    Versions,
    why_broken,
)
from tui.run.journal import Follower
from tui.run.spec import Spec
from tui.text import clean

SCHEMA_VERSION = 1

Status = Literal["ok", "failed", "stopped", "lost", "running"]


class Progress(Figure):
    """How far a stage has come in what it is doing."""

    what: str
    done: int
    total: int | None = None


class StageState(Figure):
    """One stage: not reached (``pending``), under way, or how it ended."""

    name: Stage
    status: Literal["pending", "running", "ok", "failed", "stopped", "skipped"] = "pending"
    seconds: float | None = None
    cached: bool = False
    started: float | None = None
    """Unix time."""
    finished: float | None = None
    """Unix time; `seconds` is less where another stage lay inside."""
    reason: str | None = None
    line: str | None = None
    """``FILE:LINE`` of the model that a failed stage names."""
    progress: Progress | None = None
    """Of a stage that has not ended well, where that is known."""


class Run(Figure):
    """The run as a whole."""

    id: str = ""
    status: Status = "running"
    reason: str | None = None
    hint: str = ""
    created: float | None = None
    """Unix time."""
    seconds: float | None = None
    exit_status: int | None = None


class Process(Figure):
    """The run process, to tell whether it still lives."""

    pid: int
    created: float
    host: str


class State(Figure):
    """Everything known of a run at one moment."""

    run: Run = Run()
    spec: Spec | None = None
    process: Process | None = None
    clock_hz: float | None = None
    """The NPU's clock, as Vela's system config states it."""
    versions: Versions = Versions()
    stages: tuple[StageState, ...] = tuple(StageState(name=name) for name in STAGES)
    delegation: Delegation | None = None
    estimate: Estimate | None = None
    partitions: tuple[Estimate, ...] = ()
    operators: tuple[Operator, ...] = ()
    tensors: tuple[TensorPlace, ...] = ()
    layers: tuple[Layer, ...] = ()
    pools: tuple[PoolNeed, ...] = ()
    platform: PlatformInfo | None = None
    platform_pid: int | None = None
    earlier: Earlier | None = None
    phase: str | None = None
    inference_running: int | None = None
    inference_since: float | None = None
    """Unix time at which the inference under way began."""
    operator_running: int | None = None
    """Place in `operators` of the one the NPU has come to, where the platform traces it."""
    step_running: int | None = None
    """Place in `cpu.operators` of the one an emulated CPU has come to."""
    cpu: Cpu = Cpu()
    inferences: tuple[Inference, ...] = ()
    memory: tuple[MemoryPool, ...] = ()
    profile: tuple[Profiled, ...] = ()
    statistics: Statistics = Statistics()
    verdict: events.PlatformExited | None = None
    links: tuple[Link, ...] = ()
    """Of the compiled model: float to quantized, and quantized to lowered."""
    check: Check | None = None
    limits: tuple[LimitResult, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    notes: tuple[str, ...] = ()
    log_lines: int = 0
    log_errors: int = 0
    last_event: float | None = None
    """Unix time of the newest event."""


EMPTY = State()

DAMAGED = "the journal is damaged: lines that cannot be read are left out, and with them maybe figures"


def stage(state: State, name: Stage) -> StageState:
    """One stage of a state."""
    return state.stages[STAGES.index(name)]


def _with_stage(state: State, name: Stage, **changes: Any) -> State:
    at = STAGES.index(name)
    changed = msgspec.structs.replace(state.stages[at], **changes)
    return _replace(state, stages=(*state.stages[:at], changed, *state.stages[at + 1 :]))


def _replace(state: State, **changes: Any) -> State:
    return msgspec.structs.replace(state, **changes)


def _merged(old: Versions, new: Versions) -> Versions:
    known = {name: value for name, value in msgspec.structs.asdict(new).items() if value is not None}
    return msgspec.structs.replace(old, **known)


_IDLE: dict[str, Any] = {
    "inference_running": None,
    "inference_since": None,
    "operator_running": None,
    "step_running": None,
}


def _traced(operators: tuple[Operator, ...], event: events.OperatorsTraced) -> tuple[Operator, ...]:
    return tuple(
        msgspec.structs.replace(operator, traced_cycles=event.cycles[at], traced_source=event.source)
        if at in event.cycles
        else operator
        for at, operator in enumerate(operators)
    )


def _counted(cpu: Cpu, event: events.InstructionsCounted) -> Cpu:
    operators = tuple(
        msgspec.structs.replace(step, instructions=event.steps[at], source=event.source) if at in event.steps else step
        for at, step in enumerate(cpu.operators)
    )
    others = tuple(one for one in cpu.inferences if one.inference != event.inference)
    newest = CpuInference(inference=event.inference, boot=event.boot, execute=event.execute, source=event.source)
    return Cpu(operators=operators, inferences=(*others, newest))


def fold(state: State, event: AnyEvent) -> State:
    """The state after one more event."""
    if event.t:
        state = _replace(state, last_event=event.t)
    match event:
        case events.Logged():
            return _replace(
                state,
                log_lines=state.log_lines + 1,
                log_errors=state.log_errors + (event.level == "error"),
            )
        case events.RunStarted():
            process = Process(pid=event.pid, created=event.pid_created, host=event.host)
            run = Run(id=event.id, created=event.t)
            return _replace(state, run=run, spec=event.spec, process=process, clock_hz=event.clock_hz)
        case events.VersionsKnown():
            return _replace(state, versions=_merged(state.versions, event.versions))
        case events.StageStarted():
            return _with_stage(state, event.stage, status="running", started=event.t)
        case events.StageProgressed():
            progress = Progress(what=event.what, done=event.done, total=event.total)
            return _with_stage(state, event.stage, progress=progress)
        case events.StageFinished():
            return _with_stage(
                state,
                event.stage,
                progress=stage(state, event.stage).progress if event.status in ("failed", "stopped") else None,
                status=event.status,
                seconds=event.seconds,
                finished=event.t or None,
                cached=event.cached,
                reason=event.reason,
                line=event.line,
            )
        case events.Noted():
            return state if event.text in state.notes else _replace(state, notes=(*state.notes, event.text))
        case events.DelegationKnown():
            return _replace(state, delegation=event.delegation)
        case events.Estimated():
            return _replace(
                state,
                estimate=event.estimate,
                partitions=event.partitions,
                operators=event.operators,
                tensors=event.tensors,
            )
        case events.LayersCompared():
            return _replace(state, layers=event.layers)
        case events.PoolsKnown():
            return _replace(state, pools=event.pools)
        case events.ArtifactWritten():
            others = tuple(a for a in state.artifacts if a.path != event.artifact.path)
            return _replace(state, artifacts=(*others, event.artifact))
        case events.PlatformStarted():
            versions = _merged(state.versions, Versions(platform=event.platform.version))
            return _replace(state, platform=event.platform, platform_pid=event.pid, versions=versions)
        case events.EarlierKnown():
            return _replace(state, earlier=event.earlier)
        case events.PhaseChanged():
            return _replace(state, phase=event.phase)
        case events.InferenceStarted():
            return _replace(state, inference_running=event.index, inference_since=event.t)
        case events.OperatorsTraced():
            return _replace(state, operators=_traced(state.operators, event), operator_running=event.running)
        case events.PlanKnown():
            return _replace(state, cpu=Cpu(operators=event.steps))
        case events.InstructionsCounted():
            return _replace(state, cpu=_counted(state.cpu, event), step_running=event.running)
        case events.InferenceFinished():
            return _replace(state, inferences=(*state.inferences, event.inference), **_IDLE)
        case events.MemoryKnown():
            others_ = tuple(pool for pool in state.memory if pool.name != event.pool.name)
            return _replace(state, memory=(*others_, event.pool))
        case events.ProfileKnown():
            return _replace(state, profile=event.profile)
        case events.StatisticsKnown():
            return _replace(state, statistics=event.statistics)
        case events.PlatformExited():
            return _replace(state, verdict=event, platform_pid=None, **_IDLE)
        case events.LinksKnown():
            return _replace(state, links=event.links)
        case events.Checked():
            return _replace(state, check=event.check)
        case events.LimitsChecked():
            return _replace(state, limits=event.limits)
        case events.RunFinished():
            seconds = event.t - state.run.created if state.run.created and event.t else None
            run = msgspec.structs.replace(
                state.run,
                status=event.status,
                reason=event.reason,
                hint=event.hint,
                seconds=seconds,
                # Only a run that went well ends with 0: of another one it is not known.
                exit_status=event.exit_status if (event.exit_status == 0) == (event.status == "ok") else None,
            )
            return _replace(state, run=run)


def fold_all(journal: Any, start: State = EMPTY) -> State:
    """`fold` over an iterable of events."""
    return reduce(fold, journal, start)


def fold_lines(state: State, lines: Sequence[bytes], heads: Sequence[Head | None]) -> State:
    """The state after more lines of a journal, of which these are the heads.

    What `fold_all` gives for their events, but lines of log, of which there may be millions, are only counted.
    """
    logged = errors = 0
    last = 0.0
    for line, head in zip(lines, heads, strict=True):
        if head is None:
            if events.damaged(line):
                state = fold(state, events.Noted(text=DAMAGED))
            continue
        if head.logged:
            logged += 1
            errors += head.level == "error"
            last = head.t if 0 < head.t <= events.LAST_T else last
        elif (event := events.decode(line)) is not None:
            state = fold(state, event)
            last = event.t or last
    if not logged:
        return state
    return _replace(
        state,
        log_lines=state.log_lines + logged,
        log_errors=state.log_errors + errors,
        last_event=last or state.last_event,
    )


def fold_journal(path: Path) -> State:
    """The state that a journal comes to as it stands."""
    return fold_new(EMPTY, Follower(path))


def fold_new(folded: State, follower: Follower) -> State:
    """`folded`, and all that a journal has had since it was last followed."""
    while True:
        _, lines = follower.lines()
        folded = fold_lines(folded, lines, events.heads(lines))
        if not follower.behind():
            return folded


def lost(state: State, said: str | None = None) -> State:
    """The state of a run whose process is gone without a last event; `said` is what it printed last."""
    seconds = state.last_event - state.run.created if state.run.created and state.last_event is not None else None
    reason = "the run process is gone without a result" + (f": {clean(said, SAID)}" if said else "")
    run = msgspec.structs.replace(state.run, status="lost", reason=reason, seconds=seconds)
    return _replace(state, run=run, platform_pid=None, **_IDLE)


SAID = 300
"""Characters of a process's last words that are shown."""


def now_doing(state: State) -> str:
    """One or two words: the stage under way, or the run's status."""
    if state.run.status != "running":
        return state.run.status
    running = [s.name for s in state.stages if s.status == "running"]
    return running[-1] if running else "starting"


Outcome = Literal["ok", "mismatch", "failed", "stopped", "lost", "running"]


def outcome(state: State) -> Outcome:
    """How the run stands for a person: one that ended well with outputs that are not the model's is no success."""
    if state.run.status == "ok" and (found := checked(state)) is not None and found.status == "mismatch":
        return "mismatch"
    return state.run.status


def checked(state: State) -> Check | None:
    """The check; before it, and of a model that was only compiled, what is known of its links; None without any."""
    if state.check is not None or not state.links:
        return state.check
    if (reason := why_broken(state.links)) is not None:
        return Check(status="mismatch", reason=reason, links=state.links)
    compiles = state.spec is not None and state.spec.until == "emit"
    why = "nothing was run: only the compiled model was checked" if compiles else "no outputs were compared"
    return Check(status="skipped", reason=why, links=state.links)


def progress_words(found: events.StageProgressed | Progress) -> str:
    """``passes 34 of 147``."""
    if found.total is None:
        return f"{found.what} {found.done:,}" if found.done else found.what
    return f"{found.what} {found.done:,} of {found.total:,}"


def npu_ms(state: State, cycles: int | None) -> float | None:
    """NPU cycles as milliseconds at the clock of the target's system config, as Vela states it."""
    return None if cycles is None or not state.clock_hz else cycles / state.clock_hz * 1e3


def badge(state: State) -> str:
    """One short line that says where the figures come from."""
    platform = state.platform
    if platform is None:
        return ""
    if platform.kind == "fvp":
        fast = state.spec is not None and state.spec.fast
        return "FVP --fast - cycles not representative" if fast else "FVP - cycles measured"
    if platform.engine == "firmware":
        return "SIMULATOR + firmware - instructions counted, cycles estimated"
    return "SIMULATOR - cycles estimated"
