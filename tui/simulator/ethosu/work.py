"""Work of the NPU itself in a pass, as the compiler estimates (Vela 5.1, regor).

A block of the OFM takes as long as the MAC array or the output stage needs for it, whichever is longer, or as commands
can be issued; the first block's reading and the last block's writing are added.
"""

import math

from tui.simulator.ethosu import memory_ports, passes
from tui.simulator.ethosu.costs import ISSUING, MAC_ARRAY, OUTPUT_STAGE, Work
from tui.simulator.ethosu.feature_map import BRICK, FeatureMap
from tui.simulator.ethosu.memory_ports import Ports, Shape
from tui.simulator.ethosu.passes import Pass
from tui.simulator.ethosu.registers import Storage

ISSUE = 4
"""Blocks in flight over which issuing a command is spread."""

SCALE_RECORD = 10
SCALE_READ = 256
"""Bytes of scales that a latency of the memory they are in is paid for."""


def block_read(p: Pass, ports: Ports, fm: FeatureMap, shape: Shape) -> int:
    """Cycles until a block of an input is there."""
    port = ports[fm.region if fm.storage == Storage.TILE2X2 else 1]
    moved = passes.elements(passes.smaller(shape, p.ifm_block)) * fm.dtype.itemsize
    bus = memory_ports.bus_bytes(port, moved, memory_ports.read_burst(fm, p.ifm_block, shape))
    return int(port.read_latency + int(bus / port.bandwidth))


def _last_block(p: Pass, ports: Ports) -> int:
    """Cycles until a block of OFM is written."""
    port = ports[p.ofm.region if p.ofm.storage == Storage.TILE2X2 else 1]
    moved = passes.elements(passes.smaller(p.ofm_shape, p.ofm_block)) * p.ofm.dtype.itemsize
    bus = memory_ports.bus_bytes(port, moved, memory_ports.write_burst(p.ofm, p.ofm_block, p.ofm_shape, p.cores))
    return int(port.write_latency + int(bus / port.bandwidth))


def of_macs(p: Pass, block_cycles: int, output_cycles: float, ports: Ports, *, follows: bool = False) -> Work:
    """Work of a pass in which the MAC array needs `block_cycles` for a block, the output stage so many an element.

    One that `follows` an earlier slice of the same operator adds its blocks to that one's.
    """
    r = p.command.registers
    ofm_block = passes.smaller(p.ofm_shape, p.ofm_block)
    units = passes.elements(passes.blocks(ofm_block, p.ublock))
    count = passes.elements(passes.blocks(p.ofm_shape, p.ublock)) / units
    out = float(math.ceil(output_cycles * passes.elements(ofm_block)))
    if p.has_constants and r.get("SCALE_LENGTH", 0):
        latency = ports[r.get("SCALE_REGION", 0)].read_latency
        out = max(out, SCALE_RECORD * ofm_block[2] * latency / SCALE_READ)
    mac = float(block_cycles)
    active = int(mac * count)
    read, write = block_read(p, ports, p.ifm, p.ifm_shape), _last_block(p, ports)
    issue = ((abs(write - read) if count > 1 else 0) + mac + out) / ISSUE
    limit = ISSUING if issue > max(mac, out) else MAC_ARRAY if mac > out else OUTPUT_STAGE
    mac, out = max(mac, issue), max(out, issue)
    if follows:
        return Work(int(max(mac, out) * count), active, limit)
    total = int(mac * count) + out if mac > out else out * count + mac
    return Work(int(total) + read + write, active, limit, read + write)


def of_elements(p: Pass, output_cycles: float, read: int, ports: Ports) -> Work:
    """Work of the output stage alone; `read` are the cycles until a block of the inputs is there."""
    height, width, depth = p.ofm_shape
    elements = height * width * (-(-depth // BRICK) * BRICK if p.ofm.bricks else depth)
    out = math.ceil(output_cycles * elements)
    block = max(read, _last_block(p, ports))
    issue = math.ceil((block / passes.elements(p.ofm_block) + output_cycles) / ISSUE * elements)
    return Work(max(out, issue), 0, OUTPUT_STAGE if out >= issue else ISSUING)


def multiplications(p: Pass) -> int:
    """Multiply-accumulates of a pass."""
    if not p.uses_macs:
        return 0
    total = p.kernel.height * p.kernel.width * passes.elements(p.ofm_shape)
    return (total * p.ifm_shape[2] if p.reduces else total) >> p.sparse


def delay(units: Shape, steps: int, each: int) -> int:
    """Cycles the accumulator is waited for where a block has a single micro-block to work on; `each` is one wait."""
    if units[0] * units[1] != 1:
        return 0
    return each * steps if units[2] == 1 else each * (steps - 1) * units[2]
