"""Marks of Vela's faults in a program: commands that cannot be the graph's, whatever executes them.

A mark alone proves nothing, as each may be meant in some graph: it explains outputs that are known to be wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tui import pte
from tui.simulator.delegate import BACKEND, EthosU
from tui.simulator.ethosu85 import Command, Stream, commands, kernel, output
from tui.simulator.ethosu85.registers import Activation, Storage

WIDE_TABLES = (Activation.LUT_S16_S16, Activation.LUT_S16_S32)
"""Tables that fill the NPU's memory for tables: there is room for one."""

WITH_OUTPUT = ("CONV", "DEPTHWISE", "POOL", "ELEMENTWISE", "RESIZE")


@dataclass(frozen=True)
class Mark:
    """A fault's mark, and a way out that was tried."""

    partition: int
    offset: int
    """Place of the command in its stream, in bytes."""
    fault: str
    remedy: str


TABLES = (
    "two 16-bit tables are looked up in one chain of commands, and the NPU has room for one",
    "--quantize int8",
)
ROWS = (
    "the rows of a linear layer's input are cut otherwise than those of its output",
    "--quantize int8, or GELU in the place of ReLU between two linear layers over several tokens",
)


def marks(program: pte.Program) -> Iterator[Mark]:
    """The marks in a program's partitions, in order.

    Raises:
        DelegateError: a partition is not for an Ethos-U85.
        CommandStreamError: a command is not known.
    """
    for number, delegate in enumerate(program.main.delegates):
        if delegate.backend == BACKEND:
            stream = EthosU(delegate, program.named_data).stream
            found = [(command.offset, TABLES) for command in _second_tables(stream)]
            found += [(command.offset, ROWS) for command in _padded_points(stream)]
            yield from (Mark(number, offset, *words) for offset, words in sorted(found))


def _second_tables(stream: Stream) -> Iterator[Command]:
    """Commands that look up another table than the chain they belong to has loaded."""
    looked_up = False
    for command in commands(stream):
        if command.name not in WITH_OUTPUT:
            continue
        out = output.from_registers(command)
        if out.function in WIDE_TABLES:
            if looked_up:
                yield command
            looked_up = True
        looked_up &= out.fm.storage == Storage.CHAINED


def _padded_points(stream: Stream) -> Iterator[Command]:
    """Convolutions of one tap that read rows of nothing but padding below their input."""
    for command in commands(stream):
        if command.name == "CONV":
            k = kernel.from_registers(command)
            if k.height == k.width == 1 and k.bottom > k.top:
                yield command
