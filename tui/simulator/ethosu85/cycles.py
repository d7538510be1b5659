"""Cycles of the NPU, from the command stream alone: an estimate, never a measurement.

The model is that of the compiler (Vela 5.1, regor's EthosU85Performance). Where a memory needs longer for all that a
pass moves, the pass waits for it.
"""

from functools import partial

from tui.simulator.ethosu import costs, transfers, work
from tui.simulator.ethosu.costs import NOTHING, Cost, Work
from tui.simulator.ethosu.memory_ports import Port, Ports
from tui.simulator.ethosu.passes import Pass, blocks, elements, elementwise_mode, is_binary, smaller
from tui.simulator.ethosu.registers import ElementwiseMode, Storage, bits
from tui.simulator.ethosu.stream import Command, Stream
from tui.simulator.ethosu.transfers import Channel, Speed
from tui.simulator.ethosu.weights import SUBKERNEL
from tui.simulator.ethosu85 import channels, passes, precision, traffic
from tui.simulator.ethosu85.registers import Activation, Reverse, Transpose

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
SWAPPING = (Transpose.WHC, Transpose.WCH, Transpose.CWH)


def _output_cycles(command: Command, macs: int) -> float:
    """Cycles of the output stage for one element of a command."""
    ofm, ifm = precision.feature_map(command, "OFM"), passes.input_map(command)
    to, of = 8 * ofm.dtype.itemsize, 8 * ifm.dtype.itemsize
    if elementwise_mode(command) == ElementwiseMode.DIV:
        return DIVISION_CYCLES
    if ofm.storage == Storage.CHAINED and 32 in (to, of):
        index = 4
    elif to == 64:
        index = 3
    elif is_binary(command) and of == 32:
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


def _mac_block_cycles(p: Pass) -> int:
    """Cycles of the MAC array for one block of OFM."""
    command, k = p.command, p.kernel
    element = 8 * p.ifm.dtype.itemsize
    ifm_block, ofm_block = smaller(p.ifm_shape, p.ifm_block), smaller(p.ofm_shape, p.ofm_block)
    units = blocks(ofm_block, p.ublock)
    area = units[0] * units[1]
    weight_cycles = 32 * p.ublock[2] // (8 * p.cores)
    part_kernel = command.name == "CONV" and k.part_kernel
    bricks = -(-ifm_block[2] // 8)
    total = 0
    for left in range(0, k.width, SUBKERNEL):
        for top in range(0, k.height, SUBKERNEL):
            taps = min(k.height - top, SUBKERNEL) * min(k.width - left, SUBKERNEL)
            if command.name == "POOL" and not p.reduces:
                steps = 1
                cycles = max(4, taps) * elements(units) * (element // 2)
            elif command.name == "DEPTHWISE":
                steps = -(-taps // 4)
                cycles = max(weight_cycles, 4 * area * (element // 8)) * steps * units[2]
            elif part_kernel:
                steps = -(-taps // (2 if element == 16 else 4))
                cycles = max(weight_cycles, 4 * area) * steps * units[2] * bricks >> p.sparse
            else:
                steps = taps
                cycles = max(weight_cycles, ifm_block[2] // 8 * area) * steps * units[2] * (element // 8) >> p.sparse
            total += cycles + work.delay(units, steps, _accumulator_wait(p)) * (bricks if part_kernel else 1)
    if p.reduces:
        total *= -(-p.ifm_shape[2] // max(1, ifm_block[2]))
    return total


def _accumulator_wait(p: Pass) -> int:
    return 3 if bits(p.command.registers.get("ACC_FORMAT", 0), 0, 2) == 1 and p.macs <= 128 else 2


def _work(p: Pass, ports: Ports) -> Work:
    if p.command.name == "RESIZE":
        return Work(0, 0, NOTHING)
    output_cycles = sum(_output_cycles(member, p.macs) for member in p.commands)
    if p.uses_macs:
        return work.of_macs(p, _mac_block_cycles(p), output_cycles, ports)
    return work.of_elements(p, output_cycles, work.block_read(p, ports, p.ifm, p.ifm_shape), ports)


def _speed(macs: int) -> Speed:
    def speed(port: Port, channel: Channel) -> float:
        return channels.speed(port, channel, macs)

    return speed


def _of_pass(p: Pass, ports: Ports) -> Cost:
    moved = traffic.of_pass(p, ports)
    access = transfers.access_cycles(moved, _speed(p.macs))
    return Cost(p.commands, _work(p, ports), work.multiplications(p), p.macs, moved, access)


def estimate(stream: Stream, ports: Ports) -> list[Cost]:
    """The cost of each pass and each DMA_START, in the order of the stream, branches not followed.

    Raises:
        CommandStreamError: a command refers to a memory that is not in `ports`, or cannot be understood.
    """
    found = (costs.known(p.command, partial(_of_pass, p, ports)) for p in passes.passes(stream))
    return costs.with_copies(stream, found, ports, _speed(stream.macs_per_cycle))
