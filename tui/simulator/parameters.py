"""The parameters (``-C NAME=VALUE``) the simulator knows: those of the FVP that mean something to it or its users."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui.toolchain import boards
from tui.toolchain.boards import Board


class ParameterError(Exception):
    """An unknown parameter or a value out of range; one line."""


@dataclass(frozen=True)
class Parameter:
    """A parameter as ``-l`` lists it. `low` and `high` bound an integer."""

    name: str
    type: Literal["bool", "int", "string"]
    default: str
    text: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class ExtraArgs:
    """The options in ``ethosu.extra_args`` that mean something here."""

    fast: bool = False
    """No cycle model."""
    pmu_trace: str | None = None
    """File of the trace, relative to the working directory."""


def _flag(name: str, text: str, default: str = "0") -> Parameter:
    return Parameter(name, "bool", default, text)


def available(board: Board) -> dict[str, Parameter]:
    """Parameters of a board, by their names."""
    return {parameter.name: parameter for parameter in (*_npu(board), *_console(board), *_semihosting(board))}


def _npu(board: Board) -> Iterator[Parameter]:
    names, sizes = board.parameters, board.npu.macs
    listed = f"{', '.join(map(str, sizes[:-1]))} or {sizes[-1]}"
    text = f"8x8 multiply-accumulates a cycle: {listed}"
    yield Parameter(names.macs, "int", f"{board.npu.default_macs:#x}", text, sizes[0], sizes[-1])
    yield Parameter(names.extra_args, "string", "", "--fast leaves out the cycle model; --pmu-trace FILE traces it")


def _console(board: Board) -> Iterator[Parameter]:
    names = board.parameters
    for number in names.terminals:
        yield _flag(names.terminal(number, "quiet"), "No effect: there are no terminals")
        yield _flag(names.terminal(number, "start_telnet"), "No effect: there are no terminals", "1")
    yield Parameter(names.uart("out_file"), "string", "", "No effect: the console is the standard output")
    yield _flag(names.uart("unbuffered_output"), "No effect: every line is written at once")
    yield _flag(names.uart("shutdown_on_eot"), "No effect: the simulation ends with its program")
    yield Parameter(names.uart("shutdown_tag"), "string", "", "No effect: the simulation ends with its program")
    for window in names.windows:
        yield _flag(window, "No effect: there is no window")


def _semihosting(board: Board) -> Iterator[Parameter]:
    name = board.parameters.semihosting
    yield _flag(name("enable"), "Run the semihosting command line", "1")
    yield Parameter(name("cwd"), "string", "", "Folder that file names of the command line are relative to")
    yield Parameter(name("cmd_line"), "string", "", "executor_runner -m FILE -i FILE ... -o NAME")
    for place, default in board.memory.semihosting.items():
        yield Parameter(name(place), "int", f"{default:#x}", "No effect", 0, 0xFFFF_FFFF)


def unquoted(value: str) -> str:
    """A value without the single quotes that the FVP, too, takes off."""
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == "'" else value


def _number(parameter: Parameter, value: str) -> int:
    try:
        number = int(value, 0)
    except ValueError as error:
        raise ParameterError(f"{parameter.name}={value}: expected a number") from error
    low, high = parameter.low or 0, parameter.high
    if number < low or (high is not None and number > high):
        raise ParameterError(f"{parameter.name}={value}: expected {low:#x} to {high:#x}")
    return number


class Settings:
    """The values of a simulation's parameters."""

    def __init__(self, board: Board = boards.DEFAULT) -> None:
        self.board = board
        self._parameters = available(board)
        self._values = {name: parameter.default for name, parameter in self._parameters.items()}

    def set(self, assignment: str) -> None:
        """Take ``NAME=VALUE``.

        Raises:
            ParameterError: no such parameter, or no such value of it.
        """
        name, equals, raw = assignment.partition("=")
        name, value = name.strip(), unquoted(raw.strip())
        if not equals:
            raise ParameterError(f"-C {assignment}: expected NAME=VALUE")
        parameter = self._parameters.get(name)
        if parameter is None:
            raise ParameterError(f"unknown parameter {name}; -l lists those there are")
        if parameter.type == "int":
            number, sizes = _number(parameter, value), self.board.npu.macs
            if name == self.board.parameters.macs and number not in sizes:
                raise ParameterError(f"{name}={value}: expected one of {', '.join(map(str, sizes))}")
        elif parameter.type == "bool" and value.lower() not in ("0", "1", "true", "false"):
            raise ParameterError(f"{name}={value}: expected 0 or 1")
        self._values[name] = value

    @property
    def macs(self) -> int:
        """Size of the NPU."""
        return int(self._values[self.board.parameters.macs], 0)

    @property
    def accelerator(self) -> str:
        """Vela's name of the NPU."""
        return self.board.npu.accelerator_of(self.macs)

    @property
    def command_line(self) -> str:
        """The program's command line."""
        return self._values[self.board.parameters.semihosting("cmd_line")]

    @property
    def folder(self) -> Path:
        """The folder that file names of the command line are relative to."""
        return Path(self._values[self.board.parameters.semihosting("cwd")] or ".")

    def extra_args(self) -> ExtraArgs:
        """The options in ``ethosu.extra_args``; those not known here are the FVP's business.

        Raises:
            ParameterError: ``--pmu-trace`` names no file.
        """
        name = self.board.parameters.extra_args
        words = self._values[name].split()
        fast = "--fast" in words or "-F" in words
        if "--pmu-trace" not in words:
            return ExtraArgs(fast)
        file = words[words.index("--pmu-trace") + 1 :][:1]
        if not file or file[0].startswith("-"):
            raise ParameterError(f"{name}: --pmu-trace needs a file name")
        return ExtraArgs(fast, file[0])

    def listing(self) -> str:
        """List all parameters in the format of the FVP's ``-l``, which ``-f`` reads."""
        lines = [
            "# Parameters:",
            "# instance.parameter=value       #(type, mode) default = 'def value' : description : [min..max]",
        ]
        lines.append("#" + "-" * 78)
        for parameter in self._parameters.values():
            value = self._values[parameter.name]
            bounds = "" if parameter.low is None else f" : [{parameter.low:#x}:{parameter.high:#x}]"
            assignment = f"{parameter.name}={value}"
            lines.append(
                f"{assignment:70} # ({parameter.type:6}, init-time) default = '{parameter.default}'"
                f" : {parameter.text}{bounds}"
            )
        return "\n".join([*lines, "#" + "-" * 78])
