"""ELEMENTWISE: arithmetic, comparison, logic and shifts of one or two feature maps, with broadcasting."""

from collections.abc import Callable

import numpy as np

from tui.simulator.ethosu85 import arithmetic, inputs, output
from tui.simulator.ethosu85.arithmetic import Int64, Scale
from tui.simulator.ethosu85.inputs import Chains, Input
from tui.simulator.ethosu85.memory import Memory, NDArray
from tui.simulator.ethosu85.registers import ElementwiseMode as Mode
from tui.simulator.ethosu85.registers import Rounding, bits
from tui.simulator.ethosu85.stream import Command

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
    Mode.MUL: np.multiply,
    Mode.ADD: np.add,
    Mode.SUB: np.subtract,
    Mode.MIN: np.minimum,
    Mode.MAX: np.maximum,
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


def _shift(command: Command, mode: Mode, a: Int64, b: Int64, ifm: Input, rounding: int) -> Int64:
    """Shifts by the amounts in `b`, of the width of the input's type."""
    width = 8 * ifm.fm.dtype.itemsize
    amount = np.clip(b, 0, width - 1)
    if mode == Mode.SHL:
        return a << amount
    if mode == Mode.LSR:
        return (a & ((1 << width) - 1)) >> amount
    if rounding == Rounding.NATURAL:
        return (a + ((np.int64(1) << amount) >> 1)) >> amount
    if rounding == Rounding.TRUNCATE_TO_LOWER:
        return a >> amount
    raise command.error(f"rounding {rounding} of a shift is not known")


def _leading_zeros(a: Int64, width: int) -> Int64:
    unsigned = (a & ((1 << width) - 1)).astype(np.float64)
    # frexp is exact up to 2**53, and widths go to 32.
    return width - np.frexp(unsigned)[1].astype(np.int64)


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
    shape = output.size(command)
    output.check(out, memory, shape)
    first = inputs.read(command, "IFM", memory, chains, inputs.broadcast_shape(command, "IFM", shape))
    a, b = first.centred(), np.zeros((1, 1, 1), np.int64)
    if mode not in UNARY:
        second = inputs.read(command, "IFM2", memory, chains, inputs.broadcast_shape(command, "IFM2", shape))
        b = second.centred()
    if mode in SCALED:
        a = arithmetic.apply(command, a, arithmetic.from_register(command, "IFM_SCALE"))
        if mode not in UNARY:
            b = arithmetic.apply(command, b, arithmetic.from_register(command, "IFM2_SCALE"))
    values = np.broadcast_to(_computed(command, mode, a, b, first, out.scale), shape)
    finished = output.finish(command, out, memory, values)
    output.write(command, out, memory, chains, finished)
    return finished


def _computed(command: Command, mode: Mode, a: Int64, b: Int64, first: Input, scale: Scale) -> Int64:
    width = 8 * first.fm.dtype.itemsize
    if mode == Mode.ABS:
        return np.abs(a)
    if mode == Mode.NOT:
        return ~a
    if mode == Mode.CLZ:
        return _leading_zeros(a, width)
    if mode in (Mode.SHR, Mode.SHL, Mode.LSR):
        return _shift(command, mode, a, b, first, scale.rounding)
    return _BINARY[mode](a, b)
