"""Execution of a command stream, one command after the other.

Waits and block dependencies order what the hardware overlaps; executed in sequence they change nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory import Bytes, Memory, NDArray
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import WAITS, Command, Step, Stream, decode, operation
from tui.simulator.ethosu.swd import Decoder
from tui.simulator.ethosu.weights import WeightCache

CONSTANTS, SCRATCH, FAST_SCRATCH = 0, 1, 2
OPERATION_LIMIT = 1_000_000
"""Operations one run may execute: a loop that does not end is an error, not a hang."""
KEPT = 10_000
"""Operations that are kept for the next inference: more than any network has, but not those of a loop without end."""

ALWAYS, IF_TRUE = 0, 1


Execute = Callable[[Command], NDArray | None]
"""Executes an operation; the OFM it wrote, if any, decides a conditional branch."""


class Sequencer(ABC):
    """A loaded network: its commands and constants, and its weights once they are decoded.

    A family says how large its memory for tables is, and begins the execution of operations.
    """

    def __init__(self, stream: Stream, weights: bytes | memoryview | Bytes, decoder: Decoder | None = None) -> None:
        """Load a network; several of a program share a `decoder` of weights."""
        self.stream = stream
        self._weights = np.frombuffer(weights, np.uint8)
        self._cache = WeightCache(decoder or Decoder())
        self._steps: dict[int, tuple[Step, int]] = {}
        self._commands: dict[tuple[int, int], Command] = {}

    @property
    @abstractmethod
    def _table_bytes(self) -> int:
        """Size of the memory for tables."""

    @abstractmethod
    def _begin(self, memory: Memory) -> Execute:
        """The execution of operations of one run, which may keep something from one to the next."""

    def run(
        self,
        scratch: Bytes,
        fast_scratch: Bytes | None = None,
        *,
        observe: Callable[[Command], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """Execute the stream. `scratch` (region 1) holds the inputs and receives the outputs.

        `observe` is called after each operation. When `should_stop` says so, execution ends between two operations.

        Raises:
            CommandStreamError: a command cannot be executed; what was written until then stays written.
        """
        regions = {CONSTANTS: self._weights, SCRATCH: scratch}
        if fast_scratch is not None:
            regions[FAST_SCRATCH] = fast_scratch
        execute = self._begin(Memory(regions, self._table_bytes))
        registers: dict[str, int] = {}
        at = index = 0
        last: NDArray | None = None
        while at < len(self.stream.words):
            step, length = self._step(at)
            at += length
            if step.setting:
                registers[step.name] = step.parameter
                continue
            if step.name == "STOP":
                return
            if step.name in WAITS:
                continue
            if index >= OPERATION_LIMIT:
                raise CommandStreamError(f"more than {OPERATION_LIMIT:,} operations: the stream does not end")
            if should_stop is not None and should_stop():
                return
            command = self._command(step, index, registers)
            index += 1
            if step.name == "BRANCH":
                at = self._target(command, step, at, last)
            else:
                written = self._executed(execute, command)
                last = last if written is None else written
            if observe is not None:
                observe(command)

    def _step(self, at: int) -> tuple[Step, int]:
        """The command at word `at`, decoded once."""
        if at not in self._steps:
            self._steps[at] = decode(self.stream, at)
        return self._steps[at]

    def _command(self, step: Step, index: int, registers: dict[str, int]) -> Command:
        """The operation of a step. The next inference is likely to come to it with the same registers."""
        command = self._commands.get((index, step.offset))
        if command is None or command.registers != registers:
            command = operation(step, index, registers)
            if len(self._commands) < KEPT:
                self._commands[index, step.offset] = command
        return command

    def _target(self, command: Command, step: Step, after: int, last: NDArray | None) -> int:
        """Word at which a branch goes on: targets are bytes from the start; the end of the stream stops."""
        condition = bits(step.parameter, 0)
        if condition == IF_TRUE and not (last is not None and bool(last.any())):
            return after
        target, rest = divmod(step.data, 4)
        if rest or target > len(self.stream.words):
            raise command.error(f"branch target {step.data} is no command")
        return target

    @staticmethod
    def _executed(execute: Execute, command: Command) -> NDArray | None:
        try:
            return execute(command)
        except CommandStreamError as error:
            text = str(error)
            raise (error if text.startswith("command ") else command.error(text)) from error
