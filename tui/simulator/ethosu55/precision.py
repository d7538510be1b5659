"""The PRECISION registers of U55 and U65: element type and layout of a feature map, scaling and rounding.

Feature maps lie in 2x2 tiles always. Of one in NHWC the element size is the stride between channels: STRIDE_C is
whatever an earlier command left. Source: ethos_u65_interface.hpp, ethos_u55_register_cs_generator.cpp of Vela's regor.
"""

from dataclasses import replace

from tui.simulator.ethosu import feature_map as maps
from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.registers import Storage, bits
from tui.simulator.ethosu.stream import Command, once
from tui.simulator.ethosu55.registers import OperandScaling, Rounding

NHWC, NHCWB16 = 0, 1


@once
def feature_map(command: Command, which: str) -> FeatureMap:
    """The feature map ``IFM``, ``IFM2`` or ``OFM`` of a command.

    Raises:
        CommandStreamError: its layout is not known.
    """
    layout = bits(maps.precision(command, which), 6, 2)
    if layout not in (NHWC, NHCWB16):
        raise command.error(f"feature map format {layout} is not known")
    fm = maps.from_registers(command, which, Storage.TILE2X2)
    return fm if fm.bricks else replace(fm, stride_c=fm.dtype.itemsize)


def has_global_scale(command: Command) -> bool:
    """Return True if OFM_SCALE is for all channels."""
    return bits(maps.precision(command, "OFM"), 8) == 1


def rounding(command: Command, which: str) -> Rounding:
    """Rounding of the OFM's scaling (``OFM``) or of the operands' (``IFM``).

    Raises:
        CommandStreamError: there is no such rounding.
    """
    number = bits(maps.precision(command, which), 14, 2)
    if number not in list(Rounding):
        raise command.error(f"rounding {number} is not known")
    return Rounding(number)


def operand_scaling(command: Command) -> OperandScaling:
    """Scaling of the operands of an addition or subtraction.

    Raises:
        CommandStreamError: there is no such scaling.
    """
    number = bits(maps.precision(command, "IFM"), 8, 2)
    if number not in list(OperandScaling):
        raise command.error(f"operand scaling {number} is not known")
    return OperandScaling(number)
