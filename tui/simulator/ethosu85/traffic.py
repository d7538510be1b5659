"""Bytes that a pass moves to and from each memory, and their cycles, as the compiler estimates (Vela 5.1, regor).

A block of the OFM reads what it needs of the IFM; weights and scales are read again for each place of a block; the OFM
is written once. Blocks of a depthwise or pooling operation share no channels, so more of them in depth read no more.

Where Vela 5.1's own figures are not what the stream does, these differ: Vela takes every element for a byte, counts no
IFM2 of a matrix multiplication, and has scales that were copied to a staging buffer read from where they came from.
The bus time of an IFM that is transposed is Vela's, which reads it anew for each block of the result; beats are not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tui.simulator.ethosu import output_stage
from tui.simulator.ethosu.feature_map import BRICK, FeatureMap, address
from tui.simulator.ethosu.inputs import broadcast_shape
from tui.simulator.ethosu.registers import Storage, bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.weights import SUBKERNEL
from tui.simulator.ethosu85 import memory_ports, passes, precision
from tui.simulator.ethosu85.memory_ports import LUT_RAM, Channel, Port, Ports, Shape
from tui.simulator.ethosu85.passes import Pass
from tui.simulator.ethosu85.registers import CORES, Transpose
from tui.simulator.ethosu85.weights import stream_registers

Use = Literal["features", "weights", "scales"]
INDEX_BYTES = 4


@dataclass(frozen=True)
class Transfer:
    """Bytes between the NPU and a memory: as they are, as the bus time they take, and in beats of 16."""

    port: Port
    channel: Channel
    use: Use
    moved: int
    bus: int
    beats: int

    @property
    def write(self) -> bool:
        """True if they go to the memory."""
        return self.channel == Channel.WRITE

    @property
    def latency(self) -> float:
        """Cycles until the first of them is there."""
        return self.port.write_latency if self.write else self.port.read_latency


def _transfer(port: Port, channel: Channel, use: Use, moved: int, length: int, bus: int | None = None) -> Transfer:
    """`moved` bytes in bursts of `length`, which take the bus as long as `bus` bytes in such bursts."""
    busy = memory_ports.bus_bytes(port, moved if bus is None else bus, length)
    return Transfer(port, channel, use, moved, busy, memory_ports.beats(moved, length))


def _whole(fm: FeatureMap, shape: Shape) -> int:
    """Bytes of a map of `shape`, bricks filled."""
    depth = -(-shape[2] // BRICK) * BRICK if fm.bricks else shape[2]
    return shape[0] * shape[1] * depth * fm.dtype.itemsize


def _read(ports: Ports, fm: FeatureMap, block: Shape, shape: Shape, channel: Channel, times: int = 1) -> list[Transfer]:
    """Reading a map `times`, where it lies in memory."""
    if fm.storage != Storage.TILE2X2:
        return []
    moved, length = _whole(fm, shape) * times, memory_ports.read_burst(fm, block, shape)
    return [_transfer(ports[fm.region], channel, "features", moved, length)]


def _read_blocks(p: Pass, ports: Ports, times: int) -> list[Transfer]:
    """Reading the blocks of the IFM of a window operation `times`, all channels of each."""
    if p.ifm.storage != Storage.TILE2X2:
        return []
    block = passes.smaller(p.ifm_shape, p.ifm_block)
    moved = bus = _whole(p.ifm, (block[0], block[1], p.ifm_shape[2])) * times
    if p.kernel.is_point and not p.reduces and precision.output_format(p.command).transpose != Transpose.HWC:
        # Each element goes to one place.
        moved = _whole(p.ifm, p.ifm_shape)
    length = memory_ports.read_burst(p.ifm, p.ifm_block, p.ifm_shape)
    return [_transfer(ports[p.ifm.region], Channel.FEATURES, "features", moved, length, bus)]


def _written(ports: Ports, command: Command, block: Shape, macs: int) -> Iterator[Transfer]:
    """Writing the OFM of a command, where it goes to memory."""
    fm, shape = precision.feature_map(command, "OFM"), passes.in_memory(command, output_stage.size(command))
    if fm.storage == Storage.TILE2X2:
        length = memory_ports.write_burst(fm, block, shape, macs)
        yield _transfer(ports[fm.region], Channel.WRITE, "features", _whole(fm, shape), length)


def _windowed(p: Pass, ports: Ports) -> Iterator[Transfer]:
    """Reads of an operation that moves a window over its IFM."""
    k, r = p.kernel, p.command.registers
    count = passes.blocks(p.ofm_shape, passes.smaller(p.ofm_shape, p.ofm_block))
    subkernels = -(-k.width // SUBKERNEL) * -(-k.height // SUBKERNEL)
    times = count[0] * count[1] * (count[2] if p.reduces else 1)
    yield from _read_blocks(p, ports, subkernels * times)
    refetched = count[0] * count[1]
    if (second := passes.second_input(p.command)) is not None:
        fm, shape = second
        yield from _read(ports, fm, p.ifm_block, shape, Channel.STREAMED, refetched)
    elif p.has_constants:
        fast = bits(r.get("WEIGHT_FORMAT", 0), 0) == 1
        length = sum(size for _, size in stream_registers(p.command, CORES[p.macs], fast=fast))
        port = ports[r.get("WEIGHT_REGION", 0)]
        channel = Channel.FAST_WEIGHTS if fast else Channel.WEIGHTS
        yield _transfer(port, channel, "weights", length * refetched, port.burst)
        if scales := address(r.get("SCALE_LENGTH", 0)):
            port = ports[r.get("SCALE_REGION", 0)]
            yield _transfer(port, Channel.SCALES, "scales", scales * refetched, port.burst)


def _elementwise(command: Command, block: Shape, ports: Ports) -> Iterator[Transfer]:
    """Reads of an operation that takes each element of its inputs once."""
    shape = output_stage.size(command)
    first = broadcast_shape(command, "IFM", shape) if command.name == "ELEMENTWISE" else shape
    fm = passes.input_map(command)
    yield from _read(ports, fm, block, first, Channel.STREAMED)
    if (second := passes.second_input(command)) is not None:
        fm, other = second
        yield from _read(ports, fm, block, other, Channel.STREAMED)


def _resized(p: Pass, ports: Ports) -> Iterator[Transfer]:
    r = p.command.registers
    # The kernel registers hold the extent of the IFM that is read.
    shape = r.get("KERNEL_HEIGHT_M1", 0) + 1, r.get("KERNEL_WIDTH_M1", 0) + 1, r.get("IFM_DEPTH_M1", 0) + 1
    yield from _read(ports, p.ifm, p.ifm_block, shape, Channel.STREAMED)


def of_pass(p: Pass, ports: Ports) -> tuple[Transfer, ...]:
    """Transfers of a pass.

    Raises:
        KeyError: a region that is not in `ports`.
    """
    transfers: list[Transfer] = []
    if p.command.name == "RESIZE":
        transfers += _resized(p, ports)
    elif p.uses_macs:
        transfers += _windowed(p, ports)
    else:
        transfers += _elementwise(p.command, p.ifm_block, ports)
    for member in p.commands[1:]:
        transfers += _elementwise(member, p.ifm_block, ports)
    for member in p.commands:
        transfers += _written(ports, member, p.ofm_block, p.macs)
    return tuple(transfers)


def of_copy(command: Command, ports: Ports) -> tuple[Transfer, ...]:
    """Transfers of a DMA_START; LUT RAM is a memory of its own.

    Raises:
        KeyError: a region that is not in `ports`.
    """
    r = command.registers
    source, destination = r.get("DMA0_SRC_REGION", 0), r.get("DMA0_DST_REGION", 0)
    length, mode = address(r.get("DMA0_LEN", 0)), bits(source, 9, 2)
    indexed = bits(source, 11) or bits(destination, 11)
    rows = r.get("DMA0_SIZE0", 1) if mode or indexed else 1
    rows *= r.get("DMA0_SIZE1", 1) if mode == 2 else 1
    port = LUT_RAM if bits(source, 8) else ports[bits(source, 0, 3)]
    other = LUT_RAM if bits(destination, 8) else ports[bits(destination, 0, 3)]
    transfers = [
        _transfer(port, Channel.COPY, "features", rows * length, length),
        _transfer(other, Channel.WRITE, "features", rows * length, length),
    ]
    if indexed:
        moved = rows * INDEX_BYTES
        transfers.append(_transfer(ports[r.get("DMA0_IDX_REGION", 0)], Channel.STREAMED, "features", moved, moved))
    return tuple(transfers)


def access_cycles(transfers: Iterable[Transfer], macs: int) -> dict[str, int]:
    """Cycles each memory needs, by its name: all its bytes at its bandwidth, or its slowest channel."""
    moved: dict[Port, dict[tuple[Channel, Use], int]] = defaultdict(lambda: defaultdict(int))
    for one in transfers:
        moved[one.port][one.channel, one.use] += one.bus
    needed: dict[str, int] = {}
    for port, channels in moved.items():
        busy: dict[Channel, int] = defaultdict(int)
        for (channel, _), count in channels.items():
            busy[channel] += int(count / port.speed(channel, macs))
        cycles = max(int(sum(channels.values()) / port.bandwidth), *busy.values())
        needed[port.name] = max(needed.get(port.name, 0), cycles)
    return needed


def copy_cycles(transfers: Iterable[Transfer], macs: int) -> int:
    """Cycles a DMA takes: reading and writing overlap, the slower of them counts."""
    return max(int(one.bus / one.port.speed(one.channel, macs) + one.latency) for one in transfers)
