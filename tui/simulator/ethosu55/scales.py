"""Scaling on U55 and U65: of the OFM, and of the operands of an addition or subtraction.

OFM_SCALE and OPA_SCALE hold an unsigned 32-bit scale and a shift in parameter bits 0..5, OPB_SCALE 16 bits alone; the
rounding stands in OFM_PRECISION and IFM_PRECISION. Source: ethos_u55_register_cs_generator.cpp and
ethos_u55_scaling.cpp of Vela's regor. What TOSA graphs make of it was confirmed; the rest is refused.
"""

from tui.simulator.ethosu import arithmetic
from tui.simulator.ethosu.arithmetic import Int64, Scale
from tui.simulator.ethosu.arithmetic import Rounding as Rounded
from tui.simulator.ethosu.inputs import Input
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, once
from tui.simulator.ethosu.weights import Scales
from tui.simulator.ethosu55 import precision
from tui.simulator.ethosu55.registers import OperandScaling, Rounding

UNIT = Scale(1, 0, Rounded.NATURAL)
IDENTITY = (0x80000001, 31)
"""Scale and shift that leave any number of up to 16 bits as it is, however it is rounded: those of a transpose."""

FIXED_SHIFT = 19
"""Left shift of the 8-bit operand that has no scale of its own, where the other has one of 32 bits."""


def _register(command: Command, name: str) -> tuple[int, int]:
    raw = command.registers.get(name, 1)
    return bits(raw, 0, 32), bits(raw, 32, 6)


def _known(command: Command, scale: int, shift: int, rounding: Rounding) -> Scale:
    """A scaling whose meaning is known.

    Raises:
        CommandStreamError: it rounds as no stream from TOSA does.
    """
    narrow = precision.feature_map(command, "IFM").dtype.itemsize <= 2
    if (scale, shift) == (1, 0) or (narrow and (scale, shift) == IDENTITY):
        return UNIT
    if rounding != Rounding.NATURAL:
        raise command.error(f"rounding {rounding.name} with a scale of {scale} >> {shift} is not known")
    return Scale(scale, shift, Rounded.NATURAL)


@once
def of_output(command: Command) -> Scale:
    """Scaling of an OFM whose channels have none of their own: by OFM_SCALE where that is for all, else none."""
    if not precision.has_global_scale(command):
        return UNIT
    return _known(command, *_register(command, "OFM_SCALE"), precision.rounding(command, "OFM"))


def check_channels(command: Command, channels: Scales) -> None:
    """Refuse a rounding of scales for each channel that no stream from TOSA has.

    Raises:
        CommandStreamError: it is another than to the nearest, and a channel is scaled.
    """
    rounding = precision.rounding(command, "OFM")
    if rounding != Rounding.NATURAL and ((channels.scale != 1) | (channels.shift != 0)).any():
        raise command.error(f"rounding {rounding.name} with scales for each channel is not known")


def operands(command: Command, a: Input, b: Input) -> tuple[Int64, Int64]:
    """Operands A and B of an addition or subtraction, less their zero points and scaled.

    Raises:
        CommandStreamError: a scaling that is not known.
    """
    mode = precision.operand_scaling(command)
    scale, shift = _register(command, "OPA_SCALE")
    if mode == OperandScaling.BOTH_16:
        other = bits(command.registers.get("OPB_SCALE", 1), 0, 16)
        if shift:
            raise command.error(f"16-bit operand scales with a shift of {shift} are not known")
        return a.centred() * bits(scale, 0, 16), b.centred() * other
    if a.fm.dtype.itemsize != 1 or b.fm.dtype.itemsize != 1:
        raise command.error("a 32-bit operand scale for other than 8-bit operands is not known")
    # OPA_SCALE always holds the scale of the operand that has one.
    known = _known(command, scale, shift, precision.rounding(command, "IFM"))
    if mode == OperandScaling.A_32:
        return arithmetic.apply(command, a.centred(), known), b.centred() << FIXED_SHIFT
    return a.centred() << FIXED_SHIFT, arithmetic.apply(command, b.centred(), known)
