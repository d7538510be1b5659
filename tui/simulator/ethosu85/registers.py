"""The Ethos-U85's commands and registers: numbers, fields and enumerations.

A command is one word (cmd0: 16-bit parameter) or two (cmd1: 16-bit parameter and 32-bit data). The bit positions below
count from the parameter's lowest bit. Every name here was confirmed by streams that ran bit-exactly.
"""

from enum import IntEnum

OPERATIONS = {
    0: "STOP",
    1: "IRQ",
    2: "CONV",
    3: "DEPTHWISE",
    5: "POOL",
    6: "ELEMENTWISE",
    7: "RESIZE",
    16: "DMA_START",
    17: "DMA_WAIT",
    18: "KERNEL_WAIT",
    19: "PMU_MASK",
}
"""cmd0 opcodes that do something."""

BRANCH = 256
"""The one cmd1 opcode that does something: parameter bit 0 is the condition, the data word the target."""

SETTINGS = {
    256: "IFM_PAD_TOP",
    257: "IFM_PAD_LEFT",
    258: "IFM_PAD_RIGHT",
    259: "IFM_PAD_BOTTOM",
    260: "IFM_DEPTH_M1",
    261: "IFM_PRECISION",
    263: "IFM_UPSCALE",
    264: "IFM_BROADCAST",
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
    298: "RESIZE_X_SCALE_N_M1",
    299: "RESIZE_Y_SCALE_N_M1",
    300: "RESIZE_X_OFFSET",
    301: "RESIZE_Y_OFFSET",
    302: "WEIGHT_FORMAT",
    303: "BLOCKDEP",
    304: "DMA0_SRC_REGION",
    305: "DMA0_DST_REGION",
    306: "DMA0_SIZE0",
    307: "DMA0_SIZE1",
    308: "DMA0_IDX_REGION",
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
    37: "IFM_SCALE",
    38: "IFM2_SCALE",
    39: "OP_SCALAR",
    48: "DMA0_SRC",
    49: "DMA0_DST",
    50: "DMA0_LEN",
    51: "DMA0_SRC_STRIDE0",
    52: "DMA0_SRC_STRIDE1",
    53: "DMA0_DST_STRIDE0",
    54: "DMA0_DST_STRIDE1",
    55: "DMA0_IDX",
    56: "DMA0_IDX_MAX",
    57: "DMA0_IDX_SKIP1",
    128: "IFM2_BASE0",
    129: "IFM2_BASE1",
    130: "IFM2_BASE2",
    131: "IFM2_BASE3",
    132: "IFM2_STRIDE_X",
    133: "IFM2_STRIDE_Y",
    134: "IFM2_STRIDE_C",
    144: "WEIGHT1_BASE",
    145: "WEIGHT1_LENGTH",
    146: "WEIGHT2_BASE",
    147: "WEIGHT2_LENGTH",
    148: "WEIGHT3_BASE",
    149: "WEIGHT3_LENGTH",
    150: "RESIZE_X_STEP",
    151: "RESIZE_Y_STEP",
}
"""cmd1 registers. A value is 48 bits: the parameter above the data word."""


class PoolMode(IntEnum):
    """Parameter of POOL."""

    MAX = 0
    AVERAGE = 1
    REDUCE_SUM = 2
    SUM = 3
    NONE = 4
    MIN = 5
    ARGMAX_X = 6
    ARGMAX_Y = 7


class ResizeMode(IntEnum):
    """Parameter of RESIZE."""

    BILINEAR = 0
    REPLICATE = 1
    NEAREST = 2


class ElementwiseMode(IntEnum):
    """Parameter of ELEMENTWISE."""

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
    """Storage of a feature map: tiles of memory, a chain buffer, or none (a scalar)."""

    TILE2X2 = 0
    TILE3X1 = 1
    CHAINED = 2
    NONE = 3


class Transpose(IntEnum):
    """Source axis of each axis of the OFM in memory: WHC has rows made of columns."""

    HWC = 0
    WHC = 1
    HCW = 2
    WCH = 3
    CHW = 6
    CWH = 7


class Reverse(IntEnum):
    """The axis along which the OFM is written backwards."""

    NONE = 0
    H = 1
    W = 2
    C = 3


class Activation(IntEnum):
    """Function after scaling: none, or a table in LUT RAM named by the types it takes and gives."""

    NONE = 0
    LUT_U8_U8 = 1
    LUT_S8_S8 = 4
    LUT_S8_S16 = 5
    LUT_S8_S32 = 7
    LUT_S16_S16 = 8
    LUT_S16_S32 = 9
    TANH = 10
    SIGMOID = 11


class Rounding(IntEnum):
    """Rounding of a scaling: TOSA's DOUBLE_ROUND, to nearest, down. No stream was seen with the numbers between."""

    DOUBLE_SYMMETRIC = 0
    NATURAL = 1
    TRUNCATE_TO_LOWER = 5


class AccumulatorInput(IntEnum):
    """Initial value of the accumulator."""

    RESET = 0
    KEEP = 1
    IFM2 = 2


class Broadcast(IntEnum):
    """Bits of IFM_BROADCAST: axes of extent 1 that are repeated; SCALAR takes OP_SCALAR."""

    H = 1
    W = 2
    C = 4
    SCALAR = 8


MICROBLOCKS = ((1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (4, 4))
"""(height, width) of an OFM micro-block, by ACC_FORMAT bits 8..10."""

UBLOCK_DEPTHS = {
    128: {(1, 2): 8, (1, 1): 16},
    256: {(1, 2): 16, (1, 4): 8, (2, 2): 8},
    512: {},
    1024: {(2, 4): 16},
    2048: {(4, 4): 16},
}
"""Depth of an OFM micro-block by MACs and (height, width); what is not listed has `DEFAULT_UBLOCK_DEPTH`."""

DEFAULT_UBLOCK_DEPTH = {128: 8, 256: 16, 512: 16, 1024: 32, 2048: 64}

CORES = {128: 1, 256: 1, 512: 2, 1024: 4, 2048: 4}
"""Weight decoders, each with a stream of its own, by MACs."""


def bits(value: int, low: int, count: int = 1) -> int:
    """`count` bits of `value` from bit `low`."""
    return (value >> low) & ((1 << count) - 1)
