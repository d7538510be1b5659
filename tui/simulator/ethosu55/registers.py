"""Commands and registers that U55 and U65 have beside those of all Ethos-U, and the configurations there are.

Sources: ethos_u65_interface.hpp of Vela's regor, which serves both, and ethosu/vela/ethos_u55_regs; the configurations
are those of ethosu/vela/architecture_features.py.
"""

from dataclasses import dataclass
from enum import IntEnum

from tui.simulator.ethosu import registers
from tui.simulator.ethosu.registers import CommandSet, ElementwiseMode, PoolMode, bits
from tui.simulator.ethosu.stream import macs_per_cycle, product

SETTINGS = {
    269: "IFM_IB_END",
    291: "PARALLEL_MODE",
    301: "AB_START",
    385: "IFM2_SCALAR",
    397: "IFM2_IB_START",
}
"""cmd0 registers. IB_END, AB_START and IB_START lay out SHRAM; results do not depend on them."""

WIDE_SETTINGS = {
    37: "OPA_SCALE",
    38: "OPB_SCALE",
    51: "DMA0_SKIP0",
    52: "DMA0_SKIP1",
    146: "SCALE1_BASE",
    147: "SCALE1_LENGTH",
}
"""cmd1 registers; the U85 has others by these numbers."""

COMMANDS = CommandSet(
    operations=registers.OPERATIONS,
    settings={**registers.SETTINGS, **SETTINGS},
    wide_settings={**registers.WIDE_SETTINGS, **WIDE_SETTINGS},
    modes={"POOL": (PoolMode, 3), "ELEMENTWISE": (ElementwiseMode, 6)},
)

POOL_MODES = (PoolMode.MAX, PoolMode.AVERAGE, PoolMode.REDUCE_SUM)


class Rounding(IntEnum):
    """Rounding in a PRECISION register: TFLite's double rounding, toward lower, to nearest with halves up."""

    DOUBLE = 0
    TRUNCATE = 1
    NATURAL = 2


class Upscale(IntEnum):
    """IFM_UPSCALE: each element is repeated, or followed by a zero, along both axes."""

    NONE = 0
    NEAREST = 1
    ZEROS = 2


class OperandScaling(IntEnum):
    """IFM_PRECISION bits 8..9: 16-bit scales for both operands, or a 32-bit scale for one of them."""

    BOTH_16 = 0
    A_32 = 1
    B_32 = 2


class ClipRange(IntEnum):
    """ACTIVATION bits 12..15: the type whose range a result is clipped to before the table."""

    OFM = 0
    UINT8 = 2
    INT8 = 3
    INT16 = 5


NO_FUNCTION = 0
FIRST_TABLE, TABLES = 16, 8
"""ACTIVATION bits 0..11: 0 is no function, and from `FIRST_TABLE` on the number of a table."""

OPERAND_ORDER = 6
"""Bit of IFM2_BROADCAST: set where IFM2 is operand A."""
SCALAR = 7
"""Bit of IFM2_BROADCAST: set where IFM2_SCALAR is operand B."""

KIB = 1024


@dataclass(frozen=True)
class Configuration:
    """A size of NPU: weight decoders, an OFM micro-block in a core, and a core's SHRAM in banks of 1 KiB."""

    cores: int
    ublock: tuple[int, int]
    """Height and width of a micro-block."""
    ublock_depth: int
    banks: int

    @property
    def shram_bytes(self) -> int:
        """A core's SHRAM, which holds tables in its last 2 KiB."""
        return self.banks * KIB

    @property
    def tables(self) -> int:
        """Byte address of table 0 in SHRAM."""
        return (self.banks - 2) * KIB


U55, U65 = 0, 1
"""Product numbers."""

CONFIGURATIONS = {
    (U55, 32): Configuration(1, (1, 1), 4, 16),
    (U55, 64): Configuration(1, (1, 1), 8, 16),
    (U55, 128): Configuration(1, (1, 2), 8, 24),
    (U55, 256): Configuration(1, (2, 2), 8, 48),
    (U65, 256): Configuration(1, (2, 2), 8, 48),
    (U65, 512): Configuration(2, (2, 2), 8, 48),
}
"""By product and MACs a cycle."""


def configuration(config: int) -> Configuration | None:
    """The configuration of a CONFIG word, whose bits 8..15 hold the SHRAM of all cores in KiB; None for no such."""
    found = CONFIGURATIONS.get((product(config), macs_per_cycle(config)))
    return found if found is not None and found.cores * found.banks == bits(config, 8, 8) else None
