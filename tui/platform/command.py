"""The platform's command line, as ExecuTorch's run_fvp.sh and runner_utils.run_corstone write it.

The simulator takes the same words as an FVP with a semihosting runner, but for the ELF file. No value is quoted: there
is no shell between us and the FVP.
"""

import math
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from tui.errors import UsageError
from tui.platform import delivery
from tui.platform.runner import Runner
from tui.platform.selection import Choice
from tui.run.spec import Spec
from tui.toolchain import firmware_images, vela
from tui.toolchain.boards import Board, Parameters

CMD_LINE_LIMIT = 256
"""Characters of semihosting-cmd_line; the FVP silently cuts off what is beyond."""

PROGRAM = "program.pte"
"""File name of the program in the platform's folder."""

NETWORK = "program.tflite"
"""Its name where it is a network that Vela compiled."""

FAST = "--fast"
"""Option of the NPU model that leaves out its timing."""


def is_network(spec: Spec) -> bool:
    """Return True if a spec's model is a network that Vela compiles by itself."""
    return spec.model.endswith(vela.READS)


def program_name(spec: Spec) -> str:
    """The file name of a spec's program in the platform's folder."""
    return NETWORK if is_network(spec) else PROGRAM


def build(
    spec: Spec,
    choice: Choice,
    workdir: Path,
    *,
    inputs: int,
    output_bytes: int = 0,
    program: str | None = None,
    server: bool,
    pmu_trace: str | None = None,
    counts: str | None = None,
    listed: Collection[str] | None = None,
) -> list[str]:
    """The complete argv for a program with so many inputs and bytes of outputs. File names are relative to `workdir`.

    Comforts that are not among the `known` parameters of this platform are left out: it is another version. `server`
    asks for several inferences in one process, which only a semihosting runner can do.

    Raises:
        UsageError: the FVP would cut the program's command line short, or cannot be given a name.
    """
    board = spec.target.board
    kind = choice.runner_kind
    program = program_name(spec) if program is None else program
    names = delivery.input_names(kind, inputs)
    semihosting = {}
    if kind == "semihosting":
        line = _cmd_line(names, program, delivery.OUTPUT, server=server)
        semihosting = _semihosting(board.parameters, workdir, line)
    comforts = {name: value for name, value in board.fvp.comforts.items() if listed is None or name in listed}
    base = {**_parameters(spec, pmu_trace), **comforts, **semihosting}
    # A name given twice is not documented behaviour of the FVP: the user's value takes the place of ours.
    users = dict(spec.parameters)
    words = [*choice.command]
    for name, value in {**{n: v for n, v in base.items() if n not in users}, **users}.items():
        words += ["-C", f"{name}={value}"]
    if choice.runner is not None:
        words += ["-a", str(choice.runner.path), *_memory(choice.runner, program, output_bytes)]
    if counts is not None and choice.engine == "firmware":
        words += ["--counts", counts]
    if is_network(spec):
        # Its program does not say what it was compiled for, which the cycle model has to know.
        words += ["--system-config", spec.target.system_config, "--memory-mode", spec.target.memory_mode]
    # One that stays has no limit of its own: the session watches each of its inferences.
    limit = [] if spec.serve else ["--timelimit", str(math.ceil(spec.timeout_s))]
    return [*words, *limit, "--stat"]


def _memory(runner: Runner, program: str, output_bytes: int) -> list[str]:
    """Options that place files in memory before the start, and keep memory at the end."""
    if runner.kind == "address":
        return ["--data", f"{program}@{runner.pte_address:#x}"]
    if runner.kind != "mlek":
        return []
    return [
        *("--data", f"{program}@{firmware_images.PROGRAM:#x}"),
        *("--data", f"{delivery.MEMORY_INPUT}@{firmware_images.INPUTS:#x}"),
        *("--dump", f"cpu0={delivery.MEMORY_OUTPUT}@Memory:{firmware_images.OUTPUTS:#x},{output_bytes}"),
    ]


def _parameters(spec: Spec, pmu_trace: str | None) -> dict[str, str]:
    board = spec.target.board
    extra = [FAST] if spec.fast else []
    if pmu_trace is not None:
        _check_word(pmu_trace)
        extra += ["--pmu-trace", pmu_trace]
    return {
        board.parameters.macs: str(spec.target.macs),
        **board.fvp.console,
        **({board.parameters.extra_args: " ".join(extra)} if extra else {}),
    }


def defaults(spec: Spec) -> list[tuple[str, str]]:
    """Parameters that every run of a semihosting runner sets, with their values; files are in the current folder."""
    board = spec.target.board
    line = _cmd_line(delivery.input_names("semihosting", 1), PROGRAM, delivery.OUTPUT, server=False)
    semihosting = _semihosting(board.parameters, Path(), line)
    return list({**_parameters(spec, None), **board.fvp.comforts, **semihosting}.items())


def _semihosting(parameters: Parameters, workdir: Path, cmd_line: str) -> dict[str, str]:
    return {
        parameters.semihosting("enable"): "1",
        parameters.semihosting("stack_base"): "0",
        parameters.semihosting("heap_limit"): "0",
        parameters.semihosting("cwd"): str(workdir),
        parameters.semihosting("cmd_line"): cmd_line,
    }


def _cmd_line(inputs: Sequence[str], program: str, output: str, *, server: bool) -> str:
    for name in (*inputs, program, output):
        _check_word(name)
    files = [word for name in inputs for word in ("-i", name)]
    model = ["-m", program]
    # The server empties the pool that holds program and inputs, and reads the inputs again: they must have come first,
    # or they would be written over the program (arm_executor_runner.cpp, run_model_server).
    words = [*files, *model, "-o", output, "--server_mode", "true"] if server else [*model, *files, "-o", output]
    line = " ".join(["executor_runner", *words])
    if len(line) > CMD_LINE_LIMIT:
        raise UsageError(
            f"the program's command line has {len(line)} characters, the FVP takes {CMD_LINE_LIMIT}",
            f"{len(inputs)} inputs are too many for a runner that reads files",
        )
    return line


def _check_word(name: str) -> None:
    if not name or re.search(r"[\s'\"]", name):
        raise UsageError(f"the file name {name!r} cannot be given to the FVP", "use a name without spaces or quotes")


def is_fast(argv: Sequence[str], board: Board) -> bool:
    """Return True if a command line puts the board's NPU in fast mode."""
    return any(word.startswith(f"{board.parameters.extra_args}=") and FAST in word for word in argv)
