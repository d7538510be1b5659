"""Figures of a run as frozen values: events carry them, states hold them, exports print them.

A figure that is not known is None and its cause stands in the state's notes; it is never 0 and never made up.
Field names are the contract of ``--json``.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

Source = Literal["measured", "counted", "estimated", "reference"]
"""Kind of a figure: measured by the FVP's PMU or trace, counted on an emulated core, estimated by a cycle model
(Vela's or the simulator's), or a reference computed by PyTorch."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all figures."""


class Estimate(Figure):
    """An estimate for one network (a partition) or the sum over a program's networks, and whose it is."""

    source: Literal["vela", "simulator"] = "vela"
    npu_cycles: int | None = None
    total_cycles: int | None = None
    inference_ms: float | None = None
    inferences_per_s: float | None = None
    macs: int | None = None
    sram_kib: float | None = None
    dram_kib: float | None = None
    flash_kib: float | None = None
    core_clock_hz: float | None = None


def _total(values: Iterable[float | None]) -> Any:
    """Add values up; None where one is not known."""
    parts = list(values)
    return None if any(value is None for value in parts) else sum(v for v in parts if v is not None)


def whole(parts: Sequence[Estimate]) -> Estimate | None:
    """Add up the estimates of a program's partitions, which run one after the other.

    Cycles, time, MACs and constants add up; SRAM is used again by each, so the largest counts. None without parts.
    """
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    ms = _total(p.inference_ms for p in parts)
    sram = [p.sram_kib for p in parts]
    return Estimate(
        source=parts[0].source,
        npu_cycles=_total(p.npu_cycles for p in parts),
        total_cycles=_total(p.total_cycles for p in parts),
        inference_ms=ms,
        inferences_per_s=1e3 / ms if ms else None,
        macs=_total(p.macs for p in parts),
        sram_kib=None if None in sram else max(s for s in sram if s is not None),
        dram_kib=_total(p.dram_kib for p in parts),
        flash_kib=_total(p.flash_kib for p in parts),
        core_clock_hz=parts[0].core_clock_hz,
    )


class Operator(Figure):
    """An operator on the NPU."""

    name: str
    """Path of the nn.Module it came from; of what the model does itself, the exported node; else the name in Vela."""
    op: str
    """Vela's name of the operator; of a program it did not compile here, the NPU's name of the command."""
    module: str | None = None
    """Path of the nn.Module; empty for the model itself, None where it is not known."""
    npu_cycles: int | None = None
    total_cycles: int | None = None
    """Cycles including waiting for memory."""
    source: Source = "estimated"
    macs: int | None = None
    utilization: float | None = None
    """Share of the MAC array's peak that is used, 0..1."""
    sram_kib: float | None = None
    needs: dict[str, int] = {}
    """Cycles that each part of the NPU and each memory would need by itself."""
    bound: str | None = None
    """The part or memory that needs the most, and that the others wait for."""
    ifm_shape: tuple[int, ...] = ()
    """Shape of its first input: N, H, W, C."""
    ofm_shape: tuple[int, ...] = ()
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    partition: int = 0
    fused_into: int | None = None
    """Place of the operator that does its work in passing, and has its cycles; None where it is none other."""
    time: int | None = None
    """Step at which it runs, in the units of `TensorPlace`."""
    commands: tuple[int, ...] = ()
    """Offsets of its commands in its partition's command stream, in bytes; only the last until they are counted."""
    npu_commands: int | None = None
    """Number of its commands, counted in the program; None where they are not counted."""
    traced_cycles: int | None = None
    """Cycles of its newest execution by the platform's PMU trace, the time until the next operator begins included."""
    traced_source: Source | None = None

    @property
    def cycles(self) -> int | None:
        """Cycles including waiting for memory, or without where only those are known."""
        return self.npu_cycles if self.total_cycles is None else self.total_cycles


class TensorPlace(Figure):
    """Address and lifetime of a tensor of the NPU."""

    name: str
    memory: str
    """Vela's name of the memory: ``Sram``, ``Dram``, ..."""
    usage: str
    """Vela's word for what it is: ``OpLocal``, ``FeatureMap``, ``ConstPerm``, ..."""
    start: int
    """First step of the partition's schedule that needs it."""
    end: int
    address: int
    """Bytes from the start of its memory area."""
    bytes: int
    dtype: str
    format: str
    module: str | None = None
    """Path of the nn.Module that makes it."""
    partition: int = 0


class PlanStep(Figure):
    """An instruction of the program's plan: a CPU kernel, or a call of the NPU."""

    op: str
    """The program's name of it: ``aten::topk.values``; for a call of the NPU its backend."""
    name: str
    """The node of the exported program, where it is known."""
    partition: int | None = None
    """The part that is handed to the NPU; None for what the CPU does itself."""
    module: str | None = None
    """Path of the nn.Module; empty for the model itself, None where it is not known."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    instructions: int | None = None
    """Instructions of the CPU in the newest inference, without waiting for the NPU."""
    source: Source | None = None


class CpuInference(Figure):
    """Instructions that an emulated CPU executed for an inference."""

    inference: int
    boot: int | None = None
    """Instructions from its reset to the begin of the inference."""
    execute: int | None = None
    """Instructions of the inference itself, from the runtime's begin to its end."""
    source: Source = "counted"


class Cpu(Figure):
    """The CPU's share of a run: the steps of the program's plan, and instructions where an emulated CPU counts them."""

    operators: tuple[PlanStep, ...] = ()
    """Steps in the order of the plan, of every run that has a program."""
    inferences: tuple[CpuInference, ...] = ()

    @property
    def newest(self) -> CpuInference | None:
        """The newest inference's; None where none was counted."""
        return self.inferences[-1] if self.inferences else None


class DelegatePmu(Figure):
    """A delegate's part of the PMU report, of a runner that profiles each: sums over its invocations."""

    delegate: int
    """Number of the delegate, in the order of the program."""
    backend_invocations: int | None = None
    npu_invocations: int | None = None
    npu_cycles: int | None = None
    pmu: dict[str, int] = {}
    """PMU event name to count, as the platform named them."""


class Inference(Figure):
    """An inference on the platform."""

    index: int
    npu_cycles: int | None = None
    cpu_cycles: int | None = None
    pmu: dict[str, int] = {}
    """PMU event name to count, as the platform named them."""
    source: Source | None = None
    wall_s: float | None = None
    program_ms: float | None = None
    """Time in ms by the program's own clock; None where it does not tell."""
    delegates: tuple[DelegatePmu, ...] = ()
    """The report by delegate; empty where the runner prints none."""


STEADY_PCT = 1.0
"""Standard deviation, in percent of the mean, up to which a figure counts as steady."""


class Spread(Figure):
    """A figure over several inferences."""

    count: int
    min: float
    median: float
    p99: float
    """The smallest value that 99 % of all do not exceed."""
    max: float
    deviation_pct: float | None
    """Standard deviation of the population in percent of the mean; None where that is 0."""
    steady: bool


def spread(values: Iterable[float | None]) -> Spread | None:
    """Spread of the values that are known; None without any."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    mean = statistics.fmean(ordered)
    deviation = 100 * statistics.pstdev(ordered, mean) / mean if mean else None
    return Spread(
        count=len(ordered),
        min=ordered[0],
        median=statistics.median(ordered),
        p99=ordered[math.ceil(0.99 * len(ordered)) - 1],
        max=ordered[-1],
        deviation_pct=deviation,
        steady=ordered[0] == ordered[-1] or (deviation is not None and deviation <= STEADY_PCT),
    )


class Earlier(Figure):
    """Wall time of earlier runs of the same spec."""

    runs: int
    inference_s: float
    """Median wall time of their inferences."""


class Statistics(Figure):
    """The platform's own statistics (``--stat``)."""

    instructions: int | None = None
    mips: float | None = None
    simulated_s: float | None = None
    wall_s: float | None = None


class Profiled(Figure):
    """An event of the runner's ETDump: a kernel, a delegate's work, or the method as a whole."""

    name: str
    block: str
    """``Default``: the start; ``Execute``: the inferences."""
    calls: int
    cycles: int
    """CPU cycles counted by the runner: the median of the calls."""
    backend: str | None = None
    """The delegate's backend; None for what the CPU does."""


class MemoryPool(Figure):
    """A memory pool of the runner, in bytes."""

    name: str
    used: int | None = None
    size: int | None = None


class PoolNeed(Figure):
    """A program's demand on a memory pool of the runner, in bytes."""

    name: str
    needed: int
    """Lower bound: what the runtime itself needs comes on top."""
    available: int | None = None
    """None where the runner does not tell, or has no such limit."""
    excess: int | None = None
    """Demand beyond the pool's size."""


class Artifact(Figure):
    """A file of the run, its path relative to the run's directory."""

    name: str
    path: str
    bytes: int
    sha256: str


PlatformKind = Literal["simulator", "fvp", "serial", "log"]
"""Kind of a platform: what runs here, a board on a serial line, or a log of what ran elsewhere."""

Origin = Literal["fvp", "board", "simulator"]
"""Kind of a platform that a log can be of."""


class PlatformInfo(Figure):
    """The platform of a run and its command line."""

    kind: PlatformKind
    name: str
    engine: str | None = None
    version: str | None = None
    argv: tuple[str, ...] = ()
    why: str | None = None
    """Reason for the choice of this platform; of a log, for what is said of its origin."""
    origin: Origin | None = None
    """Platform that a log is of; None where that is not known, and for what is no log."""
    board: str | None = None
    """Name of a real board; None where it is not known, and for what is none."""


class Versions(Figure):
    """Versions of everything that decides a figure; None where not installed or not asked."""

    fvp_tui: str | None = None
    python: str | None = None
    torch: str | None = None
    executorch: str | None = None
    vela: str | None = None
    platform: str | None = None
