"""What to change in a model or a spec, each with the evidence that a run has for it. Without evidence, no advice.

Cycles are those of the run's estimate. Shares below which a rule is silent stand beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from tui.compile.diagnostics import hints
from tui.compile.vela_report import PARTS
from tui.run.check import NOISY_DB, first_noisy
from tui.run.delegation import CpuCause, CpuOperator
from tui.run.figures import Estimate, Figure, Operator
from tui.run.spec import Spec
from tui.run.state import State
from tui.toolchain.target import Target

SCHEMA_VERSION = 1

Kind = Literal[
    "input_layout",
    "float_island",
    "constraint",
    "unsupported",
    "partitions",
    "channels",
    "depthwise",
    "memory_mode",
    "macs",
    "int16",
    "noise",
]

WORTH_PCT = 5.0
"""Share of a program's cycles that a change has to be about."""
SMALLER_PCT = 5.0
"""How much longer a program may take on a smaller NPU that does as well."""
MANY_PARTITIONS = 3


class Tried(Figure, frozen=True, kw_only=True):
    """What a change came to: the run that has it, and that run's figures."""

    run: str
    status: str
    reason: str | None = None
    total_cycles: int | None = None
    change_pct: float | None = None
    """Of the total cycles."""
    sram_kib: float | None = None
    sqnr_db: float | None = None
    check: str | None = None
    """Whether its outputs match its quantized model."""


class Advice(Figure, frozen=True, kw_only=True):
    """What to do, and why."""

    kind: Kind
    what: str
    evidence: str
    cycles: int | None = None
    """The run's cycles that it is about: what it can save at most. None where it is not about cycles."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    change: dict[str, str | bool] = msgspec.field(default_factory=dict)
    """Fields of the spec that try it, as ``target.memory_mode``; empty where the model itself has to change."""
    tried: Tried | None = None

    @property
    def options(self) -> list[str]:
        """The same as an option of ``run``, in one word, or none."""
        names = {name: OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in self.change}
        return [names[name] if value is True else f"{names[name]} {value}" for name, value in self.change.items()]


OPTIONS = {"target.accelerator": "--target", "target.memory_mode": "--memory-mode"}
"""Options of ``run`` that are not called as the field of the spec is."""


class Advised(Figure, frozen=True, kw_only=True):
    """All advice for a run. It is what ``advise --json`` prints."""

    schema_version: int = SCHEMA_VERSION
    run: str
    total_cycles: int | None = None
    sram_kib: float | None = None
    advice: tuple[Advice, ...] = ()


WhatIf = Mapping[Target, Estimate]
"""Estimates of the run's graphs for other targets."""


def changed(spec: Spec, change: Mapping[str, str | bool]) -> Spec:
    """A spec with the fields of `Advice.change`."""
    target = {name.removeprefix("target."): value for name, value in change.items() if name.startswith("target.")}
    own = {name: value for name, value in change.items() if not name.startswith("target.")}
    return msgspec.structs.replace(spec, target=msgspec.structs.replace(spec.target, **target), **own)


def what_ifs(spec: Spec, accelerators: Sequence[str]) -> list[Target]:
    """The targets whose estimates the rules look at: other memory modes, and the next smaller NPU."""
    target = spec.target
    modes = target.board.npu.memory_modes
    others = [msgspec.structs.replace(target, memory_mode=mode) for mode in modes if mode != target.memory_mode]
    smaller = [name for name in accelerators if Target(name).macs < target.macs]
    if smaller:
        next_smaller = max(smaller, key=lambda name: Target(name).macs)
        others.append(msgspec.structs.replace(target, accelerator=next_smaller))
    return others


def of(state: State, what_if: WhatIf | None = None) -> Advised:
    """All advice for a run, that about the most cycles first."""
    estimate = state.estimate
    found = [*_about_cycles(state), *_about_the_cpu(state), *_about_numbers(state)]
    if what_if:
        found += _about_the_target(state, what_if)
    return Advised(
        run=state.run.id,
        total_cycles=estimate.total_cycles if estimate else None,
        sram_kib=estimate.sram_kib if estimate else None,
        advice=tuple(sorted(found, key=lambda advice: -(advice.cycles or 0))),
    )


# -- operators on the NPU


def _about_cycles(state: State) -> Iterator[Advice]:
    spec, total = state.spec, sum(operator.cycles or 0 for operator in state.operators)
    if spec is None or not total:
        return
    yield from _input_layout(spec, state.operators, total)
    for operator in state.operators:
        if 100 * (operator.cycles or 0) / total >= WORTH_PCT:
            yield from _channels(operator, total)
            yield from _depthwise(operator, total)


def _input_layout(spec: Spec, operators: Sequence[Operator], total: int) -> Iterator[Advice]:
    """Transposes from PyTorch's layout to the NPU's, before anything else is done with an input."""
    found = [o for o in operators if o.op == "Transpose" and _to_nhwc(o)]
    cycles = sum(o.cycles or 0 for o in found)
    if spec.channels_last or not found or 100 * cycles / total < WORTH_PCT:
        return
    most = max(found, key=lambda o: o.cycles or 0)
    yield Advice(
        kind="input_layout",
        what="export the model in the NPU's layout, and give its inputs as NHWC",
        evidence=f"to transpose {_shape(most.ifm_shape)} takes {_share(cycles, total)}",
        cycles=cycles,
        line=most.line,
        change={"channels_last": True},
    )


def _to_nhwc(operator: Operator) -> bool:
    given = operator.ifm_shape
    if len(given) != 4 or not operator.ofm_shape:
        return False
    n, c, h, w = given
    return operator.ofm_shape == (n, h, w, c) and 1 < c < h * w


def channels_paid(channels: int) -> int:
    """Input channels that a convolution takes the cycles of.

    Source: Vela 5.1 on 3x3 convolutions of 24x24 elements, 256 and 1024 MACs: 1 takes as long as 2, 3 as 8, 12 as 16,
    24 as 32; above, it goes in steps of 16.
    """
    for step in (2, 8, 16, 32):
        if channels <= step:
            return step
    return -(-channels // 16) * 16


def _channels(operator: Operator, total: int) -> Iterator[Advice]:
    """Channels that are paid for, and not there."""
    shape = operator.ifm_shape
    if operator.op != "Conv2D" or operator.bound != "MAC" or len(shape) != 4 or shape[1] * shape[2] == 1:
        return
    channels = shape[-1]
    paid = channels_paid(channels)
    if channels < 3 or paid < 1.3 * channels:
        return
    yield Advice(
        kind="channels",
        what=f"{channels} input channels take as long as {paid} would: use them, or drop to the next step below",
        evidence=f"{operator.name}: uses {_use(operator)} of the MACs; {_share(operator.cycles or 0, total)}",
        cycles=operator.cycles,
        line=operator.line,
    )


def _depthwise(operator: Operator, total: int) -> Iterator[Advice]:
    """Depthwise convolutions so thin that an ordinary one is cheaper.

    Source: Vela 5.1, 3x3 on 24x24 elements: 8 channels take 4,633 cycles depthwise and 2,320 as an ordinary convolution
    with 256 MACs, 2,368 and 1,948 with 1024; with 16 channels and 256 MACs it is the other way round.
    """
    if operator.op != "DepthwiseConv2D" or not operator.ofm_shape or operator.ofm_shape[-1] > 8:
        return
    yield Advice(
        kind="depthwise",
        what="an ordinary convolution of so few channels takes fewer cycles than a depthwise one",
        evidence=f"{operator.name}: depthwise over {operator.ofm_shape[-1]} channels uses {_use(operator)} of the MACs;"
        f" {_share(operator.cycles or 0, total)}",
        cycles=operator.cycles,
        line=operator.line,
    )


def _use(operator: Operator) -> str:
    return "an unknown share" if operator.utilization is None else f"{100 * operator.utilization:.0f} %"


def _share(cycles: int, total: int) -> str:
    return f"{cycles:,} of {total:,} cycles, {100 * cycles / total:.0f} %"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


# -- operators on the CPU


def _about_the_cpu(state: State) -> Iterator[Advice]:
    found = state.delegation
    if found is None:
        return
    kept = found.kept
    for cause in sorted(found.causes, key=lambda cause: [(k.op, cause.reason) for k in cause.operators]):
        if cause.hint:
            yield Advice(
                kind=_kind(cause),
                what=cause.hint,
                evidence=f"{_times(cause)} on the CPU: {cause.reason}; {_price(cause, kept)}",
                line=cause.line,
            )
    if kept and found.subgraphs >= MANY_PARTITIONS and state.partitions:
        cycles = [partition.total_cycles for partition in state.partitions]
        smallest = min((c for c in cycles if c is not None), default=None)
        few = "" if smallest is None else f"; the smallest has {smallest:,} NPU cycles"
        yield Advice(
            kind="partitions",
            what="bring what is between the partitions to the NPU, or move it to the model's ends",
            evidence=f"{found.subgraphs} partitions around {len(kept)} operator{'s' * (len(kept) > 1)} on the CPU{few}",
            line=next((o.line for o in kept if o.line), None),
        )


def _kind(cause: CpuCause) -> Kind:
    if cause.root is not None or hints.IN_FLOAT.search(cause.reason):
        return "float_island"
    return "unsupported" if hints.NOT_SUPPORTED.search(cause.reason) else "constraint"


def _times(cause: CpuCause) -> str:
    return ", ".join(f"{k.op}{f' ({k.calls} times)' if k.calls > 1 else ''}" for k in cause.operators)


def _price(cause: CpuCause, kept: Sequence[CpuOperator]) -> str:
    first = next(operator for operator in kept if operator.node == cause.nodes[0])
    brings = f"brings {cause.conversions} conversion{'s' * (cause.conversions != 1)} between integers and float"
    return f"{', '.join(first.inputs) or 'no tensor'} to {', '.join(first.outputs) or 'no tensor'}; {brings}"


# -- the numbers


def _about_numbers(state: State) -> Iterator[Advice]:
    spec = state.spec
    if spec is None:
        return
    noise = state.check.sqnr_db if state.check is not None else None
    wide = [tensor for tensor in state.tensors if tensor.dtype == "int16"]
    if spec.quantize == "a16w8" and wide and state.estimate is not None:
        quality = "" if noise is None else f"; signal to noise is {noise:.1f} dB"
        yield Advice(
            kind="int16",
            what="8-bit activations, if they are exact enough",
            evidence=f"{len(wide)} tensors of int16, the largest of {max(t.bytes for t in wide):,} bytes{quality}",
            change={"quantize": "int8"},
        )
    if spec.quantize == "int8" and noise is not None and noise < NOISY_DB:
        first = first_noisy(state.layers)
        where = f"; {first.name} ({first.op}) is the first layer below {NOISY_DB:.0f}" if first is not None else ""
        yield Advice(
            kind="noise",
            what="16-bit activations, or calibration on inputs that are like those in the field",
            evidence=f"signal to quantization noise is {noise:.1f} dB{where}",
            line=first.line if first is not None else None,
            change={"quantize": "a16w8"},
        )


# -- the target


def _about_the_target(state: State, what_if: WhatIf) -> Iterator[Advice]:
    spec, own = state.spec, state.estimate
    if spec is None or own is None or not own.total_cycles:
        return
    total = own.total_cycles
    known = {target: found for target, found in what_if.items() if found.total_cycles is not None}
    modes = {t: e for t, e in known.items() if t.accelerator == spec.target.accelerator}
    if modes:
        target, best = min(modes.items(), key=lambda one: one[1].total_cycles or 0)
        saved = total - (best.total_cycles or 0)
        if 100 * saved / total >= WORTH_PCT:
            yield Advice(
                kind="memory_mode",
                what=f"{target.memory_mode}, where the hardware has the memory for it",
                evidence=f"{best.total_cycles:,} instead of {total:,} cycles by Vela, {-100 * saved / total:+.0f} %;"
                f" SRAM {_kib(best.sram_kib)} instead of {_kib(own.sram_kib)}{_waiting(state.operators)}",
                cycles=saved,
                change={"target.memory_mode": target.memory_mode},
            )
    for target, found in known.items():
        longer = 100 * ((found.total_cycles or 0) - total) / total
        if target.macs < spec.target.macs and longer <= SMALLER_PCT:
            yield Advice(
                kind="macs",
                what=f"{target.macs} MACs do as well as {spec.target.macs}",
                evidence=f"{found.total_cycles:,} instead of {total:,} cycles by Vela, {longer:+.0f} %",
                change={"target.accelerator": target.accelerator},
            )


def _waiting(operators: Sequence[Operator]) -> str:
    """How long operators wait for a memory, where they do."""
    held = {o.bound for o in operators if o.bound is not None} - set(PARTS.values())
    cycles = {memory: sum(o.cycles or 0 for o in operators if o.bound == memory) for memory in sorted(held)}
    words = [f"{count:,} cycles wait for {memory}" for memory, count in cycles.items() if memory != "Sram"]
    return f"; now {', '.join(words)}" if words else ""


def _kib(value: float | None) -> str:
    return "not known" if value is None else f"{value:,.1f} KiB"
