"""The output stage of U55 and U65: what is clipped to, and the tables in SHRAM.

Table n is read at 256*n of the last 2 KiB of SHRAM; one of 16 bits fills all of them. Numbers of 32 bits are not
clipped to ACTIVATION_MIN and MAX, which have 16. Source: ethos_u55_register_cs_generator.cpp of Vela's regor.
"""

import numpy as np

from tui.simulator.ethosu import feature_map, output_stage
from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.output_stage import Output, Table
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, once
from tui.simulator.ethosu.weights import Scales
from tui.simulator.ethosu55 import precision, scales
from tui.simulator.ethosu55.registers import FIRST_TABLE, NO_FUNCTION, TABLES, ClipRange, Configuration

SLOT_BYTES = 256
_LENGTHS = {1: 256, 2: 2048, 4: 1024}
"""Size of a table by that of the OFM's elements, in bytes."""


def _clip(command: Command, fm: FeatureMap) -> tuple[int, int]:
    """The least and the greatest result before a table.

    Raises:
        CommandStreamError: the range is one whose meaning is not known.
    """
    number = bits(command.registers.get("ACTIVATION", 0), 12, 4)
    low, high = output_stage.clip_range(command, fm.dtype.kind == "i")
    if number == ClipRange.OFM:
        limits = np.iinfo(fm.dtype)
        return (low, high) if fm.dtype.itemsize <= 2 else (int(limits.min), int(limits.max))
    if number == ClipRange.INT8:
        return max(low, -128), min(high, 127)
    raise command.error(f"clip range {number} is not known")


def _table(command: Command, configuration: Configuration, fm: FeatureMap) -> Table | None:
    number = bits(command.registers.get("ACTIVATION", 0), 0, 12)
    if number == NO_FUNCTION:
        return None
    slot = number - FIRST_TABLE
    if not 0 <= slot < TABLES or fm.dtype.itemsize not in _LENGTHS:
        raise command.error(f"activation function {number} to {fm.dtype.name} is not known")
    start, length = configuration.tables + SLOT_BYTES * slot, _LENGTHS[fm.dtype.itemsize]
    if start + length > configuration.shram_bytes:
        raise command.error(f"table {slot} of {length} bytes lies outside the SHRAM")
    return Table(start, length, f"<{fm.dtype.kind}{fm.dtype.itemsize}", interpolated=fm.dtype.itemsize == 2)


@once
def from_registers(command: Command, configuration: Configuration) -> Output:
    """The output stage of a command.

    Raises:
        CommandStreamError: a field holds a value that is not known.
    """
    fm = precision.feature_map(command, "OFM")
    low, high = _clip(command, fm)
    table = _table(command, configuration, fm)
    return Output(fm=fm, scale=scales.of_output(command), low=low, high=high, table=table)


def check(out: Output, memory: Memory, shape: tuple[int, int, int]) -> None:
    """Refuse an OFM that does not fit, before anything is computed for it.

    Raises:
        CommandStreamError: it lies outside its region or is larger than any memory here.
    """
    memory.check_elements(shape)
    feature_map.check(memory, out.fm, shape)


def finish(command: Command, out: Output, memory: Memory, values: NDArray, channels: Scales | None = None) -> NDArray:
    """Put accumulators (height, width, channels) through the output stage and into memory; the OFM as written."""
    finished = output_stage.finish(command, out, memory, values, channels)
    feature_map.write(memory, out.fm, finished)
    return finished
