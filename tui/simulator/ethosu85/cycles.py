"""How many cycles the NPU takes, from the command stream alone: an estimate, never a measurement.

The model is that of the compiler (Vela 5.1, regor's EthosU85Performance): a block of the OFM takes as long as the MAC
array or the output stage needs for it, whichever is longer, or as commands can be issued; the first block's reading and
the last block's writing are added. Cycles spent waiting for memory beyond that are not part of it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tui.simulator.ethosu85 import feature_map, kernel, output
from tui.simulator.ethosu85.errors import CommandStreamError
from tui.simulator.ethosu85.feature_map import FeatureMap
from tui.simulator.ethosu85.kernel import Kernel
from tui.simulator.ethosu85.registers import (
    CORES,
    DEFAULT_UBLOCK_DEPTH,
    MICROBLOCKS,
    UBLOCK_DEPTHS,
    Activation,
    ElementwiseMode,
    PoolMode,
    Reverse,
    Storage,
    Transpose,
    bits,
)
from tui.simulator.ethosu85.stream import Command, Stream, commands
from tui.simulator.ethosu85.weights import SUBKERNEL, geometry

Shape = tuple[int, int, int]
"""Height, width, channels."""

OUTPUT_CYCLES = {
    128: (0.5, 0.5, 0.5, 1.0, 1.0, 1.0),
    256: (0.25, 0.25, 0.25, 0.5, 0.5, 0.5),
    512: (0.125, 0.125, 0.25, 0.5, 0.25, 0.25),
    1024: (0.0625, 0.125, 0.25, 0.5, 0.125, 0.25),
    2048: (0.03125, 0.0625, 0.125, 0.25, 0.0625, 0.125),
}
"""Cycles of the output stage per element by MACs: to 8, 16, 32 and 64 bits; from 32 bits to fewer; from 32 to 32."""

ACTIVATION_CYCLES = {
    128: (0.5, 1.0),
    256: (0.25, 0.5),
    512: (0.125, 0.25),
    1024: (0.0625, 0.125),
    2048: (0.03125, 0.0625),
}
"""Cycles of an activation or transpose per element by MACs: as a rule, and where rows become columns."""

DIVISION_CYCLES = 33.0
ISSUE = 4
"""Blocks in flight over which issuing a command is spread."""

SWAPPING = (Transpose.WHC, Transpose.WCH, Transpose.CWH)


@dataclass(frozen=True)
class Port:
    """A memory as the NPU sees it: latencies in cycles, longest burst in bytes, bytes a cycle."""

    read_latency: float
    write_latency: float
    burst: int
    bandwidth: float


@dataclass(frozen=True)
class Cost:
    """What a group of commands takes that is executed in one pass (one, or several that are chained)."""

    command: Command
    """The first of the group, which decides its blocks."""
    cycles: int
    macs: int


Ports = dict[int, Port]
"""The memory behind each region."""


def _groups(stream: Stream) -> Iterator[list[Command]]:
    """Commands that are chained, together."""
    group: list[Command] = []
    for command in commands(stream):
        if command.name in ("STOP", "BRANCH", "DMA_START"):
            continue
        group.append(command)
        if feature_map.from_registers(command, "OFM").storage != Storage.CHAINED:
            yield group
            group = []
    if group:
        yield group


def _input(command: Command) -> FeatureMap:
    """The map a command reads: POOL NONE takes its values from IFM2, its IFM is nothing."""
    none = command.name == "POOL" and bits(command.parameter, 0, 3) == PoolMode.NONE
    return feature_map.from_registers(command, "IFM2" if none else "IFM")


def _output_cycles(command: Command, macs: int) -> float:
    """Cycles of the output stage for one element of a command."""
    ofm, ifm = feature_map.from_registers(command, "OFM"), _input(command)
    to, of = 8 * ofm.dtype.itemsize, 8 * ifm.dtype.itemsize
    mode = bits(command.parameter, 0, 6) if command.name == "ELEMENTWISE" else None
    if mode == ElementwiseMode.DIV:
        return DIVISION_CYCLES
    binary = mode is not None and mode not in (ElementwiseMode.ABS, ElementwiseMode.CLZ, ElementwiseMode.NOT)
    if ofm.storage == Storage.CHAINED and 32 in (to, of):
        index = 4
    elif to == 64:
        index = 3
    elif binary and of == 32:
        index = 5 if to == 32 else 4
    else:
        index = {8: 0, 16: 1, 32: 2}[to]
    cycles = OUTPUT_CYCLES[macs][index]
    form = feature_map.output_format(command)
    function = bits(command.registers.get("ACTIVATION", 0), 0, 5)
    if function != Activation.NONE or form.transpose != Transpose.HWC or form.reverse != Reverse.NONE:
        slow = form.transpose in SWAPPING or form.reverse == Reverse.W
        cycles = max(cycles, ACTIVATION_CYCLES[macs][slow])
    return cycles


def _transfer(port: Port, fm: FeatureMap, block: Shape, shape: Shape, elements: int, *, read: bool) -> int:
    """Bytes of bus time that `elements` of a map take, short bursts counted as long ones."""
    element = 8 * fm.dtype.itemsize
    if fm.bricks:
        whole = shape[1] * element * 16 // 8 == block[2]
        burst = element * block[1] * block[2] if whole else 16 * element * block[1]
    else:
        dense = shape[2] * element // 8 == block[2]
        if read:
            burst = element * block[1] * block[2] if dense else element * block[2]
        elif block[2] <= 16 and dense:
            burst = element * block[1] * block[2]
        else:
            burst = min(64 * 8, 16 * element, block[2] * element)
    length = max(1, min(port.burst, burst // 8))
    return elements * element // 8 * port.burst // length


def _smaller(a: Shape, b: Shape) -> Shape:
    return min(a[0], b[0]), min(a[1], b[1]), min(a[2], b[2])


def _elements(shape: Shape) -> int:
    return shape[0] * shape[1] * shape[2]


def _blocks(shape: Shape, unit: Shape) -> Shape:
    """How many of `unit` cover `shape` along each axis."""
    return -(-shape[0] // unit[0]), -(-shape[1] // unit[1]), -(-shape[2] // unit[2])


@dataclass(frozen=True)
class _Pass:
    """The shapes of one pass."""

    macs: int
    ifm: FeatureMap
    ofm: FeatureMap
    ifm_shape: Shape
    ofm_shape: Shape
    ifm_block: Shape
    ofm_block: Shape
    ublock: Shape

    def read_cycles(self, ports: Ports) -> int:
        """Cycles until the first block of IFM is there."""
        port = ports[self.ifm.region if self.ifm.storage == Storage.TILE2X2 else 1]
        elements = _elements(_smaller(self.ifm_shape, self.ifm_block))
        moved = _transfer(port, self.ifm, self.ifm_block, self.ifm_shape, elements, read=True)
        return int(port.read_latency + int(moved / port.bandwidth))

    def write_cycles(self, ports: Ports) -> int:
        """Cycles until a block of OFM is written."""
        port = ports[self.ofm.region if self.ofm.storage == Storage.TILE2X2 else 1]
        elements = _elements(_smaller(self.ofm_shape, self.ofm_block))
        moved = _transfer(port, self.ofm, self.ofm_block, self.ofm_shape, elements, read=False)
        return int(port.write_latency + int(moved / port.bandwidth))


def _ublock(command: Command, macs: int) -> Shape:
    code = bits(command.registers.get("ACC_FORMAT", 0), 8, 3)
    if code >= len(MICROBLOCKS):
        raise command.error(f"unknown micro-block {code}")
    height, width = MICROBLOCKS[code]
    return height, width, UBLOCK_DEPTHS[macs].get((height, width), DEFAULT_UBLOCK_DEPTH[macs])


def _pass(command: Command, macs: int, k: Kernel) -> _Pass:
    r = command.registers
    ifm, ofm = _input(command), feature_map.from_registers(command, "OFM")
    before = output.size(command)
    # The compiler reckons with the shape as it lies in memory, after a transpose.
    axes = ["HWC".index(axis) for axis in feature_map.output_format(command).transpose.name]
    shape = before[axes[0]], before[axes[1]], before[axes[2]]
    block = (
        r.get("OFM_BLK_HEIGHT_M1", 0) + 1,
        r.get("OFM_BLK_WIDTH_M1", 0) + 1,
        r.get("OFM_BLK_DEPTH_M1", 0) + 1,
    )
    if command.name in ("ELEMENTWISE", "RESIZE"):
        return _Pass(macs, ifm, ofm, shape, shape, block, block, _ublock(command, macs))
    rows, columns = k.input_size(before[0], before[1])
    depth = r.get("IFM_DEPTH_M1", 0) + 1
    reduces = command.name == "CONV" or bits(command.parameter, 0, 3) == PoolMode.REDUCE_SUM
    block_depth = block[2]
    if command.name == "CONV" or (command.name == "POOL" and reduces):
        block_depth = geometry(command, macs, before[2], depth, 8 * ifm.dtype.itemsize, k).ifm_block_depth
    else:
        depth = before[2]
    ifm_block = (
        (block[0] - 1) * k.stride_y + min(k.span_y, SUBKERNEL),
        (block[1] - 1) * k.stride_x + min(k.span_x, SUBKERNEL),
        block_depth,
    )
    return _Pass(
        macs, ifm, ofm, (max(rows, 1), max(columns, 1), depth), shape, ifm_block, block, _ublock(command, macs)
    )


def _mac_block_cycles(command: Command, p: _Pass, k: Kernel) -> int:
    """Cycles of the MAC array for one block of OFM."""
    element = 8 * p.ifm.dtype.itemsize
    ifm_block, ofm_block = _smaller(p.ifm_shape, p.ifm_block), _smaller(p.ofm_shape, p.ofm_block)
    units = _blocks(ofm_block, p.ublock)
    area = units[0] * units[1]
    weight_cycles = 32 * p.ublock[2] // (8 * CORES[p.macs])
    sparse = bits(command.registers.get("WEIGHT_FORMAT", 0), 4)
    reduces = command.name == "POOL" and bits(command.parameter, 0, 3) == PoolMode.REDUCE_SUM
    part_kernel = command.name == "CONV" and k.part_kernel
    bricks = -(-ifm_block[2] // 8)
    total = 0
    for left in range(0, k.width, SUBKERNEL):
        for top in range(0, k.height, SUBKERNEL):
            taps = min(k.height - top, SUBKERNEL) * min(k.width - left, SUBKERNEL)
            if command.name == "POOL" and not reduces:
                steps = 1
                cycles = max(4, taps) * _elements(units) * (element // 2)
            elif command.name == "DEPTHWISE":
                steps = -(-taps // 4)
                cycles = max(weight_cycles, 4 * area * (element // 8)) * steps * units[2]
            elif part_kernel:
                steps = -(-taps // (2 if element == 16 else 4))
                cycles = max(weight_cycles, 4 * area) * steps * units[2] * bricks >> sparse
            else:
                steps = taps
                cycles = max(weight_cycles, ifm_block[2] // 8 * area) * steps * units[2] * (element // 8) >> sparse
            total += cycles + _delay(command, p, units, steps) * (bricks if part_kernel else 1)
    if command.name == "CONV" or reduces:
        total *= -(-p.ifm_shape[2] // max(1, ifm_block[2]))
    return total


def _delay(command: Command, p: _Pass, units: Shape, steps: int) -> int:
    """Cycles the accumulator is waited for where a block has a single micro-block to work on."""
    wide = bits(command.registers.get("ACC_FORMAT", 0), 0, 2) == 1
    delay = 3 if wide and p.macs <= 128 else 2
    if units[0] * units[1] != 1:
        return 0
    return delay * steps if units[2] == 1 else delay * (steps - 1) * units[2]


def _mac_cycles(command: Command, p: _Pass, k: Kernel, output_cycles: float, ports: Ports) -> int:
    ofm_block = _smaller(p.ofm_shape, p.ofm_block)
    count = _elements(_blocks(p.ofm_shape, p.ublock)) / _elements(_blocks(ofm_block, p.ublock))
    out = float(math.ceil(output_cycles * _elements(ofm_block)))
    if command.name in ("CONV", "DEPTHWISE") and command.registers.get("SCALE_LENGTH", 0):
        constants = ports[command.registers.get("SCALE_REGION", 0)]
        out = max(out, 10 * ofm_block[2] * constants.read_latency / 256)
    mac = float(_mac_block_cycles(command, p, k))
    read, write = p.read_cycles(ports), p.write_cycles(ports)
    issue = ((abs(write - read) if count > 1 else 0) + mac + out) / ISSUE
    mac, out = max(mac, issue), max(out, issue)
    total = int(mac * count) + out if mac > out else out * count + mac
    return int(total) + read + write


def _elementwise_cycles(p: _Pass, output_cycles: float, ports: Ports) -> int:
    height, width, depth = p.ofm_shape
    elements = height * width * (-(-depth // 16) * 16 if p.ofm.bricks else depth)
    out = math.ceil(output_cycles * elements)
    block = max(p.read_cycles(ports), p.write_cycles(ports))
    issue = math.ceil((block / _elements(p.ofm_block) + output_cycles) / ISSUE * elements)
    return max(out, issue)


def _macs(command: Command, p: _Pass, k: Kernel) -> int:
    if command.name in ("ELEMENTWISE", "RESIZE"):
        return 0
    total = k.height * k.width * _elements(p.ofm_shape)
    reduces = command.name == "CONV" or (
        command.name == "POOL" and bits(command.parameter, 0, 3) == PoolMode.REDUCE_SUM
    )
    sparse = bits(command.registers.get("WEIGHT_FORMAT", 0), 4)
    return (total * p.ifm_shape[2] if reduces else total) >> sparse


def estimate(stream: Stream, ports: Ports) -> list[Cost]:
    """The cost of each group of commands, in the order they run, branches not followed. RESIZE and DMA cost nothing.

    Raises:
        CommandStreamError: a command refers to a memory that is not in `ports`, or cannot be understood.
    """
    found = []
    for group in _groups(stream):
        command = group[0]
        try:
            k = kernel.from_registers(command)
            p = _pass(command, stream.macs_per_cycle, k)
            output_cycles = sum(_output_cycles(member, stream.macs_per_cycle) for member in group)
            if command.name == "RESIZE":
                cycles = 0
            elif command.name == "ELEMENTWISE":
                cycles = _elementwise_cycles(p, output_cycles, ports)
            else:
                cycles = _mac_cycles(command, p, k, output_cycles, ports)
        except KeyError as error:
            raise CommandStreamError(f"{command}: no memory is known behind region {error}") from error
        found.append(Cost(command, cycles, _macs(command, p, k)))
    return found
