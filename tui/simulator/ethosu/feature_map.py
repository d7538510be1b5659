"""Feature maps: how a tensor of height x width x channels lies in memory, and reading and writing one.

NHWC: element (y, x, c) at base + y*stride_y + x*stride_x + c*stride_c. NHCWB16: channels in bricks of 16, element at
base + y*stride_y + (c//16)*stride_c + x*stride_x + (c%16)*size. A map may be cut into tiles with bases of their own,
as rolling buffers of cascades are: width0 splits columns, height0 the rows left of it, height1 those right of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import Storage, bits
from tui.simulator.ethosu.stream import Command, once

BRICK = 16
_DTYPES = {
    (bits_, signed): np.dtype(f"<{'i' if signed else 'u'}{bits_ // 8}")
    for bits_ in (8, 16, 32, 64)
    for signed in (0, 1)
}
_BRICKS = {size: np.dtype((np.void, BRICK * size)) for size in (1, 2, 4, 8)}
"""Whole bricks by the size of a number: to copy them takes a tenth of the time that their numbers take."""

Tile = tuple[int, int, int, int, int]
"""First row, row count, first column, column count, base."""
Strides = tuple[int, tuple[int, ...], tuple[int, ...]]
"""A base in bytes, extents, and the stride along each in bytes."""


@dataclass(frozen=True)
class FeatureMap:
    """Place and layout of a tensor. `region` is a chain buffer's number where it is chained."""

    dtype: np.dtype[Any]
    storage: Storage
    bricks: bool
    region: int
    bases: tuple[int, int, int, int]
    stride_y: int
    stride_x: int
    stride_c: int
    height0: int
    height1: int
    width0: int
    zero_point: int


def _signed(value: int, width: int) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


def address(raw: int) -> int:
    """The 40-bit address in a cmd1 register."""
    return raw & ((1 << 40) - 1)


def stride(raw: int) -> int:
    """The stride in a cmd1 register: 40 bits, signed."""
    return _signed(raw, 40)


def precision(command: Command, which: str) -> int:
    """The precision register of ``IFM``, ``IFM2`` or ``OFM``."""
    return command.registers.get(f"{which}_PRECISION", 0)


@once
def from_registers(command: Command, which: str, storage: Storage) -> FeatureMap:
    """The feature map ``IFM``, ``IFM2`` or ``OFM`` of a command; where its storage stands is the family's matter."""
    r = command.registers
    fields = precision(command, which)
    # The width's field lies one bit lower in OFM_PRECISION.
    width = 8 << bits(fields, 1 if which == "OFM" else 2, 2)
    dtype = _DTYPES[width, bits(fields, 0)]
    zero_point = r.get(f"{which}_ZERO_POINT", 0)
    return FeatureMap(
        dtype=dtype,
        storage=storage,
        bricks=bits(fields, 6, 2) == 1,
        region=r.get(f"{which}_REGION", 0),
        bases=tuple(address(r.get(f"{which}_BASE{n}", 0)) for n in range(4)),  # type: ignore[arg-type]
        stride_y=stride(r.get(f"{which}_STRIDE_Y", 0)),
        stride_x=stride(r.get(f"{which}_STRIDE_X", 0)),
        stride_c=stride(r.get(f"{which}_STRIDE_C", 0)),
        height0=r.get(f"{which}_HEIGHT0_M1", 0) + 1,
        height1=r.get(f"{which}_HEIGHT1_M1", 0) + 1,
        width0=r.get(f"{which}_WIDTH0_M1", 0) + 1,
        zero_point=_signed(zero_point, 16) if dtype.kind == "i" else zero_point,
    )


def _tiles(fm: FeatureMap, height: int, width: int) -> Iterator[Tile]:
    if fm.storage != Storage.TILE2X2:
        raise CommandStreamError(f"feature map storage {fm.storage.name} is not known")
    left = min(width, fm.width0)
    columns = [(0, left, fm.height0, fm.bases[0], fm.bases[2])]
    if width > left:
        columns.append((left, width - left, fm.height1, fm.bases[1], fm.bases[3]))
    for x, columns_, split, upper, lower in columns:
        top = min(height, split)
        yield 0, top, x, columns_, upper
        if height > top:
            yield top, height - top, x, columns_, lower


def _pieces(
    memory: Memory, fm: FeatureMap, tile: Tile, channels: int, *, write: bool
) -> Iterator[tuple[slice, NDArray]]:
    """Views of a tile as (rows, columns, channels) or (rows, columns, bricks), with the channels each covers."""
    _, rows, _, columns, base = tile
    size = fm.dtype.itemsize
    if not fm.bricks:
        strides = (fm.stride_y, fm.stride_x, fm.stride_c)
        yield (
            slice(0, channels),
            memory.view(fm.region, fm.dtype, base, (rows, columns, channels), strides, write=write),
        )
        return
    whole, rest = divmod(channels, BRICK)
    if whole:
        shape, strides = (rows, columns, whole), (fm.stride_y, fm.stride_x, fm.stride_c)
        yield slice(0, whole * BRICK), memory.view(fm.region, _BRICKS[size], base, shape, strides, write=write)
    if rest:
        strides = (fm.stride_y, fm.stride_x, size)
        start = base + whole * fm.stride_c
        yield (
            slice(whole * BRICK, channels),
            memory.view(fm.region, fm.dtype, start, (rows, columns, rest), strides, write=write),
        )


def read(memory: Memory, fm: FeatureMap, height: int, width: int, channels: int) -> NDArray:
    """The tensor (height, width, channels) in the map's element type; it may be a view of the memory.

    Raises:
        CommandStreamError: a part of it lies outside its region.
    """
    memory.check_elements((height, width, channels))
    tiles = list(_tiles(fm, height, width))
    if len(tiles) == 1 and not fm.bricks:
        ((_, view),) = _pieces(memory, fm, tiles[0], channels, write=False)
        return view
    values = np.empty((height, width, channels), fm.dtype)
    for tile in tiles:
        y, rows, x, columns, _ = tile
        for span, view in _pieces(memory, fm, tile, channels, write=False):
            values[y : y + rows, x : x + columns, span].view(view.dtype)[...] = view
    return values


def write(memory: Memory, fm: FeatureMap, values: NDArray) -> None:
    """Store a tensor (height, width, channels) that already has the map's element type.

    Raises:
        CommandStreamError: a part of it lies outside its region, or the region is read-only.
    """
    height, width, channels = values.shape
    values = np.ascontiguousarray(values)
    for tile in _tiles(fm, height, width):
        y, rows, x, columns, _ = tile
        for span, view in _pieces(memory, fm, tile, channels, write=True):
            view[...] = values[y : y + rows, x : x + columns, span].view(view.dtype)


def strides(fm: FeatureMap, height: int, width: int, channels: int) -> Iterator[Strides]:
    """Byte addresses of a map's elements, region aside and not checked: a base, extents, and the stride along each.

    Raises:
        CommandStreamError: it is not stored in memory, or in a way that is not known.
    """
    for _, rows, _, columns, base in _tiles(fm, height, width):
        steps = (fm.stride_y, fm.stride_x)
        if not fm.bricks:
            yield base, (rows, columns, channels), (*steps, fm.stride_c)
            continue
        whole, rest = divmod(channels, BRICK)
        size = fm.dtype.itemsize
        if whole:
            yield base, (rows, columns, whole, BRICK), (*steps, fm.stride_c, size)
        if rest:
            yield base + whole * fm.stride_c, (rows, columns, rest), (*steps, size)


def check(memory: Memory, fm: FeatureMap, shape: tuple[int, int, int]) -> None:
    """Refuse a map of `shape` that cannot be written.

    Raises:
        CommandStreamError: a part of it lies outside its region, or the region is read-only.
    """
    height, width, channels = shape
    for tile in _tiles(fm, height, width):
        for _ in _pieces(memory, fm, tile, channels, write=True):
            continue
