"""POOL: windows reduced to their maximum, minimum, mean or sum. With a 1x1 window it copies and rescales."""

from collections.abc import Callable

import numpy as np

from tui.simulator.ethosu import kernel, output_stage, pooling
from tui.simulator.ethosu.arithmetic import Int64
from tui.simulator.ethosu.inputs import Input
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import PoolMode, bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu85 import accumulators, inputs, output, weights
from tui.simulator.ethosu85.accumulators import Accumulators
from tui.simulator.ethosu85.inputs import Chains
from tui.simulator.ethosu85.registers import AccumulatorInput

INDEX_SHIFT = 16
"""An ARGMAX accumulator holds the index above this many bits, which OFM_SCALE takes away."""


def _index_of_largest(ifm: Input, k: Kernel, height: int, width: int) -> Int64:
    """Position of the first largest value of each window, as its accumulator holds it."""
    taps = np.stack(pooling.taps(pooling.pad(ifm.values, k, int(np.iinfo(ifm.values.dtype).min)), k, height, width))
    return taps.argmax(axis=0) << INDEX_SHIFT


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
    height, width, depth = output_stage.size(command)
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
    finished = output_stage.finish(command, out, memory, values, scales)
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
    rows, columns, _ = kernel.input_shape(command, k, height, width, channels)
    if mode == PoolMode.REDUCE_SUM:
        if depth != 1:
            raise command.error(f"a sum over channels that gives {depth} of them is not known")
    else:
        channels = depth
    kernel.check(command, k, memory, (rows, columns, channels), height * width * channels)
    ifm = inputs.read(command, "IFM", memory, chains, (rows, columns, channels))
    if mode in (PoolMode.MAX, PoolMode.MIN):
        return pooling.extreme(ifm, k, height, width, mode)
    if mode in (PoolMode.ARGMAX_X, PoolMode.ARGMAX_Y):
        if (k.width if mode == PoolMode.ARGMAX_Y else k.height) != 1:
            raise command.error(f"the largest of a window of {k.height}x{k.width} is not known")
        return _index_of_largest(ifm, k, height, width)
    total = pooling.total(ifm, k, height, width)
    if mode == PoolMode.REDUCE_SUM:
        return total.sum(axis=2, keepdims=True)
    if mode == PoolMode.AVERAGE:
        return pooling.mean(total, pooling.counts(k, rows, columns, height, width))
    return total
