"""Transposes: a POOL that moves each element to its place, or a row of them, one for each row or column of the map.

The compiler has one estimate for all of them together (Vela 5.1, regor's EthosU55Performance): that of moving the map
to and from memory. The hardware's own work for each command is not in it.
"""

from collections.abc import Sequence

from tui.simulator.ethosu import memory_ports, passes
from tui.simulator.ethosu.memory_ports import Ports
from tui.simulator.ethosu.passes import Pass
from tui.simulator.ethosu.registers import PoolMode
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.transfers import Channel, Transfer, transfer
from tui.simulator.ethosu55.passes import ifm_block_depth

MOVED = ("IFM_BASE0", "OFM_BASE0")
"""Registers that differ between the commands of a transpose."""

WIDEST, DEEPEST = 64, 128
"""Columns and channels of the largest block that is written."""


def _transposes(p: Pass) -> bool:
    """Tell if a pass does nothing but to exchange rows and columns."""
    command = p.command
    if command.name != "POOL" or passes.pool_mode(command) != PoolMode.AVERAGE or not p.kernel.is_point:
        return False
    return abs(p.ofm.stride_y) < abs(p.ofm.stride_x)


def _moved(before: Command, command: Command) -> tuple[int, int] | None:
    """By how much a command reads and writes beyond where the one before did; None where more differs."""
    a, b = before.registers, command.registers
    if command.index != before.index + 1 or any(
        a.get(name) != b.get(name) for name in a.keys() | b.keys() if name not in MOVED
    ):
        return None
    read, written = (b.get(name, 0) - a.get(name, 0) for name in MOVED)
    return read, written


def run(found: Sequence[Pass], at: int) -> int:
    """Number of passes from `at` on that are a transpose; 0 if the first is none."""
    count, step = 0, None
    while at + count < len(found) and _transposes(found[at + count]):
        if count:
            moved = _moved(found[at + count - 1].command, found[at + count].command)
            if moved is None or step not in (None, moved):
                break
            step = moved
        count += 1
    return count


def _extents(group: Sequence[Pass]) -> tuple[int, int, int]:
    """Columns and channels of the map that is read, and channels of the one that is written."""
    height, width, depth = group[0].ofm_shape
    if len(group) == 1 and depth > 1:
        return width, depth, depth
    # A row or column at a time: what lies next to each other is read as columns and written as rows.
    sideways = abs(group[0].ifm.stride_y) > group[1].ifm.bases[0] - group[0].ifm.bases[0] if len(group) > 1 else False
    return len(group) if sideways else height, width * depth, height * depth


def traffic(group: Sequence[Pass], ports: Ports) -> tuple[Transfer, ...]:
    """Reading and writing the map.

    Raises:
        KeyError: a region that is not in `ports`.
    """
    p = group[0]
    columns, depth, written = _extents(group)
    count, size = sum(passes.elements(one.ofm_shape) for one in group), p.ifm.dtype.itemsize
    block = 1, min(columns, WIDEST), min(-(-depth // p.ublock[2]) * p.ublock[2], DEEPEST)
    read = block[0], block[1], ifm_block_depth(depth, wide=size == 2)
    read_burst = memory_ports.read_burst(p.ifm, read, (1, columns, depth))
    write_burst = memory_ports.write_burst(p.ofm, block, (1, columns, written), p.cores)
    return (
        transfer(ports[p.ifm.region], Channel.COPY, "features", count * size, read_burst, count),
        transfer(ports[p.ofm.region], Channel.WRITE, "features", count * size, write_burst, count),
    )
