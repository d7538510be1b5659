"""The parameters (``-C NAME=VALUE``) the simulator knows: those of the FVP that mean something to it or its users."""

from dataclasses import dataclass
from typing import Literal

ETHOSU = "mps4_board.subsystem.ethosu"
CPU = "mps4_board.subsystem.cpu0"
NUM_MACS = f"{ETHOSU}.num_macs"
EXTRA_ARGS = f"{ETHOSU}.extra_args"
SEMIHOSTING_ENABLE = f"{CPU}.semihosting-enable"
SEMIHOSTING_CWD = f"{CPU}.semihosting-cwd"
SEMIHOSTING_CMD_LINE = f"{CPU}.semihosting-cmd_line"

MACS = (128, 256, 512, 1024, 2048)


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
    """Where the trace goes, relative to the working directory."""


def _flag(name: str, text: str, default: str = "0") -> Parameter:
    return Parameter(name, "bool", default, text)


def _terminals() -> list[Parameter]:
    found = []
    for n in (0, 1, 2, 5):
        found.append(_flag(f"mps4_board.telnetterminal{n}.quiet", "No effect: there are no terminals"))
        found.append(_flag(f"mps4_board.telnetterminal{n}.start_telnet", "No effect: there are no terminals", "1"))
    return found


KNOWN: dict[str, Parameter] = {
    p.name: p
    for p in (
        Parameter(NUM_MACS, "int", "0x100", "8x8 multiply-accumulates a cycle: 128, 256, 512, 1024 or 2048", 128, 2048),
        Parameter(EXTRA_ARGS, "string", "", "--fast leaves out the cycle model; --pmu-trace FILE traces it"),
        *_terminals(),
        Parameter("mps4_board.uart0.out_file", "string", "", "No effect: the console is the standard output"),
        _flag("mps4_board.uart0.unbuffered_output", "No effect: every line is written at once"),
        _flag("mps4_board.uart0.shutdown_on_eot", "No effect: the simulation ends with its program"),
        Parameter("mps4_board.uart0.shutdown_tag", "string", "", "No effect: the simulation ends with its program"),
        _flag("mps4_board.visualisation.disable-visualisation", "No effect: there is no window"),
        _flag("vis_hdlcd.disable_visualisation", "No effect: there is no window"),
        _flag(SEMIHOSTING_ENABLE, "Run the semihosting command line", "1"),
        Parameter(SEMIHOSTING_CWD, "string", "", "Folder that file names of the command line are relative to"),
        Parameter(SEMIHOSTING_CMD_LINE, "string", "", "executor_runner -m FILE -i FILE ... -o NAME"),
        Parameter(f"{CPU}.semihosting-heap_base", "int", "0x0", "No effect", 0, 0xFFFFFFFF),
        Parameter(f"{CPU}.semihosting-heap_limit", "int", "0x10700000", "No effect", 0, 0xFFFFFFFF),
        Parameter(f"{CPU}.semihosting-stack_base", "int", "0x10700000", "No effect", 0, 0xFFFFFFFF),
        Parameter(f"{CPU}.semihosting-stack_limit", "int", "0x10800000", "No effect", 0, 0xFFFFFFFF),
    )
}


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
    if parameter.name == NUM_MACS and number not in MACS:
        raise ParameterError(f"{parameter.name}={value}: expected one of {', '.join(map(str, MACS))}")
    return number


class Settings:
    """The values of a simulation's parameters."""

    def __init__(self) -> None:
        self._values = {name: parameter.default for name, parameter in KNOWN.items()}

    def set(self, assignment: str) -> None:
        """Take ``NAME=VALUE``.

        Raises:
            ParameterError: no such parameter, or no such value of it.
        """
        name, equals, raw = assignment.partition("=")
        name, value = name.strip(), unquoted(raw.strip())
        if not equals:
            raise ParameterError(f"-C {assignment}: expected NAME=VALUE")
        parameter = KNOWN.get(name)
        if parameter is None:
            raise ParameterError(f"unknown parameter {name}; -l lists those there are")
        if parameter.type == "int":
            _number(parameter, value)
        elif parameter.type == "bool" and value.lower() not in ("0", "1", "true", "false"):
            raise ParameterError(f"{name}={value}: expected 0 or 1")
        self._values[name] = value

    def text(self, name: str) -> str:
        """The value as text."""
        return self._values[name]

    def number(self, name: str) -> int:
        """The value of an integer parameter."""
        return int(self._values[name], 0)

    def flag(self, name: str) -> bool:
        """The value of a boolean parameter."""
        return self._values[name].lower() in ("1", "true")

    def extra_args(self) -> ExtraArgs:
        """The options in ``ethosu.extra_args``; those not known here are the FVP's business.

        Raises:
            ParameterError: ``--pmu-trace`` names no file.
        """
        words = self._values[EXTRA_ARGS].split()
        fast = "--fast" in words or "-F" in words
        if "--pmu-trace" not in words:
            return ExtraArgs(fast)
        name = words[words.index("--pmu-trace") + 1 :][:1]
        if not name or name[0].startswith("-"):
            raise ParameterError(f"{EXTRA_ARGS}: --pmu-trace needs a file name")
        return ExtraArgs(fast, name[0])

    def listing(self) -> str:
        """All parameters in the format of the FVP's ``-l``, which ``-f`` takes again."""
        lines = [
            "# Parameters:",
            "# instance.parameter=value       #(type, mode) default = 'def value' : description : [min..max]",
        ]
        lines.append("#" + "-" * 78)
        for parameter in KNOWN.values():
            value = self._values[parameter.name]
            bounds = "" if parameter.low is None else f" : [{parameter.low:#x}:{parameter.high:#x}]"
            assignment = f"{parameter.name}={value}"
            lines.append(
                f"{assignment:70} # ({parameter.type:6}, init-time) default = '{parameter.default}'"
                f" : {parameter.text}{bounds}"
            )
        return "\n".join([*lines, "#" + "-" * 78])
