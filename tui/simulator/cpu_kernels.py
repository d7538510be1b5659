"""CPU operators: what the runner's kernels compute, in numpy, with ATen's semantics.

`TABLE` maps an operator's full name to its kernel. An operator it does not have is taken from PyTorch, if that is
installed and knows it: torch is imported then, and only then. Arrays are in logical order, whatever their memory order.
"""

import contextlib
import importlib.util
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

NDArray = npt.NDArray[Any]


class KernelError(Exception):
    """A kernel that cannot compute what it was asked for; one line."""


@dataclass(frozen=True)
class Kernel:
    """A kernel: how many of the call's arguments it takes, and what it computes from them.

    `compute` returns one array, or one for each output. The arguments after the first `arity` are the outputs.
    """

    arity: int
    compute: Callable[..., Any]
    outputs: int = 1
    size: Callable[..., int] | None = None
    """Elements of the result, where it can have more than any argument."""
    listed: bool = False
    """True if the output is one list of tensors, as many as the program says."""
    same_layout: bool = False
    """True if all its tensors must lie in memory in the same order of dimensions."""
    needs_targets: bool = False
    """True if `compute` takes types and shapes from the outputs, its keyword ``targets``."""


def _quantize(x: NDArray, scale: float, zero_point: int, low: int, high: int, _dtype: int) -> NDArray:
    """zero_point + round(x / scale), halves to even, as quantized_decomposed and cortex_m do it in float32."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse = np.float32(1) / np.float32(scale)
        scaled = np.rint(x.astype(np.float32) * inverse).astype(np.float64) + zero_point
    return np.clip(np.nan_to_num(scaled, nan=float(zero_point)), low, high)


def _dequantize(x: NDArray, scale: float, zero_point: int, *_: Any) -> NDArray:
    with np.errstate(invalid="ignore", over="ignore"):
        return (x.astype(np.int64) - zero_point).astype(np.float32) * np.float32(scale)


def _dequantize_channels(x: NDArray, scales: NDArray, zero_points: NDArray | None, axis: int, *_: Any) -> NDArray:
    """Each slice along `axis` with its own scale and zero point; zero points are 0 where there are none."""
    along = [1] * x.ndim
    along[axis] = -1
    zeros = np.zeros(scales.shape, np.int64) if zero_points is None else zero_points
    with np.errstate(invalid="ignore", over="ignore"):
        centred = (x.astype(np.int64) - zeros.astype(np.int64).reshape(along)).astype(np.float32)
        return centred * scales.astype(np.float32).reshape(along)


def _copy(x: NDArray, *_: Any) -> NDArray:
    return x


def _copy_into(x: NDArray, source: NDArray, _non_blocking: bool) -> NDArray:
    """Elements for `x`, of which only the shape and the type matter."""
    return np.broadcast_to(source, x.shape)


def _slice_scatter(x: NDArray, source: NDArray, dim: int, start: int | None, end: int | None, step: int) -> NDArray:
    result = x.copy()
    _slice(result, dim, start, end, step)[...] = source
    return result


def _axis(dim: int | None, x: NDArray) -> int:
    return -1 if dim is None else dim + x.ndim if dim < 0 else dim


def _order(x: NDArray, axis: int, descending: bool) -> NDArray:
    """Indices that sort `x`; of equal elements the first comes first, and NaN is the largest."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    # Not of -x: the least integer has no negative.
    backwards = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(backwards, axis)


def _topk(x: NDArray, k: int, dim: int, largest: bool, _sorted: bool) -> tuple[NDArray, NDArray]:
    axis = _axis(dim, x)
    if not 0 <= k <= x.shape[axis]:
        raise KernelError(f"the largest {k} of {x.shape[axis]} elements are asked for")
    index = np.take(_order(x, axis, largest), range(k), axis=axis)
    return np.take_along_axis(x, index, axis), index


def _sort(x: NDArray, dim: int, descending: bool) -> tuple[NDArray, NDArray]:
    axis = _axis(dim, x)
    index = _order(x, axis, descending)
    return np.take_along_axis(x, index, axis), index


def _argmax(x: NDArray, dim: int | None, keepdim: bool) -> NDArray:
    return np.asarray(x.argmax() if dim is None else np.argmax(x, axis=dim, keepdims=keepdim))


def _bound(x: NDArray, bound: float) -> NDArray:
    """A bound in the type it is compared in: that of `x`, unless it is a fraction and `x` an integer."""
    return np.asarray(bound, x.dtype if x.dtype.kind == "f" or isinstance(bound, int) else np.float64)


def _clamp(x: NDArray, low: float | None, high: float | None) -> NDArray:
    x = x if low is None else np.maximum(x, _bound(x, low))
    return x if high is None else np.minimum(x, _bound(x, high))


def _slice(x: NDArray, dim: int, start: int | None, end: int | None, step: int) -> NDArray:
    cut = [slice(None)] * x.ndim
    cut[_axis(dim, x)] = slice(start, end, step)
    return x[tuple(cut)]


def _cat(tensors: Sequence[NDArray], dim: int) -> NDArray:
    # ATen ignores empty one-dimensional tensors.
    return np.concatenate([t for t in tensors if t.shape != (0,)] or tensors[:1], axis=dim)


def _promoted(a: NDArray, b: NDArray) -> tuple[NDArray, NDArray]:
    """Two operands in the type they are computed in: an integer takes the float's type, whatever its width."""
    if (a.dtype.kind == "f") == (b.dtype.kind == "f"):
        return a, b
    common = a.dtype if a.dtype.kind == "f" else b.dtype
    return a.astype(common), b.astype(common)


def _add(a: NDArray, b: NDArray, alpha: float) -> NDArray:
    a, b = _promoted(a, b)
    return a + np.asarray(alpha, b.dtype) * b


def _subtract(a: NDArray, b: NDArray, alpha: float) -> NDArray:
    a, b = _promoted(a, b)
    return a - np.asarray(alpha, b.dtype) * b


def _multiply(a: NDArray, b: NDArray) -> NDArray:
    return np.multiply(*_promoted(a, b))


def _divide(a: NDArray, b: NDArray) -> NDArray:
    if a.dtype.kind != "f" and b.dtype.kind != "f":
        a, b = a.astype(np.float32), b.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(*_promoted(a, b))


def _atan2(y: NDArray, x: NDArray) -> NDArray:
    # In double precision first: the float32 result is then the correctly rounded one but for rare ties.
    return np.arctan2(y.astype(np.float64), x.astype(np.float64))


def _reshape(x: NDArray, shape: Sequence[int]) -> NDArray:
    return x.reshape(tuple(shape))


def _split(x: NDArray, sizes: int | Sequence[int], dim: int) -> list[NDArray]:
    extent = x.shape[dim]
    parts = tuple(sizes) if isinstance(sizes, Sequence) else (sizes,) * -(-extent // sizes)
    if isinstance(sizes, Sequence) and sum(sizes) != extent:
        raise KernelError(f"{extent} elements cannot be split into {sum(sizes)}")
    return np.split(x, np.cumsum(parts[:-1]), axis=dim)


def _unbind(x: NDArray, dim: int) -> list[NDArray]:
    return list(np.moveaxis(x, dim, 0))


def _expand(x: NDArray, shape: Sequence[int], _implicit: bool) -> NDArray:
    lead = len(shape) - x.ndim
    sizes = tuple(x.shape[at - lead] if extent == -1 else extent for at, extent in enumerate(shape))
    return np.broadcast_to(x, sizes)


def _broadcast_size(a: NDArray, b: NDArray, *_: Any) -> int:
    return math.prod(np.broadcast_shapes(a.shape, b.shape))


def _joined_size(tensors: Sequence[NDArray], _dim: int) -> int:
    return sum(tensor.size for tensor in tensors)


TABLE: dict[str, Kernel] = {
    "quantized_decomposed::quantize_per_tensor.out": Kernel(6, _quantize),
    "cortex_m::quantize_per_tensor.out": Kernel(6, _quantize),
    "quantized_decomposed::dequantize_per_tensor.out": Kernel(7, _dequantize),
    "cortex_m::dequantize_per_tensor.out": Kernel(6, _dequantize),
    "quantized_decomposed::dequantize_per_channel.out": Kernel(8, _dequantize_channels),
    "dim_order_ops::_to_dim_order_copy.out": Kernel(3, _copy),
    "dim_order_ops::_clone_dim_order.out": Kernel(3, _copy),
    "aten::clone.out": Kernel(2, _copy),
    "aten::copy.out": Kernel(3, _copy_into, same_layout=True),
    "aten::copy_": Kernel(3, _copy_into, same_layout=True),
    "aten::slice_scatter.out": Kernel(6, _slice_scatter),
    "aten::add.out": Kernel(3, _add, size=_broadcast_size),
    "aten::sub.out": Kernel(3, _subtract, size=_broadcast_size),
    "aten::mul.out": Kernel(2, _multiply, size=_broadcast_size),
    "aten::div.out": Kernel(2, _divide, size=_broadcast_size),
    "aten::atan2.out": Kernel(2, _atan2, size=_broadcast_size),
    "aten::relu.out": Kernel(1, lambda x: np.maximum(x, np.zeros((), x.dtype))),
    "aten::hardtanh.out": Kernel(3, _clamp),
    "aten::clamp.out": Kernel(3, _clamp),
    "aten::neg.out": Kernel(1, np.negative),
    "aten::abs.out": Kernel(1, np.abs),
    "aten::argmax.out": Kernel(3, _argmax),
    "aten::topk.values": Kernel(5, _topk, outputs=2),
    "aten::sort.values": Kernel(3, _sort, outputs=2),
    "aten::view_copy.out": Kernel(2, _reshape),
    "aten::permute_copy.out": Kernel(2, lambda x, dims: x.transpose(tuple(dims))),
    "aten::transpose_copy.int_out": Kernel(3, lambda x, a, b: np.swapaxes(x, a, b)),
    "aten::squeeze_copy.dims_out": Kernel(2, lambda x, dims: np.squeeze(x, tuple(d for d in dims if x.shape[d] == 1))),
    "aten::unsqueeze_copy.out": Kernel(2, np.expand_dims),
    "aten::slice_copy.Tensor_out": Kernel(5, _slice),
    "aten::select_copy.int_out": Kernel(3, lambda x, dim, index: np.take(x, index, axis=dim)),
    "aten::split_copy.Tensor_out": Kernel(3, _split, listed=True),
    "aten::split_with_sizes_copy.out": Kernel(3, _split, listed=True),
    "aten::unbind_copy.int_out": Kernel(2, _unbind, listed=True),
    "aten::cat.out": Kernel(2, _cat, size=_joined_size),
    "aten::expand_copy.out": Kernel(3, _expand),
    "aten::full_like.out": Kernel(3, lambda x, value, _format: np.broadcast_to(value, x.shape)),
}

_PRIMITIVES: dict[str, Callable[[Any, Any], Any]] = {
    "executorch_prim::add.Scalar": operator.add,
    "executorch_prim::sub.Scalar": operator.sub,
    "executorch_prim::mul.Scalar": operator.mul,
    "executorch_prim::mod.Scalar": operator.mod,
    "executorch_prim::floordiv.Scalar": operator.floordiv,
    "executorch_prim::truediv.Scalar": operator.truediv,
    "executorch_prim::eq.Scalar": operator.eq,
    "executorch_prim::gt.Scalar": operator.gt,
    "executorch_prim::lt.Scalar": operator.lt,
    "executorch_prim::ge.Scalar": operator.ge,
    "executorch_prim::le.Scalar": operator.le,
    "executorch_prim::sym_float.Scalar": lambda a, _: float(a),
    "executorch_prim::sym_min.Scalar": min,
    "executorch_prim::sym_max.Scalar": max,
}
"""Arithmetic on numbers of the plan: two arguments, the result goes to the value named last."""

VIEW = "executorch_prim::et_view.default"


def primitive(name: str) -> Callable[[Any, Any], Any] | None:
    """The primitive of a name; None for an operator on tensors."""
    return _PRIMITIVES.get(name)


def find(name: str) -> Kernel | None:
    """The kernel of an operator such as ``aten::add.out``: our own, else PyTorch's, else None."""
    return TABLE.get(name) or _from_torch(name)


def lacking(name: str) -> str:
    """Reason there is no kernel for an operator."""
    if importlib.util.find_spec("torch") is None:
        return f"the simulator has no kernel for {name}, and PyTorch, which may have one, is not installed"
    return f"neither the simulator nor PyTorch has a kernel for {name}"


def _from_torch(name: str) -> Kernel | None:
    try:
        import torch
    except ImportError:
        return None
    namespace, _, rest = name.partition("::")
    base, _, overload = rest.partition(".")
    packet = getattr(getattr(torch.ops, namespace, None), base, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket) or (overload or "default") not in packet.overloads():
        return None
    function = getattr(packet, overload or "default")
    arguments = function._schema.arguments
    inputs = [a for a in arguments if not a.is_out]
    outs = [a for a in arguments if a.is_out]
    if name in IN_PLACE:
        return _in_place(function)
    if not outs or any(a.name == "filename" for a in inputs):
        # A program comes from anywhere: it may compute, but not open files.
        return None

    def call(values: Sequence[Any], targets: Sequence[NDArray], device: str) -> list[Any]:
        arguments = [_as_torch(value, device) for value in values]
        positional = [v for v, a in zip(arguments, inputs, strict=True) if not a.kwarg_only]
        keywords = {a.name: v for v, a in zip(arguments, inputs, strict=True) if a.kwarg_only}
        # An empty output takes whatever shape the operator gives.
        places = {
            a.name: torch.empty(0, dtype=torch.from_numpy(np.empty(0, target.dtype)).dtype, device=device)
            for a, target in zip(outs, targets, strict=True)
        }
        with torch.no_grad():
            results = function(*positional, **keywords, **places)
        return list(results) if isinstance(results, list | tuple) else [results]

    def compute(*values: Any, targets: Sequence[NDArray]) -> Any:
        # First without memory, where the operator can tell its outputs' shapes: none may be larger than planned.
        with contextlib.suppress(NotImplementedError):
            most = max((value.size for value in values if isinstance(value, np.ndarray)), default=0)
            for result, target in zip(call(values, targets, "meta"), targets, strict=True):
                # A by-product that nobody reads, such as the mean of batch_norm, has an output without elements.
                unread = target.size == 0 and len(outs) > 1 and result.numel() <= most
                if result.numel() != target.size and not unread:
                    raise KernelError(f"{name} gives {result.numel()} elements, its output has {target.size}")
        results = zip(call(values, targets, "cpu"), targets, strict=True)
        arrays = tuple(result.numpy() if target.size else np.zeros_like(target) for result, target in results)
        return arrays if len(outs) > 1 else arrays[0]

    return Kernel(len(inputs), compute, outputs=len(outs), needs_targets=True)


IN_PLACE = ("aten::index_put_",)
"""ExecuTorch's kernels that change their first argument, beside those of the table."""


def _in_place(function: Any) -> Kernel:
    """A kernel that changes its first argument, which the call names once more as its result."""
    import torch

    def compute(*values: Any) -> NDArray:
        with torch.no_grad():
            result: NDArray = function(*(_as_torch(value, "cpu") for value in values)).numpy()
        return result

    return Kernel(len(function._schema.arguments), compute)


def _as_torch(value: Any, device: str) -> Any:
    import torch

    if isinstance(value, np.ndarray):
        if device == "meta":
            return torch.empty(value.shape, dtype=torch.from_numpy(np.empty(0, value.dtype)).dtype, device=device)
        # A copy: constants of the program are read-only, which torch does not know.
        return torch.from_numpy(np.array(value, order="C"))
    if isinstance(value, tuple) and any(isinstance(item, np.ndarray) for item in value):
        return [_as_torch(item, device) for item in value]
    return list(value) if isinstance(value, tuple) else value


def store(result: NDArray, out: NDArray, name: str) -> None:
    """Put a kernel's result into its output.

    Raises:
        KernelError: the output has another shape.
    """
    result = np.asarray(result)
    if result.shape != out.shape and math.prod(result.shape) == math.prod(out.shape):
        result = result.reshape(out.shape)
    if result.shape != out.shape:
        raise KernelError(f"{name} gives a tensor of shape {result.shape}, its output has {out.shape}")
    # A number that the output's type cannot hold becomes what C makes of it, as in ExecuTorch's kernels.
    with np.errstate(invalid="ignore", over="ignore"):
        np.copyto(out, result, casting="unsafe")
