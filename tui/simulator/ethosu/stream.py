"""The command stream: the COP1 container and the decoding of its words.

cmd_data begins with the driver's actions (fourcc COP1): u32 words whose low byte tells the kind. OPTIMIZER_CONFIG (1)
is followed by the configuration and the identity of the NPU it was compiled for; COMMAND_STREAM (2) by the words the
NPU executes; 5 is a filler. Source: ethosu/vela/driver_actions.py.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar, TypeVarTuple

import numpy as np
import numpy.typing as npt

from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.registers import CommandSet, bits

FOURCC = b"COP1"
OPTIMIZER_CONFIG, COMMAND_STREAM, NOP = 1, 2, 5

Words = npt.NDArray[np.uint32]
Made = TypeVar("Made")
Rest = TypeVarTuple("Rest")


@dataclass(frozen=True, eq=False)
class Stream:
    """A parsed cmd_data: what it was compiled for, and the words the NPU executes."""

    config: int
    """CONFIG word of the NPU: see `macs_per_cycle` and `product`."""
    identity: int
    words: Words
    command_set: CommandSet

    @property
    def macs_per_cycle(self) -> int:
        """8-bit multiply-accumulates a cycle: bits 0..3 of the CONFIG word are the logarithm."""
        return macs_per_cycle(self.config)


@dataclass(frozen=True)
class Step:
    """A decoded command: a register setting, an operation or a branch."""

    name: str
    offset: int
    """Byte offset from the start of the command words."""
    parameter: int
    data: int = 0
    setting: bool = False
    label: str = ""
    """Name of an operation with its mode."""


@dataclass(frozen=True)
class Command:
    """An operation with the registers it sees."""

    name: str
    index: int
    """Number of the operation in the stream, waits not counted."""
    offset: int
    """Byte offset from the start of the command words: what the FVP's trace calls qread."""
    parameter: int
    registers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    label: str = ""
    """Name of the operation with its mode."""
    memo: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    """Values that `once` keeps."""

    def __str__(self) -> str:
        return f"command {self.index} ({self.label} at byte {self.offset})"

    def error(self, what: str) -> CommandStreamError:
        """An error about this command."""
        return CommandStreamError(f"{self}: {what}")


def once(function: Callable[[Command, *Rest], Made]) -> Callable[[Command, *Rest], Made]:
    """Keep what a function makes of a command: its registers stay as they are, for one inference after the other."""

    @functools.wraps(function)
    def kept(command: Command, *rest: *Rest) -> Made:
        key = (function, *rest)
        if key not in command.memo:
            command.memo[key] = function(command, *rest)
        made: Made = command.memo[key]
        return made

    return kept


WAITS = ("DMA_WAIT", "KERNEL_WAIT", "PMU_MASK", "IRQ")
"""Operations that change nothing when commands run one after the other."""


def macs_per_cycle(config: int) -> int:
    """MACs a cycle in a CONFIG word."""
    return 1 << bits(config, 0, 4)


def product(config: int) -> int:
    """Number of the family in a CONFIG word: 0 U55, 1 U65, 2 U85."""
    return bits(config, 28, 4)


@dataclass(frozen=True)
class Container:
    """Content of a cmd_data block: CONFIG and ID word of the NPU it was compiled for, and the command words."""

    config: int
    identity: int
    words: Words


def unpack(cmd_data: bytes) -> Container:
    """The command words of a cmd_data block and the configuration they were compiled for.

    Raises:
        CommandStreamError: it is no COP1 container, or it is cut short.
    """
    if len(cmd_data) < 8 or cmd_data[:4] != FOURCC:
        raise CommandStreamError("cmd_data does not begin with COP1")
    words = np.frombuffer(cmd_data[: len(cmd_data) // 4 * 4], dtype="<u4")
    at, config, identity = 1, None, 0
    while at < len(words):
        action = int(words[at])
        kind = bits(action, 0, 8)
        if kind == OPTIMIZER_CONFIG and at + 2 < len(words):
            config, identity = int(words[at + 1]), int(words[at + 2])
            at += 3
        elif kind == COMMAND_STREAM:
            length = bits(action, 8, 8) << 16 | bits(action, 16, 16)
            if config is None:
                raise CommandStreamError("cmd_data names no NPU configuration before its commands")
            if at + 1 + length > len(words):
                raise CommandStreamError(f"cmd_data is cut short: {length} command words are announced")
            return Container(config, identity, words[at + 1 : at + 1 + length])
        elif kind == NOP:
            at += 1
        else:
            raise CommandStreamError(f"cmd_data: unknown driver action {action:#x} at byte {4 * at}")
    raise CommandStreamError("cmd_data holds no command stream")


def decode(stream: Stream, at: int) -> tuple[Step, int]:
    """The command at word `at` and the number of words it takes.

    Raises:
        CommandStreamError: no such command, or it is cut short.
    """
    known, words = stream.command_set, stream.words
    word = int(words[at])
    opcode, control, parameter, offset = bits(word, 0, 10), bits(word, 14, 2), bits(word, 16, 16), 4 * at
    if control == 0:
        if name := known.settings.get(opcode):
            return Step(name, offset, parameter, setting=True), 1
        if name := known.operations.get(opcode):
            return Step(name, offset, parameter, label=known.label(name, parameter)), 1
    elif control == 1 and at + 1 < len(words):
        data = int(words[at + 1])
        if name := known.wide_settings.get(opcode):
            return Step(name, offset, parameter << 32 | data, setting=True), 2
        if opcode == known.branch:
            return Step("BRANCH", offset, parameter, data, label="BRANCH"), 2
    raise CommandStreamError(f"unknown command {word:#010x} at byte {offset}")


def operation(step: Step, index: int, registers: Mapping[str, int]) -> Command:
    """Operation number `index`, with the registers as they are."""
    return Command(step.name, index, step.offset, step.parameter, MappingProxyType(dict(registers)), step.label)


def commands(stream: Stream) -> Iterator[Command]:
    """List the operations of a stream from its first word to its last, branches not followed; waits are left out.

    Raises:
        CommandStreamError: a word is no command.
    """
    registers: dict[str, int] = {}
    at = index = 0
    while at < len(stream.words):
        step, length = decode(stream, at)
        at += length
        if step.setting:
            registers[step.name] = step.parameter
        elif step.name not in WAITS:
            yield operation(step, index, registers)
            index += 1


def disassemble(stream: Stream) -> Iterator[str]:
    """Describe each command in a line."""
    at = 0
    while at < len(stream.words):
        step, length = decode(stream, at)
        at += length
        if step.setting:
            yield f"{step.offset:6}  {step.name} = {step.parameter:#x}"
        else:
            yield f"{step.offset:6}  {step.label} {step.parameter:#x}"
