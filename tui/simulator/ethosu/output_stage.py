"""The output stage: from an accumulator to the element type of the OFM.

In this order: OFM scale, OFM zero point, clip to ACTIVATION_MIN/MAX, table, saturation. Where each channel has its own
scale and float64 gives the same numbers, it is computed in that.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tui.simulator.ethosu import arithmetic
from tui.simulator.ethosu.arithmetic import Int64, Rounding
from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.stream import Command, once
from tui.simulator.ethosu.weights import Scales

Float64 = npt.NDArray[np.float64]

FLOATS_EXACT = 1 << 52
"""Whole numbers below this, and their halves, are exact in float64."""

CHUNK = 1 << 16
"""Elements scaled at a time: what fits the second-level cache."""


@dataclass(frozen=True)
class Table:
    """A table in the memory for tables: where it begins, its size in bytes, and its element type.

    One that is `interpolated` holds 512 (base, slope) pairs, each for 128 steps; others hold a value for each input.
    """

    start: int
    length: int
    dtype: str
    interpolated: bool = False
    fine: bool = False
    """True if an interpolated result keeps the 7 bits below the base."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """Output stage of a command."""

    fm: FeatureMap
    scale: arithmetic.Scale
    low: int
    high: int
    table: Table | None
    wraps: bool = False
    """True if values out of the element type's range lose their upper bits; else they end at its limits."""


@once
def size(command: Command) -> tuple[int, int, int]:
    """(height, width, channels) of the OFM before a transpose."""
    r = command.registers
    return r.get("OFM_HEIGHT_M1", 0) + 1, r.get("OFM_WIDTH_M1", 0) + 1, r.get("OFM_DEPTH_M1", 0) + 1


def clip_range(command: Command, signed: bool) -> tuple[int, int]:
    """ACTIVATION_MIN and ACTIVATION_MAX."""
    low, high = (command.registers.get(f"ACTIVATION_{end}", 0) for end in ("MIN", "MAX"))
    if signed:
        return low - ((low & 0x8000) << 1), high - ((high & 0x8000) << 1)
    return low, high


def _look_up(table: Table, memory: Memory, values: NDArray) -> NDArray:
    data = memory.internal[table.start : table.start + table.length].view(table.dtype)
    if table.interpolated:
        offset = np.clip(values, -32768, 32767).astype(np.int32) + 32768
        pairs = data.astype(np.int32)
        index, fraction = offset >> 7, offset & 127
        base, step = pairs[0::2][index], pairs[1::2][index] * fraction
        return (base << 7) + step if table.fine else base + ((step + 64) >> 7)
    bias = 0 if data.dtype.kind == "u" else 128
    return data[np.clip(values + bias, 0, 255).astype(np.intp)]


def _in_integers(command: Command, out: Output, memory: Memory, values: Int64, scales: Scales | None) -> NDArray:
    """The output stage of accumulators (rows, ..., channels), which are overwritten, in int64: exact for all."""
    if scales is None:
        values = arithmetic.apply(command, values, out.scale)
    else:
        values += scales.bias
        values = arithmetic.multiply(values, scales.scale, scales.shift, arithmetic.rounding(command, out.scale))
    if out.fm.zero_point:
        values += out.fm.zero_point
    if not out.wraps:
        np.clip(values, out.low, out.high, out=values)
    looked_up = values if out.table is None else _look_up(out.table, memory, values)
    return looked_up.astype(out.fm.dtype) if out.wraps else arithmetic.saturate(looked_up, out.fm.dtype)


@dataclass(frozen=True, eq=False)
class _Floats:
    """Constants of an output stage in float64, one for each channel, and the ends it clips to."""

    bias: Float64
    factor: Float64
    """scale / 2**shift."""
    away: Float64 | None
    """The term of DOUBLE_SYMMETRIC / 2**shift, which is added away from zero."""
    low: int
    high: int


def _floats(command: Command, out: Output, scales: Scales) -> _Floats | None:
    """Constants for `_in_floats`; None where that is not exact.

    Up to the ends of the clip range each sum and product must be a whole number, or a half of one, over 2**shift that
    is below 2**52. Beyond them it may be rounded: all steps are monotone, so the result is the end all the same.
    """
    rounding = arithmetic.rounding(command, out.scale)
    low, high = out.low, out.high
    if out.table is None:
        limits = np.iinfo(out.fm.dtype)
        low, high = (min(max(end, int(limits.min)), int(limits.max)) for end in (low, high))
    most = max(abs(low), abs(high)) + 2 * abs(out.fm.zero_point) + 2
    in_floats = rounding in (Rounding.NATURAL, Rounding.DOUBLE_SYMMETRIC)
    if out.wraps or not in_floats or most << int(scales.shift.max()) >= FLOATS_EXACT:
        return None
    factor = np.ldexp(scales.scale.astype(np.float64), -scales.shift)
    away = arithmetic.double_term(scales.shift) if rounding == Rounding.DOUBLE_SYMMETRIC else None
    return _Floats(scales.bias.astype(np.float64), factor, away, low, high)


def _in_floats(out: Output, memory: Memory, accumulator: NDArray, floats: _Floats) -> NDArray:
    """The output stage of accumulators (rows, ..., channels) in float64: as exact, and in less than half the time."""
    values = accumulator + floats.bias
    values *= floats.factor
    if floats.away is not None:
        values += np.copysign(floats.away, values)
    values += out.fm.zero_point + 0.5
    np.floor(values, out=values)
    np.clip(values, floats.low, floats.high, out=values)
    if out.table is None:
        return values
    return arithmetic.saturate(_look_up(out.table, memory, values.astype(np.int64)), out.fm.dtype)


def _rows(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows of about `CHUNK` elements."""
    each = max(1, CHUNK // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0], each):
        yield slice(start, start + each)


def finish(
    command: Command, out: Output, memory: Memory, accumulator: NDArray, scales: Scales | None = None
) -> NDArray:
    """An accumulator (rows, ..., channels) through the output stage up to its element type.

    `scales` are those of each channel; without them OFM_SCALE is for all.
    """
    result = np.empty(accumulator.shape, out.fm.dtype)
    floats = None if scales is None else _floats(command, out, scales)
    for rows in _rows(accumulator.shape):
        if floats is None:
            result[rows] = _in_integers(command, out, memory, accumulator[rows].astype(np.int64), scales)
        else:
            result[rows] = _in_floats(out, memory, accumulator[rows], floats)
    return result
