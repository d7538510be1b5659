"""Memories as the NPU sees them: how fast each of its channels moves bytes. Estimates of the compiler's (Vela 5.1).

A short burst takes the time of a long one, so bytes on the bus are counted with that time, and apart from it in beats
of 16 bytes, which is what the hardware's counters count.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

from tui.simulator.ethosu.feature_map import BRICK, FeatureMap
from tui.simulator.ethosu85.registers import CORES

Shape = tuple[int, int, int]
"""Height, width, channels."""

BEAT = 16
"""Bytes of one transfer on an AXI port."""

LINE = 64
"""Bytes written at a time where channels lie next to each other."""

USABLE = 0.8
"""Share of what could be outstanding, and of the bandwidth that makes, which is reckoned with."""


class Channel(IntEnum):
    """Channel that moves bytes: the row of `READ_BUFFERS`, in which writes have none."""

    COPY = 0
    STREAMED = 1
    WEIGHTS = 2
    FAST_WEIGHTS = 3
    FEATURES = 4
    SCALES = 5
    WRITE = 6


READ_BUFFERS = {
    128: (64, 64, 128, 128, 104, 16),
    256: (104, 104, 128, 128, 128, 16),
    512: (128, 128, 256, 256, 128, 16),
    1024: (256, 256, 416, 208, 256, 16),
    2048: (256, 256, 512, 256, 256, 16),
}
"""Read buffer of each channel in beats, by MACs."""


@dataclass(frozen=True)
class Port:
    """A memory as the NPU sees it: latencies in cycles, longest burst in bytes, bytes a cycle of all its ports."""

    read_latency: float
    write_latency: float
    burst: int
    bandwidth: float
    name: str = "Sram"
    ports: int = 2
    reads: int = 8
    """Reads that may be under way on one port."""
    writes: int = 8

    def speed(self, channel: Channel, macs: int) -> float:
        """Bytes a cycle that one channel of an NPU with `macs` gets from this memory."""
        write = channel == Channel.WRITE
        latency = self.write_latency if write else self.read_latency
        under_way = (self.writes if write else self.reads) * self.ports * USABLE
        if latency <= 0 or under_way <= 0:
            return self.bandwidth
        if not write:
            under_way = min(under_way, READ_BUFFERS[macs][channel] / max(self.burst // BEAT, 1))
        return min(self.bandwidth, self.burst * under_way / latency * USABLE)


Ports = dict[int, Port]
"""The memory behind each region."""

LUT_RAM = Port(0, 0, 1, 1.0, "LUT RAM", 1, 1000, 1000)
"""Memory of tables inside the NPU, written a byte a cycle."""


def read_burst(fm: FeatureMap, block: Shape, shape: Shape) -> int:
    """Bytes that lie one after the other where a block of a map of `shape` is read."""
    size = fm.dtype.itemsize
    if fm.bricks:
        return size * block[1] * (block[2] if shape[1] * size * BRICK == block[2] else BRICK)
    return size * block[2] * (block[1] if shape[2] * size == block[2] else 1)


def write_burst(fm: FeatureMap, block: Shape, shape: Shape, macs: int) -> int:
    """The same where one is written: each core writes bricks of its own."""
    size = fm.dtype.itemsize
    if fm.bricks:
        whole = shape[1] * size * BRICK == block[2]
        return size * block[1] * (block[2] if whole else BRICK * CORES[macs])
    if block[2] <= BRICK and shape[2] * size == block[2]:
        return size * block[1] * block[2]
    return min(LINE, BRICK * size * CORES[macs], size * block[2])


def bus_bytes(port: Port, moved: int, length: int) -> int:
    """`moved` bytes in bursts of `length`, as the bytes that full bursts would move in that time."""
    return moved * port.burst // max(1, min(port.burst, length))


def beats(moved: int, length: int) -> int:
    """Beats of `moved` bytes in bursts of `length`."""
    length = max(1, length)
    return math.ceil(moved / length * math.ceil(length / BEAT))
