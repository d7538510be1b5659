"""Scaling on U55 and U65: of the OFM, and of the operands of an addition or subtraction.

OFM_SCALE and OPA_SCALE hold an unsigned 32-bit scale and a shift in parameter bits 0..5, OPB_SCALE 16 bits alone; the
rounding stands in OFM_PRECISION and IFM_PRECISION. Source: ethos_u55_register_cs_generator.cpp and
ethos_u55_scaling.cpp of Vela's regor. What TOSA graphs make of it was confirmed; the rest is refused.
"""

from dataclasses import replace

from tui.simulator.ethosu import arithmetic
from tui.simulator.ethosu.arithmetic import Int64, Scale
from tui.simulator.ethosu.arithmetic import Rounding as Rounded
from tui.simulator.ethosu.inputs import Input
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, once
from tui.simulator.ethosu55 import precision
from tui.simulator.ethosu55.registers import OperandScaling, Rounding

UNIT = Scale(1, 0, Rounded.NATURAL)
ROUNDINGS = {Rounding.DOUBLE: Rounded.DOUBLE_SYMMETRIC, Rounding.NATURAL: Rounded.NATURAL}
"""Roundings of a scaling; TRUNCATE is a shift's."""

LEFT_SHIFTS = {1: 20, 2: 15}
"""Left shift of operands in TensorFlow Lite's additions, by the size of their elements in bytes. Its double rounding
has to know it; the operand without a scale of its own, where the other has one of 32 bits, is shifted by one less."""


def _scale(command: Command, name: str, which: str) -> Scale:
    """The scale in a register, rounded as the precision register of ``OFM`` or ``IFM`` says.

    Raises:
        CommandStreamError: it rounds as no stream from TOSA does.
    """
    raw, rounding = command.registers.get(name, 1), precision.rounding(command, which)
    scale, shift = bits(raw, 0, 32), bits(raw, 32, 6)
    if (scale, shift) == (1, 0):
        return UNIT
    if rounding not in ROUNDINGS:
        raise command.error(f"rounding {rounding.name} with a scale of {scale} >> {shift} is not known")
    return Scale(scale, shift, ROUNDINGS[rounding])


@once
def of_output(command: Command) -> Scale:
    """Scaling of an OFM: by OFM_SCALE where that is for all channels, else by 1; its rounding is for their own, too."""
    if precision.has_global_scale(command):
        return _scale(command, "OFM_SCALE", "OFM")
    return Scale(1, 0, ROUNDINGS.get(precision.rounding(command, "OFM"), Rounded.TRUNCATE_TO_LOWER))


def check_channels(command: Command) -> None:
    """Refuse a rounding that scales for each channel never have.

    Raises:
        CommandStreamError: it is that of a shift.
    """
    rounding = precision.rounding(command, "OFM")
    if rounding not in ROUNDINGS:
        raise command.error(f"rounding {rounding.name} with scales for each channel is not known")


def operands(command: Command, a: Input, b: Input) -> tuple[Int64, Int64]:
    """Operands A and B of an addition or subtraction, less their zero points and scaled.

    Raises:
        CommandStreamError: a scaling that is not known.
    """
    mode = precision.operand_scaling(command)
    if mode == OperandScaling.BOTH_16:
        scales = [command.registers.get(f"OP{one}_SCALE", 1) for one in "AB"]
        if any(scale >> 16 for scale in scales):
            raise command.error(f"operand scales {scales[0]:#x} and {scales[1]:#x} for both are not known")
        return a.centred() * scales[0], b.centred() * scales[1]
    left = LEFT_SHIFTS.get(a.fm.dtype.itemsize)
    if left is None or a.fm.dtype.itemsize != b.fm.dtype.itemsize:
        raise command.error("a 32-bit operand scale for other than 8-bit or 16-bit operands is not known")
    # OPA_SCALE always holds the scale of the operand that has one.
    scale = replace(_scale(command, "OPA_SCALE", "IFM"), left=left)
    if mode == OperandScaling.A_32:
        return arithmetic.apply(command, a.centred(), scale), b.centred() << left - 1
    return a.centred() << left - 1, arithmetic.apply(command, b.centred(), scale)
