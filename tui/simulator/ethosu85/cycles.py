"""Cycles of the NPU, from the command stream alone: an estimate, never a measurement.

The model is that of the compiler (Vela 5.1, regor's EthosU85Performance): a block of the OFM takes as long as the MAC
array or the output stage needs for it, whichever is longer, or as commands can be issued; the first block's reading and
the last block's writing are added. Where a memory needs longer for all that a pass moves, the pass waits for it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.registers import ElementwiseMode, Storage, bits
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu.weights import SUBKERNEL
from tui.simulator.ethosu85 import memory_ports, passes, precision, traffic
from tui.simulator.ethosu85.memory_ports import Ports, Shape
from tui.simulator.ethosu85.passes import Pass
from tui.simulator.ethosu85.registers import CORES, Activation, Reverse, Transpose
from tui.simulator.ethosu85.traffic import Transfer

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

MAC_ARRAY, OUTPUT_STAGE, ISSUING, NOTHING = "MAC array", "output stage", "command issue", "nothing"


@dataclass(frozen=True)
class Work:
    """Work of the NPU itself in a pass: cycles in all and of the MAC array, and the part of the NPU they are for."""

    cycles: int
    mac_cycles: int
    limit: str
    edges: int = 0
    """Share of `cycles` in which the first block is read and the last one written."""


@dataclass(frozen=True, eq=False)
class Cost:
    """Cost of a pass (commands that are chained run as one), or of a DMA_START, which runs beside passes."""

    commands: tuple[Command, ...]
    work: Work
    macs: int
    """Multiply-accumulates done."""
    macs_per_cycle: int
    traffic: tuple[Transfer, ...]
    access: Mapping[str, int]
    """Cycles each memory needs for the traffic, by its name."""
    copy_cycles: int = 0
    """Cycles of a DMA_START; 0 for a pass."""

    @property
    def command(self) -> Command:
        """The first command, which decides the blocks."""
        return self.commands[0]

    @property
    def cycles(self) -> int:
        """Cycles of the NPU's own work, without waiting for memory; 0 of a DMA_START or RESIZE."""
        return self.work.cycles

    @cached_property
    def total(self) -> int:
        """Cycles until it is done: those of the NPU, or of the memory that needs longer."""
        return max(self.work.cycles, self.copy_cycles, *self.access.values())

    @property
    def bound_by(self) -> str:
        """The bottleneck that decides `total`: a part of the NPU, or a memory by its name."""
        memory = max(self.access, key=lambda name: self.access[name], default=None)
        if memory is None or self.work.cycles - self.work.edges >= max(self.access[memory], self.copy_cycles):
            return self.work.limit
        return memory

    @property
    def utilization(self) -> float:
        """Share of the MACs there are in `total` that do something, 0 to 1."""
        return self.macs / (self.total * self.macs_per_cycle) if self.total else 0.0


def _output_cycles(command: Command, macs: int) -> float:
    """Cycles of the output stage for one element of a command."""
    ofm, ifm = precision.feature_map(command, "OFM"), passes.input_map(command)
    to, of = 8 * ofm.dtype.itemsize, 8 * ifm.dtype.itemsize
    if passes.elementwise_mode(command) == ElementwiseMode.DIV:
        return DIVISION_CYCLES
    if ofm.storage == Storage.CHAINED and 32 in (to, of):
        index = 4
    elif to == 64:
        index = 3
    elif passes.is_binary(command) and of == 32:
        index = 5 if to == 32 else 4
    else:
        index = {8: 0, 16: 1, 32: 2}[to]
    cycles = OUTPUT_CYCLES[macs][index]
    form = precision.output_format(command)
    function = bits(command.registers.get("ACTIVATION", 0), 0, 5)
    if function != Activation.NONE or form.transpose != Transpose.HWC or form.reverse != Reverse.NONE:
        slow = form.transpose in SWAPPING or form.reverse == Reverse.W
        cycles = max(cycles, ACTIVATION_CYCLES[macs][slow])
    return cycles


def _first_block(p: Pass, ports: Ports) -> int:
    """Cycles until the first block of IFM is there."""
    port = ports[p.ifm.region if p.ifm.storage == Storage.TILE2X2 else 1]
    moved = passes.elements(passes.smaller(p.ifm_shape, p.ifm_block)) * p.ifm.dtype.itemsize
    bus = memory_ports.bus_bytes(port, moved, memory_ports.read_burst(p.ifm, p.ifm_block, p.ifm_shape))
    return int(port.read_latency + int(bus / port.bandwidth))


def _last_block(p: Pass, ports: Ports) -> int:
    """Cycles until a block of OFM is written."""
    port = ports[p.ofm.region if p.ofm.storage == Storage.TILE2X2 else 1]
    moved = passes.elements(passes.smaller(p.ofm_shape, p.ofm_block)) * p.ofm.dtype.itemsize
    bus = memory_ports.bus_bytes(port, moved, memory_ports.write_burst(p.ofm, p.ofm_block, p.ofm_shape, p.macs))
    return int(port.write_latency + int(bus / port.bandwidth))


def _mac_block_cycles(p: Pass) -> int:
    """Cycles of the MAC array for one block of OFM."""
    command, k = p.command, p.kernel
    element = 8 * p.ifm.dtype.itemsize
    ifm_block, ofm_block = passes.smaller(p.ifm_shape, p.ifm_block), passes.smaller(p.ofm_shape, p.ofm_block)
    units = passes.blocks(ofm_block, p.ublock)
    area = units[0] * units[1]
    weight_cycles = 32 * p.ublock[2] // (8 * CORES[p.macs])
    part_kernel = command.name == "CONV" and k.part_kernel
    bricks = -(-ifm_block[2] // 8)
    total = 0
    for left in range(0, k.width, SUBKERNEL):
        for top in range(0, k.height, SUBKERNEL):
            taps = min(k.height - top, SUBKERNEL) * min(k.width - left, SUBKERNEL)
            if command.name == "POOL" and not p.reduces:
                steps = 1
                cycles = max(4, taps) * passes.elements(units) * (element // 2)
            elif command.name == "DEPTHWISE":
                steps = -(-taps // 4)
                cycles = max(weight_cycles, 4 * area * (element // 8)) * steps * units[2]
            elif part_kernel:
                steps = -(-taps // (2 if element == 16 else 4))
                cycles = max(weight_cycles, 4 * area) * steps * units[2] * bricks >> p.sparse
            else:
                steps = taps
                cycles = max(weight_cycles, ifm_block[2] // 8 * area) * steps * units[2] * (element // 8) >> p.sparse
            total += cycles + _delay(p, units, steps) * (bricks if part_kernel else 1)
    if p.reduces:
        total *= -(-p.ifm_shape[2] // max(1, ifm_block[2]))
    return total


def _delay(p: Pass, units: Shape, steps: int) -> int:
    """Cycles the accumulator is waited for where a block has a single micro-block to work on."""
    wide = bits(p.command.registers.get("ACC_FORMAT", 0), 0, 2) == 1
    delay = 3 if wide and p.macs <= 128 else 2
    if units[0] * units[1] != 1:
        return 0
    return delay * steps if units[2] == 1 else delay * (steps - 1) * units[2]


def _mac_work(p: Pass, output_cycles: float, ports: Ports) -> Work:
    r = p.command.registers
    ofm_block = passes.smaller(p.ofm_shape, p.ofm_block)
    units = passes.elements(passes.blocks(ofm_block, p.ublock))
    count = passes.elements(passes.blocks(p.ofm_shape, p.ublock)) / units
    out = float(math.ceil(output_cycles * passes.elements(ofm_block)))
    if p.has_constants and r.get("SCALE_LENGTH", 0):
        constants = ports[r.get("SCALE_REGION", 0)]
        out = max(out, 10 * ofm_block[2] * constants.read_latency / 256)
    mac = float(_mac_block_cycles(p))
    active = int(mac * count)
    read, write = _first_block(p, ports), _last_block(p, ports)
    issue = ((abs(write - read) if count > 1 else 0) + mac + out) / ISSUE
    limit = ISSUING if issue > max(mac, out) else MAC_ARRAY if mac > out else OUTPUT_STAGE
    mac, out = max(mac, issue), max(out, issue)
    total = int(mac * count) + out if mac > out else out * count + mac
    return Work(int(total) + read + write, active, limit, read + write)


def _elementwise_work(p: Pass, output_cycles: float, ports: Ports) -> Work:
    height, width, depth = p.ofm_shape
    elements = height * width * (-(-depth // 16) * 16 if p.ofm.bricks else depth)
    out = math.ceil(output_cycles * elements)
    block = max(_first_block(p, ports), _last_block(p, ports))
    issue = math.ceil((block / passes.elements(p.ofm_block) + output_cycles) / ISSUE * elements)
    return Work(max(out, issue), 0, OUTPUT_STAGE if out >= issue else ISSUING)


def _work(p: Pass, ports: Ports) -> Work:
    if p.command.name == "RESIZE":
        return Work(0, 0, NOTHING)
    output_cycles = sum(_output_cycles(member, p.macs) for member in p.commands)
    work = _mac_work if p.uses_macs else _elementwise_work
    return work(p, output_cycles, ports)


def _macs(p: Pass) -> int:
    if not p.uses_macs:
        return 0
    total = p.kernel.height * p.kernel.width * passes.elements(p.ofm_shape)
    return (total * p.ifm_shape[2] if p.reduces else total) >> p.sparse


def _of_pass(p: Pass, ports: Ports) -> Cost:
    moved = traffic.of_pass(p, ports)
    return Cost(p.commands, _work(p, ports), _macs(p), p.macs, moved, traffic.access_cycles(moved, p.macs))


def _of_copy(command: Command, macs: int, ports: Ports) -> Cost:
    moved = traffic.of_copy(command, ports)
    access = traffic.access_cycles(moved, macs)
    return Cost((command,), Work(0, 0, NOTHING), 0, macs, moved, access, traffic.copy_cycles(moved, macs))


def _known(command: Command, cost: Callable[[], Cost]) -> Cost:
    try:
        return cost()
    except KeyError as error:
        raise CommandStreamError(f"{command}: no memory is known behind region {error}") from error


def estimate(stream: Stream, ports: Ports) -> list[Cost]:
    """The cost of each pass and each DMA_START, in the order of the stream, branches not followed.

    Raises:
        CommandStreamError: a command refers to a memory that is not in `ports`, or cannot be understood.
    """
    macs = stream.macs_per_cycle
    copies = [c for c in commands(stream) if c.name == "DMA_START"]
    costs = [_known(c, partial(_of_copy, c, macs, ports)) for c in copies]
    costs += [_known(p.command, partial(_of_pass, p, ports)) for p in passes.passes(stream)]
    return sorted(costs, key=lambda cost: cost.command.index)
