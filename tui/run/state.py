"""The state of a run: its journal folded into one value. Pure; every view is drawn from it and nothing else.

The log's lines are not part of it (a console may have millions): a view that shows them reads the
``logged`` events of the journal itself.
"""

import bisect
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, Literal, TypeVar

import msgspec

from tui.run import events
from tui.run.check import Accuracy, Answer, BundleTest, Check, Layer, LimitResult, Link
from tui.run.delegation import Delegation
from tui.run.events import STAGES, AnyEvent, Event, Stage
from tui.run.figures import (
    Artifact,
    Cpu,
    CpuInference,
    Earlier,
    Estimate,
    Figure,
    Inference,
    MemoryPool,
    Operator,
    PlatformInfo,
    PoolNeed,
    Profiled,
    Statistics,
    TensorPlace,
    Versions,
)
from tui.run.spec import Spec

SCHEMA_VERSION = 1

Status = Literal["ok", "failed", "stopped", "lost", "running", "unknown"]


class Progress(Figure):
    """Progress of a stage."""

    what: str
    done: int
    total: int | None = None


class StageState(Figure):
    """A stage: not reached (``pending``), under way, or how it ended."""

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
    """Progress of a stage that has not ended well, where it is known."""


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
    """Everything known of a run at one moment.

    Each field is a key of ``run --json``, but for those in `LIVE`.
    """

    run: Run = Run()
    spec: Spec | None = None
    versions: Versions = Versions()
    stages: tuple[StageState, ...] = tuple(StageState(name=name) for name in STAGES)
    delegation: Delegation | None = None
    estimate: Estimate | None = None
    partitions: tuple[Estimate, ...] = ()
    operators: tuple[Operator, ...] = ()
    tensors: tuple[TensorPlace, ...] = ()
    layers: tuple[Layer, ...] = ()
    cpu: Cpu = Cpu()
    inferences: tuple[Inference, ...] = ()
    pools: tuple[PoolNeed, ...] = ()
    memory: tuple[MemoryPool, ...] = ()
    profile: tuple[Profiled, ...] = ()
    statistics: Statistics = Statistics()
    check: Check | None = None
    bundle: tuple[BundleTest, ...] = ()
    """Test cases of a bundled program that the runner compared itself."""
    platform: PlatformInfo | None = None
    verdict: events.PlatformExited | None = None
    limits: tuple[LimitResult, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    notes: tuple[str, ...] = ()

    links: tuple[Link, ...] = ()
    """Links of the compiled model: float to quantized, and quantized to lowered."""
    clock_hz: float | None = None
    """The NPU's clock, as Vela's system config states it."""
    earlier: Earlier | None = None
    answer: Answer | None = None
    """The newest inference's."""
    accuracy: Accuracy | None = None
    """Correct answers so far."""
    process: Process | None = None
    platform_pid: int | None = None
    phase: str | None = None
    inference_running: int | None = None
    inference_since: float | None = None
    """Unix time at which the inference under way began."""
    operator_running: int | None = None
    """Place in `operators` of the one the NPU has come to, where the platform traces it."""
    step_running: int | None = None
    """Place in `cpu.operators` of the one an emulated CPU has come to."""
    log_lines: int = 0
    log_errors: int = 0
    last_event: float | None = None
    """Unix time of the newest event."""


LIVE = frozenset(
    {
        "links",
        "clock_hz",
        "earlier",
        "answer",
        "accuracy",
        "process",
        "platform_pid",
        "phase",
        "inference_running",
        "inference_since",
        "operator_running",
        "step_running",
        "log_lines",
        "log_errors",
        "last_event",
    }
)
"""Fields that ``run --json`` goes without: they serve views of a run under way, or `check` has them."""

EMPTY = State()


def stage(state: State, name: Stage) -> StageState:
    """Return one stage of a state."""
    return state.stages[STAGES.index(name)]


def _replace(state: State, **changes: Any) -> State:
    return msgspec.structs.replace(state, **changes)


def _with_stage(state: State, name: Stage, **changes: Any) -> State:
    at = STAGES.index(name)
    changed = msgspec.structs.replace(state.stages[at], **changes)
    return _replace(state, stages=(*state.stages[:at], changed, *state.stages[at + 1 :]))


_Value = TypeVar("_Value")


def _put(values: tuple[_Value, ...], new: _Value, key: str) -> tuple[_Value, ...]:
    """Values with a new one at the end, in place of the one that has the same key."""
    return (*(value for value in values if getattr(value, key) != getattr(new, key)), new)


def carry(state: State, event: Event) -> State:
    """Take over the event's fields: they are the state's own, as they now stand."""
    return _replace(state, **{name: getattr(event, name) for name in event.__struct_fields__ if name != "t"})


def _logged(state: State, event: events.Logged) -> State:
    errors = state.log_errors + 1 if event.level == "error" else state.log_errors
    return _replace(state, log_lines=state.log_lines + 1, log_errors=errors)


def _run_started(state: State, event: events.RunStarted) -> State:
    return _replace(
        state,
        run=Run(id=event.id, created=event.t),
        spec=event.spec,
        process=Process(pid=event.pid, created=event.pid_created, host=event.host),
        clock_hz=event.clock_hz,
    )


def _versions_known(state: State, event: events.VersionsKnown) -> State:
    return _replace(state, versions=_merged(state.versions, event.versions))


def _merged(old: Versions, new: Versions) -> Versions:
    changes = {name: value for name, value in msgspec.structs.asdict(new).items() if value is not None}
    return msgspec.structs.replace(old, **changes)


def _stage_started(state: State, event: events.StageStarted) -> State:
    before = stage(state, event.stage)
    # The first stage begins again once the compile server has loaded what it needs: that is part of it.
    started = before.started if before.status == "running" else event.t
    return _with_stage(state, event.stage, status="running", started=started)


def _stage_progressed(state: State, event: events.StageProgressed) -> State:
    progress = Progress(what=event.what, done=event.done, total=event.total)
    return _with_stage(state, event.stage, progress=progress)


def _stage_finished(state: State, event: events.StageFinished) -> State:
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


def _noted(state: State, event: events.Noted) -> State:
    return state if event.text in state.notes else _replace(state, notes=(*state.notes, event.text))


def _artifact_written(state: State, event: events.ArtifactWritten) -> State:
    return _replace(state, artifacts=_put(state.artifacts, event.artifact, key="path"))


def _platform_started(state: State, event: events.PlatformStarted) -> State:
    versions = _merged(state.versions, Versions(platform=event.platform.version))
    return _replace(state, platform=event.platform, platform_pid=event.pid, versions=versions)


def _inference_started(state: State, event: events.InferenceStarted) -> State:
    return _replace(state, inference_running=event.index, inference_since=event.t)


def _commands_counted(state: State, event: events.CommandsCounted) -> State:
    operators = tuple(
        msgspec.structs.replace(operator, commands=event.commands[at], npu_commands=len(event.commands[at]))
        if at in event.commands
        else operator
        for at, operator in enumerate(state.operators)
    )
    return _replace(state, operators=operators)


def _operators_traced(state: State, event: events.OperatorsTraced) -> State:
    operators = tuple(
        msgspec.structs.replace(operator, traced_cycles=event.cycles[at], traced_source=event.source)
        if at in event.cycles
        else operator
        for at, operator in enumerate(state.operators)
    )
    return _replace(state, operators=operators, operator_running=event.running)


def _plan_known(state: State, event: events.PlanKnown) -> State:
    return _replace(state, cpu=Cpu(operators=event.steps))


def _instructions_counted(state: State, event: events.InstructionsCounted) -> State:
    steps = tuple(
        msgspec.structs.replace(step, instructions=event.steps[at], source=event.source) if at in event.steps else step
        for at, step in enumerate(state.cpu.operators)
    )
    newest = CpuInference(inference=event.inference, boot=event.boot, execute=event.execute, source=event.source)
    cpu = Cpu(operators=steps, inferences=_put(state.cpu.inferences, newest, key="inference"))
    return _replace(state, cpu=cpu, step_running=event.running)


def _inference_finished(state: State, event: events.InferenceFinished) -> State:
    new, known = event.inference, state.inferences
    # In their order: of several processes side by side each does a part of them.
    at = bisect.bisect_right(known, new.index, key=lambda one: one.index)
    state = _replace(state, inferences=(*known[:at], new, *known[at:]))
    return idle(state) if state.inference_running in (new.index, None) else state


def idle(state: State) -> State:
    """The state without an inference under way."""
    return _replace(state, inference_running=None, inference_since=None, operator_running=None, step_running=None)


def _memory_known(state: State, event: events.MemoryKnown) -> State:
    return _replace(state, memory=_put(state.memory, event.pool, key="name"))


def _bundle_tested(state: State, event: events.BundleTested) -> State:
    return _replace(state, bundle=_put(state.bundle, event.test, key="index"))


def _platform_exited(state: State, event: events.PlatformExited) -> State:
    return idle(_replace(state, verdict=event, platform_pid=None))


def _run_finished(state: State, event: events.RunFinished) -> State:
    run = msgspec.structs.replace(
        state.run,
        status=event.status,
        reason=event.reason,
        hint=event.hint,
        seconds=event.t - state.run.created if state.run.created and event.t else None,
        # Only a run that went well ends with 0: of another one it is not known.
        exit_status=event.exit_status if (event.exit_status == 0) == (event.status == "ok") else None,
    )
    return _replace(state, run=run)


FOLDS: dict[type[Event], Callable[[State, Any], State]] = {
    events.Logged: _logged,
    events.RunStarted: _run_started,
    events.VersionsKnown: _versions_known,
    events.StageStarted: _stage_started,
    events.StageProgressed: _stage_progressed,
    events.StageFinished: _stage_finished,
    events.Noted: _noted,
    events.DelegationKnown: carry,
    events.Estimated: carry,
    events.LayersCompared: carry,
    events.PoolsKnown: carry,
    events.ArtifactWritten: _artifact_written,
    events.PlatformStarted: _platform_started,
    events.EarlierKnown: carry,
    events.PhaseChanged: carry,
    events.InferenceStarted: _inference_started,
    events.CommandsCounted: _commands_counted,
    events.OperatorsTraced: _operators_traced,
    events.PlanKnown: _plan_known,
    events.InstructionsCounted: _instructions_counted,
    events.InferenceFinished: _inference_finished,
    events.Answered: carry,
    events.MemoryKnown: _memory_known,
    events.ProfileKnown: carry,
    events.BundleTested: _bundle_tested,
    events.StatisticsKnown: carry,
    events.PlatformExited: _platform_exited,
    events.LinksKnown: carry,
    events.Checked: carry,
    events.LimitsChecked: carry,
    events.RunFinished: _run_finished,
}
"""The state after an event, by the event's type: one line for each."""


def fold(state: State, event: AnyEvent) -> State:
    """The state after one more event."""
    if event.t:
        state = _replace(state, last_event=event.t)
    return FOLDS[type(event)](state, event)


def fold_all(journal: Iterable[AnyEvent], start: State = EMPTY) -> State:
    """The state after all events of an iterable."""
    return reduce(fold, journal, start)
