"""POOL: windows reduced to their maximum, minimum, mean or sum. With a 1x1 window it copies and rescales."""

from collections.abc import Callable

import numpy as np

from tui.simulator.ethosu85 import accumulators, arithmetic, inputs, kernel, output, weights
from tui.simulator.ethosu85.accumulators import Accumulators
from tui.simulator.ethosu85.arithmetic import Int64
from tui.simulator.ethosu85.conv import windows
from tui.simulator.ethosu85.inputs import Chains, Input
from tui.simulator.ethosu85.kernel import Kernel
from tui.simulator.ethosu85.memory import Memory, NDArray
from tui.simulator.ethosu85.registers import AccumulatorInput, PoolMode, bits
from tui.simulator.ethosu85.stream import Command

RECIPROCAL_BITS = 30
INDEX_SHIFT = 16
"""An ARGMAX accumulator holds the index above this many bits, which OFM_SCALE takes away."""


def _taps(padded: NDArray, k: Kernel, height: int, width: int) -> list[NDArray]:
    """The value each kernel position contributes, as views (height, width, channels)."""
    seen = windows(padded, k, height, width)
    return [seen[:, :, y, x] for y in range(k.height) for x in range(k.width)]


def _pad(values: NDArray, k: Kernel, fill: int) -> NDArray:
    return np.pad(values, ((k.top, k.bottom), (k.left, k.right), (0, 0)), constant_values=fill)


def _extreme(ifm: Input, k: Kernel, height: int, width: int, mode: PoolMode) -> Int64:
    """Largest or smallest value of each window; padding never wins."""
    limits = np.iinfo(ifm.values.dtype)
    combine, fill = (np.maximum, limits.min) if mode == PoolMode.MAX else (np.minimum, limits.max)
    first, *rest = _taps(_pad(ifm.values, k, int(fill)), k, height, width)
    extreme = first.copy()
    for tap in rest:
        combine(extreme, tap, out=extreme)
    return extreme.astype(np.int64) - ifm.zero_point


def _index_of_largest(ifm: Input, k: Kernel, height: int, width: int) -> Int64:
    """Position of the first largest value of each window, as its accumulator holds it."""
    taps = np.stack(_taps(_pad(ifm.values, k, int(np.iinfo(ifm.values.dtype).min)), k, height, width))
    return taps.argmax(axis=0) << INDEX_SHIFT


def _sum(ifm: Input, k: Kernel, height: int, width: int) -> Int64:
    """Sum of each window, zero points taken away, padding as zero."""
    if k.is_point:
        return ifm.centred()
    first, *rest = _taps(_pad(ifm.centred(), k, 0), k, height, width)
    total = first.copy()
    for tap in rest:
        total += tap
    return total


def _counts(k: Kernel, rows: int, columns: int, height: int, width: int) -> Int64:
    """Number of elements in each window that are no padding: (height, width, 1)."""
    ones = _pad(np.ones((rows, columns, 1), np.int64), k, 0)
    return sum(_taps(ones, k, height, width), np.zeros((height, width, 1), np.int64))


def _mean(total: Int64, counts: Int64) -> Int64:
    """total / counts as TOSA 1.0 computes it: a reciprocal of 30 and more bits, rounded to nearest."""
    multipliers, shifts = np.zeros_like(counts), np.zeros_like(counts)
    for n in np.unique(counts):
        k = int(n - 1).bit_length()
        multipliers[counts == n] = (((1 << RECIPROCAL_BITS) + 1) << k) // max(1, int(n))
        shifts[counts == n] = RECIPROCAL_BITS + k
    return arithmetic.round_shift(total * multipliers, shifts)


_COMBINED: dict[PoolMode, Callable[[Int64, Int64], Int64]] = {
    PoolMode.MAX: np.maximum,
    PoolMode.MIN: np.minimum,
    PoolMode.SUM: np.add,
    PoolMode.REDUCE_SUM: np.add,
}
"""Combination of the parts of a window that several commands reduce."""


def run(command: Command, memory: Memory, chains: Chains, kept: Accumulators) -> NDArray | None:
    """Execute POOL; the OFM as written, None where the accumulators are kept for the next command.

    Raises:
        CommandStreamError: a mode or combination whose meaning is not known, or something out of bounds.
    """
    r = command.registers
    number = bits(command.parameter, 0, 3)
    if number not in list(PoolMode):
        raise command.error("pooling mode is not known")
    mode = PoolMode(number)
    out, k = output.from_registers(command), kernel.from_registers(command)
    height, width, depth = output.size(command)
    accumulators.check(command, out, memory, (height, width, depth))
    if r.get("IFM_UPSCALE", 0):
        raise command.error("IFM upscaling is not known")
    values: Int64 | None
    if mode == PoolMode.NONE:
        source = accumulators.source(command)
        if source != AccumulatorInput.IFM2 or accumulators.are_kept(command):
            raise command.error(f"accumulator input {source} is not known")
        values = inputs.read(command, "IFM2", memory, chains, (height, width, depth)).centred()
    else:
        windows = _windowed(command, mode, memory, chains, k, (height, width, depth))
        values = kept.settle(command, windows, _combination(command, mode))
    if values is None:
        return None
    scales = None
    if not out.format.global_scale:
        wide = bits(r.get("ACC_FORMAT", 0), 0, 2) == 1
        scales = weights.read_scales(memory, command, depth, wide)
    finished = output.finish(command, out, memory, values, scales)
    output.write(command, out, memory, chains, finished)
    return finished


def _combination(command: Command, mode: PoolMode) -> Callable[[Int64, Int64], Int64]:
    """Combination of a command's result with what was kept."""
    alone = accumulators.source(command) == AccumulatorInput.RESET and not accumulators.are_kept(command)
    if not alone and mode not in _COMBINED:
        raise command.error("a window in parts is not known")
    return _COMBINED.get(mode, np.add)


def _windowed(
    command: Command, mode: PoolMode, memory: Memory, chains: Chains, k: Kernel, shape: tuple[int, int, int]
) -> Int64:
    height, width, depth = shape
    channels = command.registers.get("IFM_DEPTH_M1", 0) + 1
    rows, columns = k.input_size(height, width)
    if rows < 1 or columns < 1:
        raise command.error(f"an output of {height}x{width} needs an input of {rows}x{columns}")
    if mode == PoolMode.REDUCE_SUM:
        if depth != 1:
            raise command.error(f"a sum over channels that gives {depth} of them is not known")
    else:
        channels = depth
    kernel.check(command, k, memory, (rows, columns, channels), height * width * channels)
    ifm = inputs.read(command, "IFM", memory, chains, (rows, columns, channels))
    if mode in (PoolMode.MAX, PoolMode.MIN):
        return _extreme(ifm, k, height, width, mode)
    if mode in (PoolMode.ARGMAX_X, PoolMode.ARGMAX_Y):
        if (k.width if mode == PoolMode.ARGMAX_Y else k.height) != 1:
            raise command.error(f"the largest of a window of {k.height}x{k.width} is not known")
        return _index_of_largest(ifm, k, height, width)
    total = _sum(ifm, k, height, width)
    if mode == PoolMode.REDUCE_SUM:
        return total.sum(axis=2, keepdims=True)
    if mode == PoolMode.AVERAGE:
        return _mean(total, _counts(k, rows, columns, height, width))
    return total
