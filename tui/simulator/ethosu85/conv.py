"""CONV and DEPTHWISE: convolution, fully connected layers, and matrix multiplication of two feature maps.

Bias and scale come per channel from the scale stream; of a matrix multiplication the scale is one for all.
"""

from typing import Any

import numpy as np

from tui.simulator.ethosu import convolution, kernel, output_stage
from tui.simulator.ethosu.convolution import float_type, peak
from tui.simulator.ethosu.inputs import Input
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, Stream
from tui.simulator.ethosu.weights import Decoded, WeightCache, prepared, streams
from tui.simulator.ethosu85 import accumulators, inputs, output, weights
from tui.simulator.ethosu85.accumulators import Accumulators
from tui.simulator.ethosu85.inputs import Chains

WEIGHTS_FROM_IFM2 = 0


def _load(command: Command, stream: Stream, memory: Memory, cache: WeightCache, shape: Any, k: Kernel) -> Decoded:
    """The weights of a command, decoded once for each place and use of constants."""
    ofm_depth, ifm_depth, ifm_bits = shape
    fast = bits(command.registers.get("WEIGHT_FORMAT", 0), 0) == 1
    geometry = weights.geometry(command, stream.macs_per_cycle, ofm_depth, ifm_depth, ifm_bits, k)
    data, content = streams(command, memory, weights.stream_registers(command, geometry.cores, fast=fast))
    key = (geometry, fast, *content)
    if key not in cache.decoded:
        tensor = weights.decode(geometry, data, cache.decoder, fast=fast)
        cache.decoded[key] = prepared(tensor, geometry.depthwise)
    return cache.decoded[key]


def run(
    command: Command, stream: Stream, memory: Memory, chains: Chains, kept: Accumulators, cache: WeightCache
) -> NDArray | None:
    """Execute CONV or DEPTHWISE; the OFM as written, None where the accumulators are kept for the next command."""
    out, k = output.from_registers(command), kernel.from_registers(command)
    shape = output_stage.size(command)
    accumulators.check(command, out, memory, shape)
    if command.registers.get("IFM_UPSCALE", 0):
        raise command.error("IFM upscaling is not known")
    sums = kept.settle(command, _sums(command, stream, memory, chains, cache, k, shape))
    return None if sums is None else _finish(command, out, memory, chains, sums)


def _sums(
    command: Command,
    stream: Stream,
    memory: Memory,
    chains: Chains,
    cache: WeightCache,
    k: Kernel,
    shape: tuple[int, int, int],
) -> NDArray:
    height, width, depth = shape
    ifm_depth = command.registers.get("IFM_DEPTH_M1", 0) + 1
    ifm_shape = kernel.input_shape(command, k, height, width, ifm_depth)
    work = height * width * depth * (1 if command.name == "DEPTHWISE" else ifm_depth)
    kernel.check(command, k, memory, ifm_shape, work)
    ifm = inputs.read(command, "IFM", memory, chains, ifm_shape)
    if command.name == "CONV" and bits(command.parameter, WEIGHTS_FROM_IFM2):
        return _matmul(command, memory, chains, ifm, k, shape)
    if command.name == "DEPTHWISE" and ifm_depth != depth:
        raise command.error(f"a depthwise kernel from {ifm_depth} to {depth} channels is not known")
    decoded = _load(command, stream, memory, cache, (depth, ifm_depth, 8 * ifm.fm.dtype.itemsize), k)
    return convolution.sums(command, ifm, decoded, k, height, width)


def _matmul(
    command: Command, memory: Memory, chains: Chains, ifm: Input, k: Kernel, shape: tuple[int, int, int]
) -> NDArray:
    """IFM (rows, ifm) times IFM2, which has an OFM channel at each of its h*w places and the IFM depth as its c."""
    height, width, depth = shape
    if not k.is_point:
        raise command.error("a matrix multiplication with a kernel is not known")
    r = command.registers
    rows, columns = r.get("IFM2_HEIGHT0_M1", 0) + 1, r.get("IFM2_WIDTH0_M1", 0) + 1
    ifm_depth = ifm.values.shape[2]
    if rows * columns != depth:
        raise command.error(f"IFM2 of {rows}x{columns} does not give {depth} channels")
    other = inputs.read(command, "IFM2", memory, chains, (rows, columns, ifm_depth))
    dtype = float_type(ifm_depth * peak(ifm) * peak(other), command)
    left = np.subtract(ifm.values, ifm.zero_point, dtype=dtype).reshape(height * width, ifm_depth)
    right = np.subtract(other.values, other.zero_point, dtype=dtype).reshape(depth, ifm_depth)
    return (left @ right.T).reshape(height, width, depth)


def _finish(command: Command, out: output.Output, memory: Memory, chains: Chains, sums: NDArray) -> NDArray:
    scales = None
    if not out.format.global_scale:
        wide = bits(command.registers.get("ACC_FORMAT", 0), 0, 2) == 1
        scales = weights.read_scales(memory, command, sums.shape[2], wide)
    values = output_stage.finish(command, out, memory, sums, scales)
    output.write(command, out, memory, chains, values)
    return values
