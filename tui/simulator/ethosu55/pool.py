"""POOL on U55 and U65: windows reduced to their maximum, mean or sum. With a 1x1 window it copies, and transposes.

A mean without padding is a sum whose reciprocal is in OFM_SCALE; with padding the hardware divides by the number of
elements that are none. Source: ethos_u55_register_cs_generator.cpp of Vela's regor.
"""

from tui.simulator.ethosu import kernel, output_stage, pooling
from tui.simulator.ethosu.arithmetic import Int64
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import PoolMode, bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu55 import inputs, output, precision, scales, weights
from tui.simulator.ethosu55.registers import POOL_MODES, Configuration


def run(command: Command, memory: Memory, configuration: Configuration) -> NDArray:
    """Execute POOL; the OFM as written.

    Raises:
        CommandStreamError: a mode or combination whose meaning is not known, or something out of bounds.
    """
    number = bits(command.parameter, 0, 3)
    if number not in POOL_MODES:
        raise command.error("pooling mode is not known")
    mode = PoolMode(number)
    out, k = output.from_registers(command, configuration), kernel.from_registers(command)
    shape = output_stage.size(command)
    output.check(out, memory, shape)
    channels = None
    if not precision.has_global_scale(command):
        scales.check_channels(command)
        channels = weights.read_scales(memory, command, shape[2], configuration.cores)
    return output.finish(command, out, memory, _windowed(command, mode, memory, k, shape), channels)


def _windowed(command: Command, mode: PoolMode, memory: Memory, k: Kernel, shape: tuple[int, int, int]) -> Int64:
    height, width, depth = shape
    channels = depth
    if mode == PoolMode.REDUCE_SUM:
        channels = command.registers.get("IFM_DEPTH_M1", 0) + 1
        if depth != 1:
            raise command.error(f"a sum over channels that gives {depth} of them is not known")
    rows, columns, _ = kernel.input_shape(command, k, height, width, channels)
    kernel.check(command, k, memory, (rows, columns, channels), height * width * channels)
    ifm = inputs.read(command, memory, (rows, columns, channels))
    if mode == PoolMode.MAX:
        return pooling.extreme(ifm, k, height, width, mode)
    total = pooling.total(ifm, k, height, width)
    if mode == PoolMode.REDUCE_SUM:
        return total.sum(axis=2, keepdims=True)
    if k.top or k.left or k.bottom or k.right:
        return pooling.mean(total, pooling.counts(k, rows, columns, height, width))
    return total
