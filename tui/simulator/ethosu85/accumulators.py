"""Accumulators that one command leaves to the next: Vela cuts a kernel with large steps into commands of one tap each.

ACC_FORMAT says what a command starts from, and whether the output stage takes its result or it stays where it is.
"""

from collections.abc import Callable

import numpy as np

from tui.simulator.ethosu.arithmetic import Int64
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu85 import output
from tui.simulator.ethosu85.output import Output
from tui.simulator.ethosu85.registers import AccumulatorInput

OUTPUT_DISABLED = 6


def source(command: Command) -> int:
    """Initial value of a command's accumulators."""
    return bits(command.registers.get("ACC_FORMAT", 0), 4, 2)


def are_kept(command: Command) -> bool:
    """Return True if a command writes nothing and leaves its accumulators to the next."""
    return bits(command.registers.get("ACC_FORMAT", 0), OUTPUT_DISABLED) == 1


def check(command: Command, out: Output, memory: Memory, shape: tuple[int, int, int]) -> None:
    """Refuse a result that fits nowhere, before anything is computed for it.

    Raises:
        CommandStreamError: it lies outside its region or is larger than any memory here.
    """
    if are_kept(command):
        memory.check_elements(shape)
    else:
        output.check(out, memory, shape)


class Accumulators:
    """Accumulators kept between two commands."""

    def __init__(self) -> None:
        self._kept: Int64 | None = None

    def settle(
        self, command: Command, sums: NDArray, combine: Callable[[Int64, Int64], Int64] = np.add
    ) -> NDArray | None:
        """Combine `sums` with what was kept, for the output stage; None where the result is kept itself.

        Raises:
            CommandStreamError: nothing of that shape was kept, or the accumulators start from what is not known.
        """
        match source(command):
            case AccumulatorInput.RESET:
                pass
            case AccumulatorInput.KEEP:
                if self._kept is None or self._kept.shape != sums.shape:
                    raise command.error("no accumulators of its shape were kept")
                sums = combine(self._kept, sums.astype(np.int64))
            case other:
                raise command.error(f"accumulator input {other} is not known")
        self._kept = sums.astype(np.int64) if are_kept(command) else None
        return None if are_kept(command) else sums
