"""Known faults of ExecuTorch's lowering that change results, and their detection.

A fault is detected by its effect: the quantized model with the fault applied computes what the lowered program does.
docs/compiler-faults.md has the smallest program of each.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch.fx import GraphModule, Node

from tui.compile.inputs import Inputs
from tui.compile.links import rounding
from tui.compile.links.rounding import quantizes
from tui.model import tensors

aten = torch.ops.aten

LAYERS = (
    aten.conv1d.default, aten.conv2d.default, aten.conv2d.padding, aten.conv_transpose2d.input, aten.linear.default,
)  # fmt: skip
RELUS = (aten.relu.default, aten.relu_.default)
HARDTANHS = (aten.hardtanh.default, aten.hardtanh_.default)

TABLES = (
    aten.ceil.default, aten.erf.default, aten.exp.default, aten.expm1.default, aten.floor.default, aten.log.default,
    aten.log1p.default, aten.log10.default, aten.reciprocal.default, aten.rsqrt.default, aten.sigmoid.default,
    aten.cos.default, aten.sin.default, aten.tanh.default, aten.atan.default, aten.atanh.default,
    aten.hardsigmoid.default, aten.hardswish.default, aten.hardswish_.default, aten.sinh.default, aten.acosh.default,
    aten.asin.default, aten.asinh.default, aten.cosh.default, aten.acos.default, aten.tan.default, aten.silu.default,
    aten.silu_.default, aten.round.default, aten.pow.Tensor_Scalar, aten.gelu.default, aten.elu.default,
    aten.leaky_relu.default, aten.leaky_relu_.default, aten.remainder.Scalar,
)  # fmt: skip
"""Operators that ExecuTorch computes by table (backends/arm/_passes/insert_table_ops.py)."""

CHANNELS = {aten.conv1d.default: (1,), aten.conv2d.default: (1, 1)}
"""Convolutions, with the axes of their results behind the one of channels."""

RESCALING = (
    aten.abs.default, aten.add.Tensor, aten.add_.Tensor, aten.maximum.default, aten.minimum.default, aten.sub.Tensor,
    aten.sum.dim_IntList,
)  # fmt: skip
"""Operators whose operands ExecuTorch rescales to 32 bits (backends/arm/_passes/insert_rescales_pass.py)."""

SEGMENT = 128
"""Values of a 16-bit input between two entries of a TOSA table."""


@dataclass(frozen=True)
class Fault:
    """A fault of the lowering of ExecuTorch 1.4 or 1.5."""

    name: str
    cause: str
    """The fault in a sentence."""
    remedy: str
    """A workaround that was tested."""
    applied: Callable[[GraphModule], bool]
    """Edit a quantized model to compute with the fault; False if the model does not trigger it."""


def _activation_is_lost(node: Node) -> bool:
    """True if FuseQuantizedActivationPass wrongly drops an activation: zero is not the least value of its range."""
    if node.target not in (*RELUS, *HARDTANHS) or len(node.users) != 1 or not quantizes(user := next(iter(node.users))):
        return False
    _, scale, zero, least, most, _ = user.args
    if node.target in HARDTANHS:
        bounds: list[Any] = [*node.args[1:], *(-1.0, 1.0)[len(node.args) - 1 :]]
        low, high = bounds
        if low != 0 or round(high / scale) + zero < most:
            return False
    before = node.args[0]
    if before.target is aten.batch_norm.default and len(before.users) == 1:
        before = before.args[0]
    return before.target in LAYERS and len(before.users) == 1 and zero != least


def lose_activations(module: GraphModule) -> bool:
    """Remove the activations that the lowering loses."""
    lost = [node for node in module.graph.nodes if _activation_is_lost(node)]
    for node in lost:
        node.replace_all_uses_with(node.args[0])
        module.graph.erase_node(node)
    return bool(lost)


def _interpolated(
    function: Callable[..., torch.Tensor], x: torch.Tensor, rest: tuple[Any, ...], before: Any, after: Any
) -> torch.Tensor:
    """A function as a TOSA table of 16-bit values computes it."""
    _, scale, zero, *_ = before
    _, out_scale, out_zero, least, most, _ = after
    # In double precision, as entries are computed by the very function.
    ends = torch.arange(-(2**15), 2**15 + 1, SEGMENT, dtype=torch.int32)
    entries = function(((ends - zero) * scale).to(torch.float32), *rest)
    codes = (torch.round(entries / out_scale) + out_zero).nan_to_num().clamp(least, most).to(torch.int64)
    raw = torch.round(x / scale).to(torch.int64) + zero + 2**15
    at, fraction = raw // SEGMENT, raw % SEGMENT
    low, high = codes[at], codes[(at + 1).clamp(max=len(codes) - 1)]
    result = (low * SEGMENT + (high - low) * fraction).to(torch.float64) / SEGMENT
    return ((torch.round(result) - out_zero) * out_scale).to(torch.float32)


def interpolate(module: GraphModule) -> bool:
    """Replace functions of 16-bit values by interpolation in tables."""
    changed = False
    for node in list(module.graph.nodes):
        if node.target not in TABLES or len(node.users) < 1:
            continue
        before, after = node.args[0], next(iter(node.users))
        if "dequantize_per_tensor" not in str(before.target) or not quantizes(after):
            continue
        if before.args[5] is not torch.int16:
            continue

        def table(
            x: torch.Tensor,
            *rest: Any,
            function: Any = node.target,
            before: Any = before.args,
            after: Any = after.args,
            **options: Any,
        ) -> torch.Tensor:
            def whole(values: torch.Tensor, *more: Any) -> torch.Tensor:
                return function(values.clone(), *more, **options)

            return _interpolated(whole, x, rest, before, after)

        node.target = table
        changed = True
    return changed


def negate_unscaled(module: GraphModule) -> bool:
    """Negate integers without rescaling where input and output have different scales."""
    changed = False
    for node in module.graph.nodes:
        if node.target is not aten.neg.default or "dequantize_per_tensor" not in str(node.args[0].target):
            continue
        after = next(iter(node.users))
        if not quantizes(after) or node.args[0].args[1] == after.args[1]:
            continue
        node.target, node.args = aten.mul.Scalar, (node.args[0], -after.args[1] / node.args[0].args[1])
        changed = True
    return changed


def lose_scales(module: GraphModule) -> bool:
    """Leave 16-bit results of convolutions at the scale of the products where an operator rescales them at once."""
    lost = False
    for node in list(module.graph.nodes):
        if node.target not in CHANNELS or len(node.users) != 1 or not quantizes(after := next(iter(node.users))):
            continue
        back = next(iter(after.users))
        if after.args[5] is not torch.int16 or any(user.target not in RESCALING for user in back.users):
            continue
        (_, x, *_), (_, scale, *_) = (value.args for value in node.args[:2])
        weights = getattr(module, scale.target) if isinstance(scale, Node) else torch.tensor(scale)
        factor = (after.args[1] / (x * weights)).reshape(-1, *CHANNELS[node.target])

        def unscaled(*values: Any, function: Any = node.target, factor: torch.Tensor = factor) -> torch.Tensor:
            result: torch.Tensor = function(*values) * factor
            return result

        node.target = unscaled
        back.replace_all_uses_with(node)
        lost = True
    return lost


LOST_ACTIVATION = Fault(
    name="lost activation",
    cause="ExecuTorch drops an activation after a convolution or linear layer if its result shares a scale with"
    " values below zero, as the operands of a cat do",
    remedy="torch.clamp(x, min=0) instead of the relu",
    applied=lose_activations,
)
UNSCALED_NEGATION = Fault(
    name="unscaled negation",
    cause="ExecuTorch negates integers without rescaling, though input and output have different scales",
    remedy="x * -1.0 instead of -x",
    applied=negate_unscaled,
)
COARSE_TABLE = Fault(
    name="coarse table",
    cause="ExecuTorch's tables for 16-bit values have 512 entries, too few where a function is steep",
    remedy="--quantize int8, whose tables have an entry for each value",
    applied=interpolate,
)
LOST_SCALE = Fault(
    name="lost scale",
    cause="ExecuTorch 1.4 does not scale the 16-bit result of a convolution that a sum or a maximum takes at once",
    remedy="ExecuTorch 1.5 (--toolchain), or --quantize int8",
    applied=lose_scales,
)
FAULTS = (LOST_ACTIVATION, UNSCALED_NEGATION, COARSE_TABLE, LOST_SCALE)


def edited(module: GraphModule, faults: tuple[Fault, ...]) -> GraphModule | None:
    """A copy of a quantized model with faults applied; None if the model does not trigger all of them."""
    copied = GraphModule(module, copy.deepcopy(module.graph))
    if not all(fault.applied(copied) for fault in faults):
        return None
    copied.recompile()
    return copied


def suspects(module: GraphModule) -> tuple[Fault, ...]:
    """Known faults that leave the result of a lowered program undefined, where the model triggers them."""
    return tuple(fault for fault in (LOST_SCALE,) if edited(module, (fault,)) is not None)


Arrays = list[tensors.NDArray]


def explain(
    quantized: GraphModule, samples: Sequence[Inputs], steps: Sequence[float | None], lowered: Sequence[Arrays], at: int
) -> tuple[Fault, ...]:
    """The fewest known faults with which the quantized model computes what the lowered program does; empty without any.

    `lowered` are the lowered program's outputs for each sample, of which number `at` is compared; `steps` are the
    quantization steps of the outputs.
    """
    for number in range(1, len(FAULTS) + 1):
        for faults in combinations(FAULTS, number):
            module = edited(quantized, faults)
            if module is None:
                continue
            allowed = rounding.allowed(module, samples, steps)[at]
            outputs = rounding.outputs(module, samples)
            if all(tensors.largest_difference(a[at], b[at]) <= allowed for a, b in zip(outputs, lowered, strict=True)):
                return faults
    return ()
