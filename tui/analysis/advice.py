"""Suggested changes to a model or a spec, each with the evidence that a run has for it. Without evidence, no advice.

Cycles are those of the run's estimate. Shares below which a rule is silent stand beside it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from tui.analysis import channels, transposes
from tui.analysis.what_if import NewerVela, WhatIf
from tui.compile.diagnostics import hints
from tui.compile.vela_report import PARTS
from tui.run.check import NOISY_DB, first_noisy
from tui.run.delegation import CpuCause, CpuOperator
from tui.run.figures import Estimate, Figure, Operator, Source
from tui.run.option import replaced
from tui.run.options import of_field
from tui.run.spec import Spec
from tui.run.state import State
from tui.text import counted
from tui.toolchain.boards import Npu
from tui.toolchain.target import Target

SCHEMA_VERSION = 1

Kind = Literal[
    "input_layout",
    "transposes",
    "float_island",
    "constraint",
    "unsupported",
    "partitions",
    "channels",
    "depthwise",
    "matmul",
    "memory_mode",
    "macs",
    "vela",
    "int16",
    "noise",
]

WORTH_PCT = 5.0
"""Smallest share of a program's cycles that a change must concern."""
SMALLER_PCT = 5.0
"""Longest extra time, in percent, at which a smaller NPU still does as well."""
MANY_PARTITIONS = 3


class Measured(Figure, frozen=True, kw_only=True):
    """NPU cycles of an inference, the median of a run's, before and after a change."""

    before: float
    after: float
    change_pct: float
    source: Source = "measured"
    """By the FVP's counters, or estimated by the simulator."""


class Tried(Figure, frozen=True, kw_only=True):
    """Outcome of a change: the run that tried it, and its figures."""

    run: str
    status: str
    reason: str | None = None
    total_cycles: int | None = None
    change_pct: float | None = None
    """Change of the total cycles, as Vela estimates them; None between two versions of Vela."""
    measured: Measured | None = None
    """None unless both runs were measured, or are of two versions of Vela."""
    sram_kib: float | None = None
    sqnr_db: float | None = None
    check: str | None = None
    """Status of its check."""


class Advice(Figure, frozen=True, kw_only=True):
    """A suggestion and its evidence."""

    kind: Kind
    what: str
    evidence: str
    cycles: int | None = None
    """Cycles it concerns, the most it can save; None where it does not concern cycles."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    change: dict[str, str | bool] = msgspec.field(default_factory=dict)
    """Spec fields that try it, as ``target.memory_mode``; empty where the model itself has to change."""
    tried: Tried | None = None

    @property
    def options(self) -> list[str]:
        """Options of ``run`` that try it."""
        return [
            option.name if value is True else f"{option.name} {value}"
            for option, value in ((of_field(path), value) for path, value in self.change.items())
        ]


class Advised(Figure, frozen=True, kw_only=True):
    """All advice for a run. It is what ``advise --json`` prints."""

    schema_version: int = SCHEMA_VERSION
    run: str
    total_cycles: int | None = None
    sram_kib: float | None = None
    advice: tuple[Advice, ...] = ()


def changed(spec: Spec, change: Mapping[str, str | bool]) -> Spec:
    """A spec with the fields of `Advice.change`."""
    return replaced(spec, {tuple(path.split(".")): value for path, value in change.items()})


def with_tried(advised: Advised, outcome: Callable[[Advice], Tried | None]) -> Advised:
    """Advice with the outcome of each piece."""
    pieces = (msgspec.structs.replace(piece, tried=outcome(piece)) for piece in advised.advice)
    return msgspec.structs.replace(advised, advice=tuple(pieces))


def of(state: State, what_if: WhatIf | None = None) -> Advised:
    """All advice for a run, by the cycles it concerns."""
    estimate = state.estimate
    advice = [*_about_cycles(state), *_about_the_cpu(state), *_about_numbers(state)]
    if what_if is not None:
        advice += [*_about_the_target(state, what_if.targets), *_about_vela(what_if.newer)]
    return Advised(
        run=state.run.id,
        total_cycles=estimate.total_cycles if estimate else None,
        sram_kib=estimate.sram_kib if estimate else None,
        advice=tuple(sorted(advice, key=lambda one: -(one.cycles or 0))),
    )


# -- operators on the NPU


def _about_cycles(state: State) -> Iterator[Advice]:
    spec, total = state.spec, sum(operator.cycles or 0 for operator in state.operators)
    if spec is None or not total:
        return
    yield from _input_layout(spec, state.operators, total)
    yield from _transposes(spec, state.operators, total)
    npu = spec.target.board.npu
    for operator in state.operators:
        if 100 * (operator.cycles or 0) / total >= WORTH_PCT:
            yield from _channels(operator, total, npu)
            yield from _depthwise(operator, total, npu)
            yield from _matmul(operator, total, npu)


def _input_layout(spec: Spec, operators: Sequence[Operator], total: int) -> Iterator[Advice]:
    """Transposes from PyTorch's layout to the NPU's and back, where a model takes and gives its tensors."""
    moved = transposes.of_layout(operators, spec.target.board.npu)
    cycles = sum(o.cycles or 0 for o in moved)
    if spec.channels_last or not moved or 100 * cycles / total < WORTH_PCT:
        return
    yield Advice(
        kind="input_layout",
        what="export the model in the NPU's layout and pass its inputs as NHWC",
        evidence=f"{transposes.described(moved)}: {_share(cycles, total)}",
        cycles=cycles,
        line=transposes.longest(moved).line,
        change={"channels_last": True},
    )


def _transposes(spec: Spec, operators: Sequence[Operator], total: int) -> Iterator[Advice]:
    """Transposes within a model, where the NPU has no command for them.

    Source: Vela 5.1 for Ethos-U55-128, ``l(x.permute(0, 3, 2, 1)).permute(0, 3, 2, 1)`` on 16x24x32 between two
    convolutions: with l an nn.Linear 55,532 cycles, with an nn.Conv2d(16, 16, 1) and no permute 49,388. Channels
    last, ``nn.Linear(1024, 16)(x.flatten(1))`` on 16x8x8 behind a convolution: 19,440; an nn.Conv2d(16, 16, 8) 18,800.
    """
    moved = transposes.within(operators, spec.target.board.npu)
    cycles = sum(o.cycles or 0 for o in moved)
    if not moved or 100 * cycles / total < WORTH_PCT:
        return
    yield Advice(
        kind="transposes",
        what="transposes are computed row by row on this NPU: a 1x1 nn.Conv2d replaces permute, nn.Linear, permute;"
        " one of the map's size replaces flatten and nn.Linear",
        evidence=f"{transposes.described(moved)}: {_share(cycles, total)} by Vela, which leaves out the start of each"
        " command",
        cycles=cycles,
        line=transposes.longest(moved).line,
    )


def _channels(operator: Operator, total: int, npu: Npu) -> Iterator[Advice]:
    """Convolutions whose input channels are padded."""
    shape = operator.ifm_shape
    if operator.op != "Conv2D" or operator.bound != "MAC" or len(shape) != 4 or shape[1] * shape[2] == 1:
        return
    used = shape[-1]
    paid = channels.paid(used, npu)
    if used < 3 or paid < 1.3 * used:
        return
    yield Advice(
        kind="channels",
        what=f"{used} input channels are padded to {paid}: use them all, or go down to the next step",
        evidence=f"{operator.name} uses {_use(operator)} of the MACs; {_share(operator.cycles or 0, total)}",
        cycles=operator.cycles,
        line=operator.line,
    )


def _depthwise(operator: Operator, total: int, npu: Npu) -> Iterator[Advice]:
    """Depthwise convolutions of so few channels that an ordinary one is cheaper.

    Source: Vela 5.1, 3x3 on 24x24 elements: 8 channels take 4,633 cycles depthwise and 2,320 as an ordinary convolution
    with 256 MACs, 2,368 and 1,948 with 1024; with 16 channels and 256 MACs it is the other way round. An Ethos-U55 with
    128 MACs takes 6,300 either way, with more channels less for the depthwise one.
    """
    if npu.profile == "u55" or operator.op != "DepthwiseConv2D" or not operator.ofm_shape or operator.ofm_shape[-1] > 8:
        return
    yield Advice(
        kind="depthwise",
        what="use an ordinary convolution: with so few channels it takes fewer cycles than a depthwise one",
        evidence=f"{operator.name} is depthwise over {operator.ofm_shape[-1]} channels and uses {_use(operator)}"
        f" of the MACs; {_share(operator.cycles or 0, total)}",
        cycles=operator.cycles,
        line=operator.line,
    )


def _matmul(operator: Operator, total: int, npu: Npu) -> Iterator[Advice]:
    """Products of two activations, where the NPU has no command for them.

    Source: Vela 5.1's streams for Ethos-U55 and U65: a multiplication and a sum for each column of the result.
    """
    if npu.profile != "u55" or operator.op != "MatMul" or not operator.ofm_shape:
        return
    yield Advice(
        kind="matmul",
        what="a product of activations is computed column by column on this NPU: make one factor a constant (nn.Linear)"
        ", or the result narrower",
        evidence=f"{operator.name}, {counted(operator.ofm_shape[-1], 'column')}, uses {_use(operator)} of the MACs;"
        f" {_share(operator.cycles or 0, total)}",
        cycles=operator.cycles,
        line=operator.line,
    )


def _use(operator: Operator) -> str:
    return "an unknown share" if operator.utilization is None else f"{operator.utilization:.0%}"


def _share(cycles: int, total: int) -> str:
    return f"{cycles:,} of {total:,} cycles, {cycles / total:.0%}"


# -- operators on the CPU


def _about_the_cpu(state: State) -> Iterator[Advice]:
    delegation = state.delegation
    if delegation is None:
        return
    kept = delegation.kept
    for cause in sorted(delegation.causes, key=lambda cause: [(k.op, cause.reason) for k in cause.operators]):
        if cause.hint:
            yield Advice(
                kind=_kind(cause),
                what=cause.hint,
                evidence=f"{_times(cause)} on the CPU: {cause.reason}; {_cost(cause, kept)}",
                line=cause.line,
            )
    if kept and delegation.subgraphs >= MANY_PARTITIONS and state.partitions:
        cycles = [partition.total_cycles for partition in state.partitions]
        smallest = min((c for c in cycles if c is not None), default=None)
        least = "" if smallest is None else f"; the smallest has {smallest:,} NPU cycles"
        yield Advice(
            kind="partitions",
            what="bring the operators between the partitions to the NPU, or move them to the ends of the model",
            evidence=f"{delegation.subgraphs} partitions around {counted(len(kept), 'operator')} on the CPU{least}",
            line=next((o.line for o in kept if o.line), None),
        )


def _kind(cause: CpuCause) -> Kind:
    if cause.root is not None or hints.IN_FLOAT.search(cause.reason):
        return "float_island"
    return "unsupported" if hints.NOT_SUPPORTED.search(cause.reason) else "constraint"


def _times(cause: CpuCause) -> str:
    return ", ".join(f"{k.op}{f' ({k.calls} times)' if k.calls > 1 else ''}" for k in cause.operators)


def _cost(cause: CpuCause, kept: Sequence[CpuOperator]) -> str:
    first = next(operator for operator in kept if operator.node == cause.nodes[0])
    inputs, outputs = ", ".join(first.inputs) or "no tensor", ", ".join(first.outputs) or "no tensor"
    return f"{inputs} to {outputs}; adds {counted(cause.conversions, 'conversion')} between integers and float"


# -- the numbers


def _about_numbers(state: State) -> Iterator[Advice]:
    spec = state.spec
    if spec is None:
        return
    noise = state.check.sqnr_db if state.check is not None else None
    wide = [tensor for tensor in state.tensors if tensor.dtype == "int16"]
    if spec.quantize == "a16w8" and wide and state.estimate is not None:
        quality = "" if noise is None else f"; SQNR is {noise:.1f} dB"
        largest = max(tensor.bytes for tensor in wide)
        yield Advice(
            kind="int16",
            what="use 8-bit activations, if they are exact enough",
            evidence=f"{counted(len(wide), 'int16 tensor')}, the largest of {largest:,} bytes{quality}",
            change={"quantize": "int8"},
        )
    if spec.quantize == "int8" and noise is not None and noise < NOISY_DB:
        first = first_noisy(state.layers)
        where = f"; {first.name} ({first.op}) is the first layer below {NOISY_DB:.0f} dB" if first is not None else ""
        yield Advice(
            kind="noise",
            what="use 16-bit activations, or calibrate on inputs like those in the field",
            evidence=f"SQNR is {noise:.1f} dB{where}",
            line=first.line if first is not None else None,
            change={"quantize": "a16w8"},
        )


# -- the target


def _about_the_target(state: State, what_if: Mapping[Target, Estimate]) -> Iterator[Advice]:
    spec, own = state.spec, state.estimate
    if spec is None or own is None or not own.total_cycles:
        return
    total = own.total_cycles
    estimates = {target: estimate for target, estimate in what_if.items() if estimate.total_cycles is not None}
    modes = {t: e for t, e in estimates.items() if t.accelerator == spec.target.accelerator}
    if modes:
        target, best = min(modes.items(), key=lambda one: one[1].total_cycles or 0)
        saved = total - (best.total_cycles or 0)
        if 100 * saved / total >= WORTH_PCT:
            yield Advice(
                kind="memory_mode",
                what=f"use {target.memory_mode}, if the hardware has the memory for it",
                evidence=f"{best.total_cycles:,} instead of {total:,} cycles by Vela, {-100 * saved / total:+.1f} %;"
                f" SRAM {_kib(best.sram_kib)} instead of {_kib(own.sram_kib)}{_waiting(state.operators)}",
                cycles=saved,
                change={"target.memory_mode": target.memory_mode},
            )
    for target, estimate in estimates.items():
        longer = 100 * ((estimate.total_cycles or 0) - total) / total
        if target.macs < spec.target.macs and longer <= SMALLER_PCT:
            yield Advice(
                kind="macs",
                what=f"use the NPU with {target.macs} MACs: it does as well as {spec.target.macs}",
                evidence=f"{estimate.total_cycles:,} instead of {total:,} cycles by Vela, {longer:+.1f} %",
                change={"target.accelerator": target.accelerator},
            )


def _about_vela(newer: NewerVela | None) -> Iterator[Advice]:
    if newer is None or 100 * (saved := newer.before - newer.after) / newer.before < WORTH_PCT:
        return
    yield Advice(
        kind="vela",
        what=f"compile with Vela {newer.version}",
        evidence=f"{newer.after:,} instead of {newer.before:,} NPU cycles of the commands by the simulator's model,"
        f" {-100 * saved / newer.before:+.1f} %",
        cycles=saved,
        change={"vela": newer.version},
    )


def _waiting(operators: Sequence[Operator]) -> str:
    """Cycles that operators wait for each memory but the SRAM."""
    held = {o.bound for o in operators if o.bound is not None} - set(PARTS.values())
    cycles = {memory: sum(o.cycles or 0 for o in operators if o.bound == memory) for memory in sorted(held)}
    words = [f"{count:,} cycles wait for {memory}" for memory, count in cycles.items() if memory != "Sram"]
    return f"; now {', '.join(words)}" if words else ""


def _kib(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.1f} KiB"
