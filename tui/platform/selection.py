"""Selection of the platform for a run: the FVP where one is found with a runner for it, else the simulator."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import tui
from tui import processes
from tui.errors import PlatformUnavailable
from tui.platform import discovery, firmware_store
from tui.platform.discovery import FVP_VARIABLE, Location
from tui.platform.runner import Kind, Runner
from tui.run.figures import PlatformInfo
from tui.run.spec import RunnerKind, Spec
from tui.toolchain import boards, firmware_images, qemu, vela
from tui.toolchain.boards import Board


@dataclass(frozen=True)
class Choice:
    """A platform that can be started, and the reason for it."""

    kind: Literal["simulator", "fvp", "serial"]
    command: tuple[str, ...]
    """The first words of the command line."""
    name: str
    version: str | None
    why: str
    """The platform and the reason for it, in one sentence."""
    runner: Runner | None
    """The firmware; the simulator's interpreter has none, and reads files as a semihosting runner does."""
    env: dict[str, str] = field(repr=False)
    """The complete environment of its process."""
    engine: str | None = None
    """The simulator's engine; an FVP has none."""
    board_name: str | None = None
    """Name of a real board, as the user calls it."""

    @property
    def runner_kind(self) -> Kind:
        """Way that its program and inputs are handed over."""
        if self.runner is not None:
            return self.runner.kind
        return "embedded" if self.kind == "serial" else "semihosting"

    @property
    def takes_inputs(self) -> bool:
        """True if the program can be given inputs; one that cannot fills them with ones."""
        return self.runner_kind in ("semihosting", "mlek")


def choose(spec: Spec) -> Choice:
    """The platform for a spec.

    Raises:
        PlatformUnavailable: what was asked for is not there or does not start.
    """
    if spec.model.endswith(vela.READS):
        return _of_network(spec)
    if spec.is_on_board:
        # Only now: most runs are on none.
        from tui.platform import board_choice

        return board_choice.choose(spec)
    if spec.platform == "simulator":
        return _simulator("the simulator, as requested", spec)
    # What is named must be there: to simulate instead would hide a slip of the pen.
    if spec.platform == "fvp" or spec.fvp:
        return _fvp_for(spec)
    if spec.runner:
        path = Path(spec.runner).expanduser().absolute()
        _check_board(_inspect(path, spec.runner_kind), str(path), spec.target.board)
    if spec.engine != "auto":
        return _simulator("the simulator, since its engine was requested", spec)
    try:
        return _fvp_for(spec)
    except PlatformUnavailable as error:
        return _simulator(f"the simulator, since {error.what}", spec)


def _of_network(spec: Spec) -> Choice:
    """The interpreter: no runner for an FVP that is known here, and no firmware, takes a network.

    Raises:
        PlatformUnavailable: another platform is asked for.
    """
    kind = Path(spec.model).suffix
    if spec.platform == "fvp" or spec.is_on_board or spec.fvp or spec.runner:
        raise PlatformUnavailable(f"a {kind} runs on the simulator only: no runner takes it", "--platform simulator")
    if spec.engine == "firmware":
        raise PlatformUnavailable(f"the firmware takes no {kind}", "--engine interpreter")
    asked = "as requested" if spec.platform == "simulator" else f"since no runner takes a {kind}"
    return _interpreter(f"the simulator, {asked}", spec.target.board)


def platform_only(spec: Spec) -> Choice:
    """The platform for a spec, with or without a program that it could run.

    Raises:
        PlatformUnavailable: what was asked for is not there or does not start.
    """
    if spec.platform == "simulator":
        return _interpreter("the simulator, as requested", spec.target.board)
    if spec.platform == "serial":
        raise PlatformUnavailable("a board has no parameters", "--platform fvp or simulator")
    board = spec.target.board
    fvp = discovery.find_fvp(spec.fvp, board)
    if fvp is not None:
        return _fvp(fvp, None)
    if spec.platform == "fvp":
        raise PlatformUnavailable(f"no {board.fvp.binary} was found", f"--fvp PATH, {FVP_VARIABLE} or PATH")
    return _interpreter(f"the simulator, since no {board.fvp.binary} was found", board)


def _fvp_for(spec: Spec) -> Choice:
    board = spec.target.board
    fvp = discovery.find_fvp(spec.fvp, board)
    if fvp is None:
        raise PlatformUnavailable(
            f"no {board.fvp.binary} was found",
            f"install it from developer.arm.com, then --fvp PATH, {FVP_VARIABLE} or PATH",
        )
    runner = discovery.find_runner(spec.runner, board)
    if runner is None:
        raise PlatformUnavailable(
            f"an FVP was found by {fvp.by}, but no runner for it",
            runner_hint(board),
        )
    program = _inspect(runner.path, spec.runner_kind, spec.pte_address, board)
    _check_board(program, str(runner), board)
    return _fvp(fvp, program)


def inspected(runner: Path, board: Board) -> Runner:
    """A runner, looked into.

    Raises:
        PlatformUnavailable: it is none that is known here, or for another board.
    """
    program = _inspect(runner, board=board)
    _check_board(program, str(runner), board)
    return program


def runner_hint(board: Board) -> str:
    """The ways to get a runner for a board."""
    build = "fvp-tui firmware build CHECKOUT"
    if board is not boards.DEFAULT:
        build = f"{build} --target {board.npu.default_accelerator}"
    installs = "" if board.image is None else "fvp-tui firmware install fetches a prebuilt one, "
    return f"{installs}{build} builds one; or --runner ELF"


def _check_board(program: Runner, runner: str, board: Board) -> None:
    """Refuse a runner that is known to be for another board."""
    if program.image is not None and program.image.board != board.name:
        raise PlatformUnavailable(
            f"{runner} is {program.name}, which is for another board", f"use one for {board.name}"
        )
    if program.npus and board.npu.name not in program.npus:
        raise PlatformUnavailable(
            f"{runner} was built for {' or '.join(program.npus)}, and {board.name} has an {board.npu.name}",
            runner_hint(board),
        )


def _fvp(fvp: Location, runner: Runner | None) -> Choice:
    env = discovery.fvp_environment(fvp.path, os.environ)
    return Choice(
        kind="fvp",
        command=(str(fvp.path),),
        name=fvp.path.name,
        version=discovery.probe(fvp.path, env),
        why=f"the FVP found by {fvp.by}" + (f", with {runner.name}" if runner else ""),
        runner=runner,
        env=env,
    )


def _simulator(why: str, spec: Spec) -> Choice:
    """The simulator, with the engine that a spec asks for or that suits it."""
    if spec.engine == "interpreter":
        return _interpreter(why, spec.target.board)
    if spec.engine == "firmware":
        return _emulated(why, spec)
    try:
        return _emulated(why, spec)
    except PlatformUnavailable:
        return _interpreter(why, spec.target.board)


def interpreted(choice: Choice, why: str, board: Board) -> Choice:
    """The simulator's interpreter in place of its firmware, with the reason."""
    return _interpreter(f"{choice.why.partition(WITH)[0]}; {why}", board)


WITH = ", with "
"""Separator between a platform and the program that it runs."""


def _emulated(why: str, spec: Spec) -> Choice:
    """The firmware engine.

    Raises:
        PlatformUnavailable: what it needs is not here, or it cannot do what is asked for.
    """
    if sys.platform != "linux":
        raise PlatformUnavailable("--engine firmware is available on Linux only", "--engine interpreter")
    image = firmware_store.installed(firmware_images.CORSTONE_300)
    if image is None:
        raise PlatformUnavailable("the firmware for --engine firmware is not installed", "fvp-tui firmware install")
    program = qemu.find()
    if program is None:
        raise PlatformUnavailable(f"{qemu.PROGRAM}, for --engine firmware, is not installed", qemu.INSTALL)
    if spec.engine == "auto" and (spec.inferences > 1 or spec.serve or spec.fast):
        raise PlatformUnavailable("the firmware boots for each inference")
    try:
        version = qemu.version(program)
    except qemu.QemuError as error:
        raise PlatformUnavailable(str(error), qemu.INSTALL) from error
    runner = _inspect(image)
    simulator = _interpreter(f"{why}{WITH}{runner.name} on QEMU {version}", spec.target.board)
    return replace(
        simulator,
        command=(*simulator.command, "--engine", "firmware"),
        runner=runner,
        engine="firmware",
    )


def _inspect(
    path: Path, kind: RunnerKind = "auto", pte_address: int | None = None, board: Board = boards.DEFAULT
) -> Runner:
    # Only now: a run without an ELF file need not wait for what reads one.
    from tui.platform import inspection

    return inspection.inspect(path, kind, pte_address, board)


SIMULATOR = (sys.executable, "-m", "tui.simulator")
"""First words of its command line."""


def _interpreter(why: str, board: Board) -> Choice:
    return Choice(
        kind="simulator",
        command=(*SIMULATOR, "--as", board.fvp.binary),
        name="fvp-sim",
        version=tui.__version__,
        why=why,
        runner=None,
        # Unbuffered, so that the console tells what happens now.
        env={**processes.environment(), "PYTHONUNBUFFERED": "1"},
        engine="interpreter",
    )


def describe(choice: Choice, argv: Sequence[str]) -> PlatformInfo:
    """The platform that `argv` starts, as the journal records it."""
    return PlatformInfo(
        kind=choice.kind,
        name=choice.name,
        engine=choice.engine,
        version=choice.version,
        argv=tuple(argv),
        why=choice.why,
        board=choice.board_name,
    )
