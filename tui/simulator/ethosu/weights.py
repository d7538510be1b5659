"""Weights and scales: what is common to the families' ways from encoded streams to the tensor that is multiplied with.

A stream holds weights in the order the hardware consumes them. Each family generates, for each position of a stream,
the index of the weight it holds. That the stream is exactly as long as that order, and that all its padding is zero,
is checked: a wrong order does not pass unseen.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.feature_map import address
from tui.simulator.ethosu.memory import Bytes, Memory, NDArray
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.swd import Decoder

SCALE_BYTES = 10
PADDING = -1
MOST_PER_BYTE = 256
"""Weights that a byte of the densest stream stands for: runs of up to 1023 zeros take 36 bits."""
SUBKERNEL = 8
"""Kernels are decomposed into parts of at most 8x8 (undilated)."""

Indices = npt.NDArray[np.int64]
Weights = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Scales:
    """Bias (int64), scale and shift (int64) of each OFM channel."""

    bias: npt.NDArray[np.int64]
    scale: npt.NDArray[np.int64]
    shift: npt.NDArray[np.int64]


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
    decoded: dict[Hashable, Decoded] = field(default_factory=dict)


def prepared(tensor: Weights, depthwise: bool) -> Decoded:
    """Weights (ofm, kernel_h, kernel_w, ifm) laid out for multiplying."""
    depth = tensor.shape[0]
    flat = tensor.reshape(depth, -1)
    largest = int(np.abs(flat.astype(np.int64)).sum(axis=1).max(initial=0))
    if depthwise:
        return Decoded(np.ascontiguousarray(tensor[..., 0].transpose(1, 2, 0)).astype(np.float32), largest)
    return Decoded(flat.astype(np.float32), largest)


@dataclass(frozen=True, eq=False)
class Pattern:
    """Weights consumed for one micro-block of OFM and one of IFM, over one sub-kernel. y is -1 for padding."""

    y: Indices
    x: Indices
    ofm: Indices
    ifm: Indices


def flat_indices(
    pattern: Pattern, ofm_blocks: Indices, ifm_blocks: Indices, shape: tuple[int, int, int, int]
) -> Indices:
    """Flat index into a tensor (ofm, y, x, ifm) of `shape` for a pattern at each start of blocks; -1 for padding."""
    depth, height, width, channels = shape
    ofm = ofm_blocks[None, :, None] + pattern.ofm
    ifm = ifm_blocks[:, None, None] + pattern.ifm
    index = ((ofm * height + pattern.y) * width + pattern.x) * channels + ifm
    outside = (pattern.y < 0) | (ofm >= depth) | (ifm >= channels)
    return np.where(outside, PADDING, index).reshape(-1)


def scale_records(memory: Memory, command: Command, name: str, depth: int) -> Indices:
    """Bytes (depth, 10) of the first `depth` records of the scale stream ``SCALE`` or ``SCALE1``.

    Raises:
        CommandStreamError: the stream is shorter, or out of bounds.
    """
    r = command.registers
    length = r.get(f"{name}_LENGTH", 0)
    if length < depth * SCALE_BYTES:
        raise command.error(f"{length} bytes of scales are too few for {depth} channels")
    data = memory.bytes_at(r.get("SCALE_REGION", 0), address(r.get(f"{name}_BASE", 0)), depth * SCALE_BYTES)
    return data.reshape(depth, SCALE_BYTES).astype(np.int64)


def unsigned(records: Indices, first: int, count: int) -> npt.NDArray[np.int64]:
    """The little-endian number in `count` bytes of each record."""
    value = np.zeros(len(records), np.int64)
    for byte in range(count):
        value |= records[:, first + byte] << (8 * byte)
    return value


def signed(records: Indices, count: int) -> npt.NDArray[np.int64]:
    """The little-endian two's complement number in the first `count` bytes of each record."""
    value = unsigned(records, 0, count)
    return value - ((value >> (8 * count - 1)) << (8 * count))


def streams(
    command: Command, memory: Memory, places: Sequence[tuple[int, int]]
) -> tuple[list[Bytes], tuple[Hashable, ...]]:
    """The weight streams at (address, length), and what tells them from all others."""
    region = command.registers.get("WEIGHT_REGION", 0)
    data = [memory.bytes_at(region, at, length) for at, length in places]
    # Constants are known by where they lie; what was copied to a buffer before use, by what it is.
    content = tuple(places) if memory.is_constant(region) else tuple(d.tobytes() for d in data)
    return data, (region, content)


def scatter(tensor: Weights, values: Weights, where: Indices) -> None:
    """Scatter a stream's values to where they belong, checking that nothing is left over."""
    if len(values) < len(where):
        raise CommandStreamError(f"a weight stream holds {len(values)} weights, its operator needs {len(where)}")
    values = values[: len(where)]
    inside = where >= 0
    if values[~inside].any():
        raise CommandStreamError("a weight stream has weights where there must be padding")
    tensor[where[inside]] = values[inside]


def units(depth: int, block: int, unit: int) -> int:
    """Units that `depth` takes when it is cut into blocks, and each block into units."""
    whole, rest = divmod(depth, block)
    return whole * -(-block // unit) + -(-rest // unit)


def check_density(slots: int, streams: Sequence[Bytes]) -> None:
    """Refuse streams that cannot hold as many weights, before anything is made for them.

    Raises:
        CommandStreamError: they are too short.
    """
    held = sum(len(stream) for stream in streams)
    if slots > MOST_PER_BYTE * held:
        raise CommandStreamError(f"{held} bytes cannot hold the {slots} weights of the operator")


def swd_values(decoder: Decoder, stream: Bytes, count: int) -> Weights:
    """`count` weights of an SWD stream. A core that no OFM channel falls to has an empty one."""
    return decoder.decode(stream.tobytes(), count) if len(stream) else np.zeros(0, np.int16)
