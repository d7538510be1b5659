"""Memories as the NPU sees them, and the bursts in which it moves a feature map, as the compiler estimates (Vela 5.1).

A short burst takes the time of a long one, so bytes on the bus are counted with that time, and apart from it in beats,
which is what the hardware's counters count.
"""

import math
from dataclasses import dataclass

from tui.simulator.ethosu.feature_map import BRICK, FeatureMap

Shape = tuple[int, int, int]
"""Height, width, channels."""

LINE = 64
"""Bytes written at a time where channels lie next to each other."""


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
    beat: int = 16
    """Bytes of one transfer on one port."""


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


def write_burst(fm: FeatureMap, block: Shape, shape: Shape, cores: int) -> int:
    """The same where one is written: each core writes bricks of its own."""
    size = fm.dtype.itemsize
    if fm.bricks:
        whole = shape[1] * size * BRICK == block[2]
        return size * block[1] * (block[2] if whole else BRICK * cores)
    if block[2] <= BRICK and shape[2] * size == block[2]:
        return size * block[1] * block[2]
    return min(LINE, BRICK * size * cores, size * block[2])


def bus_bytes(port: Port, moved: int, length: int) -> int:
    """`moved` bytes in bursts of `length`, as the bytes that full bursts would move in that time."""
    return moved * port.burst // max(1, min(port.burst, length))


def beats(port: Port, moved: int, length: int) -> int:
    """Beats of `moved` bytes in bursts of `length`."""
    length = max(1, length)
    return math.ceil(moved / length * math.ceil(length / port.beat))
