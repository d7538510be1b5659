"""The events of a run and their codec: one JSON object a line, in the order things happened.

An event is a fact that has happened; nothing is ever taken back. `t` is Unix time in seconds. A new
figure needs one event here, a field and one line in the fold (`tui.run.state`), and a view.
"""

from typing import Any, Literal, get_args

import msgspec

from tui.run.check import Accuracy, Answer, BundleTest, Check, Layer, LimitResult, Link
from tui.run.delegation import Delegation
from tui.run.figures import (
    Artifact,
    Earlier,
    Estimate,
    Inference,
    MemoryPool,
    Operator,
    PlanStep,
    PlatformInfo,
    PoolNeed,
    Profiled,
    Source,
    Statistics,
    TensorPlace,
    Versions,
)
from tui.run.spec import Spec

Stage = Literal["load", "export", "quantize", "lower", "vela", "emit", "boot", "infer", "check"]
STAGES: tuple[Stage, ...] = ("load", "export", "quantize", "lower", "vela", "emit", "boot", "infer", "check")
COMPILE_STAGES: tuple[Stage, ...] = STAGES[:6]
NETWORK_STAGES: tuple[Stage, ...] = ("vela", "boot", "infer", "check")
"""Stages of a network that Vela reads by itself."""

Level = Literal["debug", "info", "warning", "error"]
StageStatus = Literal["ok", "failed", "stopped", "skipped"]
RunStatus = Literal["ok", "failed", "stopped", "unknown"]
"""End of a run; ``unknown`` is that of one read from a log that shows neither a failure nor all of the run."""


def _tag(name: str) -> str:
    """``StageStarted`` -> ``stage_started``."""
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=_tag, tag_field="event"):
    """Base of all events."""

    t: float = 0.0


class RunStarted(Event):
    """The run process has begun; `pid` and `pid_created` (Unix time) name it, to tell whether it still lives."""

    id: str
    spec: Spec
    pid: int
    pid_created: float
    host: str
    clock_hz: float | None = None
    """The NPU's clock in the target's system config, as vela.ini states it."""


class VersionsKnown(Event):
    """Versions of the parts of a run; later ones add to earlier ones."""

    versions: Versions


class StageStarted(Event):
    """A stage began."""

    stage: Stage


class StageProgressed(Event):
    """A stage has progressed."""

    stage: Stage
    what: str
    """Units of the progress: ``passes of partition 2``, ``nodes written``."""
    done: int
    total: int | None = None
    """Units in all; None where their number is not known."""


class StageFinished(Event):
    """A stage ended. `seconds` is its own time, without that of stages inside it."""

    stage: Stage
    status: StageStatus
    seconds: float | None
    """None where nobody measured it, as of a stage that a log tells of."""
    cached: bool = False
    reason: str | None = None
    line: str | None = None
    """``FILE:LINE`` of the model that a failed stage names."""


class Logged(Event):
    """A line of log, as the source wrote it but for its line end."""

    source: str
    """``compile``, ``uart`` (the program on the platform), ``platform`` (the FVP itself) or ``run``."""
    text: str
    level: Level = "info"


class Noted(Event):
    """A sentence the reader of the figures should know, such as why one is null."""

    text: str


class DelegationKnown(Event):
    """The delegation report is known."""

    delegation: Delegation


class Estimated(Event):
    """Vela's estimate: of the whole program, and of each partition in the order of the delegates."""

    estimate: Estimate
    partitions: tuple[Estimate, ...]
    operators: tuple[Operator, ...]
    tensors: tuple[TensorPlace, ...] = ()


class LayersCompared(Event):
    """The quantized model was compared with the float model, layer by layer."""

    layers: tuple[Layer, ...]


class PoolsKnown(Event):
    """The program's demand on the runner's memory pools is known."""

    pools: tuple[PoolNeed, ...]


class ArtifactWritten(Event):
    """A file is complete."""

    artifact: Artifact


class PlatformStarted(Event):
    """The platform's process runs; a board has none."""

    platform: PlatformInfo
    pid: int | None


class EarlierKnown(Event):
    """Wall times of earlier runs of the same spec are known."""

    earlier: Earlier


class PhaseChanged(Event):
    """The program on the platform entered a phase: ``boot``, ``load``, ``prepare``, ``infer``, ``report``, ``exit``, or
    ``waiting`` once it has done what was asked of it and stays for more. Before a board boots, ``flash`` and
    ``reset`` while those commands run."""

    phase: str


class InferenceStarted(Event):
    """An inference began; nothing is printed until it ends."""

    index: int


class CommandsCounted(Event):
    """The NPU's commands of operators, by place in `Estimated`, were counted: offsets as in `Operator.commands`."""

    commands: dict[int, tuple[int, ...]]


class OperatorsTraced(Event):
    """The platform's PMU trace has grown: cycles of the NPU in an inference so far.

    Operators go by their place in `Estimated`.
    """

    inference: int
    cycles: dict[int, int]
    """NPU cycles of operators so far."""
    running: int
    """The operator the NPU has come to."""
    source: Source


class PlanKnown(Event):
    """The steps of the program's plan were read from it."""

    steps: tuple[PlanStep, ...]


class InstructionsCounted(Event):
    """An emulated CPU has executed more of an inference. Steps go by their place in `PlanKnown`."""

    inference: int
    boot: int | None = None
    """Instructions before the inference."""
    execute: int | None = None
    """Instructions of the whole inference, when it is over."""
    steps: dict[int, int] = {}
    """Instructions of steps that are over since the last such event."""
    running: int | None = None
    """The step the CPU has come to; None when it is over."""
    source: Source = "counted"


class InferenceFinished(Event):
    """An inference ended, with what the platform measured or estimated."""

    inference: Inference


class Answered(Event):
    """An inference on a sample gave an answer."""

    answer: Answer
    accuracy: Accuracy | None = None
    """Correct answers so far; None without labels."""


class MemoryKnown(Event):
    """Use of one memory pool."""

    pool: MemoryPool


class ProfileKnown(Event):
    """The runner's ETDump was read."""

    profile: tuple[Profiled, ...]


class BundleTested(Event):
    """The runner compared the outputs of a bundled test case with those it expects."""

    test: BundleTest


class StatisticsKnown(Event):
    """The platform's statistics block."""

    statistics: Statistics


class PlatformExited(Event):
    """The platform's process is gone. `verdict` weighs its text and its exit status; `reason` says why in a line.

    Of a log that shows neither a failure nor all of a run it is not known.
    """

    verdict: Literal["pass", "fail", "stopped", "unknown"]
    reason: str
    hint: str = ""
    exit_status: int | None = None
    signal: int | None = None


class LinksKnown(Event):
    """The quantized model was compared with the float one, and the lowered program with the quantized model."""

    links: tuple[Link, ...]


class Checked(Event):
    """Outputs were compared with the reference."""

    check: Check


class LimitsChecked(Event):
    """The spec's limits were checked."""

    limits: tuple[LimitResult, ...]


class RunFinished(Event):
    """The last event of every run that was not killed."""

    status: RunStatus
    reason: str | None
    hint: str = ""
    exit_status: int = 0


AnyEvent = (
    RunStarted
    | VersionsKnown
    | StageStarted
    | StageProgressed
    | StageFinished
    | Logged
    | Noted
    | DelegationKnown
    | Estimated
    | LayersCompared
    | PoolsKnown
    | ArtifactWritten
    | PlatformStarted
    | EarlierKnown
    | PhaseChanged
    | InferenceStarted
    | CommandsCounted
    | OperatorsTraced
    | PlanKnown
    | InstructionsCounted
    | InferenceFinished
    | Answered
    | MemoryKnown
    | ProfileKnown
    | BundleTested
    | StatisticsKnown
    | PlatformExited
    | LinksKnown
    | Checked
    | LimitsChecked
    | RunFinished
)


KINDS = frozenset(_tag(kind.__name__) for kind in get_args(AnyEvent))
"""The kinds of events that this version knows."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """Encode an event as a journal line, without its line end. Text that is not valid Unicode gets U+FFFD."""
    try:
        return _encoder.encode(event)
    except UnicodeEncodeError:
        return _encoder.encode(_replace_surrogates(msgspec.to_builtins(event)))


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_replace_surrogates(k): _replace_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_surrogates(item) for item in value]
    return value


LAST_T = 253_402_300_799.0
"""The end of the year 9999: no later time can be shown."""


def decode(line: bytes) -> AnyEvent | None:
    """Decode a journal line; None for one that is damaged or not known to this version.

    A newer fvp-tui may write events that this one cannot read: what it can read stays readable.
    """
    try:
        event = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return event if 0 <= event.t <= LAST_T else None


def damaged(line: bytes) -> bool:
    """Return True if no version of this program wrote a line that `decode` cannot read as it is."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    name = value.get("event") if isinstance(value, dict) else None
    return not isinstance(name, str) or name in KINDS
