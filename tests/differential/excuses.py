"""Mismatches that a named fault of the compiler explains, and nothing else does.

A mark in a stream alone would let a fault of the simulator hide behind it. So, wherever it can be done, the fault is
undone - the one command made to do what the graph says - and all outputs must then equal the reference model's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np

from tests.differential import faults, overwriting
from tests.simulator import programs
from tests.simulator.programs import Part
from tui.simulator.delegate import DelegateError
from tui.simulator.ethosu import sequencer
from tui.simulator.ethosu.feature_map import address
from tui.simulator.ethosu.memory import Memory
from tui.simulator.ethosu.output_stage import Output
from tui.simulator.ethosu.stream import Command, Stream
from tui.simulator.ethosu55 import dma, output
from tui.simulator.ethosu55.registers import Configuration
from tui.simulator.ethosu85.registers import COMMANDS

Arrays = list[np.ndarray[Any, Any]]
Cases = Sequence[tuple[Arrays, Arrays]]
"""Inputs, and the outputs of the reference model."""


@dataclass(frozen=True)
class Excuse:
    """A fault by name, and whether it explains that a part's outputs are not those of `cases`."""

    name: str
    explains: Callable[[Part, Cases], bool]


def excuse(part: Part, cases: Cases) -> str | None:
    """The name of the fault that explains why a part's outputs differ; None where none does."""
    return next((one.name for one in EXCUSES if one.explains(part, cases)), None)


def _marked(mark: Callable[[Stream], bool]) -> Callable[[Part, Cases], bool]:
    return lambda part, _: mark(part.load().stream)


def _chained(mark: Callable[[Stream], bool]) -> Callable[[Part, Cases], bool]:
    """A mark in registers that have this meaning on an Ethos-U85 only."""
    return lambda part, _: part.load().stream.command_set is COMMANDS and mark(part.load().stream)


def _equal(part: Part, cases: Cases) -> bool:
    """True if the outputs are those of the reference model."""
    try:
        return all(
            np.array_equal(have, want)
            for inputs, expected in cases
            for have, want in zip(programs.simulate(part, part.load(), inputs), expected, strict=True)
        )
    except DelegateError:
        return False


@contextmanager
def _wrapping(wraps: Callable[[Command], bool]) -> Iterator[None]:
    """Have the commands that are meant lose upper bits, as TOSA's do, where an Ethos-U55 saturates."""
    stock = output.from_registers

    def changed(command: Command, configuration: Configuration) -> Output:
        out = stock(command, configuration)
        return replace(out, wraps=True) if wraps(command) else out

    with mock.patch.object(output, "from_registers", changed):
        yield


def _saturates(meant: Callable[[Command], bool]) -> Callable[[Part, Cases], bool]:
    def explains(part: Part, cases: Cases) -> bool:
        if part.load().stream.command_set is COMMANDS:
            return False
        with _wrapping(meant):
            return _equal(part, cases)

    return explains


@contextmanager
def _tables_in_shram() -> Iterator[None]:
    """Have a table that is loaded just beyond SHRAM lie where it is looked up: in the last 2 KiB."""
    stock = dma.run

    def run(command: Command, memory: Memory) -> None:
        registers = dict(command.registers)
        at = address(registers.get("DMA0_DST", 0))
        if registers.get("DMA0_DST_REGION", 0) & faults.TABLES and at >= len(memory.internal):
            registers["DMA0_DST"] = at - TABLE_BYTES
        stock(replace(command, registers=registers), memory)

    with mock.patch.object(dma, "run", run):
        yield


CONSTANTS = 0
"""Number of the region of constants."""

TABLE_BYTES = 2048
"""Of SHRAM, at its end."""


def _beyond_shram(part: Part, cases: Cases) -> bool:
    if part.load().stream.command_set is COMMANDS:
        return False
    with _tables_in_shram():
        return _equal(part, cases)


def _writes_constants(part: Part, cases: Cases) -> bool:
    """Steps between two permutes of a constant lie among the constants: a copy of these can be written."""

    class Writable(Memory):
        def __init__(self, regions: Mapping[int, Any], *arguments: Any) -> None:
            super().__init__({**regions, CONSTANTS: regions[CONSTANTS].copy()}, *arguments, read_only=frozenset())

    with mock.patch.object(sequencer, "Memory", Writable):
        return _equal(part, cases)


def _overwrites(part: Part, cases: Cases) -> bool:
    """Rows are written where others lie; a table beyond SHRAM, which comes of the same permute, is none of them."""
    if part.load().stream.command_set is COMMANDS:
        return overwriting.overwrites(part, cases[0][0])
    with _tables_in_shram():
        return overwriting.overwrites(part, cases[0][0])


EXCUSES = (
    Excuse("writes into its constants", _writes_constants),
    Excuse("loads a table beyond SHRAM", _beyond_shram),
    Excuse("shifts left with saturation", _saturates(faults.shifts_left)),
    Excuse("casts to fewer bits with saturation", _saturates(faults.narrows)),
    Excuse(
        "shifts left, and casts to fewer bits, with saturation",
        _saturates(lambda command: faults.shifts_left(command) or faults.narrows(command)),
    ),
    Excuse("loads a table over another that is still to be used", _marked(faults.loses_a_table)),
    Excuse("goes on with accumulators of other channels", _chained(faults.mixes_accumulators)),
    Excuse("takes rows of its input for padding", _marked(faults.pads_its_input)),
    Excuse("has weights for other channels than there are", _chained(faults.may_lack_channels)),
    Excuse("clamps rows in another shape than it reads them", _marked(faults.clamps_in_another_shape)),
    Excuse("takes some values of a map for all", _marked(faults.drops_an_axis)),
    Excuse("chooses in another shape", _chained(faults.chooses_in_part)),
    Excuse("writes rows where others lie", _overwrites),
)
"""What is undone comes first: it explains all of a difference, where a mark only says that there may be one."""
