"""The figures a run yields, as frozen values: what events carry, states hold and exports print.

A figure that is not known is None and its cause stands in the state's notes; it is never 0 and never made up.
Field names are the contract of ``--json``.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

Source = Literal["measured", "counted", "estimated", "reference"]
"""Where a figure comes from: the FVP's PMU or trace, instructions an emulated core executed, a cycle model
(Vela's or the simulator's), or PyTorch."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all figures."""


class OperatorDelegation(Figure):
    """How many nodes of one operator went to the NPU and how many stayed on the CPU."""

    op: str
    npu: int
    cpu: int
    reason: str | None = None
    """Why nodes stayed on the CPU, in ExecuTorch's words; None where none did."""
    line: str | None = None
    """``FILE:LINE`` of the first node that stayed on the CPU."""


AT_BOUNDARY = "float at the program's boundary: converted on the CPU"
"""Why the conversions of a program's inputs and outputs are on the CPU."""


WHOLE_MODEL = "model"


class CpuOperator(Figure):
    """One node that stayed on the CPU."""

    op: str
    node: str
    """Its name in the exported program."""
    reason: str
    """In ExecuTorch's words, where it has any."""
    hint: str | None = None
    """What may help; None where nothing general can be said."""
    inputs: tuple[str, ...] = ()
    """Type and shape of each: ``float32[1,512]``."""
    outputs: tuple[str, ...] = ()
    module: str | None = None
    """Path of the nn.Module; empty for the model itself, None where it is not known."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    conversion: bool = False
    """Whether it only converts between float and integers, for the sake of a neighbour or of the program's caller."""
    conversions: int = 0
    """Conversions beside it, which are there for its sake."""
    root: str | None = None
    """The operator that a chain in float begins with, and whose cause `reason` is; None where the chain has no other.

    It goes by the name it had when it was quantized, with its overload: ``aten.max.other``. `WHOLE_MODEL` where nothing
    was quantized.
    """
    root_line: str | None = None


class CpuCause(Figure):
    """Why operators stayed on the CPU that share one cause."""

    reason: str
    hint: str | None
    operators: tuple["Kernel", ...]
    """How many of each."""
    nodes: tuple[str, ...]
    """Their names in the exported program, as in `Delegation.left`."""
    root: str | None
    line: str | None
    """``FILE:LINE`` where it begins first."""
    places: int
    """Lines of the model's source where it begins."""
    conversions: int


class Kernel(Figure):
    """A CPU kernel that the emitted program really calls."""

    op: str
    calls: int


class Delegation(Figure):
    """What was delegated. Nodes are ExecuTorch's count; `kernels` is what the program calls."""

    subgraphs: int
    delegated_nodes: int
    non_delegated_nodes: int
    operators: tuple[OperatorDelegation, ...] = ()
    left: tuple[CpuOperator, ...] = ()
    """Each node that stayed on the CPU, in the program's order."""
    kernels: tuple[Kernel, ...] = ()

    @property
    def delegated_percent(self) -> float | None:
        """Nodes on the NPU, in percent of all; None of none."""
        nodes = self.delegated_nodes + self.non_delegated_nodes
        return 100 * self.delegated_nodes / nodes if nodes else None

    @property
    def kept(self) -> tuple[CpuOperator, ...]:
        """Operators that stayed on the CPU for a reason of their own."""
        return tuple(operator for operator in self.left if not operator.conversion)

    @property
    def causes(self) -> tuple[CpuCause, ...]:
        """Why they did, each cause once, in the program's order."""
        groups: dict[tuple[str, str, str | None], list[CpuOperator]] = {}
        for operator in self.kept:
            groups.setdefault((operator.root or operator.op, operator.reason, operator.hint), []).append(operator)
        return tuple(_cause(same) for same in groups.values())


def _cause(same: Sequence[CpuOperator]) -> CpuCause:
    counts = Counter(operator.op for operator in same)
    lines = dict.fromkeys(line for operator in same if (line := operator.root_line or operator.line))
    return CpuCause(
        reason=same[0].reason,
        hint=same[0].hint,
        operators=tuple(Kernel(op=op, calls=count) for op, count in counts.items()),
        nodes=tuple(operator.node for operator in same),
        root=same[0].root,
        line=next(iter(lines), None),
        places=len(lines),
        conversions=sum(operator.conversions for operator in same),
    )


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
    """The sum, or None where any part is not known."""
    known = list(values)
    return None if any(value is None for value in known) else sum(v for v in known if v is not None)


def whole(parts: Sequence[Estimate]) -> Estimate | None:
    """A program's estimate from its partitions': they run one after the other.

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
    """One operator on the NPU."""

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
    """Of its first input: N, H, W, C."""
    ofm_shape: tuple[int, ...] = ()
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    partition: int = 0
    fused_into: int | None = None
    """Place of the operator that does its work in passing, and has its cycles; None where it is none other."""
    time: int | None = None
    """When it runs, in the units of `TensorPlace`."""
    commands: tuple[int, ...] = ()
    """Where its commands lie: bytes from the start of its partition's command stream."""
    traced_cycles: int | None = None
    """Cycles of its newest execution by the platform's PMU trace, the time until the next operator begins included."""
    traced_source: Source | None = None

    @property
    def cycles(self) -> int | None:
        """Cycles including waiting for memory, or without where only those are known."""
        return self.npu_cycles if self.total_cycles is None else self.total_cycles


class TensorPlace(Figure):
    """Where a tensor of the NPU lies, and from when to when."""

    name: str
    memory: str
    """Vela's name of the memory: ``Sram``, ``Dram``, ..."""
    usage: str
    """Vela's word for what it is: ``OpLocal``, ``FeatureMap``, ``ConstPerm``, ..."""
    start: int
    """When it is first needed, in steps of the partition's schedule."""
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
    """One instruction of the program's plan: a CPU kernel, or a part of the program that is handed to the NPU."""

    op: str
    """As the program calls it: ``aten::topk.values``; of a part for the NPU its backend."""
    name: str
    """The node of the exported program, where it is known."""
    partition: int | None = None
    """The part that is handed to the NPU; None for what the CPU does itself."""
    module: str | None = None
    """Path of the nn.Module; empty for the model itself, None where it is not known."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    instructions: int | None = None
    """Of the CPU, in the newest inference; for the NPU's part without waiting for it."""
    source: Source | None = None


class CpuInference(Figure):
    """What an emulated CPU executed for one inference."""

    inference: int
    boot: int | None = None
    """Instructions from its reset to the begin of the inference."""
    execute: int | None = None
    """Instructions of the inference itself, from the runtime's begin to its end."""
    source: Source = "counted"


class Cpu(Figure):
    """Instructions of an emulated CPU; empty where there is none, or none was counted."""

    operators: tuple[PlanStep, ...] = ()
    """In the order of the plan."""
    inferences: tuple[CpuInference, ...] = ()

    @property
    def newest(self) -> CpuInference | None:
        """Of the newest inference."""
        return self.inferences[-1] if self.inferences else None


class Inference(Figure):
    """One inference on the platform."""

    index: int
    npu_cycles: int | None = None
    cpu_cycles: int | None = None
    pmu: dict[str, int] = {}
    """PMU event name to count, as the platform named them."""
    source: Source | None = None
    wall_s: float | None = None


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
    """How values that are known are spread; None where none is."""
    found = sorted(value for value in values if value is not None)
    if not found:
        return None
    mean = statistics.fmean(found)
    deviation = 100 * statistics.pstdev(found, mean) / mean if mean else None
    return Spread(
        count=len(found),
        min=found[0],
        median=statistics.median(found),
        p99=found[math.ceil(0.99 * len(found)) - 1],
        max=found[-1],
        deviation_pct=deviation,
        steady=found[0] == found[-1] or (deviation is not None and deviation <= STEADY_PCT),
    )


class Earlier(Figure):
    """What earlier runs of the same spec took."""

    runs: int
    inference_s: float
    """Median wall time of their inferences."""


class Statistics(Figure):
    """What the platform says of itself at its end (``--stat``)."""

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
    """Of the CPU, as the runner counted them: the median of the calls."""
    backend: str | None = None
    """The delegate's backend; None for what the CPU does."""


class MemoryPool(Figure):
    """A memory pool of the runner, in bytes."""

    name: str
    used: int | None = None
    size: int | None = None


class PoolNeed(Figure):
    """What a program asks of a pool of the runner, before it is run; in bytes."""

    name: str
    needed: int
    """At the least: what the runtime itself needs comes on top."""
    available: int | None = None
    """None where the runner does not tell, or has no such limit."""
    excess: int | None = None
    """What is asked for beyond what is there."""


class OutputCheck(Figure):
    """One output compared with the quantized model's, over all inferences."""

    shape: tuple[int, ...]
    dtype: str
    max_abs_error: float | None = None
    """Largest difference from the reference."""
    tolerance: float | None = None
    """Largest error that still counts as a match."""
    quantized_max_abs_error: float | None = None
    """Largest difference from PyTorch's quantized model, whose arithmetic is in floating point."""
    sqnr_db: float | None = None
    """Signal to quantization noise against the float model in dB; None where there is no noise or no signal."""
    cosine: float | None = None
    """Cosine of the angle to the float model's output, over all inferences: 1 for the same direction."""
    top1_match: bool | None = None
    """Whether the largest element is the same as the reference's, in every inference."""
    top1_float: float | None = None
    """Share of answers, 0..1, in which the largest element is the same as the float model's."""
    top1_quantized: float | None = None
    """The same of the quantized model's, as PyTorch computes it."""
    top: tuple[tuple[int, float], ...] = ()
    """Places and values of the platform's largest elements in the last inference; empty where they are no ranking."""


class Layer(Figure):
    """A layer of the quantized model against the same of the float model, over some of the run's inputs."""

    name: str
    """Path of the nn.Module; of what the model does itself, the exported node."""
    op: str
    """PyTorch's operator; ``input`` for an input of the model."""
    sqnr_db: float | None = None
    """Signal to quantization noise in dB, noise of all layers before included; None without noise or signal."""
    drop_db: float | None = None
    """How much lower that is than of the noisiest of its inputs; None where none of those is known."""
    max_abs_error: float | None = None
    max_abs: float | None = None
    """Largest value in the float model."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""


NOISY_DB = 20.0
"""Signal to quantization noise below which what matters is lost: the noise is a tenth of the signal."""


def first_noisy(layers: Iterable[Layer]) -> Layer | None:
    """The first layer that has lost what matters; None where none has."""
    return next((layer for layer in layers if layer.sqnr_db is not None and layer.sqnr_db < NOISY_DB), None)


class Accuracy(Figure):
    """Correct answers on inputs that carry a label."""

    inputs: int
    float_correct: int
    quantized_correct: int
    platform_correct: int
    agree: int
    """Inputs on which platform and quantized model give the same answer."""


CheckStatus = Literal["match", "mismatch", "skipped"]
LinkName = Literal["quantized", "lowered", "platform"]


class Link(Figure):
    """One step from the user's float model to the platform's output, named by its end and compared with its start.

    The chain is float -> quantized -> lowered -> platform. Over all outputs and inferences; `output` is the one that
    comes nearest to breaking the link, or is the farthest beyond.
    """

    name: LinkName
    status: CheckStatus
    sqnr_db: float | None = None
    """Signal to noise in dB of this end against the float model: what is left of the signal up to here."""
    max_abs_error: float | None = None
    """Largest difference between both ends of the link, in units of the output."""
    allowed: float | None = None
    """Largest difference that does not break the link."""
    reason: str | None = None
    """Why it is broken or was not compared."""
    output: int | None = None
    operator: str | None = None
    """Of a broken link the first operator whose result differs, where it was found: ``features.3 (aten.relu)``."""
    line: str | None = None
    """``FILE:LINE`` of that operator in the model's source."""
    hint: str | None = None
    """Of a broken link what is known of its cause, and a way out that was tried."""


def broken(links: Iterable[Link]) -> Link | None:
    """The first link of a chain that does not hold; None where all that were compared do."""
    return next((link for link in links if link.status == "mismatch"), None)


def why_broken(links: Sequence[Link]) -> str | None:
    """The first broken link of a chain in a sentence; None where none is.

    ``LOWERING CHANGED THE RESULT 45.4 dB -> 7.9 dB, first at relu (aten.relu), model.py:8``.
    """
    link = broken(links)
    if link is None:
        return None
    before = links[links.index(link) - 1] if link is not links[0] else None
    known = [f"{level:.1f} dB" for level in (before.sqnr_db if before else None, link.sqnr_db) if level is not None]
    levels = f" {' -> '.join(known)}" if known else ""
    place = ", ".join(part for part in (link.operator, link.line) if part)
    match link.name:
        case "quantized":
            return f"QUANTIZATION CHANGED THE RESULT{levels}" + (f", first at {place}" if place else f": {link.reason}")
        case "lowered":
            return f"LOWERING CHANGED THE RESULT{levels}" + (f", first at {place}" if place else f": {link.reason}")
        case "platform":
            return f"THE PLATFORM COMPUTED SOMETHING ELSE: {link.reason}"


class Check(Figure):
    """The platform's outputs against the reference, and each link of the chain that leads there."""

    status: CheckStatus
    """A match only where no link is broken."""
    reason: str | None = None
    links: tuple[Link, ...] = ()
    reference: Literal["tosa", "quantized", "float", "bundle"] | None = None
    """What is compared with: the lowered program with Arm's TOSA reference model in the NPU's place; where that cannot
    be had, PyTorch's quantized model; of a model that is not quantized, the float model; of a bundled program, what it
    expects."""
    outputs: tuple[OutputCheck, ...] = ()
    accuracy: Accuracy | None = None

    @property
    def hint(self) -> str | None:
        """What may help where a link is broken."""
        link = broken(self.links)
        return None if link is None else link.hint

    @property
    def sqnr_db(self) -> float | None:
        """The noisiest output's; None where none has noise that is known."""
        return min((output.sqnr_db for output in self.outputs if output.sqnr_db is not None), default=None)


class LimitResult(Figure):
    """A limit of the spec and what the run came to; `value` is None where it could not be had."""

    name: str
    limit: float
    value: float | None
    ok: bool


class Artifact(Figure):
    """A file of the run, its path relative to the run's directory."""

    name: str
    path: str
    bytes: int
    sha256: str


class PlatformInfo(Figure):
    """Where the program ran and with which command line."""

    kind: Literal["simulator", "fvp"]
    name: str
    engine: str | None = None
    version: str | None = None
    argv: tuple[str, ...] = ()
    why: str | None = None
    """Why this platform was taken."""


class Versions(Figure):
    """Versions of all that decides a figure; None where not installed or not asked."""

    fvp_tui: str | None = None
    python: str | None = None
    torch: str | None = None
    executorch: str | None = None
    vela: str | None = None
    platform: str | None = None
