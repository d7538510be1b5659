"""ELEMENTWISE on U55 and U65: arithmetic and shifts of one or two feature maps, with broadcasting of the second.

Additions and subtractions scale their operands first. Source: ethos_u55_register_cs_generator.cpp of Vela's regor.
"""

from dataclasses import replace

import numpy as np

from tui.simulator.ethosu import operators, output_stage
from tui.simulator.ethosu.arithmetic import Int64
from tui.simulator.ethosu.arithmetic import Rounding as Rounded
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import ElementwiseMode as Mode
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu55 import inputs, output, precision, scales
from tui.simulator.ethosu55.registers import Configuration, Rounding

UNARY = (Mode.ABS, Mode.CLZ)
MODES = (*operators.BINARY, *UNARY, Mode.SHR, Mode.SHL)

SHIFT_ROUNDINGS = {
    Rounding.DOUBLE: Rounded.NATURAL,
    Rounding.TRUNCATE: Rounded.TRUNCATE_TO_LOWER,
    Rounding.NATURAL: Rounded.NATURAL,
}
"""Roundings of a right shift. Vela 5.1 asks for DOUBLE where a graph asks for none; ExecuTorch's test_rshift.py says
that the hardware rounds then ("forced rounding"), and allows Arm's FVP to be off by one."""


def _unary(mode: Mode, a: Int64, width: int) -> Int64:
    return np.abs(a) if mode == Mode.ABS else operators.leading_zeros(a, width)


def _binary(command: Command, mode: Mode, memory: Memory, shape: tuple[int, int, int]) -> Int64:
    first, second = inputs.operands(command, memory, shape)
    if mode in (Mode.ADD, Mode.SUB):
        return operators.BINARY[mode](*scales.operands(command, first, second))
    a, b = first.centred(), second.centred()
    if mode == Mode.SHL:
        return operators.shift(command, mode, a, b, 8 * first.fm.dtype.itemsize, Rounded.NATURAL)
    if mode == Mode.SHR:
        rounding = precision.rounding(command, "OFM")
        return operators.shift(command, mode, a, b, 8 * first.fm.dtype.itemsize, SHIFT_ROUNDINGS[rounding])
    return operators.BINARY[mode](a, b)


def run(command: Command, memory: Memory, configuration: Configuration) -> NDArray:
    """Execute ELEMENTWISE; the OFM as written.

    Raises:
        CommandStreamError: a mode or combination whose meaning is not known, or something out of bounds.
    """
    number = bits(command.parameter, 0, 6)
    if number not in MODES:
        raise command.error("elementwise mode is not known")
    mode = Mode(number)
    out = output.from_registers(command, configuration)
    shape = output_stage.size(command)
    output.check(out, memory, shape)
    if mode in UNARY:
        ifm = inputs.of_elementwise(command, memory, shape)
        values = _unary(mode, ifm.centred(), 8 * ifm.fm.dtype.itemsize)
    else:
        values = _binary(command, mode, memory, shape)
    if mode == Mode.MUL:
        width = precision.feature_map(command, "IFM").dtype.itemsize
        out = replace(out, scale=operators.product_scale(out.scale, width))
    return output.finish(command, out, memory, np.broadcast_to(values, shape))
