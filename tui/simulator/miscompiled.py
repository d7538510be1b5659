"""Marks of Vela's faults in a program: commands that cannot be the graph's, whatever executes them.

A mark alone proves nothing, as each may be meant in some graph: it explains outputs that are known to be wrong.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from tui.model import pte
from tui.model.vela_blob import BACKEND
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu import kernel, output_stage
from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.inputs import broadcast_shape
from tui.simulator.ethosu.registers import Broadcast, ElementwiseMode, Storage
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu55 import precision as precision_u55
from tui.simulator.ethosu55.registers import SCALAR
from tui.simulator.ethosu85 import output, precision
from tui.simulator.ethosu85.registers import COMMANDS, Activation

WIDE_TABLES = (Activation.LUT_S16_S16, Activation.LUT_S16_S32)
"""Tables that fill the NPU's memory for tables: there is room for one."""

UNARY = (ElementwiseMode.LRELU, ElementwiseMode.ABS, ElementwiseMode.CLZ, ElementwiseMode.NOT)

Maps = Callable[[Command, str], FeatureMap]
"""Feature maps of a command, by name."""

WITH_OUTPUT = ("CONV", "DEPTHWISE", "POOL", "ELEMENTWISE", "RESIZE")


@dataclass(frozen=True)
class Mark:
    """A fault's mark, and a way out that was tried."""

    partition: int
    offset: int
    """Place of the command in its stream, in bytes."""
    fault: str
    remedy: str


TABLES = (
    "two 16-bit tables are looked up in one chain of commands, and the NPU has room for one",
    "--quantize int8",
)
ROWS = (
    "the rows of a layer's input are cut otherwise than those of its output",
    "GELU in the place of ReLU (or another clamp) before a linear layer over several tokens; where it is the ReLU of a"
    " convolution or linear layer, also --quantize int8",
)

CLAMPED = (
    "a sum or the like is clamped in the shape that the linear layer behind it reads",
    "GELU in the place of ReLU (or another clamp) before a linear layer over several tokens",
)

SQUEEZED = (
    "an operator reads some values of a map and takes them for all, where an axis of it was dropped",
    "torch.amax(x * -1.0, dim) * -1.0 in the place of torch.amin(x, dim)",
)


def marks(program: pte.Program) -> Iterator[Mark]:
    """The marks in a program's partitions, in order.

    Raises:
        DelegateError: a partition is for no known NPU.
        CommandStreamError: a command is not known.
    """
    for number, delegate in enumerate(program.main.delegates):
        if delegate.backend == BACKEND:
            stream = EthosU(delegate, program.named_data).stream
            chained = stream.command_set is COMMANDS
            faults = [(command.offset, TABLES) for command in (_second_tables(stream) if chained else ())]
            faults += [(command.offset, ROWS) for command in padded(stream)]
            faults += [(command.offset, CLAMPED) for command in reshaped(stream)]
            faults += [(command.offset, SQUEEZED) for command in squeezed(stream)]
            yield from (Mark(number, offset, *words) for offset, words in sorted(faults))


def _second_tables(stream: Stream) -> Iterator[Command]:
    """Commands that look up another table than the chain they belong to has loaded."""
    looked_up = False
    for command in commands(stream):
        if command.name not in WITH_OUTPUT:
            continue
        out = output.from_registers(command)
        if out.function in WIDE_TABLES:
            if looked_up:
                yield command
            looked_up = True
        looked_up &= out.fm.storage == Storage.CHAINED


def padded(stream: Stream) -> Iterator[Command]:
    """Convolutions and pools whose last rows or columns are of nothing but padding, while the first are not."""
    for command in commands(stream):
        if command.name in ("CONV", "DEPTHWISE", "POOL"):
            k = kernel.from_registers(command)
            below = k.bottom > k.top and k.bottom >= k.span_y
            beside = k.right > k.left and k.right >= k.span_x
            if below or beside:
                yield command


def reshaped(stream: Stream) -> Iterator[Command]:
    """Elementwise commands that read or write rows which their operands or output do not have."""
    maps = _maps(stream)
    for command in commands(stream):
        if command.name == "ELEMENTWISE" and (_reads_another_shape(command, maps) or _overlaps(command, maps)):
            yield command


def squeezed(stream: Stream) -> Iterator[Command]:
    """Elementwise commands of a small NPU that repeat some of a map which has as many values as their output.

    Rows that are written one by one, each by a command with the same operand, are one output.
    """
    if stream.command_set is COMMANDS:
        return
    written: dict[tuple[int, int], int] = {}
    for operand, rows in groupby(
        (command for command in commands(stream) if command.name in WITH_OUTPUT), key=_operand
    ):
        together = list(rows)
        size = output_stage.size(together[0])
        if operand is not None:
            read = math.prod(broadcast_shape(together[0], "IFM2", size))
            if read < math.prod(size) * len(together) == written.get(operand):
                yield together[0]
        for command in together:
            out = precision_u55.feature_map(command, "OFM")
            written[out.region, out.bases[0]] = math.prod(output_stage.size(command))


def _operand(command: Command) -> tuple[int, int] | None:
    """Region and address of an elementwise command's second map; None where there is none."""
    if command.name != "ELEMENTWISE" or command.registers.get("IFM2_BROADCAST", 0) & 1 << SCALAR:
        return None
    fm = precision_u55.feature_map(command, "IFM2")
    return fm.region, fm.bases[0]


def _maps(stream: Stream) -> Maps:
    """Feature maps by the family's registers."""
    return precision.feature_map if stream.command_set is COMMANDS else precision_u55.feature_map


def _reads_another_shape(command: Command, maps: Maps) -> bool:
    shape = output_stage.size(command)
    scalar = Broadcast.SCALAR if maps is precision.feature_map else 1 << SCALAR
    operands = ["IFM"] if command.parameter in UNARY else ["IFM", "IFM2"]
    operands = [one for one in operands if not command.registers.get(f"{one}_BROADCAST", 0) & scalar]
    extents = [broadcast_shape(command, one, shape) for one in operands]
    found = [maps(command, one) for one in operands]
    if any(_meets_itself(fm, rows) for fm, (rows, *_) in zip(found, extents, strict=True)):
        return True
    return bool(extents) and any(max(axis) < extent for *axis, extent in zip(*extents, shape, strict=True))


def _meets_itself(fm: FeatureMap, rows: int) -> bool:
    """Return True if the second tile of rows, which in a rolling buffer lies before the first, goes on into it."""
    beyond = rows - fm.height0
    within = fm.bases[2] <= fm.bases[0] < fm.bases[2] + beyond * fm.stride_y
    return fm.storage == Storage.TILE2X2 and beyond > 0 and within


def _overlaps(command: Command, maps: Maps) -> bool:
    fm, size = maps(command, "OFM"), output_stage.size(command)
    width = size[1]
    if maps is precision.feature_map:
        width = size["HWC".index(precision.output_format(command).transpose.name[1])]
    return fm.storage == Storage.TILE2X2 and width > fm.width0 and fm.bases[1] == fm.bases[0]
