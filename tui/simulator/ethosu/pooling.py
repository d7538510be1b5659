"""Windows of a feature map reduced to their maximum, minimum, mean or sum."""

import functools
from collections.abc import Callable

import numpy as np

from tui.simulator.ethosu import arithmetic
from tui.simulator.ethosu.arithmetic import Int64
from tui.simulator.ethosu.convolution import windows
from tui.simulator.ethosu.inputs import Input
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import NDArray
from tui.simulator.ethosu.registers import PoolMode

RECIPROCAL_BITS = 30


def taps(padded: NDArray, k: Kernel, height: int, width: int) -> list[NDArray]:
    """The value each kernel position contributes, as views (height, width, channels)."""
    seen = windows(padded, k, height, width)
    return [seen[:, :, y, x] for y in range(k.height) for x in range(k.width)]


def pad(values: NDArray, k: Kernel, fill: int) -> NDArray:
    """Values with the kernel's padding around them."""
    return np.pad(values, ((k.top, k.bottom), (k.left, k.right), (0, 0)), constant_values=fill)


def _reduced(
    padded: NDArray, k: Kernel, height: int, width: int, combine: Callable[[NDArray, NDArray], NDArray]
) -> NDArray:
    """Windows reduced along their columns, then along their rows."""
    reach_x, reach_y = (width - 1) * k.stride_x + 1, (height - 1) * k.stride_y + 1
    columns = (padded[:, x : x + reach_x : k.stride_x] for x in range(0, k.span_x, k.dilation_x))
    across = functools.reduce(combine, columns)
    return functools.reduce(combine, (across[y : y + reach_y : k.stride_y] for y in range(0, k.span_y, k.dilation_y)))


def extreme(ifm: Input, k: Kernel, height: int, width: int, mode: PoolMode) -> Int64:
    """Largest or smallest value of each window; padding never wins."""
    limits = np.iinfo(ifm.values.dtype)
    combine, fill = (np.maximum, limits.min) if mode == PoolMode.MAX else (np.minimum, limits.max)
    return _reduced(pad(ifm.values, k, int(fill)), k, height, width, combine).astype(np.int64) - ifm.zero_point


def total(ifm: Input, k: Kernel, height: int, width: int) -> Int64:
    """Sum of each window, zero points taken away, padding as zero."""
    return ifm.centred() if k.is_point else _reduced(pad(ifm.centred(), k, 0), k, height, width, np.add)


def counts(k: Kernel, rows: int, columns: int, height: int, width: int) -> Int64:
    """Number of elements in each window that are no padding: (height, width, 1)."""
    return _reduced(pad(np.ones((rows, columns, 1), np.int64), k, 0), k, height, width, np.add)


def mean(sums: Int64, counts: Int64) -> Int64:
    """sums / counts as TOSA 1.0 computes it: a reciprocal of 30 and more bits, rounded to nearest."""
    multipliers, shifts = np.zeros_like(counts), np.zeros_like(counts)
    for n in np.unique(counts):
        k = int(n - 1).bit_length()
        multipliers[counts == n] = (((1 << RECIPROCAL_BITS) + 1) << k) // max(1, int(n))
        shifts[counts == n] = RECIPROCAL_BITS + k
    return arithmetic.round_shift(sums * multipliers, shifts)
