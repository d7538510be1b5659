"""CPU operators of TensorFlow Lite, in numpy, with the semantics of its reference kernels.

`TABLE` has an operator by its name. Each is given its inputs and its `Call`, and returns one array for each output.
Operators that compute take floats only: their integer forms round in ways of their own, and a result that is almost
right would be no result.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tui.model.tflite.compiled import NAMESPACE
from tui.model.tflite.graph import Call, Quantization
from tui.simulator.cpu_kernels import Kernel, KernelError, NDArray

Inputs = tuple[Any, ...]
"""Arrays, or None for an input that is left out."""
Compute = Callable[[Inputs, Call], Sequence[NDArray]]

WRONG_ARGUMENTS = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""Errors of numpy on arguments that a damaged network may have."""

ACTIVATIONS: dict[int, Callable[[NDArray], NDArray]] = {
    0: lambda x: x,
    1: lambda x: np.maximum(x, 0),
    2: lambda x: np.clip(x, -1, 1),
    3: lambda x: np.clip(x, 0, 6),
    4: np.tanh,
}
"""Fused activations by the schema's ActivationFunctionType."""


def find(name: str) -> Kernel | None:
    """The kernel of an operator, such as ``tflite::SOFTMAX``; None where there is none."""
    compute = TABLE.get(name.removeprefix(f"{NAMESPACE}::"))
    return None if compute is None else Kernel(2, _named(name, compute), listed=True)


def _named(name: str, compute: Compute) -> Compute:
    """A kernel whose errors begin with its operator's name."""

    def named(inputs: Inputs, call: Call) -> Sequence[NDArray]:
        try:
            with np.errstate(all="ignore"):
                return compute(inputs, call)
        except (KernelError, *WRONG_ARGUMENTS) as error:
            raise KernelError(f"the simulator cannot compute {name}: {error}".splitlines()[0]) from error

    return named


def _floats(inputs: Inputs, count: int) -> list[NDArray]:
    """The first inputs, which must be floats.

    Raises:
        KernelError: they are not.
    """
    found = [x for x in inputs[:count] if x is not None]
    if len(found) < count:
        raise KernelError(f"it has {len(found)} inputs, and takes {count}")
    if other := next((x.dtype for x in found if x.dtype.kind != "f"), None):
        raise KernelError(f"it is known on floats only, not on {other}")
    return found


def _expect(call: Call, shape: Sequence[int]) -> None:
    """Refuse a result that is larger or smaller than its output, before it takes memory.

    Raises:
        KernelError: it is.
    """
    if not call.outputs or math.prod(shape) != math.prod(call.outputs[0].shape):
        raise KernelError(f"the result has the shape {tuple(shape)}, which is not that of the output")


def _quantization(call: Call, at: int, *, output: bool) -> Quantization:
    tensors = call.outputs if output else call.inputs
    tensor = tensors[at] if at < len(tensors) else None
    if tensor is None or tensor.quantization is None:
        raise KernelError("a tensor has no quantization parameters")
    return tensor.quantization


def _along(values: NDArray, axis: int, dimensions: int) -> NDArray:
    """One value for all, or one for each slice along an axis."""
    return values.reshape([-1 if at == axis else 1 for at in range(dimensions)]) if len(values) > 1 else values


def _dequantized(x: NDArray, quantization: Quantization) -> NDArray:
    scales, zeros = (
        _along(v, quantization.axis, x.ndim) for v in (quantization.scales.astype(np.float64), quantization.zero_points)
    )
    return (scales * (x.astype(np.int64) - zeros)).astype(np.float32)


def _dequantize(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    if inputs[0].dtype == np.float16:
        return [inputs[0].astype(np.float32)]
    return [_dequantized(inputs[0], _quantization(call, 0, output=False))]


def _away(x: NDArray) -> NDArray:
    """Round to the nearest integer, halves away from zero, as C's round()."""
    return np.trunc(x + np.copysign(0.5, x))


def _quantize(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    """Quantize floats. From integers to integers it is a fixed-point multiplication, which is not done here."""
    (x,) = _floats(inputs, 1)
    quantization = _quantization(call, 0, output=True)
    limits = np.iinfo(call.outputs[0].dtype)
    scales = _along(quantization.scales, quantization.axis, x.ndim)
    zeros = _along(quantization.zero_points, quantization.axis, x.ndim)
    steps = _away((x / scales).astype(np.float64)) + zeros
    return [np.clip(np.nan_to_num(steps), limits.min, limits.max)]


def _unary(function: Callable[[NDArray], NDArray]) -> Compute:
    def compute(inputs: Inputs, _call: Call) -> Sequence[NDArray]:
        return [function(_floats(inputs, 1)[0])]

    return compute


def _binary(function: Callable[[NDArray, NDArray], NDArray]) -> Compute:
    def compute(inputs: Inputs, call: Call) -> Sequence[NDArray]:
        a, b = _floats(inputs, 2)
        _expect(call, np.broadcast_shapes(a.shape, b.shape))
        return [_activated(function(a, b), call)]

    return compute


def _activated(x: NDArray, call: Call) -> NDArray:
    kind = call.options.get("fused_activation_function", 0)
    if kind not in ACTIVATIONS:
        raise KernelError(f"it has the unknown activation {kind}")
    return ACTIVATIONS[kind](x)


def _softmax(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    (x,) = _floats(inputs, 1)
    return [_normalized(x, call.options["beta"])]


def _normalized(x: NDArray, beta: float) -> NDArray:
    powers = np.exp((x - x.max(-1, keepdims=True)) * np.float32(beta))
    return powers / powers.sum(-1, keepdims=True)


def _log_softmax(inputs: Inputs, _call: Call) -> Sequence[NDArray]:
    (x,) = _floats(inputs, 1)
    shifted = x - x.max(-1, keepdims=True)
    return [shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))]


def _logistic(x: NDArray) -> NDArray:
    return 1 / (1 + np.exp(-x))


def _leaky_relu(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    (x,) = _floats(inputs, 1)
    return [np.where(x > 0, x, x * np.float32(call.options["alpha"]))]


def _hard_swish(x: NDArray) -> NDArray:
    return x * np.clip(x + 3, 0, 6) / 6


def _fully_connected(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    x, weights = _floats(inputs, 2)
    if call.options["weights_format"]:
        raise KernelError("the weights are in a shuffled order, which is not known here")
    if weights.ndim != 2:
        raise KernelError(f"the weights have the shape {weights.shape}")
    rows = x.reshape(-1, weights.shape[1])
    _expect(call, (len(rows), len(weights)))
    result = rows @ weights.T
    if len(inputs) > 2 and inputs[2] is not None:
        result = result + inputs[2]
    return [_activated(result, call)]


def _axes(given: NDArray, dimensions: int) -> tuple[int, ...]:
    """Axes from 0, each once.

    Raises:
        KernelError: there is no such axis.
    """
    found = [int(axis) for axis in np.asarray(given).reshape(-1)]
    if any(not -dimensions <= axis < dimensions for axis in found):
        raise KernelError(f"an axis of {found} is none of {dimensions}")
    return tuple(dict.fromkeys(axis % dimensions for axis in found))


def _reduced(function: Callable[..., NDArray], *, moves: bool = False) -> Compute:
    """A reduction; one that `moves` values and computes none takes any type."""

    def compute(inputs: Inputs, call: Call) -> Sequence[NDArray]:
        x = inputs[0] if moves else _floats(inputs, 1)[0]
        keep = bool(call.options["keep_dims"])
        return [np.asarray(function(x, axis=_axes(inputs[1], x.ndim), keepdims=keep))]

    return compute


def _arg_max(inputs: Inputs, _call: Call) -> Sequence[NDArray]:
    (axis,) = _axes(inputs[1], inputs[0].ndim)
    return [np.argmax(inputs[0], axis=axis)]


def _reshape(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    # The shape that is asked for may be an input, an option or both; the output has it.
    return [inputs[0].reshape(call.outputs[0].shape)]


def _transpose(inputs: Inputs, _call: Call) -> Sequence[NDArray]:
    return [inputs[0].transpose(_axes(inputs[1], inputs[0].ndim))]


def _alike(call: Call) -> None:
    """Refuse integers that mean other numbers in the output than in the inputs.

    Raises:
        KernelError: they do.
    """
    tensors = [*(t for t in call.inputs if t is not None and t.dtype == call.outputs[0].dtype), *call.outputs]
    meanings = {
        (t.quantization.scales.tobytes(), t.quantization.zero_points.tobytes())
        for t in tensors
        if t.quantization is not None
    }
    if len(meanings) > 1:
        raise KernelError("its tensors are quantized differently, which is not known here")


def _concatenation(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    _alike(call)
    return [_activated(np.concatenate(inputs, axis=call.options["axis"]), call)]


def _extreme(function: Callable[[NDArray, NDArray], NDArray]) -> Compute:
    def compute(inputs: Inputs, call: Call) -> Sequence[NDArray]:
        _alike(call)
        _expect(call, np.broadcast_shapes(inputs[0].shape, inputs[1].shape))
        return [function(inputs[0], inputs[1])]

    return compute


def _pad(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    x, widths = inputs[0], inputs[1].astype(np.int64)
    if widths.shape != (x.ndim, 2) or (widths < 0).any():
        raise KernelError(f"the paddings have the shape {widths.shape}")
    _expect(call, [int(n + before + after) for n, (before, after) in zip(x.shape, widths, strict=True)])
    if len(inputs) > 2 and inputs[2] is not None:
        value = inputs[2].reshape(-1)[0]
    else:
        value = 0 if x.dtype.kind == "f" else _quantization(call, 0, output=True).zero_points[0]
    return [np.pad(x, widths, constant_values=value)]


def _slice(inputs: Inputs, _call: Call) -> Sequence[NDArray]:
    x, begins, sizes = inputs[0], inputs[1].reshape(-1), inputs[2].reshape(-1)
    if not len(begins) == len(sizes) == x.ndim:
        raise KernelError("a slice has another number of axes than its input")
    parts = (slice(int(b), None if n == -1 else int(b + n)) for b, n in zip(begins, sizes, strict=True))
    return [x[tuple(parts)]]


def _strided_slice(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    x, begins, ends, steps = inputs[0], *(given.reshape(-1) for given in inputs[1:4])
    options = call.options
    if options["ellipsis_mask"] or options["new_axis_mask"]:
        raise KernelError("an ellipsis or a new axis is not known here")
    parts: list[slice | int] = []
    for at, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        if options["shrink_axis_mask"] >> at & 1:
            parts.append(int(begin))
            continue
        first = None if options["begin_mask"] >> at & 1 else int(begin)
        last = None if options["end_mask"] >> at & 1 else int(end)
        parts.append(slice(first, last, int(step)))
    return [x[tuple(parts)]]


def _split(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    (axis,) = _axes(inputs[0], inputs[1].ndim)
    return np.split(inputs[1], len(call.outputs), axis=axis)


def _split_v(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    x = inputs[0]
    (axis,) = _axes(inputs[2], x.ndim)
    sizes = [tensor.shape[axis] for tensor in call.outputs]
    if sum(sizes) != x.shape[axis]:
        raise KernelError(f"{x.shape[axis]} elements cannot be split into {sum(sizes)}")
    return np.split(x, np.cumsum(sizes[:-1]), axis=axis)


def _unpack(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    return list(np.moveaxis(inputs[0], call.options["axis"], 0))


def _pack(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    _alike(call)
    return [np.stack(inputs, axis=call.options["axis"])]


def _gather(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    x, indices, axis = inputs[0], inputs[1], call.options["axis"]
    if call.options["batch_dims"]:
        raise KernelError("batch dimensions are not known here")
    (axis,) = _axes(axis, x.ndim)
    _expect(call, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return [np.take(x, indices, axis=axis)]


def _cast(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    return [inputs[0].astype(call.outputs[0].dtype)]


def _greater(inputs: Inputs, call: Call) -> Sequence[NDArray]:
    a, b = _floats(inputs, 2)
    _expect(call, np.broadcast_shapes(a.shape, b.shape))
    return [a > b]


TABLE: dict[str, Compute] = {
    "ABS": _unary(np.abs),
    "ADD": _binary(np.add),
    "ARG_MAX": _arg_max,
    "CAST": _cast,
    "CONCATENATION": _concatenation,
    "DEQUANTIZE": _dequantize,
    "DIV": _binary(np.divide),
    "EXP": _unary(np.exp),
    "EXPAND_DIMS": _reshape,
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _gather,
    "GREATER": _greater,
    "HARD_SWISH": _unary(_hard_swish),
    "LEAKY_RELU": _leaky_relu,
    "LOG": _unary(np.log),
    "LOGISTIC": _unary(_logistic),
    "LOG_SOFTMAX": _log_softmax,
    "MAXIMUM": _extreme(np.maximum),
    "MEAN": _reduced(np.mean),
    "MINIMUM": _extreme(np.minimum),
    "MUL": _binary(np.multiply),
    "NEG": _unary(np.negative),
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "REDUCE_MAX": _reduced(np.max, moves=True),
    "REDUCE_MIN": _reduced(np.min, moves=True),
    "RELU": _unary(lambda x: np.maximum(x, 0)),
    "RELU6": _unary(lambda x: np.clip(x, 0, 6)),
    "RESHAPE": _reshape,
    "RSQRT": _unary(lambda x: 1 / np.sqrt(x)),
    "SLICE": _slice,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQRT": _unary(np.sqrt),
    "SQUARED_DIFFERENCE": _binary(lambda a, b: (a - b) ** 2),
    "SQUEEZE": _reshape,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _binary(np.subtract),
    "SUM": _reduced(np.sum),
    "TANH": _unary(np.tanh),
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}
