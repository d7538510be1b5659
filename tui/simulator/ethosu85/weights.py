"""Weights and scales: from the encoded streams in memory to the tensor a convolution multiplies with.

Weights are stored in the order the hardware consumes them, interleaved over its cores, and compressed: SWD is the
Golomb-Rice format of all Ethos-U (decoded by Vela's own codec), FWD a raw or palette format of the U85. The order
follows from the block configuration in the registers; this module generates, for each position of a stream, the index
of the weight it holds. That the stream is exactly as long as that order, and that all its padding is zero, is checked:
a wrong order does not pass unseen.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.feature_map import address
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import Bytes, Memory
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.swd import Decoder
from tui.simulator.ethosu.weights import (
    PADDING,
    SUBKERNEL,
    Indices,
    Pattern,
    Scales,
    Weights,
    check_density,
    flat_indices,
    scale_records,
    scatter,
    signed,
    swd_values,
    units,
    unsigned,
)
from tui.simulator.ethosu85.registers import (
    CORES,
    DEFAULT_UBLOCK_DEPTH,
    MICROBLOCKS,
    UBLOCK_DEPTHS,
)

INTERLEAVE = 4
"""OFM channels a core takes at a time."""


@dataclass(frozen=True)
class Geometry:
    """Geometry that decides the order of a weight stream. Kernel sizes are undilated."""

    ofm_depth: int
    ifm_depth: int
    kernel_h: int
    kernel_w: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    ofm_block_depth: int
    ifm_block_depth: int
    ofm_ublock_depth: int
    depthwise: bool
    part_kernel: bool
    wide: bool
    """16-bit activations."""
    sparse: bool
    macs: int

    @property
    def ifm_ublock_depth(self) -> int:
        """IFM channels consumed at each kernel position."""
        if self.depthwise:
            return 1
        return 8 if self.part_kernel and self.wide and not self.sparse else self.ifm_block_depth

    @property
    def round(self) -> int:
        """Kernel positions are padded to a multiple of this."""
        if self.depthwise:
            return 10
        if not self.part_kernel:
            return 1
        return 10 if self.wide or self.sparse else 5

    @property
    def depthwise_padding(self) -> int:
        """Zero slots after each ten kernel positions of a depthwise kernel, per OFM channel."""
        if not self.wide and self.macs <= 256:
            return 0
        return 2 if self.macs <= 512 else 6

    @property
    def cores(self) -> int:
        """Streams the order is interleaved over."""
        return CORES[self.macs]


def read_scales(memory: Memory, command: Command, depth: int, wide_accumulator: bool) -> Scales:
    """Scale records of the first `depth` channels.

    A record is 10 bytes: with 32-bit accumulation int32 bias, 31-bit scale, 6-bit shift; with 48-bit accumulation
    int48 bias, 15-bit scale, 6-bit shift.
    """
    records = scale_records(memory, command, "SCALE", depth)
    if wide_accumulator:
        bias, scale = signed(records, 6), unsigned(records, 6, 2) & 0x7FFF
    else:
        bias, scale = signed(records, 4), unsigned(records, 4, 4) & 0x7FFFFFFF
    return Scales(bias, scale, records[:, 8] & 0x3F)


def geometry(command: Command, macs: int, ofm_depth: int, ifm_depth: int, ifm_bits: int, kernel: Kernel) -> Geometry:
    """The order's parameters from a command's registers."""
    r = command.registers
    block = bits(r.get("ACC_FORMAT", 0), 8, 3)
    if block >= len(MICROBLOCKS):
        raise command.error(f"unknown micro-block {block}")
    ublock_depth = UBLOCK_DEPTHS[macs].get(MICROBLOCKS[block], DEFAULT_UBLOCK_DEPTH[macs])
    sparse = bits(r.get("WEIGHT_FORMAT", 0), 4) == 1
    depthwise = command.name == "DEPTHWISE"
    if kernel.part_kernel:
        ifm_block_depth = 16
    elif ifm_bits == 32 or (macs <= 256 and ublock_depth == 16 and not sparse):
        ifm_block_depth = 32
    else:
        ifm_block_depth = 128 if sparse and ifm_bits == 8 else 64
    return Geometry(
        ofm_depth=ofm_depth,
        ifm_depth=ifm_depth,
        kernel_h=kernel.height,
        kernel_w=kernel.width,
        stride_y=kernel.stride_y,
        stride_x=kernel.stride_x,
        dilation_y=kernel.dilation_y,
        dilation_x=kernel.dilation_x,
        ofm_block_depth=r.get("OFM_BLK_DEPTH_M1", 0) + 1,
        ifm_block_depth=ifm_block_depth,
        ofm_ublock_depth=ublock_depth,
        depthwise=depthwise,
        part_kernel=kernel.part_kernel and not depthwise,
        wide=ifm_bits == 16,
        sparse=sparse,
        macs=macs,
    )


def _kernel_positions(g: Geometry, height: int, width: int) -> Iterator[tuple[int, int]]:
    """(y, x) of a sub-kernel in the order they are consumed: by stride phase, rows alternating in direction."""
    stride_y, stride_x = (1, 1) if not (g.part_kernel or g.depthwise) else (g.stride_y, g.stride_x)
    for phase_y, phase_x in itertools.product(range(stride_y), range(stride_x)):
        rows = (height + stride_y - 1 - phase_y) // stride_y
        columns = (width + stride_x - 1 - phase_x) // stride_x
        for y in range(rows):
            across = range(columns) if y % 2 == 0 else reversed(range(columns))
            for x in across:
                yield phase_y + y * stride_y, phase_x + x * stride_x


def _brick(g: Geometry, core: int) -> tuple[Indices, Indices]:
    """(OFM, IFM) channel offsets within a micro-block at one kernel position, in order, for one core."""
    step = 1 if g.depthwise else 16 if g.sparse else 8
    ofm, ifm = [], []
    for inner in range(0, g.ifm_ublock_depth, step):
        for group in range(core * INTERLEAVE, g.ofm_ublock_depth, INTERLEAVE * g.cores):
            for o, i in itertools.product(range(INTERLEAVE), range(step)):
                ofm.append(group + o)
                ifm.append(inner + i)
    return np.array(ofm, np.int64), np.array(ifm, np.int64)


def _pattern(g: Geometry, core: int, top: int, left: int, height: int, width: int) -> Pattern:
    ofm, ifm = _brick(g, core)
    positions = list(_kernel_positions(g, height, width))
    elements = -(-len(positions) // g.round) * g.round
    pad = np.full(g.depthwise_padding * g.ofm_ublock_depth // g.cores if g.depthwise else 0, PADDING, np.int64)
    ys: list[Indices] = []
    xs: list[Indices] = []
    counts: list[int] = []
    for done, (y, x) in enumerate(positions, start=1):
        ys.append(np.full(len(ofm), top + y, np.int64))
        xs.append(np.full(len(ofm), left + x, np.int64))
        counts.append(1)
        if g.depthwise and (elements - done) % g.round == 0:
            ys.append(pad)
            xs.append(pad)
            counts.append(0)
    missing = elements - len(positions)
    if missing:
        slots = missing + (g.depthwise_padding if g.depthwise else 0)
        tail = np.full(slots * g.ifm_ublock_depth * g.ofm_ublock_depth // g.cores, PADDING, np.int64)
        ys.append(tail)
        xs.append(tail)
        counts.append(0)
    ofms = [ofm if count else np.zeros(len(y), np.int64) for y, count in zip(ys, counts, strict=True)]
    ifms = [ifm if count else np.zeros(len(y), np.int64) for y, count in zip(ys, counts, strict=True)]
    return Pattern(np.concatenate(ys), np.concatenate(xs), np.concatenate(ofms), np.concatenate(ifms))


def _subkernels(g: Geometry) -> Iterator[tuple[int, int, int, int]]:
    """(top, left, height, width) of each part of the kernel, columns outermost."""
    step_y, step_x = SUBKERNEL // g.dilation_y, SUBKERNEL // g.dilation_x
    for left, top in itertools.product(range(0, g.kernel_w, step_x), range(0, g.kernel_h, step_y)):
        yield top, left, min(g.kernel_h - top, step_y), min(g.kernel_w - left, step_x)


@lru_cache(maxsize=64)
def order(g: Geometry, core: int) -> Indices:
    """Flat index into the (ofm, y, x, ifm) tensor for each position of a core's stream; -1 for padding."""
    patterns = [_pattern(g, core, *part) for part in _subkernels(g)]
    indices: list[Indices] = []
    ifm_starts = [0] if g.depthwise else list(range(0, g.ifm_depth, g.ifm_block_depth))
    shape = (g.ofm_depth, g.kernel_h, g.kernel_w, 1 if g.depthwise else g.ifm_depth)
    for at, ofm_start in enumerate(range(0, g.ofm_depth, g.ofm_block_depth)):
        ofm_blocks = np.arange(0, min(g.ofm_block_depth, g.ofm_depth - ofm_start), g.ofm_ublock_depth) + ofm_start
        # The IFM is walked forwards and backwards in turn, so that its last block can stay.
        for ifm_start in ifm_starts if at % 2 == 0 else reversed(ifm_starts):
            extent = 1 if g.depthwise else min(g.ifm_block_depth, g.ifm_depth - ifm_start)
            ifm_blocks = np.arange(0, extent, g.ifm_ublock_depth) + ifm_start
            indices += [flat_indices(p, ofm_blocks, ifm_blocks, shape) for p in patterns]
    return np.concatenate(indices)


def _unfold(value: int) -> int:
    """A palette entry: magnitude above, sign in the lowest bit."""
    return -(value >> 1) if value & 1 else value >> 1


def decode_fwd(data: Bytes) -> Weights:
    """Decode a FWD stream: a 32-byte header, then raw bytes or palette indices.

    Header: bit 0 raw, bit 1 small palette (2-bit indices), bits 104..111 zero adjust of raw values (int8), then 16
    palette entries of 9 bits from bit 112.
    """
    header_bytes = 32
    if len(data) < header_bytes:
        raise CommandStreamError("a fast-decode weight stream is shorter than its header")
    header = int.from_bytes(data[:header_bytes].tobytes(), "little")
    body = data[header_bytes:]
    if bits(header, 0):
        adjust = bits(header, 104, 8)
        return body.view(np.int8).astype(np.int16) - np.int16(adjust - 256 if adjust > 127 else adjust)
    palette = np.array([_unfold(bits(header, 112 + 9 * n, 9)) for n in range(16)], np.int16)
    width = 2 if bits(header, 1) else 4
    shifts = np.arange(0, 8, width, dtype=np.uint8)
    indices = (body[:, None] >> shifts) & ((1 << width) - 1)
    return palette[indices.reshape(-1)]


def _interleaved(g: Geometry, orders: list[Indices]) -> Indices:
    """The order of a single FWD stream that serves several cores: blocks of each in turn."""
    if len(orders) == 1:
        return orders[0]
    block = g.ofm_ublock_depth * g.ifm_ublock_depth * g.round // g.cores
    if len({len(o) for o in orders}) != 1 or len(orders[0]) % block:
        raise CommandStreamError("a fast-decode weight stream does not divide into blocks for its cores")
    return np.stack([o.reshape(-1, block) for o in orders], axis=1).reshape(-1)


def _slots(g: Geometry) -> int:
    """Positions of all streams together, at least: what `order` would make."""
    count = units(g.ofm_depth, g.ofm_block_depth, g.ofm_ublock_depth)
    if not g.depthwise:
        count *= units(g.ifm_depth, g.ifm_block_depth, g.ifm_ublock_depth)
    return count * g.ofm_ublock_depth * g.ifm_ublock_depth * g.kernel_h * g.kernel_w


def decode(g: Geometry, streams: list[Bytes], decoder: Decoder, *, fast: bool) -> Weights:
    """The weights (ofm, kernel_h, kernel_w, ifm) as int16; of a depthwise kernel ifm is 1.

    Raises:
        CommandStreamError: a stream is damaged or not in the order its registers say.
    """
    shape = (g.ofm_depth, g.kernel_h, g.kernel_w, 1 if g.depthwise else g.ifm_depth)
    check_density(_slots(g) // g.cores, streams)
    orders = [order(g, core) for core in range(g.cores)]
    tensor = np.zeros(math.prod(shape), np.int16)
    if fast:
        scatter(tensor, decode_fwd(streams[0]), _interleaved(g, orders))
    else:
        for stream, where in zip(streams, orders, strict=True):
            scatter(tensor, swd_values(decoder, stream, len(where)), where)
    return tensor.reshape(shape)


def stream_registers(command: Command, cores: int, *, fast: bool) -> list[tuple[int, int]]:
    """(address, length) of each weight stream of a command."""
    r = command.registers
    names = ("WEIGHT", "WEIGHT1", "WEIGHT2", "WEIGHT3")[: 1 if fast else cores]
    return [(address(r.get(f"{name}_BASE", 0)), r.get(f"{name}_LENGTH", 0)) for name in names]
