"""The passes of a command stream: commands that are chained run as one, in blocks of the first one's OFM.

Shapes are those the compiler reckons with (Vela 5.1, regor): the OFM as it lies in memory, and the IFM it needs.
"""

from collections.abc import Iterator

from tui.simulator.ethosu import kernel, output_stage
from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.inputs import broadcast_shape
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory_ports import Shape
from tui.simulator.ethosu.passes import Pass, is_binary, is_matmul, ofm_block, pool_mode, reduces
from tui.simulator.ethosu.registers import PoolMode, Storage, bits
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu.weights import SUBKERNEL
from tui.simulator.ethosu85 import precision
from tui.simulator.ethosu85.registers import CORES, DEFAULT_UBLOCK_DEPTH, MICROBLOCKS, UBLOCK_DEPTHS
from tui.simulator.ethosu85.weights import geometry

IFM_UNITS = {
    128: ((1, 2), (1, 1), (1, 1)),
    256: ((2, 2), (1, 2), (1, 1)),
    512: ((2, 2), (1, 2), (1, 1)),
    1024: ((2, 4), (2, 2), (1, 2)),
    2048: ((4, 4), (2, 4), (2, 2)),
}
"""(height, width) that an IFM block is a multiple of, by MACs: up to 16, up to 32 and more bytes of channels."""

FLAT_IFM_UNITS = {
    256: ((1, 4), (1, 2), (1, 1)),
    512: ((1, 4), (1, 2), (1, 1)),
    1024: ((2, 4), (1, 4), (1, 2)),
    2048: ((4, 4), (2, 4), (1, 4)),
}
"""The same for micro-blocks of 1x4."""


def only_second(command: Command) -> bool:
    """Return True if IFM2 is a command's one input: POOL NONE."""
    return command.name == "POOL" and pool_mode(command) == PoolMode.NONE


def input_map(command: Command) -> FeatureMap:
    """The first map a command reads."""
    return precision.feature_map(command, "IFM2" if only_second(command) else "IFM")


def in_memory(command: Command, shape: Shape) -> Shape:
    """(height, width, channels) of an OFM as it lies in memory, after a transpose."""
    axes = ["HWC".index(axis) for axis in precision.output_format(command).transpose.name]
    return shape[axes[0]], shape[axes[1]], shape[axes[2]]


def second_input(command: Command) -> tuple[FeatureMap, Shape] | None:
    """IFM2 and its shape: of a matrix multiplication, or of an ELEMENTWISE that has two inputs; else None."""
    if is_matmul(command):
        r = command.registers
        shape = r.get("IFM2_HEIGHT0_M1", 0) + 1, r.get("IFM2_WIDTH0_M1", 0) + 1, r.get("IFM_DEPTH_M1", 0) + 1
    elif is_binary(command):
        shape = broadcast_shape(command, "IFM2", output_stage.size(command))
    else:
        return None
    return precision.feature_map(command, "IFM2"), shape


def _groups(stream: Stream) -> Iterator[tuple[Command, ...]]:
    """Commands that are chained, together."""
    group: list[Command] = []
    for command in commands(stream):
        if command.name in ("STOP", "BRANCH", "DMA_START"):
            continue
        group.append(command)
        if precision.feature_map(command, "OFM").storage != Storage.CHAINED:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _ublock(command: Command, macs: int) -> Shape:
    code = bits(command.registers.get("ACC_FORMAT", 0), 8, 3)
    if code >= len(MICROBLOCKS):
        raise command.error(f"unknown micro-block {code}")
    height, width = MICROBLOCKS[code]
    return height, width, UBLOCK_DEPTHS[macs].get((height, width), DEFAULT_UBLOCK_DEPTH[macs])


def _ifm_block(block: Shape, k: Kernel, depth: int, itemsize: int, ublock: Shape, macs: int) -> Shape:
    """The block of IFM of `depth` channels that an OFM block needs, in whole allocation units."""
    flat = ublock[:2] == (1, 4) and macs in FLAT_IFM_UNITS
    units = (FLAT_IFM_UNITS if flat else IFM_UNITS)[macs]
    height, width = units[0 if depth * itemsize <= 16 else 1 if depth * itemsize <= 32 else 2]
    rows = (block[0] - 1) * k.stride_y + min(k.span_y, SUBKERNEL)
    columns = (block[1] - 1) * k.stride_x + min(k.span_x, SUBKERNEL)
    return -(-rows // height) * height, -(-columns // width) * width, depth


def _of(group: tuple[Command, ...], macs: int) -> Pass:
    command = group[0]
    ifm, ofm = input_map(command), precision.feature_map(command, "OFM")
    k = kernel.from_registers(command)
    before = output_stage.size(command)
    shape = in_memory(command, before)
    block = ofm_block(command)
    ublock = _ublock(command, macs)
    if command.name in ("ELEMENTWISE", "RESIZE"):
        return Pass(group, macs, k, ifm, ofm, shape, shape, block, block, ublock, CORES[macs])
    rows, columns = k.input_size(before[0], before[1])
    depth, block_depth = command.registers.get("IFM_DEPTH_M1", 0) + 1, block[2]
    if reduces(command):
        block_depth = geometry(command, macs, before[2], depth, 8 * ifm.dtype.itemsize, k).ifm_block_depth
    else:
        depth = before[2]
    ifm_block = _ifm_block(block, k, block_depth, ifm.dtype.itemsize, ublock, macs)
    ifm_shape = max(rows, 1), max(columns, 1), depth
    return Pass(group, macs, k, ifm, ofm, ifm_shape, shape, ifm_block, block, ublock, CORES[macs])


def passes(stream: Stream) -> Iterator[Pass]:
    """The passes of a stream in the order they run, branches not followed.

    Raises:
        CommandStreamError: a command cannot be understood.
    """
    for group in _groups(stream):
        yield _of(group, stream.macs_per_cycle)
