"""CONV and DEPTHWISE on U55 and U65: convolution and fully connected layers.

Bias and scale come per channel from the scale stream, or the streams of two cores. Source:
ethos_u55_register_cs_generator.cpp of Vela's regor.
"""

from tui.simulator.ethosu import convolution, kernel, output_stage
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.weights import Decoded, WeightCache, prepared, streams
from tui.simulator.ethosu55 import inputs, output, precision, scales, weights
from tui.simulator.ethosu55.registers import Configuration

INT32, INT40 = 0, 1
"""ACC_FORMAT bits 0..1."""


def _check(command: Command, size: Configuration) -> None:
    """Refuse what no stream has had."""
    if bits(command.registers.get("ACC_FORMAT", 0), 0, 2) not in (INT32, INT40):
        raise command.error("accumulation in floating point is not known")
    if precision.has_global_scale(command):
        raise command.error("a convolution with one scale for all channels is not known")
    if command.registers.get("PARALLEL_MODE", 0) != size.cores - 1:
        raise command.error(f"a convolution on other than all {size.cores} cores is not known")
    scales.check_channels(command)


def _load(command: Command, memory: Memory, cache: WeightCache, geometry: weights.Geometry) -> Decoded:
    """The weights of a command, decoded once for each place and use of constants."""
    data, content = streams(command, memory, weights.stream_registers(command, geometry.cores))
    key = (geometry, *content)
    if key not in cache.decoded:
        tensor = weights.decode(geometry, data, cache.decoder)
        cache.decoded[key] = prepared(tensor, geometry.depthwise)
    return cache.decoded[key]


def run(command: Command, memory: Memory, size: Configuration, cache: WeightCache) -> NDArray:
    """Execute CONV or DEPTHWISE; the OFM as written.

    Raises:
        CommandStreamError: a combination whose meaning is not known, or something out of bounds.
    """
    _check(command, size)
    out, k = output.from_registers(command, size), kernel.from_registers(command)
    shape = output_stage.size(command)
    output.check(out, memory, shape)
    channels = weights.read_scales(memory, command, shape[2], size.cores)
    return output.finish(command, out, memory, _sums(command, memory, size, cache, k, shape), channels)


def _sums(
    command: Command, memory: Memory, size: Configuration, cache: WeightCache, k: Kernel, shape: tuple[int, int, int]
) -> NDArray:
    height, width, depth = shape
    ifm_depth = command.registers.get("IFM_DEPTH_M1", 0) + 1
    depthwise = command.name == "DEPTHWISE"
    if depthwise and ifm_depth != depth:
        raise command.error(f"a depthwise kernel from {ifm_depth} to {depth} channels is not known")
    ifm_shape = kernel.input_shape(command, k, height, width, ifm_depth)
    kernel.check(command, k, memory, ifm_shape, height * width * depth * (1 if depthwise else ifm_depth))
    ifm = inputs.read(command, memory, ifm_shape)
    if ifm.fm.dtype.itemsize > 2:
        raise command.error(f"a convolution of {ifm.fm.dtype.name} is not known")
    geometry = weights.geometry(command, size, depth, ifm_depth, ifm.fm.dtype.itemsize == 2, k)
    return convolution.sums(command, ifm, _load(command, memory, cache, geometry), k, height, width)
