"""The Ethos-U85's own commands and registers, beside those of all Ethos-U: numbers, fields and enumerations.

Every name here was confirmed by streams that ran bit-exactly.
"""

from enum import IntEnum

from tui.simulator.ethosu import registers
from tui.simulator.ethosu.registers import CommandSet, ElementwiseMode, PoolMode

SETTINGS = {
    264: "IFM_BROADCAST",
    298: "RESIZE_X_SCALE_N_M1",
    299: "RESIZE_Y_SCALE_N_M1",
    300: "RESIZE_X_OFFSET",
    301: "RESIZE_Y_OFFSET",
    302: "WEIGHT_FORMAT",
    308: "DMA0_IDX_REGION",
}
"""cmd0 registers."""

WIDE_SETTINGS = {
    37: "IFM_SCALE",
    38: "IFM2_SCALE",
    39: "OP_SCALAR",
    51: "DMA0_SRC_STRIDE0",
    52: "DMA0_SRC_STRIDE1",
    53: "DMA0_DST_STRIDE0",
    54: "DMA0_DST_STRIDE1",
    55: "DMA0_IDX",
    56: "DMA0_IDX_MAX",
    57: "DMA0_IDX_SKIP1",
    146: "WEIGHT2_BASE",
    147: "WEIGHT2_LENGTH",
    148: "WEIGHT3_BASE",
    149: "WEIGHT3_LENGTH",
    150: "RESIZE_X_STEP",
    151: "RESIZE_Y_STEP",
}
"""cmd1 registers."""


class ResizeMode(IntEnum):
    """Parameter of RESIZE."""

    BILINEAR = 0
    REPLICATE = 1
    NEAREST = 2


COMMANDS = CommandSet(
    operations={**registers.OPERATIONS, 7: "RESIZE"},
    settings={**registers.SETTINGS, **SETTINGS},
    wide_settings={**registers.WIDE_SETTINGS, **WIDE_SETTINGS},
    modes={"POOL": (PoolMode, 3), "RESIZE": (ResizeMode, 2), "ELEMENTWISE": (ElementwiseMode, 6)},
    branch=256,
)


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


class AccumulatorInput(IntEnum):
    """Initial value of the accumulator."""

    RESET = 0
    KEEP = 1
    IFM2 = 2


LUT_BYTES = 2048
"""Memory inside the NPU that holds tables."""

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
