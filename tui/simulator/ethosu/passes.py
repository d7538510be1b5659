"""A pass: commands that run as one, and the shapes the compiler reckons with (Vela 5.1, regor)."""

from dataclasses import dataclass

from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.kernel import Kernel
from tui.simulator.ethosu.memory_ports import Shape
from tui.simulator.ethosu.registers import ElementwiseMode, PoolMode, bits
from tui.simulator.ethosu.stream import Command

UNARY = (ElementwiseMode.ABS, ElementwiseMode.CLZ, ElementwiseMode.NOT)


@dataclass(frozen=True)
class Pass:
    """A pass: its commands, and the shapes of the first, which decides the blocks."""

    commands: tuple[Command, ...]
    macs: int
    """MACs a cycle of the NPU."""
    kernel: Kernel
    ifm: FeatureMap
    ofm: FeatureMap
    ifm_shape: Shape
    ofm_shape: Shape
    ifm_block: Shape
    ofm_block: Shape
    ublock: Shape
    cores: int = 1

    @property
    def command(self) -> Command:
        """The first command."""
        return self.commands[0]

    @property
    def reduces(self) -> bool:
        """True if every channel of the OFM takes all channels of the IFM."""
        return reduces(self.command)

    @property
    def uses_macs(self) -> bool:
        """True if the MAC array works, not the output stage alone."""
        return self.command.name not in ("ELEMENTWISE", "RESIZE")

    @property
    def has_constants(self) -> bool:
        """True if weights and scales are read: the registers of a matrix multiplication hold those of another."""
        return self.command.name in ("CONV", "DEPTHWISE") and not is_matmul(self.command)

    @property
    def sparse(self) -> int:
        """1 where two of four weights are left out, else 0."""
        return bits(self.command.registers.get("WEIGHT_FORMAT", 0), 4)


def reduces(command: Command) -> bool:
    """Return True if every channel of a command's OFM takes all channels of its IFM."""
    return command.name == "CONV" or (command.name == "POOL" and pool_mode(command) == PoolMode.REDUCE_SUM)


def ofm_block(command: Command) -> Shape:
    """The block of OFM that a command computes at once."""
    r = command.registers
    return r.get("OFM_BLK_HEIGHT_M1", 0) + 1, r.get("OFM_BLK_WIDTH_M1", 0) + 1, r.get("OFM_BLK_DEPTH_M1", 0) + 1


def smaller(a: Shape, b: Shape) -> Shape:
    """The smaller extent along each axis."""
    return min(a[0], b[0]), min(a[1], b[1]), min(a[2], b[2])


def elements(shape: Shape) -> int:
    """Number of elements in a shape."""
    return shape[0] * shape[1] * shape[2]


def blocks(shape: Shape, unit: Shape) -> Shape:
    """Number of units that cover `shape` along each axis."""
    return -(-shape[0] // unit[0]), -(-shape[1] // unit[1]), -(-shape[2] // unit[2])


def pool_mode(command: Command) -> int:
    """The mode of a POOL; one that there is not is its number."""
    return bits(command.parameter, 0, 3)


def elementwise_mode(command: Command) -> int | None:
    """The mode of an ELEMENTWISE, None of anything else."""
    return bits(command.parameter, 0, 6) if command.name == "ELEMENTWISE" else None


def is_binary(command: Command) -> bool:
    """Return True if a command is an ELEMENTWISE with two inputs."""
    mode = elementwise_mode(command)
    return mode is not None and mode not in UNARY


def is_matmul(command: Command) -> bool:
    """Return True if a CONV takes its weights from IFM2."""
    return command.name == "CONV" and bits(command.parameter, 0) == 1
