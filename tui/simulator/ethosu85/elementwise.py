"""ELEMENTWISE: arithmetic, comparison, logic and shifts of one or two feature maps, with broadcasting."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tui.simulator.ethosu import arithmetic, operators, output_stage
from tui.simulator.ethosu.arithmetic import Int64, Scale
from tui.simulator.ethosu.inputs import Input, broadcast_shape
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import ElementwiseMode as Mode
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu85 import inputs, output, scales
from tui.simulator.ethosu85.inputs import Chains

UNARY = (Mode.ABS, Mode.CLZ, Mode.NOT)
SCALED = (Mode.ADD, Mode.SUB, Mode.MIN, Mode.MAX, Mode.ABS)
"""Modes whose inputs are scaled by IFM_SCALE and IFM2_SCALE first."""

TRUE = -1
"""Result of a comparison that holds: all bits set."""


def _compared(compare: Callable[[Int64, Int64], NDArray]) -> Callable[[Int64, Int64], Int64]:
    return lambda a, b: np.where(compare(a, b), np.int64(TRUE), np.int64(0))


def _divide(a: Int64, b: Int64) -> Int64:
    """Integer division that truncates toward zero; by zero gives zero (TOSA leaves it undefined)."""
    quotient = np.abs(a) // np.maximum(np.abs(b), 1)
    return np.where(b == 0, 0, np.where((a < 0) != (b < 0), -quotient, quotient))


_BINARY: dict[Mode, Callable[[Int64, Int64], Int64]] = {
    **operators.BINARY,
    Mode.DIV: _divide,
    Mode.CMP_EQ: _compared(np.equal),
    Mode.CMP_NE: _compared(np.not_equal),
    Mode.CMP_GE: _compared(np.greater_equal),
    Mode.CMP_GT: _compared(np.greater),
    Mode.AND: np.bitwise_and,
    Mode.OR: np.bitwise_or,
    Mode.XOR: np.bitwise_xor,
    Mode.AND_NOT: lambda a, b: a & ~b,
}


def run(command: Command, memory: Memory, chains: Chains) -> NDArray:
    """Execute ELEMENTWISE; the OFM as written.

    Raises:
        CommandStreamError: a mode or combination whose meaning is not known, or something out of bounds.
    """
    number = bits(command.parameter, 0, 6)
    if number not in list(Mode) or number == Mode.LRELU:
        raise command.error("elementwise mode is not known")
    mode = Mode(number)
    out = output.from_registers(command)
    shape = output_stage.size(command)
    output.check(out, memory, shape)
    first = inputs.read(command, "IFM", memory, chains, broadcast_shape(command, "IFM", shape))
    a, b = first.centred(), np.zeros((1, 1, 1), np.int64)
    if mode not in UNARY:
        second = inputs.read(command, "IFM2", memory, chains, broadcast_shape(command, "IFM2", shape))
        b = second.centred()
    if mode in SCALED:
        a = arithmetic.apply(command, a, scales.from_register(command, "IFM_SCALE"))
        if mode not in UNARY:
            b = arithmetic.apply(command, b, scales.from_register(command, "IFM2_SCALE"))
    if mode == Mode.MUL:
        out = replace(out, scale=operators.product_scale(out.scale, first.fm.dtype.itemsize))
    values = np.broadcast_to(_computed(command, mode, a, b, first, out.scale), shape)
    finished = output_stage.finish(command, out, memory, values)
    output.write(command, out, memory, chains, finished)
    return finished


def _computed(command: Command, mode: Mode, a: Int64, b: Int64, first: Input, scale: Scale) -> Int64:
    width = 8 * first.fm.dtype.itemsize
    if mode == Mode.ABS:
        return np.abs(a)
    if mode == Mode.NOT:
        return ~a
    if mode == Mode.CLZ:
        return operators.leading_zeros(a, width)
    if mode in operators.SHIFTS:
        return operators.shift(command, mode, a, b, width, scale.rounding)
    return _BINARY[mode](a, b)
