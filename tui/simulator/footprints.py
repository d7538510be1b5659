"""Bytes that the commands of a stream read and write, without executing them: what depends on what.

Weights and scales are left out: nothing on the NPU makes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tui.simulator.ethosu import feature_map, kernel, output_stage
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.feature_map import FeatureMap, Strides, address, stride
from tui.simulator.ethosu.inputs import broadcast_shape
from tui.simulator.ethosu.memory_ports import Shape
from tui.simulator.ethosu.passes import elementwise_mode, reduces
from tui.simulator.ethosu.registers import ElementwiseMode, Storage, bits
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu55 import passes as passes_u55
from tui.simulator.ethosu55 import precision as precision_u55
from tui.simulator.ethosu55.registers import Upscale
from tui.simulator.ethosu85 import passes, precision
from tui.simulator.ethosu85.registers import COMMANDS

Ids = npt.NDArray[np.int32]

NOBODY = -1
MOST_BYTES = 1 << 28
"""Largest region that is looked at."""

NO_MAPS = ("STOP", "BRANCH")


@dataclass(frozen=True)
class Area:
    """Elements of a map: in a region, or in a chain buffer, which has a number too."""

    region: int
    chained: bool
    parts: tuple[Strides, ...]


@dataclass(frozen=True)
class Footprint:
    """Areas that a command reads, and the one that it writes; a copy moves each row of `reads` to that of `writes`."""

    command: Command
    reads: tuple[Area, ...]
    writes: Area | None

    @property
    def copies(self) -> bool:
        """True of a DMA_START."""
        return self.command.name == "DMA_START"


def of(stream: Stream) -> Iterator[Footprint]:
    """The footprints of a stream's commands in order, branches not followed.

    Raises:
        CommandStreamError: a command cannot be understood.
    """
    is_u85 = stream.command_set is COMMANDS
    for command in commands(stream):
        if command.name == "DMA_START":
            yield _copy(command)
        elif command.name not in NO_MAPS:
            yield _of_u85(command) if is_u85 else _of_u55(command)


def _of_u85(command: Command) -> Footprint:
    written = passes.in_memory(command, output_stage.size(command))
    maps = [(passes.input_map(command), _first_shape(command))]
    if not _is_leaky(command) and (second := passes.second_input(command)) is not None:
        maps.append(second)
    return _footprint(command, maps, (precision.feature_map(command, "OFM"), written))


def _of_u55(command: Command) -> Footprint:
    shape = _first_shape(command)
    if command.registers.get("IFM_UPSCALE", Upscale.NONE) != Upscale.NONE:
        shape = (shape[0] + 1) // 2, (shape[1] + 1) // 2, shape[2]
    maps = [(precision_u55.feature_map(command, "IFM"), shape)]
    if not _is_leaky(command) and (second := passes_u55.second_input(command)) is not None:
        maps.append(second)
    return _footprint(command, maps, (precision_u55.feature_map(command, "OFM"), output_stage.size(command)))


def _is_leaky(command: Command) -> bool:
    """Return True of a leaky ReLU: the registers of a second input are those of a command before it."""
    return elementwise_mode(command) == ElementwiseMode.LRELU


def _first_shape(command: Command) -> Shape:
    """(height, width, channels) of the first map that a command reads."""
    size, r = output_stage.size(command), command.registers
    if command.name == "ELEMENTWISE":
        return broadcast_shape(command, "IFM", size)
    if command.name == "RESIZE":
        return r.get("KERNEL_HEIGHT_M1", 0) + 1, r.get("KERNEL_WIDTH_M1", 0) + 1, size[2]
    if passes.only_second(command):
        return size
    rows, columns = kernel.from_registers(command).input_size(size[0], size[1])
    depth = r.get("IFM_DEPTH_M1", 0) + 1 if reduces(command) or command.name == "DEPTHWISE" else size[2]
    return max(rows, 1), max(columns, 1), depth


def _footprint(command: Command, reads: list[tuple[FeatureMap, Shape]], writes: tuple[FeatureMap, Shape]) -> Footprint:
    areas = [_area(fm, shape) for fm, shape in reads if fm.storage != Storage.NONE]
    return Footprint(command, tuple(areas), _area(*writes))


def _area(fm: FeatureMap, shape: Shape) -> Area:
    if fm.storage == Storage.CHAINED:
        return Area(fm.region, chained=True, parts=())
    return Area(fm.region, chained=False, parts=tuple(feature_map.strides(fm, *shape)))


def _copy(command: Command) -> Footprint:
    """A copy, row by row. Rows picked by an index are data: all that is known of them is where they begin."""
    r = command.registers
    source, destination = r.get("DMA0_SRC_REGION", 0), r.get("DMA0_DST_REGION", 0)
    length, mode = address(r.get("DMA0_LEN", 0)), bits(source, 9, 2)
    indexed = bits(source, 11) or bits(destination, 11)
    counts = r.get("DMA0_SIZE1", 1) if mode == 2 else 1, r.get("DMA0_SIZE0", 1) if mode or indexed else 1
    ends = []
    for name, region in (("SRC", source), ("DST", destination)):
        steps = stride(r.get(f"DMA0_{name}_STRIDE1", 0)), stride(r.get(f"DMA0_{name}_STRIDE0", 0)), 1
        inside = bits(region, 8) == 1
        part = address(r.get(f"DMA0_{name}", 0)), (*counts, length), steps
        ends.append(None if inside else Area(bits(region, 0, 3), chained=False, parts=(part,)))
    read, written = ends
    return Footprint(command, () if read is None else (read,), written)


class Writers:
    """The last writer of each byte that an NPU sees, by number; `NOBODY` where there is none yet."""

    def __init__(self, regions: dict[int, int]) -> None:
        """`regions` are those that are written to, by number, and their sizes in bytes.

        Raises:
            CommandStreamError: one is too large to be looked at.
        """
        if max(regions.values(), default=0) > MOST_BYTES:
            raise CommandStreamError(f"its memory has more than {MOST_BYTES:,} bytes")
        self._regions: dict[int, Ids] = {n: np.full(size, NOBODY, np.int32) for n, size in regions.items()}
        self._chains: dict[int, int] = {}
        self._most = 0

    def put(self, region: int, offset: int, ids: Ids) -> None:
        """Set the writers of bytes; what lies outside is left out."""
        place = self._bytes(region, offset, len(ids))
        place[:] = ids[: len(place)]
        self._most = max(self._most, int(ids.max(initial=0)))

    def at(self, region: int, offset: int, length: int) -> Ids:
        """The writers of bytes; what lies outside is left out."""
        return self._bytes(region, offset, length).copy()

    def _bytes(self, region: int, offset: int, length: int) -> Ids:
        known = self._regions.get(region, np.zeros(0, np.int32))
        return known[max(offset, 0) : max(offset + length, 0)]

    def of(self, area: Area) -> list[int]:
        """The writers of an area, the lowest number first."""
        if area.chained:
            return [self._chains[area.region]] if area.region in self._chains else []
        seen = np.zeros(self._most + 2, np.bool_)
        for view in self._views(area):
            seen[view] = True  # NOBODY is the last place
        return [int(one) for one in np.flatnonzero(seen[:-1])]

    def write(self, area: Area, by: int) -> None:
        """Name the writer of an area."""
        self._most = max(self._most, by)
        if area.chained:
            self._chains[area.region] = by
        for view in self._views(area):
            view[...] = by

    def copy(self, read: Area | None, written: Area) -> None:
        """Take over the writers of what is copied; constants have none."""
        sources = None if read is None else list(self._views(read))
        for view in self._views(written):
            fits = sources and sources[0].shape == view.shape
            view[...] = sources[0].copy() if sources and fits else NOBODY

    def _views(self, area: Area) -> Iterator[Ids]:
        """Views of an area's elements by their first byte.

        Raises:
            CommandStreamError: some lie outside their region.
        """
        known = self._regions.get(area.region)
        if known is None:
            return
        for offset, shape, steps in area.parts:
            spans = [(extent - 1) * step for extent, step in zip(shape, steps, strict=True)]
            first, last = offset + sum(s for s in spans if s < 0), offset + sum(s for s in spans if s > 0)
            if 0 in shape:
                continue
            if first < 0 or last >= len(known) or np.prod(shape, dtype=np.float64) > 4 * len(known) + 65_536:
                raise CommandStreamError(f"bytes {first}..{last} are outside region {area.region}")
            yield np.ndarray(shape, np.int32, known.data, offset * 4, tuple(step * 4 for step in steps))
