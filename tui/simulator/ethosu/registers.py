"""Commands, registers and enumerations that all Ethos-U NPUs have in common.

A command is one word (cmd0: 16-bit parameter) or two (cmd1: 16-bit parameter and 32-bit data). The bit positions below
count from the parameter's lowest bit. Sources: ethos_u85_interface.hpp and ethos_u65_interface.hpp of Vela's regor, and
Linux's drivers/accel/ethosu, which numbers them alike. What only one family has stands in that family's registers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

OPERATIONS = {
    0: "STOP",
    1: "IRQ",
    2: "CONV",
    3: "DEPTHWISE",
    5: "POOL",
    6: "ELEMENTWISE",
    16: "DMA_START",
    17: "DMA_WAIT",
    18: "KERNEL_WAIT",
    19: "PMU_MASK",
}
"""cmd0 opcodes that do something."""

SETTINGS = {
    256: "IFM_PAD_TOP",
    257: "IFM_PAD_LEFT",
    258: "IFM_PAD_RIGHT",
    259: "IFM_PAD_BOTTOM",
    260: "IFM_DEPTH_M1",
    261: "IFM_PRECISION",
    263: "IFM_UPSCALE",
    265: "IFM_ZERO_POINT",
    266: "IFM_WIDTH0_M1",
    267: "IFM_HEIGHT0_M1",
    268: "IFM_HEIGHT1_M1",
    271: "IFM_REGION",
    273: "OFM_WIDTH_M1",
    274: "OFM_HEIGHT_M1",
    275: "OFM_DEPTH_M1",
    276: "OFM_PRECISION",
    277: "OFM_BLK_WIDTH_M1",
    278: "OFM_BLK_HEIGHT_M1",
    279: "OFM_BLK_DEPTH_M1",
    280: "OFM_ZERO_POINT",
    282: "OFM_WIDTH0_M1",
    283: "OFM_HEIGHT0_M1",
    284: "OFM_HEIGHT1_M1",
    287: "OFM_REGION",
    288: "KERNEL_WIDTH_M1",
    289: "KERNEL_HEIGHT_M1",
    290: "KERNEL_STRIDE",
    292: "ACC_FORMAT",
    293: "ACTIVATION",
    294: "ACTIVATION_MIN",
    295: "ACTIVATION_MAX",
    296: "WEIGHT_REGION",
    297: "SCALE_REGION",
    303: "BLOCKDEP",
    304: "DMA0_SRC_REGION",
    305: "DMA0_DST_REGION",
    306: "DMA0_SIZE0",
    307: "DMA0_SIZE1",
    384: "IFM2_BROADCAST",
    389: "IFM2_PRECISION",
    393: "IFM2_ZERO_POINT",
    394: "IFM2_WIDTH0_M1",
    395: "IFM2_HEIGHT0_M1",
    396: "IFM2_HEIGHT1_M1",
    399: "IFM2_REGION",
}
"""cmd0 registers."""

WIDE_SETTINGS = {
    0: "IFM_BASE0",
    1: "IFM_BASE1",
    2: "IFM_BASE2",
    3: "IFM_BASE3",
    4: "IFM_STRIDE_X",
    5: "IFM_STRIDE_Y",
    6: "IFM_STRIDE_C",
    16: "OFM_BASE0",
    17: "OFM_BASE1",
    18: "OFM_BASE2",
    19: "OFM_BASE3",
    20: "OFM_STRIDE_X",
    21: "OFM_STRIDE_Y",
    22: "OFM_STRIDE_C",
    32: "WEIGHT_BASE",
    33: "WEIGHT_LENGTH",
    34: "SCALE_BASE",
    35: "SCALE_LENGTH",
    36: "OFM_SCALE",
    48: "DMA0_SRC",
    49: "DMA0_DST",
    50: "DMA0_LEN",
    128: "IFM2_BASE0",
    129: "IFM2_BASE1",
    130: "IFM2_BASE2",
    131: "IFM2_BASE3",
    132: "IFM2_STRIDE_X",
    133: "IFM2_STRIDE_Y",
    134: "IFM2_STRIDE_C",
    144: "WEIGHT1_BASE",
    145: "WEIGHT1_LENGTH",
}
"""cmd1 registers. A value is 48 bits: the parameter above the data word."""


class PoolMode(IntEnum):
    """Parameter of POOL. Those from SUM on are the U85's."""

    MAX = 0
    AVERAGE = 1
    REDUCE_SUM = 2
    SUM = 3
    NONE = 4
    MIN = 5
    ARGMAX_X = 6
    ARGMAX_Y = 7


class ElementwiseMode(IntEnum):
    """Parameter of ELEMENTWISE. Those from LSR on are the U85's."""

    MUL = 0
    ADD = 1
    SUB = 2
    MIN = 3
    MAX = 4
    LRELU = 5
    ABS = 6
    CLZ = 7
    SHR = 8
    SHL = 9
    LSR = 10
    DIV = 11
    CMP_EQ = 16
    CMP_NE = 17
    CMP_GE = 18
    CMP_GT = 19
    AND = 33
    OR = 34
    XOR = 35
    NOT = 36
    AND_NOT = 42


class Storage(IntEnum):
    """Storage of a feature map: tiles of memory or, on the U85, a chain buffer, or none (a scalar)."""

    TILE2X2 = 0
    TILE3X1 = 1
    CHAINED = 2
    NONE = 3


class Broadcast(IntEnum):
    """Bits of IFM_BROADCAST and IFM2_BROADCAST: axes of extent 1 that are repeated; SCALAR is the U85's."""

    H = 1
    W = 2
    C = 4
    SCALAR = 8


@dataclass(frozen=True)
class CommandSet:
    """Commands of a family by opcode, and the modes that operations have in the lowest bits of their parameter."""

    operations: Mapping[int, str]
    settings: Mapping[int, str]
    wide_settings: Mapping[int, str]
    modes: Mapping[str, tuple[type[IntEnum], int]]
    """Modes of an operation, and the bits they take."""
    branch: int | None = None
    """The one cmd1 opcode that does something: parameter bit 0 is the condition, the data word the target."""

    def label(self, name: str, parameter: int) -> str:
        """``POOL MAX`` for an operation that has modes, else its name."""
        if name not in self.modes:
            return name
        modes, width = self.modes[name]
        value = bits(parameter, 0, width)
        names = [member.name for member in modes if member == value]
        return f"{name} {names[0] if names else value}"


def bits(value: int, low: int, count: int = 1) -> int:
    """`count` bits of `value` from bit `low`."""
    return (value >> low) & ((1 << count) - 1)
