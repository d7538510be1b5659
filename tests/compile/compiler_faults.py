"""The known faults of ExecuTorch's lowering that change results: for each the smallest case, and what it does.

docs/compiler-faults.md tells of them, and of those that refuse a model. A fault is recognised by its doing: `applied`
to the quantized model, it makes of that what the lowered program computes.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.fx import GraphModule, Node

from tui.compile.rounding import quantizes

Quantization = Literal["int8", "a16w8"]

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
"""What ExecuTorch makes a table of (backends/arm/_passes/insert_table_ops.py)."""

SEGMENT = 128
"""Values of a 16-bit input between two entries of a TOSA table."""


@dataclass(frozen=True)
class Fault:
    """A fault of the lowering."""

    name: str
    section: str
    """Of docs/compiler-faults.md."""
    model: Callable[[], nn.Module]
    """The smallest case."""
    inputs: tuple[tuple[int, ...], ...]
    quantization: Quantization
    applied: Callable[[GraphModule], bool]
    """Edits a quantized model to compute what the fault makes of it; False where the fault is not met."""
    sound: Callable[[], nn.Module]
    """The same model written in a way that the fault does not meet."""


def _activation_is_lost(node: Node) -> bool:
    """Whether FuseQuantizedActivationPass drops an activation where zero is not the least value of its range."""
    if node.target not in (*RELUS, *HARDTANHS) or len(node.users) != 1 or not quantizes(user := next(iter(node.users))):
        return False
    _, scale, zero, least, most, _ = user.args
    if node.target in HARDTANHS:
        low, high = (*node.args[1:], *(-1.0, 1.0)[len(node.args) - 1 :])
        if low != 0 or round(high / scale) + zero < most:
            return False
    before = node.args[0]
    if before.target is aten.batch_norm.default and len(before.users) == 1:
        before = before.args[0]
    return before.target in LAYERS and len(before.users) == 1 and zero != least


def lose_activations(module: GraphModule) -> bool:
    """Take out the activations that the lowering loses."""
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
    """Put interpolation in tables in the place of functions of 16-bit values."""
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
    """Negate integers as they are where input and output have different scales."""
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


class LostActivation(nn.Module):
    """A relu between a convolution and a concatenation with what is below zero."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate."""
        return torch.cat((x, torch.relu(self.convolution(x))), 1)


class Clamped(LostActivation):
    """The same with an activation that ExecuTorch does not fuse."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate."""
        return torch.cat((x, torch.clamp(self.convolution(x), min=0)), 1)


class Negated(nn.Module):
    """A negated relu, whose scale is its input's: its output's is another."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Negate."""
        return -torch.relu(x)


class Multiplied(nn.Module):
    """The same by a multiplication."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply."""
        return torch.relu(x) * -1.0


class CoarseTable(nn.Module):
    """The logarithm of probabilities, most of which lie in the first segments of its table."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute."""
        return torch.log_softmax(x, -1)


class Softmax(nn.Module):
    """The probabilities alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute."""
        return torch.softmax(x, -1)


FAULTS = (
    Fault(
        name="lost activation",
        section="An activation that shares its scale is lost",
        model=LostActivation,
        inputs=((1, 8, 8, 8),),
        quantization="int8",
        applied=lose_activations,
        sound=Clamped,
    ),
    Fault(
        name="unscaled negation",
        section="Negation does not rescale",
        model=Negated,
        inputs=((1, 8, 8, 8),),
        quantization="int8",
        applied=negate_unscaled,
        sound=Multiplied,
    ),
    Fault(
        name="coarse table",
        section="Tables of 16-bit values are too coarse",
        model=CoarseTable,
        inputs=((1, 32),),
        quantization="a16w8",
        applied=interpolate,
        sound=Softmax,
    ),
)


def edited(module: GraphModule, faults: tuple[Fault, ...]) -> GraphModule | None:
    """A copy of a quantized model with faults applied; None where it meets none of them."""
    copied = GraphModule(module, copy.deepcopy(module.graph))
    if not [fault for fault in faults if fault.applied(copied)]:
        return None
    copied.recompile()
    return copied
