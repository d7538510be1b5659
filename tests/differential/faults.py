"""Patterns that Vela 5.1 miscompiles, found by random graphs: such graphs say nothing about the simulator.

Each was traced to command words that cannot be the graph's, whatever executes them. ``--faults`` of this package's
command compiles the smallest case of each and says whether it is still there; the generator and the comparison keep
clear of exactly these.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from tui.simulator import miscompiled
from tui.simulator.ethosu import output_stage
from tui.simulator.ethosu.inputs import broadcast_shape
from tui.simulator.ethosu.registers import Broadcast, ElementwiseMode, Storage
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu55 import precision as precision_u55
from tui.simulator.ethosu85 import accumulators, precision
from tui.simulator.ethosu85.registers import AccumulatorInput

TABLES = 0x100
"""In a DMA's destination region: the NPU's own memory, which holds lookup tables."""

PERMUTED = 0x7000
"""In an output's precision: how its axes are exchanged."""

LOOKUP = 8
"""The first activation function that is a lookup."""


U55_128 = ("ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram")


@dataclass(frozen=True)
class Fault:
    """A graph that Vela miscompiles: the shapes of its inputs and parameters, its steps, and what is wrong with it."""

    inputs: tuple[tuple[int, ...], ...]
    parameters: tuple[tuple[int, ...], ...]
    steps: tuple[str, ...]
    quantization: Literal["int8", "a16w8"]
    why: str
    target: tuple[str, str, str] = ("ethos-u85-256", "Ethos_U85_SYS_DRAM_Mid", "Sram_Only")
    """Accelerator, system config and memory mode."""
    dtype: str = "float32"
    """Of its inputs and parameters; parameters of integers are amounts to shift by."""


KNOWN = (
    Fault(
        ((2, 5, 6, 14),),
        ((7, 5, 1, 1),),
        ("F.conv2d(x0, self.w1, stride=(1, 4))",),
        "int8",
        "batch above 1, a stride above 3: one convolution for each of 48 places, and all write to two addresses",
    ),
    Fault(
        ((2, 5, 7, 23),),
        (),
        ("F.softmax(x0, 2)",),
        "a16w8",
        "batch above 1, a sum over a middle axis: the sum's input has one axis less than its data",
    ),
    Fault(
        ((2, 4, 11, 9),),
        (),
        ("F.pixel_shuffle(x0, 2)", "F.relu(v0)"),
        "int8",
        "batch above 1, a permute and an activation in one: a copy with a 1x1 kernel and 16 columns of padding",
    ),
    Fault(
        ((1, 3, 2, 22),),
        (),
        ("x0.permute((2, 0, 1, 3))", "torch.sigmoid(v0)"),
        "int8",
        "as before, where the permute makes the batch: three rows are written beyond the end of the output",
    ),
    Fault(
        ((2, 1, 9, 31),),
        (),
        ("F.max_pool2d(x0, (1, 2), stride=(3, 3), padding=(0, 1))",),
        "int8",
        "batch above 1, padding, columns left over by the stride: the left padding becomes the right one",
    ),
    Fault(
        ((1, 1, 33, 21),),
        ((24, 1, 2, 2),),
        ("F.conv2d(x0, self.w1, stride=(1, 2), padding=(1, 0), dilation=(1, 3))",),
        "int8",
        "padding, stride and dilation, and columns left over: one row above and one below becomes two below",
    ),
    Fault(
        ((1, 3, 6, 9),),
        ((4, 3, 4, 4),),
        ("F.conv2d(x0, self.w1, stride=(1, 4), padding=(1, 0))",),
        "int8",
        "padding, a stride above 3, and columns left over: as before",
    ),
    Fault(
        ((1, 2, 7, 7),),
        ((4, 1, 5, 5),),
        ("F.conv2d(x0, self.w1, stride=(3, 2), padding=(0, 1), groups=2)",),
        "int8",
        "padding, a multiplier, and rows left over: one column left and one right becomes two right",
    ),
    Fault(
        ((1, 2, 6, 4),),
        (),
        ("x0[:, :, 2:5]", "torch.sum(v0, [3])"),
        "int8",
        "a slice before a sum along the last axis, which reads from the beginning of what is sliced",
    ),
    Fault(
        ((1, 18, 15),),
        (),
        ("torch.select(x0, 1, 16)", "torch.amax(v0, 1, keepdim=True)"),
        "int8",
        "a slice before a maximum along the last axis, which takes the first element for all",
    ),
    Fault(
        ((1, 3, 8, 2),),
        ((3, 3, 1, 2),),
        ("F.conv2d(x0, self.w1, stride=(1, 2), padding=(0, 1), dilation=(1, 3))",),
        "int8",
        "padding, stride, and a dilated kernel wider than its input: an input of no columns",
    ),
    Fault(
        ((1, 2, 5, 8),),
        ((3, 2, 2, 1),),
        ("F.conv2d(x0, self.w1, stride=(2, 1), dilation=(3, 1))",),
        "int8",
        "dilated, to one row: it is permuted as well, and what were rows lie three times as far apart",
    ),
    Fault(
        ((1, 8, 8, 5),),
        (),
        (
            "torch.index_select(x0, 3, torch.tensor([0, 2, 1, 3, 4], dtype=torch.int32))",
            "torch.where(torch.gt(x0, 0.0), v0, x0)",
        ),
        "int8",
        "a choice between what was gathered and what it was gathered from, which is read in the shape of the gathering",
    ),
    Fault(
        ((1, 3, 4),),
        ((1, 3, 4),),
        ("torch.abs(x0)", "torch.abs(v0)", "torch.cat([v1, self.w1], 2)"),
        "int8",
        "a chain that ends in an operator with one operand, before a concatenation: written as if it stood alone",
    ),
    Fault(
        ((1, 14, 12), (1, 14, 3)),
        (),
        ("torch.amin(x0, [2], keepdim=True)", "torch.cat([x1, v0], 2)"),
        "int8",
        "a least or greatest along an axis, into a concatenation: padded as if all of that were its output",
    ),
    Fault(
        ((1, 4, 5, 2),),
        (),
        ("torch.amin(x0, [0], keepdim=True)", "F.pad(v0, (3, 0))"),
        "int8",
        "a least along an axis, padded: as before",
    ),
    Fault(
        ((1, 6, 6, 5),),
        (),
        ("torch.amax(x0, [2, 3], keepdim=True)", "F.interpolate(v0, size=(1, 1), mode='nearest')"),
        "int8",
        "a greatest along two axes, resized to the size it has: the copy between is padded",
    ),
    Fault(
        ((1, 2, 6, 4),),
        ((4, 1, 1, 1),),
        ("F.conv2d(x0, self.w1, groups=2)", "F.pad(v0, (3, 1, 2, 0))", "v1.permute((0, 3, 1, 2))"),
        "int8",
        "a depthwise convolution with a multiplier, padded and permuted: written to the corner, padding over it",
    ),
    Fault(
        ((1, 7, 22),),
        ((1, 22),),
        ("F.elu(x0)", "torch.add(v0, self.w1)", "torch.pow(v1, 2)"),
        "a16w8",
        "two 16-bit tables in a chain: both are loaded to the same place before the first is used",
    ),
    Fault(
        ((1, 16, 1, 4),),
        ((16, 16, 1, 3),),
        ("x0[:, :, :, 1:3]", "F.conv_transpose2d(v0, self.w1)"),
        "int8",
        "a slice before a transposed convolution, which reads from the beginning of what is sliced",
    ),
    Fault(
        ((1, 62, 22, 14),),
        ((62, 1, 4, 1),),
        ("F.conv2d(x0, self.w1, stride=(2, 4), dilation=(1, 2), groups=62)",),
        "int8",
        "taken apart by taps, whose weights come in parts: a part goes on with the accumulators of another",
        ("ethos-u85-2048", "Ethos_U85_SYS_DRAM_High", "Shared_Sram"),
    ),
    Fault(
        ((3, 8),),
        ((8, 8),),
        ("torch.where(x0 > 0, F.linear(x0, self.w1), x0)",),
        "int8",
        "a choice between a layer's output and its input of several rows, which is read in the shape the layer reads",
    ),
    Fault(
        ((3, 8),),
        ((8, 8), (8, 8)),
        ("F.linear(F.relu(F.linear(x0, self.w1)), self.w2)",),
        "a16w8",
        "a clamp between two layers of 16 bits, several rows: the first layer reads one and takes the rest for padding",
    ),
    Fault(
        ((1, 20, 4, 4),),
        ((8, 20, 1, 1),),
        ("torch.cat((x0, F.hardtanh(F.conv2d(x0, self.w1), -1.0, 1.0)), 1)",),
        "int8",
        "a convolution and a clamp, permuted into a concatenation: weights for as many channels as it has columns",
    ),
    Fault(
        ((2, 2), (2, 2)),
        ((2, 2),),
        ("F.linear(F.relu(x0 + x1), self.w2)",),
        "int8",
        "an operator on elements and a clamp, before a layer over several rows: the first row is taken for all",
    ),
    Fault(
        ((2, 2), (2, 2)),
        ((2, 2),),
        ("F.linear(F.relu((x0 + x1) * x1), self.w2)",),
        "int8",
        "as before, where the operator follows another: all rows but the first are written to one address",
    ),
    Fault(
        ((1, 2, 2),),
        ((2, 2),),
        ("F.linear(F.relu(x0).transpose(1, 2), self.w1)",),
        "int8",
        "a clamp and a permute in one, before a layer over several rows: one row is read, the rest is padding",
    ),
    Fault(
        ((1, 3, 6),),
        ((3, 3, 2), (3, 3)),
        ("F.linear(F.hardtanh(F.conv1d(x0, self.w1), -1.0, 1.0).transpose(1, 2), self.w2)",),
        "int8",
        "a convolution along one axis and a clamp, before a layer over several rows: two columns are read, as before",
    ),
    Fault(
        ((1, 2, 4, 4),),
        ((2, 2),),
        ("F.linear(F.relu(F.max_pool2d(x0, 2)).flatten(2).transpose(1, 2), self.w1)",),
        "int8",
        "a pool and a clamp, before a layer over several rows: as before",
    ),
    Fault(
        ((1, 4, 6, 3),),
        ((2, 2, 2, 3),),
        ("F.conv2d(x0, self.w1, padding=(0, 1), dilation=(3, 1), groups=2)",),
        "int8",
        "groups and a dilation above 2, padded: one column left and one right becomes two right",
    ),
    Fault(
        ((1, 1, 2),),
        ((1, 1, 1),),
        ("torch.where(x0 > 0, F.conv1d(x0, self.w1), x0)",),
        "int8",
        "a choice between a convolution and its input of one channel, which is read in the shape the convolution reads",
    ),
    Fault(
        ((1, 5, 4, 6),),
        (),
        ("torch.tanh(x0.permute(0, 2, 1, 3))",),
        "int8",
        "a permute and a table in one, on 16 KiB of SHRAM: the table is loaded beyond it",
        ("ethos-u55-64", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    ),
    Fault(
        ((2, 3, 4), (2, 4, 3)),
        (),
        ("torch.cat((x0, torch.tanh(x1.transpose(1, 2))), 1)",),
        "int8",
        "a permute and a table, into a concatenation of several rows: all but the first are written where others lie",
        U55_128,
    ),
    Fault(
        ((1, 2, 3, 4),),
        ((1, 2, 3, 4),),
        ("torch.bitwise_left_shift(x0, self.w1)",),
        "int8",
        "a left shift of 32 bits, which ends at the limits of int32 where TOSA's loses its upper bits",
        U55_128,
        "int32",
    ),
    Fault(
        ((1, 2, 3, 4),),
        ((1, 2, 3, 4),),
        ("torch.bitwise_left_shift(x0, self.w1)",),
        "int8",
        "a left shift of 8 bits: in 32 bits, and a cast, which ends at the limits of int8 where TOSA's loses bits",
        U55_128,
        "int8",
    ),
    Fault(
        ((1, 3, 2),),
        (),
        ("torch.amin(x0, [2])",),
        "int8",
        "a least along an axis that is dropped: it is negated in the shape that has it, the first value for all",
        U55_128,
    ),
    Fault(
        ((1, 2, 2, 2),),
        ((2, 2),),
        ("F.linear(torch.amin(x0, [2], keepdim=True), self.w1)",),
        "int8",
        "a least along an axis, before a layer over several rows: it is negated row by row, each time the first",
        U55_128,
    ),
    Fault(
        ((1, 2, 1, 2),),
        ((2, 2, 1, 1), (1, 2, 1, 2), (6, 1, 1, 1)),
        (
            "F.conv2d(x0, self.w1)",
            "torch.cat([v0, self.w2, v0], 1)",
            "F.hardtanh(F.conv2d(v1, self.w3, groups=6), -1.0, 1.0)",
        ),
        "int8",
        "a constant that is transposed, in two steps: what is between them is written into the constants",
        ("ethos-u55-256", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    ),
    Fault(
        ((1, 2, 6, 2),),
        ((1, 2, 2, 1),),
        ("F.conv2d(x0[:, :, 1:6], self.w1, dilation=(3, 1))",),
        "int8",
        "a slice before a convolution with a dilation above 2, which reads from another place of what is sliced",
        U55_128,
    ),
)


def batched(value: torch.Tensor) -> bool:
    """A feature map with a batch above 1."""
    return value.dim() > 3 and value.shape[0] > 1


def wrongly_taken_apart(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    *,
    several: bool,
) -> bool:
    """A convolution that Vela makes several of (`several`: also for its groups), and where a fault above would be met.

    Padded, with columns of its input left over or a tap that only meets padding; dilated, to an output of one row.
    """
    if not (several or max(stride) > 3 or max(dilation) > 2 or (max(stride) > 1 and max(dilation) > 1)):
        return False
    for n, taps, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        steps, over = divmod(n + 2 * p - d * (taps - 1) - 1, s)
        if (over and any(padding)) or (steps == 0 and d > 1):
            return True
        if any(all(not 0 <= t * d - p + s * y < n for y in range(steps + 1)) for t in range(taps)):
            return True
    return False


def loses_padding(groups: int, padding: Sequence[int], dilation: Sequence[int]) -> bool:
    """True if a convolution is taken apart both by its groups and its dilation, and padded."""
    return groups > 1 and max(dilation) > 2 and any(padding)


def chooses_in_another_shape(texts: Sequence[str]) -> bool:
    """True if a graph has linear layers and choices, whose operands may be read in the shape of the layer."""
    return any("F.linear" in text for text in texts) and any(
        choice in text for text in texts for choice in ("torch.where", "torch.masked_fill")
    )


def chooses_in_part(stream: Stream) -> bool:
    """True if a choice repeats one of its operands, and then not all of that is read."""
    unread: dict[tuple[int, int], int] = {}
    for command in commands(stream):
        if command.name != "ELEMENTWISE":
            continue
        size = output_stage.size(command)
        for which in ("IFM", "IFM2"):
            fm = precision.feature_map(command, which)
            place = fm.region, fm.bases[0]
            read = math.prod(broadcast_shape(command, which, size))
            if fm.storage == Storage.TILE2X2 and read < unread.pop(place, 0):
                return True
        sides = command.registers.get("IFM_BROADCAST", 0) | command.registers.get("IFM2_BROADCAST", 0)
        out = precision.feature_map(command, "OFM")
        chooses = command.parameter in (ElementwiseMode.AND, ElementwiseMode.AND_NOT)
        if chooses and out.storage == Storage.TILE2X2 and sides & (Broadcast.H | Broadcast.W | Broadcast.C):
            unread[out.region, out.bases[0]] = math.prod(size)
    return bool(unread)


def clamps_in_another_shape(stream: Stream) -> bool:
    """True if an operator on elements writes its rows in another shape than it reads them."""
    return any(True for _ in miscompiled.reshaped(stream))


def drops_an_axis(stream: Stream) -> bool:
    """True if an operator on elements repeats some of the values of a map that has as many as its output."""
    return any(True for _ in miscompiled.squeezed(stream))


def pads_its_input(stream: Stream) -> bool:
    """True if windows at the end of an input meet nothing but padding: what should be read there is taken for zero."""
    return any(True for _ in miscompiled.padded(stream))


def may_lack_channels(stream: Stream) -> bool:
    """True if a convolution that is permuted on its way out runs twice, with other channels than columns."""
    last: dict[str, int] = {}
    for command in commands(stream):
        registers = command.registers
        permuted = registers.get("OFM_PRECISION", 0) & PERMUTED
        twice = command.name == "CONV" and registers == last
        if twice and permuted and registers.get("OFM_DEPTH_M1") != registers.get("OFM_WIDTH_M1"):
            return True
        last = dict(registers) if command.name == "CONV" else {}
    return False


def loses_a_table(stream: Stream) -> bool:
    """True if a lookup table is loaded over one that nothing has used."""
    unused: list[range] = []
    for command in commands(stream):
        registers = command.registers
        if command.name == "DMA_START":
            if registers.get("DMA0_DST_REGION", 0) & TABLES:
                place = range(registers["DMA0_DST"], registers["DMA0_DST"] + registers["DMA0_LEN"])
                if any(place.start < one.stop and one.start < place.stop for one in unused):
                    return True
                unused.append(place)
        elif registers.get("ACTIVATION", 0) & 0x1F >= LOOKUP:
            unused.clear()
    return False


def shifts_left(command: Command) -> bool:
    """True if a command of an Ethos-U55 shifts left: it saturates, where TOSA's result loses its upper bits."""
    return command.label == "ELEMENTWISE SHL"


def narrows(command: Command) -> bool:
    """True if a command of an Ethos-U55 does nothing but cast to a narrower type: as `shifts_left`."""
    if command.label != "ELEMENTWISE ADD" or command.registers.get("OFM_SCALE", 1) != 1:
        return False
    ifm, ofm = (precision_u55.feature_map(command, which).dtype.itemsize for which in ("IFM", "OFM"))
    return ifm > ofm


def mixes_accumulators(stream: Stream) -> bool:
    """True if a command goes on with accumulators of another depth than its own."""
    kept: int | None = None
    for command in commands(stream):
        if command.name not in ("CONV", "DEPTHWISE", "POOL"):
            continue
        depth = command.registers.get("OFM_DEPTH_M1", 0)
        if accumulators.source(command) == AccumulatorInput.KEEP and kept not in (None, depth):
            return True
        kept = depth if accumulators.are_kept(command) else None
    return False
