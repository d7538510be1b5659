"""Reading a command's inputs: maps in memory, doubled where IFM_UPSCALE asks for it, or a scalar of 16 bits.

Source: ethos_u65_interface.hpp and ethos_u55_register_cs_generator.cpp of Vela's regor.
"""

import numpy as np

from tui.simulator.ethosu import feature_map
from tui.simulator.ethosu.inputs import Input, broadcast_shape
from tui.simulator.ethosu.memory import Memory
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu55 import precision
from tui.simulator.ethosu55.registers import OPERAND_ORDER, SCALAR, Upscale

UNKNOWN_BROADCAST = 3
"""The lowest of three bits of IFM2_BROADCAST that mean nothing."""


def read(command: Command, memory: Memory, shape: tuple[int, int, int]) -> Input:
    """The IFM (rows, columns, channels) of a window operation, after doubling.

    Raises:
        CommandStreamError: it is out of bounds, or is upscaled in a way that is not known.
    """
    fm = precision.feature_map(command, "IFM")
    memory.check_elements(shape)
    mode = command.registers.get("IFM_UPSCALE", Upscale.NONE)
    if mode == Upscale.NONE:
        return Input(feature_map.read(memory, fm, *shape), fm)
    rows, columns, channels = shape
    values = feature_map.read(memory, fm, (rows + 1) // 2, (columns + 1) // 2, channels)
    if mode == Upscale.NEAREST:
        doubled = values.repeat(2, axis=0).repeat(2, axis=1)
        return Input(doubled[:rows, :columns], fm)
    if mode != Upscale.ZEROS:
        raise command.error(f"IFM upscaling {mode} is not known")
    limits = np.iinfo(fm.dtype)
    if not limits.min <= fm.zero_point <= limits.max:
        raise command.error(f"a zero point of {fm.zero_point} between elements of {fm.dtype.name} is not known")
    spread = np.full(shape, fm.zero_point, fm.dtype)
    spread[::2, ::2] = values
    return Input(spread, fm)


def _second(command: Command, memory: Memory, shape: tuple[int, int, int]) -> Input:
    """IFM2, or IFM2_SCALAR in its type."""
    fm = precision.feature_map(command, "IFM2")
    mode = command.registers.get("IFM2_BROADCAST", 0)
    if bits(mode, UNKNOWN_BROADCAST, OPERAND_ORDER - UNKNOWN_BROADCAST):
        raise command.error(f"IFM2 broadcast {mode:#x} is not known")
    if not bits(mode, SCALAR):
        return Input(feature_map.read(memory, fm, *broadcast_shape(command, "IFM2", shape)), fm)
    raw = command.registers.get("IFM2_SCALAR", 0)
    value = raw - ((raw & 0x8000) << 1) if fm.dtype.kind == "i" else raw
    return Input(np.full((1, 1, 1), value, np.int64), fm)


def operands(command: Command, memory: Memory, shape: tuple[int, int, int]) -> tuple[Input, Input]:
    """Operands A and B of an elementwise operation: IFM and IFM2, unless IFM2_BROADCAST exchanges them.

    Raises:
        CommandStreamError: one is out of bounds, or broadcast in a way that is not known.
    """
    first, second = of_elementwise(command, memory, shape), _second(command, memory, shape)
    swapped = bits(command.registers.get("IFM2_BROADCAST", 0), OPERAND_ORDER)
    return (second, first) if swapped else (first, second)


def of_elementwise(command: Command, memory: Memory, shape: tuple[int, int, int]) -> Input:
    """The IFM of an elementwise operation; it is never broadcast.

    Raises:
        CommandStreamError: it is out of bounds or upscaled.
    """
    if command.registers.get("IFM_UPSCALE", Upscale.NONE) != Upscale.NONE:
        raise command.error("IFM upscaling of an elementwise operation is not known")
    return read(command, memory, shape)
