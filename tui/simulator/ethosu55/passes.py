"""The passes of a command stream, each a command, with the shapes the compiler reckons with (Vela 5.1, regor)."""

from collections.abc import Iterator
from dataclasses import replace

from tui.simulator.ethosu import kernel, output_stage
from tui.simulator.ethosu.feature_map import BRICK, FeatureMap
from tui.simulator.ethosu.inputs import broadcast_shape
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory_ports import Shape
from tui.simulator.ethosu.passes import Pass, is_binary, ofm_block, reduces
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu.weights import SUBKERNEL
from tui.simulator.ethosu55 import precision
from tui.simulator.ethosu55.registers import SCALAR, Configuration, Upscale
from tui.simulator.ethosu55.registers import configuration as configuration_of
from tui.simulator.ethosu55.weights import DEEP, GROUP, SHALLOW

WIDE_GROUP = 4
"""IFM channels of 16 bits that an IFM block is a multiple of."""
FLAT = 4
"""Columns of an OFM micro-block where a map of one row is computed in one row."""


def second_input(command: Command) -> tuple[FeatureMap, Shape] | None:
    """IFM2 and its shape, where an ELEMENTWISE reads it from memory."""
    if not is_binary(command) or bits(command.registers.get("IFM2_BROADCAST", 0), SCALAR):
        return None
    return precision.feature_map(command, "IFM2"), broadcast_shape(command, "IFM2", output_stage.size(command))


def ifm_block_depth(depth: int, *, wide: bool, part_kernel: bool = False) -> int:
    """Channels of an IFM block of a map with `depth` of them, where all are taken for each of the OFM."""
    most = SHALLOW if wide or part_kernel else DEEP
    unit = WIDE_GROUP if wide else GROUP
    return -(-min(depth, most) // unit) * unit


def _scaled(command: Command) -> int:
    return 1 if command.registers.get("IFM_UPSCALE", Upscale.NONE) == Upscale.NONE else 2


def _ifm_block(command: Command, block: Shape, k: Kernel, depth: int, size: Configuration) -> Shape:
    """The block of IFM that an OFM block needs, in whole units."""
    height, width = size.ublock
    times = _scaled(command)
    rows = -(-((block[0] - 1) * k.stride_y + min(k.span_y, SUBKERNEL)) // times)
    columns = -(-((block[1] - 1) * k.stride_x + min(k.span_x, SUBKERNEL)) // times)
    return -(-rows // height) * height, -(-columns // width) * width, depth


def _ublock(command: Command, shape: Shape, k: Kernel, size: Configuration) -> Shape:
    height, width = size.ublock
    if command.name == "CONV" and height == 2 and shape[0] == 1 and shape[1] % 2 == 0 and k.height == 1:
        return 1, FLAT, size.ublock_depth
    return height, width, size.ublock_depth


def _of(command: Command, macs: int, size: Configuration) -> Pass:
    ifm, ofm = precision.feature_map(command, "IFM"), precision.feature_map(command, "OFM")
    k = kernel.from_registers(command)
    shape = output_stage.size(command)
    block = ofm_block(command)
    ublock = _ublock(command, shape, k, size)
    if command.name == "ELEMENTWISE":
        return Pass((command,), macs, k, ifm, ofm, shape, shape, block, block, ublock, size.cores)
    rows, columns = k.input_size(shape[0], shape[1])
    depth, block_depth = shape[2], block[2]
    if reduces(command):
        depth = command.registers.get("IFM_DEPTH_M1", 0) + 1
        part_kernel = command.name == "CONV" and k.part_kernel
        block_depth = ifm_block_depth(depth, wide=ifm.dtype.itemsize == 2, part_kernel=part_kernel)
    times = _scaled(command)
    ifm_shape = max(-(-rows // times), 1), max(-(-columns // times), 1), depth
    ifm_block = _ifm_block(command, block, k, block_depth, size)
    return Pass((command,), macs, k, ifm, ofm, ifm_shape, shape, ifm_block, block, ublock, size.cores)


def _beyond(before: FeatureMap, fm: FeatureMap, depth: int) -> bool:
    """Tell if a map begins `depth` channels beyond another, in the same tensor."""
    step = depth // BRICK * fm.stride_c if fm.bricks else depth * fm.dtype.itemsize
    return fm == replace(before, bases=(before.bases[0] + step, *fm.bases[1:]))


def follows(before: Pass, p: Pass) -> bool:
    """Tell if a pass computes the next channels of the operator that the pass before it computes some of."""
    if p.command.name not in ("CONV", "DEPTHWISE") or (before.command.name, before.kernel) != (
        p.command.name,
        p.kernel,
    ):
        return False
    if before.ofm_shape[:2] != p.ofm_shape[:2] or not _beyond(before.ofm, p.ofm, before.ofm_shape[2]):
        return False
    return before.ifm == p.ifm if p.reduces else _beyond(before.ifm, p.ifm, before.ifm_shape[2])


def passes(stream: Stream) -> Iterator[Pass]:
    """The passes of a stream in the order they run.

    Raises:
        CommandStreamError: a command cannot be understood.
    """
    size = configuration_of(stream.config)
    assert size is not None
    for command in commands(stream):
        if command.name not in ("STOP", "DMA_START"):
            yield _of(command, stream.macs_per_cycle, size)
