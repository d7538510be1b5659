"""The U85's output stage: a transpose or reverse comes last, and the OFM goes to memory or to a chain buffer.

Where ACTIVATION's clip range is none, nothing is clipped or saturated: what does not fit the element type wraps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tui.simulator.ethosu import feature_map, output_stage
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.output_stage import Table
from tui.simulator.ethosu.registers import Storage, bits
from tui.simulator.ethosu.stream import Command, once
from tui.simulator.ethosu85 import precision, scales
from tui.simulator.ethosu85.precision import OutputFormat
from tui.simulator.ethosu85.registers import LUT_BYTES, Activation, Reverse

CHAIN_BUFFERS = 8
_TABLES = {
    Activation.LUT_U8_U8: (256, "<u1"),
    Activation.LUT_S8_S8: (256, "<i1"),
    Activation.LUT_S8_S16: (512, "<i2"),
    Activation.LUT_S8_S32: (1024, "<i4"),
    Activation.LUT_S16_S16: (2048, "<i2"),
    Activation.LUT_S16_S32: (2048, "<i2"),
}
"""Bytes and element type of each kind of table."""


@dataclass(frozen=True, kw_only=True)
class Output(output_stage.Output):
    """Output stage of a command."""

    format: OutputFormat
    function: Activation


def _table(command: Command, function: Activation, number: int) -> Table | None:
    """Table `number` in LUT RAM of a kind that is named by the function."""
    if function == Activation.NONE:
        return None
    length, dtype = _TABLES[function]
    if (number + 1) * length > LUT_BYTES:
        raise command.error(f"table {number} of {length} bytes lies outside the LUT RAM")
    interpolated = function in (Activation.LUT_S16_S16, Activation.LUT_S16_S32)
    return Table(number * length, length, dtype, interpolated, function == Activation.LUT_S16_S32)


@once
def from_registers(command: Command) -> Output:
    """The output stage of a command.

    Raises:
        CommandStreamError: a field holds a value that is not known.
    """
    fm = precision.feature_map(command, "OFM")
    activation = command.registers.get("ACTIVATION", 0)
    number = bits(activation, 0, 5)
    if number not in list(Activation):
        raise command.error(f"unknown activation function {number}")
    function = Activation(number)
    if function != Activation.NONE and function not in _TABLES:
        raise command.error(f"activation {function.name} is not known")
    low, high = output_stage.clip_range(command, fm.dtype.kind == "i")
    return Output(
        fm=fm,
        format=precision.output_format(command),
        scale=scales.from_register(command, "OFM_SCALE"),
        low=low,
        high=high,
        wraps=bool(bits(activation, 12)),
        function=function,
        table=_table(command, function, bits(activation, 5, 3)),
    )


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
