"""Bytes between the NPU and its memories, and their cycles, as the compiler estimates (Vela 5.1, regor).

A block of the OFM reads what it needs of the IFM; weights and scales are read again for each place of a block; the OFM
is written once. Blocks of a depthwise or pooling operation share no channels, so more of them in depth read no more.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from tui.simulator.ethosu import memory_ports, passes
from tui.simulator.ethosu.feature_map import BRICK, FeatureMap, address
from tui.simulator.ethosu.memory_ports import LUT_RAM, Port, Ports, Shape
from tui.simulator.ethosu.passes import Pass
from tui.simulator.ethosu.registers import Storage, bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.weights import SUBKERNEL

Use = Literal["features", "weights", "scales"]
INDEX_BYTES = 4


class Channel(IntEnum):
    """Channel that moves bytes."""

    COPY = 0
    STREAMED = 1
    WEIGHTS = 2
    FAST_WEIGHTS = 3
    FEATURES = 4
    SCALES = 5
    WRITE = 6


Speed = Callable[[Port, Channel], float]
"""Bytes a cycle that a channel gets from a memory."""


@dataclass(frozen=True)
class Transfer:
    """Bytes between the NPU and a memory: as they are, as the bus time they take, and in beats of the port."""

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


def transfer(port: Port, channel: Channel, use: Use, moved: int, length: int, bus: int | None = None) -> Transfer:
    """`moved` bytes in bursts of `length`, which take the bus as long as `bus` bytes in such bursts."""
    busy = memory_ports.bus_bytes(port, moved if bus is None else bus, length)
    return Transfer(port, channel, use, moved, busy, memory_ports.beats(port, moved, length))


def whole(fm: FeatureMap, shape: Shape) -> int:
    """Bytes of a map of `shape`, bricks filled."""
    depth = -(-shape[2] // BRICK) * BRICK if fm.bricks else shape[2]
    return shape[0] * shape[1] * depth * fm.dtype.itemsize


def read(ports: Ports, fm: FeatureMap, block: Shape, shape: Shape, channel: Channel, times: int = 1) -> list[Transfer]:
    """Reading a map `times`, where it lies in memory."""
    if fm.storage != Storage.TILE2X2:
        return []
    moved, length = whole(fm, shape) * times, memory_ports.read_burst(fm, block, shape)
    return [transfer(ports[fm.region], channel, "features", moved, length)]


def written(ports: Ports, fm: FeatureMap, block: Shape, shape: Shape, cores: int) -> Iterator[Transfer]:
    """Writing an OFM, where it goes to memory."""
    if fm.storage == Storage.TILE2X2:
        length = memory_ports.write_burst(fm, block, shape, cores)
        yield transfer(ports[fm.region], Channel.WRITE, "features", whole(fm, shape), length)


def places(p: Pass) -> int:
    """Number of places of a block of the OFM, those of the same place in depth counted once."""
    count = passes.blocks(p.ofm_shape, passes.smaller(p.ofm_shape, p.ofm_block))
    return count[0] * count[1]


def windows(p: Pass, ports: Ports, *, once: bool = False) -> list[Transfer]:
    """Reading the blocks of the IFM that a window moves over, all channels of each; the bytes are those of `once`."""
    if p.ifm.storage != Storage.TILE2X2:
        return []
    subkernels = -(-p.kernel.width // SUBKERNEL) * -(-p.kernel.height // SUBKERNEL)
    deep = passes.blocks(p.ofm_shape, passes.smaller(p.ofm_shape, p.ofm_block))[2] if p.reduces else 1
    block = passes.smaller(p.ifm_shape, p.ifm_block)
    bus = whole(p.ifm, (block[0], block[1], p.ifm_shape[2])) * subkernels * places(p) * deep
    moved = whole(p.ifm, p.ifm_shape) if once else bus
    length = memory_ports.read_burst(p.ifm, p.ifm_block, p.ifm_shape)
    return [transfer(ports[p.ifm.region], Channel.FEATURES, "features", moved, length, bus)]


def constants(p: Pass, ports: Ports, channel: Channel, weights: int, scales: int) -> Iterator[Transfer]:
    """Reading `weights` and `scales` bytes anew for each place of a block."""
    r, times = p.command.registers, places(p)
    port = ports[r.get("WEIGHT_REGION", 0)]
    yield transfer(port, channel, "weights", weights * times, port.burst)
    if scales:
        port = ports[r.get("SCALE_REGION", 0)]
        yield transfer(port, Channel.SCALES, "scales", scales * times, port.burst)


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
        transfer(port, Channel.COPY, "features", rows * length, length),
        transfer(other, Channel.WRITE, "features", rows * length, length),
    ]
    if indexed:
        moved = rows * INDEX_BYTES
        transfers.append(transfer(ports[r.get("DMA0_IDX_REGION", 0)], Channel.STREAMED, "features", moved, moved))
    return tuple(transfers)


def access_cycles(transfers: Iterable[Transfer], speed: Speed) -> dict[str, int]:
    """Cycles each memory needs, by its name: all its bytes at its bandwidth, or its slowest channel."""
    moved: dict[Port, dict[tuple[Channel, Use], int]] = defaultdict(lambda: defaultdict(int))
    for one in transfers:
        moved[one.port][one.channel, one.use] += one.bus
    needed: dict[str, int] = {}
    for port, channels in moved.items():
        busy: dict[Channel, int] = defaultdict(int)
        for (channel, _), count in channels.items():
            busy[channel] += int(count / speed(port, channel))
        cycles = max(int(sum(channels.values()) / port.bandwidth), *busy.values())
        needed[port.name] = max(needed.get(port.name, 0), cycles)
    return needed


def copy_cycles(transfers: Iterable[Transfer], speed: Speed) -> int:
    """Cycles a DMA takes: reading and writing overlap, the slower of them counts."""
    return max(int(one.bus / speed(one.port, one.channel) + one.latency) for one in transfers)
