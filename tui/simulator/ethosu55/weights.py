"""Weights and scales of U55 and U65: scale records, and the order of weights in a stream.

The order, outermost first: OFM block; IFM block (16 channels where part kernel first or of 16 bits, else 32); part of
the kernel, row by row; for a part-kernel-first stream the groups of 8 IFM channels that there are; OFM micro-block;
kernel element, padded to a multiple; for a depth-first one all groups of 8 IFM channels of a block; OFM channel; IFM
channel. With two cores each has a stream of its own, the first for even OFM channels and the other for odd ones.
Source: ethos_u55_weight_encoder.cpp of Vela's regor.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tui.simulator.ethosu.feature_map import address
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory import Bytes, Memory
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
from tui.simulator.ethosu55.registers import Configuration

GROUP = 8
"""IFM channels consumed at once."""

SHALLOW, DEEP = 16, 32
"""IFM channels of a block: part kernel first or of 16 bits, else."""

BIAS_BYTES, SCALE_AT, SHIFT_AT = 5, 5, 9
"""Layout of a scale record: 40-bit bias, 32-bit scale, 6-bit shift."""


@dataclass(frozen=True)
class Geometry:
    """Geometry that decides the order of weight streams. Kernel sizes are undilated."""

    ofm_depth: int
    ifm_depth: int
    kernel_h: int
    kernel_w: int
    dilation_y: int
    dilation_x: int
    ofm_block_depth: int
    ublock_depth: int
    depthwise: bool
    part_kernel: bool
    wide: bool
    """16-bit activations."""
    cores: int

    @property
    def ifm_block_depth(self) -> int:
        """IFM channels of a block."""
        return SHALLOW if self.part_kernel or self.wide else DEEP

    @property
    def round(self) -> int:
        """Kernel elements are padded to a multiple of this."""
        if self.depthwise:
            return 4
        if not self.part_kernel:
            return 1
        return 2 if self.wide else 4

    def of_core(self, depth: int, core: int) -> int:
        """The part of `depth` that falls to a core."""
        return (depth + self.cores - 1 - core) // self.cores


def geometry(command: Command, size: Configuration, ofm_depth: int, ifm_depth: int, wide: bool, k: Kernel) -> Geometry:
    """The order's parameters from a command's registers."""
    depthwise = command.name == "DEPTHWISE"
    return Geometry(
        ofm_depth=ofm_depth,
        ifm_depth=1 if depthwise else ifm_depth,
        kernel_h=k.height,
        kernel_w=k.width,
        dilation_y=k.dilation_y,
        dilation_x=k.dilation_x,
        ofm_block_depth=command.registers.get("OFM_BLK_DEPTH_M1", 0) + 1,
        ublock_depth=size.ublock_depth,
        depthwise=depthwise,
        part_kernel=k.part_kernel and not depthwise,
        wide=wide,
        cores=size.cores,
    )


def stream_registers(command: Command, cores: int) -> list[tuple[int, int]]:
    """(address, length) of the weight stream of each core."""
    r = command.registers
    names = ("WEIGHT", "WEIGHT1")[:cores]
    return [(address(r.get(f"{name}_BASE", 0)), r.get(f"{name}_LENGTH", 0)) for name in names]


def read_scales(memory: Memory, command: Command, depth: int, cores: int) -> Scales:
    """Bias, scale and shift of each of `depth` channels; each core has those of its own.

    Raises:
        CommandStreamError: a stream is too short or out of bounds.
    """
    records = np.zeros((depth, SHIFT_AT + 1), np.int64)
    for core, name in enumerate(("SCALE", "SCALE1")[:cores]):
        own = len(range(core, depth, cores))
        if own:
            records[core::cores] = scale_records(memory, command, name, own)
    return Scales(signed(records, BIAS_BYTES), unsigned(records, SCALE_AT, 4), records[:, SHIFT_AT] & 0x3F)


def _subkernels(g: Geometry) -> Iterator[tuple[int, int, int, int]]:
    """(top, left, height, width) of each part of the kernel, rows outermost."""
    step_y, step_x = SUBKERNEL // g.dilation_y, SUBKERNEL // g.dilation_x
    for top, left in itertools.product(range(0, g.kernel_h, step_y), range(0, g.kernel_w, step_x)):
        yield top, left, min(g.kernel_h - top, step_y), min(g.kernel_w - left, step_x)


def _pattern(g: Geometry, top: int, left: int, height: int, width: int) -> Pattern:
    """Positions of one micro-block of OFM over a part of the kernel."""
    elements = -(-height * width // g.round) * g.round
    groups = 1 if g.part_kernel or g.depthwise else g.ifm_block_depth // GROUP
    channels = 1 if g.depthwise else GROUP
    shape = (elements, groups, g.ublock_depth, channels)
    element, group, ofm, channel = (axis.reshape(-1) for axis in np.indices(shape))
    outside = element >= height * width
    y = np.where(outside, PADDING, top + element // width)
    return Pattern(y, left + element % width, ofm, group * GROUP + channel)


@lru_cache(maxsize=64)
def order(g: Geometry, core: int) -> Indices:
    """Flat index into the (ofm, y, x, ifm) tensor of a core's channels for each position of its stream."""
    depth, block = g.of_core(g.ofm_depth, core), g.of_core(g.ofm_block_depth, core)
    shape = (depth, g.kernel_h, g.kernel_w, g.ifm_depth)
    patterns = [_pattern(g, *part) for part in _subkernels(g)]
    found: list[Indices] = [np.zeros(0, np.int64)]
    for ofm_start in range(0, depth, max(1, block)):
        ofms = ofm_start + np.arange(0, min(block, depth - ofm_start), g.ublock_depth)
        for ifm_start in range(0, g.ifm_depth, g.ifm_block_depth):
            extent = min(g.ifm_block_depth, g.ifm_depth - ifm_start) if g.part_kernel else 1
            ifms = ifm_start + np.arange(0, extent, GROUP)
            found += [flat_indices(pattern, ofms, ifms, shape) for pattern in patterns]
    return np.concatenate(found)


def _slots(g: Geometry) -> int:
    """Positions of all streams together, at least: what `order` would make."""
    count = units(g.ofm_depth, g.ofm_block_depth, g.ublock_depth) * g.ublock_depth * g.kernel_h * g.kernel_w
    return count if g.depthwise else count * units(g.ifm_depth, g.ifm_block_depth, GROUP) * GROUP


def decode(g: Geometry, streams: list[Bytes], decoder: Decoder) -> Weights:
    """The weights (ofm, kernel_h, kernel_w, ifm) as int16; of a depthwise kernel ifm is 1.

    Raises:
        CommandStreamError: a stream is damaged or not in the order its registers say.
    """
    shape = (g.ofm_depth, g.kernel_h, g.kernel_w, g.ifm_depth)
    check_density(_slots(g), streams)
    tensor = np.zeros(shape, np.int16)
    for core, stream in enumerate(streams):
        where = order(g, core)
        own = np.zeros(math.prod(tensor[core :: g.cores].shape), np.int16)
        scatter(own, swd_values(decoder, stream, len(where)), where)
        tensor[core :: g.cores] = own.reshape(-1, *shape[1:])
    return tensor
