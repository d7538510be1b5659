"""The cost of a pass: work of the NPU itself, and what it moves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from tui.simulator.ethosu import transfers
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory_ports import Ports
from tui.simulator.ethosu.stream import Command, Stream, commands
from tui.simulator.ethosu.transfers import Speed, Transfer

MAC_ARRAY, OUTPUT_STAGE, ISSUING, NOTHING = "MAC array", "output stage", "command issue", "nothing"


@dataclass(frozen=True)
class Work:
    """Work of the NPU itself in a pass: cycles in all and of the MAC array, and the part of the NPU they are for."""

    cycles: int
    mac_cycles: int
    limit: str
    edges: int = 0
    """Share of `cycles` in which the first block is read and the last one written."""


@dataclass(frozen=True, eq=False)
class Cost:
    """Cost of a pass (commands that are chained run as one) or of passes that make one operator, or of a DMA_START.

    A DMA_START runs beside passes.
    """

    commands: tuple[Command, ...]
    work: Work
    macs: int
    """Multiply-accumulates done."""
    macs_per_cycle: int
    traffic: tuple[Transfer, ...]
    access: Mapping[str, int]
    """Cycles each memory needs for the traffic, by its name."""
    copy_cycles: int = 0
    """Cycles of a DMA_START; 0 for a pass."""
    repeats: int = 1
    """Times that the first commands are repeated for other rows or columns, one after the other."""

    @property
    def command(self) -> Command:
        """The first command, which decides the blocks."""
        return self.commands[0]

    @property
    def operation(self) -> str:
        """Names of the commands, repeated ones once."""
        names = " + ".join(command.name for command in self.commands[: len(self.commands) // self.repeats])
        return names if self.repeats == 1 else f"{self.repeats} x {names}"

    @property
    def cycles(self) -> int:
        """Cycles of the NPU's own work, without waiting for memory; 0 of a DMA_START or RESIZE."""
        return self.work.cycles

    @cached_property
    def total(self) -> int:
        """Cycles until it is done: those of the NPU, or of the memory that needs longer."""
        return max(self.work.cycles, self.copy_cycles, *self.access.values())

    @property
    def bound_by(self) -> str:
        """The bottleneck that decides `total`: a part of the NPU, or a memory by its name."""
        memory = max(self.access, key=lambda name: self.access[name], default=None)
        if memory is None or self.work.cycles - self.work.edges >= max(self.access[memory], self.copy_cycles):
            return self.work.limit
        return memory

    @property
    def utilization(self) -> float:
        """Share of the MACs there are in `total` that do something, 0 to 1."""
        return self.macs / (self.total * self.macs_per_cycle) if self.total else 0.0


def of_copy(command: Command, macs: int, ports: Ports, speed: Speed) -> Cost:
    """The cost of a DMA_START on an NPU with `macs`.

    Raises:
        KeyError: a region that is not in `ports`.
    """
    moved = transfers.of_copy(command, ports)
    access = transfers.access_cycles(moved, speed)
    return Cost((command,), Work(0, 0, NOTHING), 0, macs, moved, access, transfers.copy_cycles(moved, speed))


def with_copies(stream: Stream, found: Iterable[Cost], ports: Ports, speed: Speed) -> list[Cost]:
    """The costs of passes and of each DMA_START, in the order of the stream.

    Raises:
        CommandStreamError: a command refers to a memory that is not in `ports`.
    """
    copies = [command for command in commands(stream) if command.name == "DMA_START"]
    moved = [known(one, partial(of_copy, one, stream.macs_per_cycle, ports, speed)) for one in copies]
    return sorted([*moved, *found], key=lambda cost: cost.command.index)


def known(command: Command, cost: Callable[[], Cost]) -> Cost:
    """The cost of a command.

    Raises:
        CommandStreamError: it refers to a memory that is not known.
    """
    try:
        return cost()
    except KeyError as error:
        raise CommandStreamError(f"{command}: no memory is known behind region {error}") from error
