"""The U85's scale registers: each holds a scale, a shift and a rounding of its own."""

from tui.simulator.ethosu.arithmetic import Scale
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, once


@once
def from_register(command: Command, name: str) -> Scale:
    """A scale register: 31-bit scale in the data word; shift in bits 0..5, double round 6..10, rounding 13..15.

    Raises:
        CommandStreamError: it asks for double rounding, which no stream from TOSA does.
    """
    raw = command.registers.get(name, 1)
    parameter = raw >> 32
    if bits(parameter, 6, 5):
        raise command.error(f"{name}: double rounding is not known")
    return Scale(bits(raw, 0, 31), bits(parameter, 0, 6), bits(parameter, 13, 3))
