"""Journals of runs that never were: the events of a small model in an order a real run has, with figures of our own."""

import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import psutil

from tui.run import events, journal, spec, store
from tui.run.check import Accuracy, Check, Link, OutputCheck
from tui.run.delegation import Delegation, Kernel, OperatorDelegation
from tui.run.events import Event, Level
from tui.run.figures import Artifact, Estimate, Inference, Operator, PlanStep, PlatformInfo, TensorPlace, Versions
from tui.run.journal import Journal
from tui.run.spec import Spec

T0 = 1_795_400_000.0
"""When the runs began; all times in them are fixed."""

HOSTILE = "a[/foo][bold]b\x1b[2J\x1b]0;title\x07\x00\x9b31mc漢字\u202eend"


def spec_of(model: str = "sample:digits", **changes: object) -> Spec:
    """A spec of `model`."""
    return Spec(model=model, **changes)  # type: ignore[arg-type]


def make(name: str, request: Spec, what: Iterable[Event]) -> Path:
    """A run's directory with these events in its journal."""
    directory = store.folder() / name
    (directory / store.ARTIFACTS).mkdir(parents=True)
    (directory / store.SPEC).write_bytes(spec.encode(request))
    append(directory, what)
    return directory


def append(directory: Path, what: Iterable[Event]) -> None:
    """More events."""
    writer = Journal(directory / journal.FILE)
    for event in what:
        writer.write(event)
    writer.close()


def begun(name: str, request: Spec, *, alive: bool = True) -> list[Event]:
    """The first event; of a process that lives (the test's own) or one that is gone."""
    me = psutil.Process()
    created = me.create_time() if alive else 1.0
    return [
        events.RunStarted(
            t=T0,
            id=name,
            spec=request,
            pid=os.getpid(),
            pid_created=created,
            host=socket.gethostname(),
            clock_hz=1e9,
        ),
        events.VersionsKnown(t=T0, versions=Versions(executorch="1.5.1", vela="5.1.0", torch="2.13.0")),
    ]


def log(texts: Sequence[str], level: Level = "info", source: str = "uart", t: float = T0) -> list[Event]:
    """Lines of log."""
    return [events.Logged(t=t, source=source, text=text, level=level) for text in texts]


def tensor(name: str, start: int, end: int, address: int, size: int, memory: str = "Sram") -> TensorPlace:
    """One of int8."""
    return TensorPlace(
        name=name,
        memory=memory,
        usage="OpLocal",
        start=start,
        end=end,
        address=address,
        bytes=size,
        dtype="int8",
        format="NHWC",
    )


def compiled() -> list[Event]:
    """The stages up to a .pte."""
    found: list[Event] = []
    at = T0
    for stage, seconds in (("load", 0.4), ("export", 0.6), ("quantize", 1.1), ("lower", 6.2), ("vela", 0.5)):
        found.append(events.StageStarted(t=at, stage=stage))  # type: ignore[arg-type]
        at += seconds
        found.append(events.StageFinished(t=at, stage=stage, status="ok", seconds=seconds))  # type: ignore[arg-type]
    found += log(["Lowering one subgraph", "partition 0: 12 operators"], source="compile", t=at)
    found += log(["a cache was not found, which is harmless"], "debug", "compile", at)
    found += [
        events.DelegationKnown(
            t=at,
            delegation=Delegation(
                subgraphs=1,
                delegated_nodes=31,
                non_delegated_nodes=3,
                operators=(
                    OperatorDelegation(
                        op="cortex_m.quantize_per_tensor", npu=0, cpu=1, reason="float at the program's boundary"
                    ),
                    OperatorDelegation(
                        op="cortex_m.dequantize_per_tensor", npu=0, cpu=1, reason="float at the program's boundary"
                    ),
                    OperatorDelegation(op="aten.convolution", npu=3, cpu=0),
                    OperatorDelegation(op="aten.relu", npu=3, cpu=0),
                    OperatorDelegation(op="aten.max_pool2d", npu=1, cpu=0),
                    OperatorDelegation(op="aten.linear", npu=1, cpu=0),
                ),
                kernels=(
                    Kernel(op="cortex_m::quantize_per_tensor.out", calls=1),
                    Kernel(op="cortex_m::dequantize_per_tensor.out", calls=1),
                ),
            ),
        ),
        events.Estimated(
            t=at,
            estimate=Estimate(
                npu_cycles=4_100,
                total_cycles=4_321,
                inference_ms=0.004321,
                inferences_per_s=231_428.0,
                macs=312_320,
                sram_kib=6.5,
                dram_kib=0.0,
                flash_kib=15.25,
                core_clock_hz=1e9,
            ),
            partitions=(),
            operators=(
                Operator(
                    name="features.0",
                    commands=(100,),
                    op="Conv2D",
                    npu_cycles=500,
                    total_cycles=540,
                    macs=9_216,
                    utilization=0.07,
                ),
                Operator(
                    name="features.2",
                    commands=(200,),
                    op="Conv2D",
                    npu_cycles=1_900,
                    total_cycles=1_980,
                    macs=294_912,
                    utilization=0.58,
                    sram_kib=4.0,
                    line="digits.py:36",
                ),
                Operator(name="features.4", commands=(300,), op="MaxPool", npu_cycles=300, total_cycles=301),
                Operator(
                    name="features.5", commands=(400,), op="Conv2D", npu_cycles=1_200, total_cycles=1_290, macs=147_456
                ),
                Operator(name="features.6", op="Clamp", npu_cycles=0, total_cycles=0),
                Operator(
                    name="classify", commands=(500,), op="FullyConnected", npu_cycles=200, total_cycles=210, macs=1_280
                ),
            ),
            tensors=(
                tensor("image", 0, 1, 0, 64),
                tensor("features.0", 0, 3, 64, 1024),
                tensor("features.2", 2, 5, 1088, 4096),
                tensor("features.4", 4, 7, 64, 1024),
                tensor("classify", 6, 9, 0, 16),
            ),
        ),
        events.StageStarted(t=at, stage="emit"),
        events.StageFinished(t=at + 0.2, stage="emit", status="ok", seconds=0.2),
        events.ArtifactWritten(
            t=at + 0.2, artifact=Artifact(name="model.pte", path="artifacts/model.pte", bytes=21_344, sha256="0" * 64)
        ),
        events.PlanKnown(
            t=at + 0.2,
            steps=(
                PlanStep(op="cortex_m::quantize_per_tensor.out", name="quantize"),
                PlanStep(op="EthosUBackend", name="NPU partition 0", partition=0),
                PlanStep(op="cortex_m::dequantize_per_tensor.out", name="dequantize"),
            ),
        ),
    ]
    return found


def booted() -> list[Event]:
    """The platform is up and runs the first inference."""
    t = T0 + 9
    platform = PlatformInfo(kind="simulator", name="fvp-sim", engine="interpreter", version="0.1.0", why="no FVP found")
    return [
        events.StageStarted(t=t, stage="boot"),
        events.PlatformStarted(t=t, platform=platform, pid=4242),
        *log(["Method 'forward' loaded.", "Starting 1 inference..."], t=t + 0.1),
        events.StageFinished(t=t + 0.2, stage="boot", status="ok", seconds=0.2),
        events.StageStarted(t=t + 0.2, stage="infer"),
        events.PhaseChanged(t=t + 0.2, phase="infer"),
        events.InferenceStarted(t=t + 0.2, index=0),
    ]


def traced(cycles: dict[int, int], running: int) -> list[Event]:
    """The NPU has come to an operator."""
    return [events.OperatorsTraced(t=T0 + 9.25, inference=0, cycles=cycles, running=running, source="estimated")]


def inferred(cycles: Sequence[int] = (4_333,)) -> list[Event]:
    """Inferences have ended."""
    t = T0 + 9.3
    pmu = {"SRAM_RD_DATA_BEAT_RECEIVED": 1_234, "SRAM_WR_DATA_BEAT_WRITTEN": 567, "NPU_IDLE": 12}
    return [
        *(
            events.InferenceFinished(
                t=t, inference=Inference(index=i, npu_cycles=n, pmu=pmu, source="estimated", wall_s=0.05)
            )
            for i, n in enumerate(cycles)
        ),
        events.StageFinished(t=t, stage="infer", status="ok", seconds=0.1),
        events.PlatformExited(t=t, verdict="pass", reason="the program ended by itself", exit_status=0),
    ]


def checked(status: str = "match") -> list[Event]:
    """Outputs were compared."""
    t = T0 + 9.4
    output = OutputCheck(
        shape=(1, 10), dtype="float32", max_abs_error=0.0, tolerance=0.0625, sqnr_db=38.2, top1_match=True
    )
    accuracy = Accuracy(inputs=360, float_correct=352, quantized_correct=351, platform_correct=351, agree=360)
    return [
        events.StageStarted(t=t, stage="check"),
        events.Checked(t=t, check=Check(status=status, outputs=(output,), accuracy=accuracy)),  # type: ignore[arg-type]
        events.Noted(t=t, text="CPU instructions are not known: the interpreter has no CPU core"),
        events.StageFinished(t=t, stage="check", status="ok", seconds=0.1),
    ]


BROKEN = "LOWERING CHANGED THE RESULT 38.8 dB -> 7.9 dB, first at features.1 (aten.relu), net.py:14"


def mismatching(name: str = "20261123-031530-cat-u85-256-00dd") -> Path:
    """A run that ended well, of a program that is not the user's model any more."""
    request = spec_of("net.py")
    place = {"operator": "features.1 (aten.relu)", "line": "net.py:14"}
    links = (
        Link(name="quantized", status="match", sqnr_db=38.8, max_abs_error=0.0114, allowed=0.817, output=0),
        Link(name="lowered", status="mismatch", sqnr_db=7.9, max_abs_error=0.607, allowed=0.0319, output=0, **place),
        Link(name="platform", status="match", sqnr_db=7.9, max_abs_error=0.0, allowed=8e-7, output=0),
    )
    check = Check(status="mismatch", reason=BROKEN, reference="tosa", links=links)
    judged = [
        events.StageStarted(t=T0 + 9.4, stage="check"),
        events.Checked(t=T0 + 9.4, check=check),
        events.StageFinished(t=T0 + 9.4, stage="check", status="ok", seconds=0.1),
    ]
    known = events.LinksKnown(t=T0 + 8, links=links[:2])
    what = [*begun(name, request), *compiled(), known, *booted(), *inferred(), *judged, *finished()]
    return make(name, request, what)


def finished(status: str = "ok", reason: str | None = None, hint: str = "", exit_status: int = 0) -> list[Event]:
    """The last event."""
    return [
        events.RunFinished(t=T0 + 9.5, status=status, reason=reason, hint=hint, exit_status=exit_status)  # type: ignore[arg-type]
    ]


def whole(name: str = "20261123-021531-digits-u85-256-7f3a", request: Spec | None = None) -> Path:
    """A run that went well."""
    request = request or spec_of()
    what = [*begun(name, request), *compiled(), *booted(), *inferred(), *checked(), *finished()]
    return make(name, request, what)


def failed(
    name: str = "20261123-031531-split-u85-128-00aa", model: str = "sample:split", line: str | None = None
) -> Path:
    """A run that failed while lowering, at a line of its model where that is known."""
    request = spec_of(model)
    reason = "lower: aten.atan2 has a float input that was not quantized"
    what = [
        *begun(name, request),
        events.StageStarted(t=T0, stage="load"),
        events.StageFinished(t=T0 + 0.4, stage="load", status="ok", seconds=0.4),
        events.StageStarted(t=T0 + 0.4, stage="lower"),
        *log(["Traceback: no such luck"], "error", "compile"),
        events.StageFinished(t=T0 + 3, stage="lower", status="failed", seconds=2.6, reason="not quantized", line=line),
        *finished("failed", reason, "quantize the whole model, or leave this operator to the CPU", 1),
    ]
    return make(name, request, what)


def gone(name: str = "20261123-041531-digits-u85-512-00bb") -> Path:
    """A run whose process was killed while lowering."""
    request = spec_of()
    what = [*begun(name, request, alive=False), *compiled()[:7], *log(["working"], source="compile")]
    return make(name, request, what)


def faster(name: str, cycles: int) -> Path:
    """A good run with other estimated and simulated cycles."""
    what = []
    for event in [*begun(name, spec_of()), *compiled(), *inferred((cycles,)), *finished()]:
        if isinstance(event, events.Estimated):
            event = msgspec.structs.replace(
                event,
                estimate=msgspec.structs.replace(
                    event.estimate, total_cycles=cycles, npu_cycles=cycles, inference_ms=cycles / 1e6
                ),
            )
        what.append(event)
    return make(name, spec_of(), what)
