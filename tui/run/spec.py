"""The checks of a spec, and its two written forms: JSON and a command line.

A spec is everything that decides a run, as one frozen value (`tui.run.options`). The same spec on the same versions
gives the same artifacts. Checking one imports nothing heavy: targets come from Vela's own lists (`tui.toolchain.vela`),
so a wrong name fails at once, not after quantization.
"""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tui.errors import UsageError
from tui.run import options
from tui.run.board_options import Serial
from tui.run.options import EngineChoice, Limits, Log, PlatformChoice, Quantization, RunnerKind, Spec
from tui.toolchain import boards, toolchains, vela
from tui.toolchain.boards import Board
from tui.toolchain.target import UNKNOWN, Target, on_board_of

__all__ = ["EngineChoice", "Limits", "Log", "PlatformChoice", "Quantization", "RunnerKind", "Spec"]

DEFAULT = Spec(model="")

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?")


def _choice(kind: str, value: str, known: Iterable[str]) -> None:
    names = list(known)
    if value in names:
        return
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}? known: " if close else "known: "
    raise UsageError(f"unknown {kind} {value!r}", hint + ", ".join(names))


def check_target(target: Target, ethosu: str | None = None) -> None:
    """Refuse a target that Vela would refuse, and one that it would compile for wrongly.

    `ethosu` is the folder of another Python's Vela, where that is meant.

    Raises:
        UsageError: a name is not in Vela's lists, two of them do not go together, or Vela is not installed.
    """
    check_names(target, ethosu)
    if (contradiction := contradiction_in(target, ethosu)) is not None:
        raise contradiction


def check_names(target: Target, ethosu: str | None = None) -> None:
    """Refuse names that Vela does not know, and a system config of another family of NPUs.

    `ethosu` is the folder of another Python's Vela, where that is meant.

    Raises:
        UsageError: a name is not in Vela's lists, or Vela is not installed.
    """
    try:
        known = vela.lists(None, ethosu)
    except vela.VelaMissing as error:
        raise UsageError(str(error), "pip install ethos-u-vela") from error
    npu = target.board.npu
    own = vela.lists(npu, ethosu)
    # Of a family that is right the size is wrong: no other family's name is meant.
    in_family = target.accelerator.startswith(f"{npu.accelerator}-")
    _choice("target", target.accelerator, own.accelerators if in_family else (*known.accelerators, *boards.CPU_TARGETS))
    if target.system_config in known.system_configs and target.system_config not in own.system_configs:
        raise UsageError(
            f"{target.system_config} is a system config of another NPU than {target.accelerator}",
            f"--system-config {npu.default_system_config}; {npu.name} has {', '.join(own.system_configs)}",
        )
    _choice("system config", target.system_config, own.system_configs)
    _choice("memory mode", target.memory_mode, own.memory_modes)


def contradiction_in(target: Target, ethosu: str | None = None) -> UsageError | None:
    """The reason why a memory mode does not go with a system config that Vela has; None if it does."""
    modes = vela.memory_modes(target.system_config, ethosu)
    if target.memory_mode in modes:
        return None
    what = f"{target.memory_mode} needs DRAM, and {target.system_config} has flash"
    return UsageError(what, f"--memory-mode {' or '.join(modes)}")


def check_vela(version: str) -> None:
    """Refuse what is no version.

    Raises:
        UsageError: it is none.
    """
    if not _VERSION.fullmatch(version):
        raise UsageError(f"{version!r} is no version of Vela", "such as 5.1.0")


def folder_for(model: str) -> str | None:
    """Return the folder that a model's code runs in by default, the current one; None for a model without code.

    Raises:
        UsageError: the current folder was deleted.
    """
    if not model.endswith(".py"):
        return None
    try:
        return str(Path.cwd())
    except OSError as error:
        raise UsageError("the current folder is gone", "cd to one that exists") from error


def check(spec: Spec) -> Spec:
    """Return the spec if it can be run.

    Raises:
        UsageError: a value is unknown, out of range or contradicts another.
    """
    if spec.log is not None:
        return _check_log(spec)
    check_target(spec.target, toolchains.of(spec.toolchain).ethosu)
    if spec.target.is_cpu and spec.until == "check":
        raise UsageError(f"a program for {spec.target.accelerator} cannot be run", "fvp-tui compile compiles it")
    if spec.target.is_cpu and spec.quantize == "a16w8":
        raise UsageError(f"{spec.target.accelerator} has no kernels for a16w8", "--quantize int8 or none")
    if spec.inferences < 1:
        raise UsageError(f"--inferences must be at least 1, not {spec.inferences}")
    if spec.first < 0:
        raise UsageError(f"--first must be at least 0, not {spec.first}")
    if not spec.timeout_s > 0:
        raise UsageError(f"--timeout must be positive, not {spec.timeout_s:g}")
    if spec.folder is not None and not Path(spec.folder).is_dir():
        raise UsageError(f"no folder {spec.folder} to run {spec.model} in", "--folder . takes the current one")
    for path in spec.inputs:
        if not Path(path).is_file():
            raise UsageError(f"no input file {path}")
    if spec.dataset is not None and not Path(spec.dataset).exists():
        raise UsageError(f"no data set at {spec.dataset}")
    if spec.dataset is not None and spec.inputs:
        raise UsageError("--dataset and --input exclude each other")
    if spec.calibration is not None and not Path(spec.calibration).exists():
        raise UsageError(f"no calibration data at {spec.calibration}")
    if spec.calibration is not None and spec.quantize == "none":
        raise UsageError("--calibration has no effect with --quantize none")
    if spec.vela is not None:
        check_vela(spec.vela)
    _check_board(spec)
    board = spec.target.board
    macs_parameter = board.parameters.macs
    for name, value in spec.parameters:
        if (owner := boards.owner_of(name, board)) is not None:
            raise UsageError(f"{name} is a parameter of {owner.name}", f"{spec.target.accelerator} is on {board.name}")
        # It is always passed: the NPU must have the size that the program was compiled for.
        if name == macs_parameter and _number(value) != spec.target.macs:
            raise UsageError(
                f"{name}={value} contradicts the target {spec.target.accelerator}",
                f"omit it: fvp-tui always sets it to {spec.target.macs}",
            )
    return spec


ELSEWHERE = ("fvp", "engine", "fast", "pmu_trace", "serve", "dataset", "inputs", "parameters")
"""Fields that mean nothing on a board."""


def _check_board(spec: Spec) -> None:
    """Refuse options of a board without one, and options of other platforms with one.

    Raises:
        UsageError: there are such.
    """
    serial, plain = spec.serial, Serial()
    if not spec.is_on_board:
        for option in (options.of_field(f"serial.{name}") for name in serial.__struct_fields__ if name != "folder"):
            if option.value_in(spec) != option.default:
                raise UsageError(f"{option.name} is for a board", "--platform serial --port DEVICE")
        return
    for option in map(options.of_field, ELSEWHERE):
        if option.value_in(spec) != option.default:
            raise UsageError(f"{option.name} has no effect on a board", "leave it out, or the port of the board")
    if serial.port is None:
        raise UsageError("which port?", "--port DEVICE, such as /dev/ttyACM0")
    if serial.baud < 1:
        raise UsageError(f"--baud must be positive, not {serial.baud}", f"the usual one is {plain.baud}")
    if not serial.silence_s > 0:
        raise UsageError(f"--silence must be positive, not {serial.silence_s:g}")
    if serial.end_text is not None and not serial.end_text.strip():
        raise UsageError("--end is empty", "the text at which the run ends")
    if spec.inferences > 1 and serial.reset is None:
        raise UsageError("each inference on a board needs a reset", "--reset COMMAND, or --inferences 1")


def _check_log(spec: Spec) -> Spec:
    """Return the spec of a log if it can be read: all that compiling and running need does not matter.

    Raises:
        UsageError: its target is none.
    """
    if spec.target.is_complete:
        check_target(spec.target)
    return spec


def quantization(spec: Spec) -> Quantization | None:
    """Return the quantization of a spec; None of a network, which comes as it is, and of a log, which does not tell."""
    return None if spec.log is not None or spec.model.endswith(vela.READS) else spec.quantize


def own_parameters(parameters: tuple[tuple[str, str], ...], board: Board) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a platform without those that are another board's."""
    return tuple((name, value) for name, value in parameters if boards.owner_of(name, board) is None)


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def parameter(text: str) -> tuple[str, str]:
    """Split the ``NAME=VALUE`` of a -C option.

    Raises:
        UsageError: the name or the equals sign is missing.
    """
    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise UsageError(f"-C {text}: expected NAME=VALUE")
    return name.strip(), value


def encode(spec: Spec) -> bytes:
    """Return a spec as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"


def decode(data: bytes, where: str = "spec") -> Spec:
    """Return the spec that `encode` wrote.

    Raises:
        UsageError: the data is no JSON or no spec; `where` names its origin.
    """
    try:
        return msgspec.json.decode(data, type=Spec)
    except msgspec.DecodeError as error:
        raise UsageError(f"{where}: {error}") from error


def lowering_of(request: Spec) -> Spec:
    """Return the part of a spec that determines its lowered graphs: of its target, what families of NPUs share."""
    alike = boards.lowered_alike(request.target.accelerator)
    return Spec(
        request.model,
        target=on_board_of(alike.npu.default_accelerator),
        folder=request.folder,
        quantize=request.quantize,
        channels_last=request.channels_last,
        calibration=request.calibration,
        toolchain=request.toolchain,
    )


def command_line(spec: Spec) -> list[str]:
    """Return the ``fvp-tui`` command that starts a spec, without options at their defaults."""
    if spec.log is not None:
        return _reading(spec, spec.log)
    command = "compile" if spec.until == "emit" else "run"
    shown = msgspec.structs.replace(spec, folder=None) if spec.folder == folder_for(spec.model) else spec
    words = (word for option in options.of(command) if option.path for word in option.words(shown))
    return ["fvp-tui", command, spec.model, *words]


def _reading(spec: Spec, log: Log) -> list[str]:
    """Return the command that reads a log. The target of a program, or one that is not known, nobody has typed."""
    program = ["--model", spec.model] if spec.model != log.path else []
    origin = ["--from", log.origin] if log.origin is not None else []
    unknown = [option for option in options.of("read") if option.path and option.value_in(spec) == UNKNOWN]
    words = (word for option in options.of("read") if option not in unknown for word in option.words(spec))
    return ["fvp-tui", "read", log.path, *program, *origin, *words]


def asked_words(spec: Spec) -> tuple[str, ...]:
    """Target and type of the numbers that a run was asked for, as Vela names them; of a log only what is known."""
    target = spec.target
    words = (target.accelerator, target.memory_mode, target.system_config)
    if spec.log is not None:
        return tuple(word for word in words if word != UNKNOWN)
    return tuple(filter(None, (*words, quantization(spec))))
