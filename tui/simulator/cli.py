"""``fvp-sim``: the FVP's command line, and how a simulation ends."""

import argparse
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from tui import __version__, processes
from tui.simulator import identity, signals
from tui.simulator.parameters import ParameterError, Settings
from tui.toolchain.boards import Board

if TYPE_CHECKING:
    from tui.simulator.executor_runner import Runner
    from tui.simulator.firmware.engine import Engine
    from tui.toolchain.target import Target

NAME = "fvp_sim"
STOPPED_BY_USER = "Info: /OSCI/SystemC: Simulation stopped by user."
ENGINES = ("auto", "interpreter", "firmware")
USAGE = 2
COMMENT = re.compile(r"(?:^|\s)#.*")
INTERRUPTED = 130
AGAIN_S = 1e-3

REASONS = {
    "time": "CPU time has been exceeded.",
    "simulated": "Simulated time has been exceeded.",
}
"""The FVP's words for its limits."""


class Stopping(Exception):
    """The simulation has to end now: a limit (`reason`), or a signal."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fvp-sim",
        description="Runs an ExecuTorch program, or a .tflite that Vela compiled, for an Ethos-U, with the command line"
        " of Arm's FVP of its"
        f" board: {_listed(identity.BINARIES)}. A simulator: the NPU is modelled bit for bit, its cycles are"
        " estimated; there is no CPU core, but for the one that QEMU emulates for a firmware.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("-C", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="set a parameter")
    add(
        "-a", "--application", action="append", default=[], metavar="FILE", help="the firmware, where --engine runs one"
    )
    add(
        "--data",
        action="append",
        default=[],
        metavar="FILE@ADDRESS",
        help="a .pte or a .tflite of Vela's and its inputs, or a .bpte",
    )
    add(
        "--dump",
        action="append",
        default=[],
        metavar="FILE@Memory:ADDRESS,SIZE",
        help="firmware: memory to save at the end",
    )
    add(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="engine of the CPU's side; auto: the firmware, if -a is a known one",
    )
    add(
        "--as",
        dest="called",
        choices=identity.BINARIES,
        metavar="FVP",
        help="name of the FVP whose place it takes; else the name it is called by, its parameters and its program tell",
    )
    add("--counts", metavar="FILE", help="firmware: file that instruction counts are written to")
    add("--system-config", metavar="NAME", help="system config that Vela compiled a .tflite for, which does not say it")
    add("--memory-mode", metavar="NAME", help="memory mode that Vela compiled a .tflite for")
    add("-f", "--config-file", action="append", default=[], metavar="FILE", help="parameters in the format of -l")
    add("-l", "--list-params", action="store_true", help="list the parameters and exit")
    add("--list-instances", action="store_true", help="list what is modelled and exit")
    add("--version", action="store_true", help="print the version and exit")
    add("-T", "--timelimit", "--cpulimit", type=float, metavar="S", help="wall-clock limit in seconds")
    add("--simlimit", type=float, metavar="S", help="limit of simulated (estimated NPU) seconds")
    add("--cyclelimit", type=float, metavar="N", help="accepted and ignored: there is no CPU core to count cycles of")
    add("--stat", action="store_true", help="print statistics at the end")
    add("-q", "--quiet", action="store_true", help="print the program's output only")
    add("applications", nargs="*", metavar="APPLICATION", help="as -a")
    return parser


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if words[1:] else words[0]


def _assignments(options: argparse.Namespace) -> list[str]:
    """Each ``NAME=VALUE``, those of files before those of the command line: the last of a name counts."""
    assignments: list[str] = []
    for file in options.config_file:
        try:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise ParameterError(f"cannot read {file}: {error}") from error
        # A comment begins a line or follows a blank: a value may hold a #.
        assignments += filter(None, (COMMENT.sub("", line).strip() for line in lines))
    return [*assignments, *options.parameter]


def _settings(board: Board, assignments: Sequence[str]) -> Settings:
    settings = Settings(board)
    for assignment in assignments:
        settings.set(assignment)
    return settings


def _program(placed: Sequence[tuple[int, bytes]], board: Board, assignments: Sequence[str]) -> bytes | None:
    """The program that a command line is to run, if it can be found."""
    from tui.model import programs
    from tui.simulator import executor_runner

    if placed:
        return next((data for _, data in placed if programs.is_program(data)), None)
    semihosting = board.parameters.semihosting("")
    settings = _settings(board, [one for one in assignments if one.startswith(semihosting)])
    try:
        job = executor_runner.parse(settings.command_line, settings.folder)
        return (job.folder / job.model).read_bytes()
    except (executor_runner.RunnerError, OSError):
        return None


def _placed(options: argparse.Namespace) -> list[tuple[int, bytes]]:
    """Addresses and contents of ``--data``, in the order given."""
    placed = []
    for text in options.data:
        name, at, address = text.rpartition("@")
        name = name.partition("=")[2] if "=" in name and not Path(name).exists() else name
        try:
            placed.append((int(address, 0), Path(name).read_bytes()))
        except ValueError as error:
            raise ParameterError(f"--data {text}: expected FILE@ADDRESS") from error
        except OSError as error:
            raise ParameterError(f"--data {text}: {error.strerror}") from error
        if not at:
            raise ParameterError(f"--data {text}: expected FILE@ADDRESS")
    return placed


def _applications(options: argparse.Namespace) -> list[Path]:
    """The files of ``-a``, without the names of the CPUs that they are for."""
    paths = []
    for text in (*options.application, *options.applications):
        path = Path(text.partition("=")[2] or text)
        if not path.is_file():
            raise ParameterError(f"no application {text}")
        paths.append(path)
    return paths


@contextmanager
def _limits(seconds: float | None) -> Iterator[None]:
    """Signals and the time limit end the block with `Stopping`, even while it waits for input."""
    first: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        first.append(number)
        raise Stopping(REASONS["time"] if first[0] == signal.SIGALRM else None)

    usual = sys.unraisablehook

    def once_more(lost: "sys.UnraisableHookArgs") -> None:
        """Python drops what is raised while it collects garbage: the same signal again a moment later."""
        if isinstance(lost.exc_value, Stopping):
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            usual(lost)

    sys.unraisablehook = once_more
    for number in signals.ENDING:
        signal.signal(number, stop)
    if seconds is not None:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        sys.unraisablehook = usual


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _statistics(begun: float, simulated_s: float | None, instructions: int | None) -> None:
    """The FVP's statistics block, with what is known: a core is listed where one was emulated."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.monotonic() - begun
    _say(f"\n--- {NAME} statistics: {'-' * 54}")
    if simulated_s is not None:
        _say(f"{'Simulated time':40}: {simulated_s:.6f}s")
    _say(f"{'User time':40}: {used.ru_utime:.6f}s")
    _say(f"{'System time':40}: {used.ru_stime:.6f}s")
    _say(f"{'Wall time':40}: {wall:.6f}s")
    if simulated_s is not None and wall > 0:
        _say(f"{'Performance index':40}: {simulated_s / wall:.2f}")
    if instructions is not None and wall > 0:
        _say(f"{f'{NAME}.cpu0':40}: {instructions / wall / 1e6:6.2f} MIPS ({instructions:12} Inst)")
    _say("-" * 79)


def _run(options: argparse.Namespace, settings: Settings, placed: list[tuple[int, bytes]]) -> int:
    """Start the program and see it to its end; the exit status."""
    applications = _applications(options)
    begun = time.monotonic()
    # From here on numpy is needed: --version and -l answer without it.
    with processes.collection_suspended():
        from tui.simulator import cycle_model, executor_runner, trace

    boot = None
    if applications or options.engine == "firmware":
        # Reading a firmware takes its time to load: the interpreter, which has none, starts without.
        from tui.simulator.firmware import start

        arguments = start.Arguments(applications, placed, settings.accelerator, options.dump, options.counts)
        boot = start.find(arguments, options.engine, _say)
    if boot is None and not placed and not settings.command_line:
        name = settings.board.parameters.semihosting("cmd_line")
        raise ParameterError(f"nothing to run: give -C {name}=... or --data FILE@ADDRESS")
    extra = settings.extra_args()
    tracing = trace.begin(extra)
    observe = None if tracing is None else tracing.observe
    program: executor_runner.Runner | Engine
    run: Callable[[], int]
    if boot is None:
        program = executor_runner.Runner(
            settings.accelerator, cycle_model.model(settings), observe=observe, compiled_for=_target(options, settings)
        )
        run = partial(_interpret, program, placed, settings)
    else:
        from tui.simulator.firmware import engine

        program = engine.Engine(boot, sys.stdout.buffer, cycle_model.model(settings), observe)
        run = program.run
    if extra.pmu_trace is not None and tracing is None:
        program.log("I", f"no trace is written: {cycle_model.FAST}")
    reason, status = None, 0
    try:
        with _limits(options.timelimit):
            status = run()
    except executor_runner.RunnerError as error:
        program.log("E", str(error))
        status = executor_runner.FAILED
    except Stopping as stopping:
        reason, status = stopping.reason, 0 if stopping.reason else INTERRUPTED
    if tracing is not None and (failed := tracing.close()) is not None:
        program.log("E", f"the trace is not complete: {failed}")
    if tracing is not None and tracing.unknown is not None:
        program.log("I", f"the trace is not complete: {tracing.unknown}")
    if options.simlimit is not None and (program.simulated_s or 0.0) > options.simlimit:
        reason = REASONS["simulated"]
    if not options.quiet:
        if reason:
            _say(f"\nInfo: Simulation is stopping. Reason: {reason}")
        _say(f"\n{STOPPED_BY_USER}")
    if options.stat:
        _statistics(begun, program.simulated_s, program.instructions)
    return status


def _target(options: argparse.Namespace, settings: Settings) -> "Target | None":
    """The target that is named; None where it is not named whole."""
    from tui.toolchain.target import Target

    if options.system_config is None or options.memory_mode is None:
        return None
    return Target(settings.accelerator, options.system_config, options.memory_mode)


def _interpret(program: "Runner", placed: list[tuple[int, bytes]], settings: Settings) -> int:
    """The interpreter on what is placed in memory, else on the files of semihosting; the exit status."""
    from tui.model import programs
    from tui.simulator import executor_runner

    if placed:
        contents = [data for _, data in placed]
        first = next((n for n, data in enumerate(contents) if programs.is_program(data)), 0)
        return program.run_placed(contents[first], contents[:first] + contents[first + 1 :])
    return program.run(executor_runner.parse(settings.command_line, settings.folder))


def _main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.version:
            found = identity.candidates(options.called or sys.argv[0], options.parameter)
            what = f"Ethos-U simulator with the command line of {_listed([board.fvp.binary for board in found])}"
            _say(f"fvp-sim {__version__} (fvp-tui; {what})")
            return 0
        assignments = _assignments(options)
        found = identity.candidates(options.called or sys.argv[0], assignments)
        if options.list_params:
            _say(_settings(found[0], assignments).listing())
            return 0
        if options.list_instances:
            board = found[0]
            _say(f"{board.parameters.ethosu}  {board.npu.name}  functional model, cycles estimated")
            return 0
        placed = _placed(options)
        board = identity.of_program(found, partial(_program, placed, found[0], assignments))
        return _run(options, _settings(board, assignments), placed)
    except ParameterError as error:
        sys.stderr.write(f"fvp-sim: {error}\n")
        return USAGE


def main() -> None:
    """Entry point of ``fvp-sim``."""
    # Until there is something to end in order, and to print statistics of: without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Its matrices are small: a second thread wins nothing on an idle machine, and loses most of the time on a busy one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        status = _main(sys.argv[1:])
    except BrokenPipeError:
        # Whoever read the console has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
