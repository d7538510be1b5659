"""Convolution of a feature map with weights, exact in floating point.

accumulator = sum((ifm - zero_point) * weight). Padding counts as the zero point, so it contributes nothing. Products
are summed by BLAS where the sum provably stays exact: below 2**24 in float32, below 2**53 in float64.
"""

import itertools
from typing import Any

import numpy as np

from tui.simulator.ethosu.inputs import Input
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import NDArray
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.weights import Decoded

FLOAT32_EXACT = 1 << 24
FLOAT64_EXACT = 1 << 53
WINDOW_ELEMENTS = 1 << 23
"""Elements of windows laid out for one matrix product: 32 MiB of float32."""

DENSE = 2
"""Steps up to which computing all places of a row and leaving some out is faster than stepping over them."""


def float_type(bound: int, command: Command) -> type[np.floating[Any]]:
    """The fastest floating-point type in which sums up to `bound` are exact.

    Raises:
        CommandStreamError: there is none.
    """
    if bound < FLOAT32_EXACT:
        return np.float32
    if bound < FLOAT64_EXACT:
        return np.float64
    raise command.error(f"sums of up to {bound} exceed what is computed exactly")


def peak(ifm: Input) -> int:
    """The largest magnitude a value of an input's type can have, its zero point taken away."""
    limits = np.iinfo(ifm.fm.dtype)
    return max(abs(limits.min - ifm.zero_point), abs(limits.max - ifm.zero_point))


def _padded(values: NDArray, zero_point: int, k: Kernel, dtype: Any) -> NDArray:
    """(ifm - zero_point) as `dtype`, contiguous, with the kernel's padding around it."""
    height, width, channels = values.shape
    if not (k.top or k.left or k.bottom or k.right):
        return np.subtract(values, zero_point, dtype=dtype, order="C")
    padded = np.zeros((height + k.top + k.bottom, width + k.left + k.right, channels), dtype)
    inner = padded[k.top : k.top + height, k.left : k.left + width]
    np.subtract(values, zero_point, out=inner, dtype=dtype)
    return padded


def windows(padded: NDArray, k: Kernel, height: int, width: int) -> NDArray:
    """A view (height, width, kernel_h, kernel_w, channels) of what each output position sees."""
    sy, sx, sc = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (height, width, k.height, k.width, padded.shape[2]),
        (sy * k.stride_y, sx * k.stride_x, sy * k.dilation_y, sx * k.dilation_x, sc),
        writeable=False,
    )


def _convolve(padded: NDArray, matrix: NDArray, k: Kernel, height: int, width: int) -> NDArray:
    """Sums (height, width, ofm), some places at a time so that the windows laid out stay small."""
    depth, length = matrix.shape
    transposed = matrix.T.astype(padded.dtype, copy=False)
    if k.is_point:
        return (padded.reshape(height * width, length) @ transposed).reshape(height, width, depth)
    seen = windows(padded, k, height, width)
    result = np.empty((height, width, depth), padded.dtype)
    columns = min(width, max(1, WINDOW_ELEMENTS // length))
    rows = max(1, WINDOW_ELEMENTS // (columns * length))
    for row, column in itertools.product(range(0, height, rows), range(0, width, columns)):
        part = result[row : row + rows, column : column + columns]
        laid_out = seen[row : row + rows, column : column + columns].reshape(-1, length)
        part[...] = (laid_out @ transposed).reshape(part.shape)
    return result


def _depthwise(padded: NDArray, taps: NDArray, k: Kernel, height: int, width: int) -> NDArray:
    """Sums (height, width, channels).

    A row of places with all their channels is one vector: to begin one for each place takes longer than to compute it.
    """
    taps = taps.astype(padded.dtype, copy=False)
    columns, channels = (width - 1) * k.stride_x + 1, padded.shape[2]
    if k.stride_x > DENSE or taps.size * columns > WINDOW_ELEMENTS:
        return np.einsum("hwyxc,yxc->hwc", windows(padded, k, height, width), taps)
    sy, sx, sc = padded.strides
    rows = np.lib.stride_tricks.as_strided(
        padded,
        (height, k.height, k.width, columns * channels),
        (sy * k.stride_y, sy * k.dilation_y, sx * k.dilation_x, sc),
        writeable=False,
    )
    dense = np.einsum("hyxn,yxn->hn", rows, np.tile(taps, columns))
    return dense.reshape(height, columns, channels)[:, :: k.stride_x]


def sums(command: Command, ifm: Input, decoded: Decoded, k: Kernel, height: int, width: int) -> NDArray:
    """Accumulators (height, width, ofm) of CONV or DEPTHWISE, without bias."""
    padded = _padded(ifm.values, ifm.zero_point, k, float_type(decoded.largest * peak(ifm), command))
    convolve = _depthwise if command.name == "DEPTHWISE" else _convolve
    return convolve(padded, decoded.tensor, k, height, width)
