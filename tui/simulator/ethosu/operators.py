"""Elementwise operators on integers."""

from collections.abc import Callable

import numpy as np

from tui.simulator.ethosu.arithmetic import Int64, Rounding, Scale
from tui.simulator.ethosu.registers import ElementwiseMode as Mode
from tui.simulator.ethosu.stream import Command

BINARY: dict[Mode, Callable[[Int64, Int64], Int64]] = {
    Mode.MUL: np.multiply,
    Mode.ADD: np.add,
    Mode.SUB: np.subtract,
    Mode.MIN: np.minimum,
    Mode.MAX: np.maximum,
}
"""Operators of two inputs that need no more than these."""

SHIFTS = (Mode.SHR, Mode.SHL, Mode.LSR)


def shift(command: Command, mode: Mode, a: Int64, b: Int64, width: int, rounding: int) -> Int64:
    """Shifts of numbers of `width` bits by the amounts in `b`.

    Raises:
        CommandStreamError: a right shift is rounded in a way whose meaning is not known.
    """
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


def leading_zeros(a: Int64, width: int) -> Int64:
    """Zeros above the highest set bit of numbers of `width` bits."""
    unsigned = (a & ((1 << width) - 1)).astype(np.float64)
    # frexp is exact up to 2**53, and widths go to 32.
    return width - np.frexp(unsigned)[1].astype(np.int64)


def product_scale(scale: Scale, operand_bytes: int) -> Scale:
    """The scaling of a product. One of 32-bit numbers leaves no room for a scale: it is shifted only.

    So TensorFlow Lite's softmax gets its doubling high products, and where it scales by a constant, Vela gives that
    constant both as an operand and as the scale (softmax.cpp of regor). Confirmed against LiteRT.
    """
    return scale if operand_bytes < 4 or scale.scale == 1 else Scale(1, scale.shift, scale.rounding)
