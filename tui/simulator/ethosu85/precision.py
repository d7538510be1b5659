"""The U85's precision registers: storage of a feature map, and what happens to an OFM on its way to memory."""

from dataclasses import dataclass

from tui.simulator.ethosu import feature_map as maps
from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.registers import Storage, bits
from tui.simulator.ethosu.stream import Command, once
from tui.simulator.ethosu85.registers import Reverse, Transpose


@dataclass(frozen=True)
class OutputFormat:
    """Fields of OFM_PRECISION beyond the feature map."""

    global_scale: bool
    reverse: Reverse
    transpose: Transpose


@once
def feature_map(command: Command, which: str) -> FeatureMap:
    """The feature map ``IFM``, ``IFM2`` or ``OFM`` of a command."""
    return maps.from_registers(command, which, Storage(bits(maps.precision(command, which), 14, 2)))


@once
def output_format(command: Command) -> OutputFormat:
    """Scale mode, reverse and transpose of a command's OFM."""
    precision = maps.precision(command, "OFM")
    transpose = bits(precision, 11, 3)
    if transpose not in list(Transpose):
        raise command.error(f"unknown transpose {transpose}")
    return OutputFormat(bits(precision, 8) == 1, Reverse(bits(precision, 9, 2)), Transpose(transpose))
