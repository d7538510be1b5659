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

from tui.simulator.ethosu85.errors import CommandStreamError
from tui.simulator.ethosu85.registers import (
    BRANCH,
    OPERATIONS,
    SETTINGS,
    WIDE_SETTINGS,
    ElementwiseMode,
    PoolMode,
    ResizeMode,
    bits,
)
from tui.toolchain.boards import ETHOS_U85

FOURCC = b"COP1"
OPTIMIZER_CONFIG, COMMAND_STREAM, NOP = 1, 2, 5
PRODUCT_U85 = 2

Words = npt.NDArray[np.uint32]
Made = TypeVar("Made")
Rest = TypeVarTuple("Rest")


@dataclass(frozen=True, eq=False)
class Stream:
    """A parsed cmd_data: what it was compiled for, and the words the NPU executes."""

    macs_per_cycle: int
    config: int
    """CONFIG word: bits 0..3 log2 of the MACs a cycle, bits 28..31 the product."""
    identity: int
    words: Words


@dataclass(frozen=True)
class Step:
    """A decoded command: a register setting, an operation or a branch."""

    name: str
    offset: int
    """Byte offset from the start of the command words."""
    parameter: int
    data: int = 0
    setting: bool = False


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
    memo: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    """Values that `once` keeps."""

    def __str__(self) -> str:
        return f"command {self.index} ({mode_name(self.name, self.parameter)} at byte {self.offset})"

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


def mode_name(name: str, parameter: int) -> str:
    """``POOL MAX`` for an operation that has modes, else its name."""
    enum, width = {"POOL": (PoolMode, 3), "RESIZE": (ResizeMode, 2), "ELEMENTWISE": (ElementwiseMode, 6)}.get(
        name, (None, 0)
    )
    if enum is None:
        return name
    value = bits(parameter, 0, width)
    names = [member.name for member in enum if member == value]
    return f"{name} {names[0] if names else value}"


def parse(cmd_data: bytes) -> Stream:
    """The command words of a cmd_data block and the configuration they were compiled for.

    Raises:
        CommandStreamError: it is no COP1 container of an Ethos-U85, or it is cut short.
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
            return Stream(_macs(config), config, identity, words[at + 1 : at + 1 + length])
        elif kind == NOP:
            at += 1
        else:
            raise CommandStreamError(f"cmd_data: unknown driver action {action:#x} at byte {4 * at}")
    raise CommandStreamError("cmd_data holds no command stream")


def _macs(config: int) -> int:
    macs = 1 << bits(config, 0, 4)
    if bits(config, 28, 4) != PRODUCT_U85 or macs not in ETHOS_U85.macs:
        raise CommandStreamError(f"NPU configuration {config:#010x} is not that of an Ethos-U85")
    return macs


def decode(words: Words, at: int) -> tuple[Step, int]:
    """The command at word `at` and the number of words it takes.

    Raises:
        CommandStreamError: no such command, or it is cut short.
    """
    word = int(words[at])
    opcode, control, parameter, offset = bits(word, 0, 10), bits(word, 14, 2), bits(word, 16, 16), 4 * at
    if control == 0:
        if name := SETTINGS.get(opcode):
            return Step(name, offset, parameter, setting=True), 1
        if name := OPERATIONS.get(opcode):
            return Step(name, offset, parameter), 1
    elif control == 1 and at + 1 < len(words):
        data = int(words[at + 1])
        if name := WIDE_SETTINGS.get(opcode):
            return Step(name, offset, parameter << 32 | data, setting=True), 2
        if opcode == BRANCH:
            return Step("BRANCH", offset, parameter, data), 2
    raise CommandStreamError(f"unknown command {word:#010x} at byte {offset}")


def commands(stream: Stream) -> Iterator[Command]:
    """List the operations of a stream from its first word to its last, branches not followed; waits are left out.

    Raises:
        CommandStreamError: a word is no command.
    """
    registers: dict[str, int] = {}
    at = index = 0
    while at < len(stream.words):
        step, length = decode(stream.words, at)
        at += length
        if step.setting:
            registers[step.name] = step.parameter
        elif step.name not in WAITS:
            yield Command(step.name, index, step.offset, step.parameter, MappingProxyType(dict(registers)))
            index += 1


def disassemble(stream: Stream) -> Iterator[str]:
    """Describe each command in a line."""
    at = 0
    while at < len(stream.words):
        step, length = decode(stream.words, at)
        at += length
        if step.setting:
            yield f"{step.offset:6}  {step.name} = {step.parameter:#x}"
        else:
            yield f"{step.offset:6}  {mode_name(step.name, step.parameter)} {step.parameter:#x}"
