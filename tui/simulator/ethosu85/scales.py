"""The U85's scale registers: each holds a scale, a shift and a rounding of its own."""

from tui.simulator.ethosu import arithmetic
from tui.simulator.ethosu.arithmetic import Scale
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command, once


@once
def from_register(command: Command, name: str) -> Scale:
    """A scale register: 31-bit scale in the data word; shift in bits 0..5, double round 6..10, rounding 13..15.

    Raises:
        CommandStreamError: it has a double round beyond its range.
    """
    raw = command.registers.get(name, 1)
    parameter = raw >> 32
    left = bits(parameter, 6, 5)
    if left > arithmetic.DOUBLE_ROUND_BIT:
        raise command.error(f"{name}: a double round of {left} is not known")
    return Scale(bits(raw, 0, 31), bits(parameter, 0, 6), bits(parameter, 13, 3), left)
