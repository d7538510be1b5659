"""CONV and DEPTHWISE: convolution, fully connected layers, and matrix multiplication of two feature maps.

accumulator = sum((ifm - zero_point) * weight); bias and scale come per channel from the scale stream. Padding counts as
the zero point, so it contributes nothing. Products are summed in floating point by BLAS where the sum provably stays
exact: below 2**24 in float32, below 2**53 in float64.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tui.simulator.ethosu85 import accumulators, inputs, kernel, output, weights
from tui.simulator.ethosu85.accumulators import Accumulators
from tui.simulator.ethosu85.inputs import Chains
from tui.simulator.ethosu85.kernel import Kernel
from tui.simulator.ethosu85.memory import Memory, NDArray
from tui.simulator.ethosu85.registers import bits
from tui.simulator.ethosu85.stream import Command, Stream
from tui.simulator.ethosu85.swd import Decoder
from tui.simulator.ethosu85.weights import Weights

FLOAT32_EXACT = 1 << 24
FLOAT64_EXACT = 1 << 53
WINDOW_ELEMENTS = 1 << 23
"""Elements of windows laid out for one matrix product: 32 MiB of float32."""

WEIGHTS_FROM_IFM2 = 0


@dataclass(frozen=True, eq=False)
class Decoded:
    """Weights ready to multiply with."""

    tensor: NDArray
    """(ofm, kernel_h * kernel_w * ifm) of a convolution, (kernel_h, kernel_w, ofm) of a depthwise one."""
    largest: int
    """The largest sum of magnitudes over the weights of one OFM channel."""


@dataclass(frozen=True)
class WeightCache:
    """Weights that were decoded, by place and use, and the decoder of further ones."""

    decoder: Decoder
    decoded: dict[Any, Decoded] = field(default_factory=dict)


def _float_type(bound: int, command: Command) -> type[np.floating[Any]]:
    if bound < FLOAT32_EXACT:
        return np.float32
    if bound < FLOAT64_EXACT:
        return np.float64
    raise command.error(f"sums of up to {bound} exceed what is computed exactly")


def _prepared(tensor: Weights, depthwise: bool) -> Decoded:
    depth = tensor.shape[0]
    flat = tensor.reshape(depth, -1)
    largest = int(np.abs(flat.astype(np.int64)).sum(axis=1).max(initial=0))
    if depthwise:
        return Decoded(np.ascontiguousarray(tensor[..., 0].transpose(1, 2, 0)).astype(np.float32), largest)
    return Decoded(flat.astype(np.float32), largest)


def _load(command: Command, stream: Stream, memory: Memory, cache: WeightCache, shape: Any, k: Kernel) -> Decoded:
    """The weights of a command, decoded once for each place and use of constants."""
    r = command.registers
    ofm_depth, ifm_depth, ifm_bits = shape
    fast = bits(r.get("WEIGHT_FORMAT", 0), 0) == 1
    geometry = weights.geometry(command, stream.macs_per_cycle, ofm_depth, ifm_depth, ifm_bits, k)
    region = r.get("WEIGHT_REGION", 0)
    places = weights.stream_registers(command, geometry.cores, fast=fast)
    data = [memory.bytes_at(region, address, length) for address, length in places]
    # Constants are known by where they lie; what was copied to a buffer before use, by what it is.
    content = tuple(places) if memory.is_constant(region) else tuple(d.tobytes() for d in data)
    key = (geometry, fast, region, content)
    if key not in cache.decoded:
        tensor = weights.decode(geometry, data, cache.decoder, fast=fast)
        cache.decoded[key] = _prepared(tensor, geometry.depthwise)
    return cache.decoded[key]


def _padded(values: NDArray, zero_point: int, k: Kernel, dtype: Any) -> NDArray:
    """(ifm - zero_point) as `dtype`, with the kernel's padding around it."""
    height, width, channels = values.shape
    if not (k.top or k.left or k.bottom or k.right):
        return np.subtract(values, zero_point, dtype=dtype)
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
    """Sums (height, width, channels), one kernel tap at a time."""
    seen = windows(padded, k, height, width)
    taps = taps.astype(padded.dtype, copy=False)
    result = seen[:, :, 0, 0] * taps[0, 0]
    product = np.empty_like(result)
    for y in range(k.height):
        for x in range(k.width):
            if y or x:
                np.multiply(seen[:, :, y, x], taps[y, x], out=product)
                result += product
    return result


def _input_shape(command: Command, k: Kernel, height: int, width: int, depth: int) -> tuple[int, int, int]:
    rows, columns = k.input_size(height, width)
    if rows < 1 or columns < 1:
        raise command.error(f"an output of {height}x{width} needs an input of {rows}x{columns}")
    return rows, columns, depth


def run(
    command: Command, stream: Stream, memory: Memory, chains: Chains, kept: Accumulators, cache: WeightCache
) -> NDArray | None:
    """Execute CONV or DEPTHWISE; the OFM as written, None where the accumulators are kept for the next command."""
    out, k = output.from_registers(command), kernel.from_registers(command)
    shape = output.size(command)
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
    ifm_shape = _input_shape(command, k, height, width, ifm_depth)
    work = height * width * depth * (1 if command.name == "DEPTHWISE" else ifm_depth)
    kernel.check(command, k, memory, ifm_shape, work)
    ifm = inputs.read(command, "IFM", memory, chains, ifm_shape)
    if command.name == "CONV" and bits(command.parameter, WEIGHTS_FROM_IFM2):
        return _matmul(command, memory, chains, ifm, k, shape)
    if command.name == "DEPTHWISE" and ifm_depth != depth:
        raise command.error(f"a depthwise kernel from {ifm_depth} to {depth} channels is not known")
    decoded = _load(command, stream, memory, cache, (depth, ifm_depth, 8 * ifm.fm.dtype.itemsize), k)
    padded = _padded(ifm.values, ifm.zero_point, k, _float_type(decoded.largest * _peak(ifm), command))
    convolve = _depthwise if command.name == "DEPTHWISE" else _convolve
    return convolve(padded, decoded.tensor, k, height, width)


def _peak(ifm: inputs.Input) -> int:
    """The largest magnitude a value of an input's type can have, its zero point taken away."""
    limits = np.iinfo(ifm.fm.dtype)
    return max(abs(limits.min - ifm.zero_point), abs(limits.max - ifm.zero_point))


def _matmul(
    command: Command, memory: Memory, chains: Chains, ifm: inputs.Input, k: Kernel, shape: tuple[int, int, int]
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
    dtype = _float_type(ifm_depth * _peak(ifm) * _peak(other), command)
    left = np.subtract(ifm.values, ifm.zero_point, dtype=dtype).reshape(height * width, ifm_depth)
    right = np.subtract(other.values, other.zero_point, dtype=dtype).reshape(depth, ifm_depth)
    return (left @ right.T).reshape(height, width, depth)


def _finish(command: Command, out: output.Output, memory: Memory, chains: Chains, sums: NDArray) -> NDArray:
    scales = None
    if not out.format.global_scale:
        wide = bits(command.registers.get("ACC_FORMAT", 0), 0, 2) == 1
        scales = weights.read_scales(memory, command, sums.shape[2], wide)
    values = output.finish(command, out, memory, sums, scales)
    output.write(command, out, memory, chains, values)
    return values
