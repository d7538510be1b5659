"""The output stage: from an accumulator to the OFM in memory or in a chain buffer.

In this order: OFM scale, OFM zero point, clip to ACTIVATION_MIN/MAX, table, saturation, transpose or reverse, write.
Where ACTIVATION's clip range is none, nothing is clipped or saturated: what does not fit the element type wraps.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tui.simulator.ethosu85 import arithmetic, feature_map
from tui.simulator.ethosu85.arithmetic import Int64
from tui.simulator.ethosu85.feature_map import FeatureMap, OutputFormat
from tui.simulator.ethosu85.memory import Memory, NDArray
from tui.simulator.ethosu85.registers import Activation, Reverse, Storage, bits
from tui.simulator.ethosu85.stream import Command, once
from tui.simulator.ethosu85.weights import Scales

CHAIN_BUFFERS = 8
CHUNK = 1 << 16
"""Elements scaled at a time: what fits the second-level cache."""

_TABLES = {
    Activation.LUT_U8_U8: (256, "<u1"),
    Activation.LUT_S8_S8: (256, "<i1"),
    Activation.LUT_S8_S16: (512, "<i2"),
    Activation.LUT_S8_S32: (1024, "<i4"),
    Activation.LUT_S16_S16: (2048, "<i2"),
    Activation.LUT_S16_S32: (2048, "<i2"),
}
"""Bytes and element type of each kind of table."""


@dataclass(frozen=True)
class Output:
    """Output stage of a command."""

    fm: FeatureMap
    format: OutputFormat
    scale: arithmetic.Scale
    low: int
    high: int
    wraps: bool
    """True if values out of the element type's range lose their upper bits; else they end at its limits."""
    function: Activation
    table: int


@once
def from_registers(command: Command) -> Output:
    """The output stage of a command.

    Raises:
        CommandStreamError: a field holds a value that is not known.
    """
    r = command.registers
    fm = feature_map.from_registers(command, "OFM")
    activation = r.get("ACTIVATION", 0)
    number = bits(activation, 0, 5)
    if number not in list(Activation):
        raise command.error(f"unknown activation function {number}")
    function = Activation(number)
    if function != Activation.NONE and function not in _TABLES:
        raise command.error(f"activation {function.name} is not known")
    low, high = r.get("ACTIVATION_MIN", 0), r.get("ACTIVATION_MAX", 0)
    signed = fm.dtype.kind == "i"
    if signed:
        low, high = low - ((low & 0x8000) << 1), high - ((high & 0x8000) << 1)
    wraps = bool(bits(activation, 12))
    return Output(
        fm=fm,
        format=feature_map.output_format(command),
        scale=arithmetic.from_register(command, "OFM_SCALE"),
        low=low,
        high=high,
        wraps=wraps,
        function=function,
        table=bits(activation, 5, 3),
    )


@once
def size(command: Command) -> tuple[int, int, int]:
    """(height, width, channels) of the OFM before a transpose."""
    r = command.registers
    return r.get("OFM_HEIGHT_M1", 0) + 1, r.get("OFM_WIDTH_M1", 0) + 1, r.get("OFM_DEPTH_M1", 0) + 1


def _look_up(command: Command, out: Output, memory: Memory, values: NDArray) -> NDArray:
    """Values through the table in LUT RAM.

    16-bit tables hold 512 (base, slope) pairs, interpolated over 128 steps; to 32 bits, the 7 bits below the base stay.
    """
    length, dtype = _TABLES[out.function]
    start = out.table * length
    if start + length > len(memory.lut):
        raise command.error(f"table {out.table} of {length} bytes lies outside the LUT RAM")
    table = memory.lut[start : start + length].view(dtype)
    if out.function in (Activation.LUT_S16_S16, Activation.LUT_S16_S32):
        offset = np.clip(values, -32768, 32767).astype(np.int32) + 32768
        pairs = table.astype(np.int32)
        index, fraction = offset >> 7, offset & 127
        base, step = pairs[0::2][index], pairs[1::2][index] * fraction
        return base + ((step + 64) >> 7) if out.function == Activation.LUT_S16_S16 else (base << 7) + step
    bias = 0 if out.function == Activation.LUT_U8_U8 else 128
    return table[np.clip(values + bias, 0, 255).astype(np.intp)]


def _finish(command: Command, out: Output, memory: Memory, values: Int64) -> NDArray:
    """Zero point, clip, table and saturation of scaled values, which are overwritten."""
    if out.fm.zero_point:
        values += out.fm.zero_point
    if not out.wraps:
        np.clip(values, out.low, out.high, out=values)
    looked_up = values if out.function == Activation.NONE else _look_up(command, out, memory, values)
    return looked_up.astype(out.fm.dtype) if out.wraps else arithmetic.saturate(looked_up, out.fm.dtype)


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
    for rows in _rows(accumulator.shape):
        values = accumulator[rows].astype(np.int64)
        if scales is None:
            values = arithmetic.apply(command, values, out.scale)
        else:
            values += scales.bias
            values = arithmetic.multiply(values, scales.scale, scales.shift, arithmetic.rounding(command, out.scale))
        result[rows] = _finish(command, out, memory, values)
    return result


def _arranged(values: NDArray, form: OutputFormat) -> NDArray:
    """(height, width, channels) as it lies in memory."""
    if form.reverse != Reverse.NONE:
        values = np.flip(values, axis=form.reverse - 1)
    axes = ["HWC".index(axis) for axis in form.transpose.name]
    return values.transpose(axes)


def write(command: Command, out: Output, memory: Memory, chains: dict[int, NDArray], values: NDArray) -> None:
    """Put a finished OFM (height, width, channels) where it belongs: memory, or a chain buffer."""
    arranged = _arranged(values, out.format)
    if out.fm.storage == Storage.CHAINED:
        if out.fm.region >= CHAIN_BUFFERS:
            raise command.error(f"there is no chain buffer {out.fm.region}")
        chains[out.fm.region] = arranged
    else:
        feature_map.write(memory, out.fm, arranged)


def check(out: Output, memory: Memory, shape: tuple[int, int, int]) -> None:
    """Refuse an OFM that does not fit, before anything is computed for it.

    Raises:
        CommandStreamError: it lies outside its region or is larger than any memory here.
    """
    memory.check_elements(shape)
    if out.fm.storage != Storage.CHAINED:
        placed: Any = _arranged(np.broadcast_to(np.zeros((), out.fm.dtype), shape), out.format)
        feature_map.check(memory, out.fm, placed.shape)
