"""Cycles of a U55 or U65, from the command stream alone: an estimate, never a measurement.

The model is that of the compiler (Vela 5.1, regor's EthosU55Performance, which serves both).
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from tui.simulator.ethosu import costs, output_stage, transfers, work
from tui.simulator.ethosu.costs import NOTHING, Cost, Work
from tui.simulator.ethosu.memory_ports import Ports
from tui.simulator.ethosu.passes import Pass, blocks, elements, elementwise_mode, is_binary, pool_mode, smaller
from tui.simulator.ethosu.registers import ElementwiseMode, PoolMode, bits
from tui.simulator.ethosu.stream import Command, Stream
from tui.simulator.ethosu.weights import SUBKERNEL
from tui.simulator.ethosu55 import matmul, passes, traffic, transposes
from tui.simulator.ethosu55.registers import NO_FUNCTION
from tui.simulator.ethosu55.weights import GROUP

OUTPUT_CYCLES = {
    32: (2.0, 3.0, 3.0, 3.0, 6.0, 1.0, 2.0),
    64: (1.0, 1.5, 1.5, 1.5, 3.0, 0.5, 1.0),
    128: (0.75, 1.25, 0.75, 0.75, 1.5, 0.25, 0.5),
    256: (0.625, 1.125, 0.5, 0.375, 0.75, 0.125, 0.25),
    512: (0.3125, 0.5625, 0.25, 0.1875, 0.375, 0.0625, 0.125),
}
"""Cycles of the output stage per element by MACs: 32-bit operations with one input and with two; products to 32 bits;
other products, and accumulators of 40 bits; sums and differences; maxima; all else."""

TABLE_CYCLES = {32: 1.0, 64: 1.0, 128: 1.0, 256: 1.0, 512: 0.5}
"""Cycles of a table per element by MACs: Vela 5.1 counts them where there is none, too."""

CLIP_CYCLES = {32: 1.0, 64: 1.0, 128: 0.5, 256: 0.25, 512: 0.125}
"""Cycles of an activation that clips, likewise."""

SMALLEST = 32
"""MACs of the size whose accumulators are waited for longer."""


def _wide_accumulator(command: Command) -> bool:
    return bits(command.registers.get("ACC_FORMAT", 0), 0, 2) == 1


def _output_cycles(p: Pass) -> float:
    """Cycles of the output stage for one element."""
    command, mode = p.command, elementwise_mode(p.command)
    if mode is not None and p.ifm.dtype.itemsize == 4:
        index = 1 if is_binary(command) else 0
    elif mode == ElementwiseMode.MUL:
        index = 2 if p.ofm.dtype.itemsize == 4 else 3
    elif mode is None and _wide_accumulator(command):
        index = 3
    elif mode in (ElementwiseMode.ADD, ElementwiseMode.SUB):
        index = 4
    elif command.name == "POOL" and pool_mode(command) == PoolMode.MAX:
        index = 5
    else:
        index = 6
    return max(OUTPUT_CYCLES[p.macs][index], (CLIP_CYCLES if _clips(p) else TABLE_CYCLES)[p.macs])


def _clips(p: Pass) -> bool:
    """Tell if ACTIVATION_MIN and ACTIVATION_MAX are narrower than the OFM's type."""
    kind = p.ofm.dtype
    if kind.itemsize > 2 or bits(p.command.registers.get("ACTIVATION", 0), 0, 12) != NO_FUNCTION:
        return False
    low, high = output_stage.clip_range(p.command, kind.kind == "i")
    return low > np.iinfo(kind).min or high < np.iinfo(kind).max


def _delay(p: Pass, units: tuple[int, int, int], steps: int) -> int:
    """Cycles the accumulator is waited for."""
    wide = _wide_accumulator(p.command)
    if p.macs > SMALLEST:
        return work.delay(units, steps, 3 if wide and p.macs <= 128 else 2)
    each = 7 if wide else 3
    cycles = work.delay(units, steps, each)
    if wide and units[2] > 1 and 1 in units[:2]:
        cycles += each * units[2]
    return cycles


def _block_cycles(p: Pass) -> int:
    """Cycles of the MAC array for one block of OFM."""
    command, k = p.command, p.kernel
    size = p.ifm.dtype.itemsize
    ifm_block = smaller(p.ifm_shape, p.ifm_block)
    units = blocks(smaller(p.ofm_shape, p.ofm_block), p.ublock)
    area = units[0] * units[1]
    each = max(32 * p.ublock[2] // 8, 4 * area)
    bricks = -(-ifm_block[2] // GROUP)
    total = 0
    for left in range(0, k.width, SUBKERNEL):
        for top in range(0, k.height, SUBKERNEL):
            taps = min(k.height - top, SUBKERNEL) * min(k.width - left, SUBKERNEL)
            repeated = 1
            if command.name == "POOL" and not p.reduces:
                steps = 1
                cycles = max(4, taps) * elements(units) * (4 * size if p.macs > SMALLEST else 1)
            elif command.name == "DEPTHWISE":
                steps = -(-taps // 4)
                cycles = max(32 * p.ublock[2] // 8, 4 * area * size) * steps * units[2]
            elif command.name == "CONV" and k.part_kernel:
                steps, repeated = -(-taps // (2 if size == 2 else 4)), bricks
                cycles = each * steps * units[2] * bricks
            else:
                steps = taps
                cycles = each * steps * units[2]
            total += cycles + _delay(p, units, steps) * repeated
    if p.reduces:
        total *= -(-p.ifm_shape[2] // max(1, ifm_block[2]))
    return total // p.cores


def _work(p: Pass, ports: Ports, before: Pass | None = None) -> Work:
    """Work of a pass; `before` it comes another one."""
    if p.uses_macs:
        follows = before is not None and passes.follows(before, p)
        return work.of_macs(p, _block_cycles(p), _output_cycles(p), ports, follows=follows)
    read = work.block_read(p, ports, p.ifm, p.ifm_shape)
    if (second := passes.second_input(p.command)) is not None:
        read = max(read, work.block_read(p, ports, *second))
    return work.of_elements(p, _output_cycles(p), read, ports)


def _of_pass(p: Pass, before: Pass | None, ports: Ports) -> Cost:
    moved = tuple(traffic.of_pass(p, ports))
    access = transfers.access_cycles(moved, traffic.speed)
    return Cost(p.commands, _work(p, ports, before), work.multiplications(p), p.macs, moved, access)


def _of_transpose(group: Sequence[Pass], ports: Ports) -> Cost:
    moved = transposes.traffic(group, ports)
    cycles = transfers.copy_cycles(moved, traffic.speed)
    access = transfers.access_cycles(moved, traffic.speed)
    return Cost(_commands(group), Work(cycles, 0, NOTHING, cycles), 0, group[0].macs, moved, access, repeats=len(group))


def _of_matmul(group: Sequence[Pass], ports: Ports) -> Cost:
    moved = tuple(one for p in group for one in traffic.of_pass(p, ports, repeats=False))
    access = transfers.access_cycles(moved, traffic.speed)
    parts = [_work(p, ports) for p in matmul.reckoned(group)]
    cycles, mac_cycles, edges = (sum(getattr(one, name) for one in parts) for name in ("cycles", "mac_cycles", "edges"))
    whole = Work(cycles, mac_cycles, parts[0].limit, edges)
    macs = sum(map(work.multiplications, group))
    return Cost(_commands(group), whole, macs, group[0].macs, moved, access, repeats=len(group) // 2)


def _commands(group: Sequence[Pass]) -> tuple[Command, ...]:
    return tuple(p.command for p in group)


def _costs(stream: Stream, ports: Ports) -> Iterator[Cost]:
    """Costs of passes; those of a transpose or of a matrix multiplication have one."""
    found, at = list(passes.passes(stream)), 0
    while at < len(found):
        p, before = found[at], found[at - 1] if at else None
        if count := transposes.run(found, at):
            cost = partial(_of_transpose, found[at : at + count], ports)
        elif count := matmul.run(found, at):
            cost = partial(_of_matmul, found[at : at + count], ports)
        else:
            count, cost = 1, partial(_of_pass, p, before, ports)
        yield costs.known(p.command, cost)
        at += count


def estimate(stream: Stream, ports: Ports) -> list[Cost]:
    """The cost of each pass and each DMA_START, in the order of the stream.

    Raises:
        CommandStreamError: a command refers to a memory that is not in `ports`, or cannot be understood.
    """
    return costs.with_copies(stream, _costs(stream, ports), ports, traffic.speed)
