"""Which platform a run takes: the FVP where one is found with a runner for it, else the simulator."""

import difflib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import tui
from tui import config, processes
from tui.errors import PlatformUnavailable, UsageError
from tui.platform import firmware_store, known, parameters
from tui.platform.parameters import Parameter
from tui.platform.runner import Kind, Runner
from tui.run.figures import PlatformInfo
from tui.run.spec import RunnerKind, Spec
from tui.toolchain import boards, firmware_images, qemu
from tui.toolchain.boards import Board, Fvp

FVP_VARIABLE = "FVP_TUI_FVP"
RUNNER_VARIABLE = "FVP_TUI_RUNNER"

PROBE_S = 30.0
"""Longest wait for ``FVP --version``; it takes about a second."""

_VERSION = re.compile(r"Fast Models \[?(\d+\.\d+[.+]\d+)")

EXECUTORCH_VARIABLE = "EXECUTORCH_ROOT"
INSTALL_FOLDERS = ("~", "~/Arm", "~/arm", "/opt", "/opt/arm", "/opt/Arm", "/usr/local", "/usr/local/arm")


@dataclass(frozen=True)
class Choice:
    """A platform that can be started."""

    kind: Literal["simulator", "fvp"]
    command: tuple[str, ...]
    """The first words of the command line."""
    name: str
    version: str | None
    why: str
    """One sentence: which platform and why."""
    runner: Runner | None
    """The firmware; the simulator's interpreter has none, and reads files as a semihosting runner does."""
    env: dict[str, str] = field(repr=False)
    """The complete environment of its process."""
    engine: str | None = None
    """The simulator's engine; an FVP has none."""

    @property
    def runner_kind(self) -> Kind:
        """How what runs on it gets its program and inputs."""
        return "semihosting" if self.runner is None else self.runner.kind


@dataclass(frozen=True)
class Found:
    """An FVP's binary, and by what it was found."""

    path: Path
    by: str

    def __str__(self) -> str:
        return f"{self.path} (by {self.by})"


def choose(spec: Spec) -> Choice:
    """The platform for a spec.

    Raises:
        PlatformUnavailable: what was asked for is not there or does not start.
    """
    if spec.platform == "simulator":
        return _simulator("the simulator, as asked for", spec)
    # What is named must be there: to simulate instead would hide a slip of the pen.
    if spec.platform == "fvp" or spec.fvp:
        return _fvp_for(spec)
    if spec.runner:
        _inspect(Path(spec.runner).expanduser().absolute(), spec.runner_kind)
    if spec.engine != "auto":
        return _simulator("the simulator, whose engine was asked for", spec)
    try:
        return _fvp_for(spec)
    except PlatformUnavailable as error:
        return _simulator(f"the simulator, since {error.what}", spec)


def platform_only(spec: Spec) -> Choice:
    """The platform for a spec whether or not there is a program that it could run.

    Raises:
        PlatformUnavailable: what was asked for is not there or does not start.
    """
    if spec.platform == "simulator":
        return _simulator("the simulator, as asked for")
    board = spec.target.board
    found = find_fvp(spec.fvp, board)
    if found is not None:
        return _fvp(found, None)
    if spec.platform == "fvp":
        raise PlatformUnavailable(f"no {board.fvp.binary} was found", f"--fvp PATH, {FVP_VARIABLE} or PATH")
    return _simulator(f"the simulator, since no {board.fvp.binary} was found")


def _fvp_for(spec: Spec) -> Choice:
    board = spec.target.board
    found = find_fvp(spec.fvp, board)
    if found is None:
        raise PlatformUnavailable(
            f"no {board.fvp.binary} was found",
            f"install it from developer.arm.com, then --fvp PATH, {FVP_VARIABLE} or PATH",
        )
    runner = find_runner(spec.runner, board)
    if runner is None:
        raise PlatformUnavailable(
            f"an FVP was found by {found.by}, but no runner for it",
            "fvp-tui firmware install gets one ready made, firmware build makes one; or --runner ELF",
        )
    program = _inspect(runner.path, spec.runner_kind, spec.pte_address, board)
    if program.image is not None and program.image.board != board.name:
        raise PlatformUnavailable(f"{runner} is {program.name}, which is another board", f"give one for {board.name}")
    return _fvp(found, program)


def find_fvp(explicit: str | None, board: Board = boards.DEFAULT) -> Found | None:
    """The FVP's binary for a board, None if there is none. The first that has one wins: see `FVP_FINDERS`.

    Raises:
        PlatformUnavailable: the option, the variable or the settings name something that is no FVP.
        UsageError: the settings cannot be read.
    """
    return next((found for find in FVP_FINDERS if (found := find(explicit, board.fvp)) is not None), None)


def find_runner(explicit: str | None, board: Board = boards.DEFAULT) -> Found | None:
    """The runner's ELF file for a board, None if there is none.

    Raises:
        PlatformUnavailable: the option, the variable or the settings name a file that is not there.
        UsageError: the settings cannot be read.
    """
    names = (
        (explicit, "--runner"),
        (os.environ.get(RUNNER_VARIABLE), RUNNER_VARIABLE),
        (config.read().runner, config.NAME),
    )
    for name, by in names:
        if name:
            path = Path(name).expanduser().absolute()
            if not path.is_file():
                raise PlatformUnavailable(f"no runner at {path} ({by})", "give an ELF file")
            return Found(path, by)
    return _in_checkouts(board.fvp.runner, "an ExecuTorch checkout") or _installed(board)


def _by_option(explicit: str | None, fvp: Fvp) -> Found | None:
    return None if not explicit else _named(explicit, "--fvp", fvp)


def _by_variable(explicit: str | None, fvp: Fvp) -> Found | None:
    name = os.environ.get(FVP_VARIABLE)
    return None if not name else _named(name, FVP_VARIABLE, fvp)


def _by_settings(explicit: str | None, fvp: Fvp) -> Found | None:
    name = config.read().fvp
    return None if not name else _named(name, config.NAME, fvp)


def _by_path(_: str | None, fvp: Fvp) -> Found | None:
    path = shutil.which(fvp.binary)
    return None if path is None else Found(Path(path), "PATH")


def _by_checkout(_: str | None, fvp: Fvp) -> Found | None:
    return _in_checkouts(f"{fvp.checkout}/{fvp.binary}", "an ExecuTorch checkout")


def _by_folder(_: str | None, fvp: Fvp) -> Found | None:
    folders = (Path(place).expanduser() for place in INSTALL_FOLDERS)
    found = (path for folder in folders for path in _sorted(folder.glob(f"{fvp.installed}/{fvp.binary}")))
    return next((Found(path, "its install folder") for path in found), None)


FVP_FINDERS: tuple[Callable[[str | None, Fvp], Found | None], ...] = (
    _by_option,
    _by_variable,
    _by_settings,
    _by_path,
    _by_checkout,
    _by_folder,
)
"""Ways to find an FVP, the strongest first."""


def _checkouts() -> list[Path]:
    """Folders that are ExecuTorch checkouts: the one ExecuTorch's variable names, those we are in, one at home."""
    named = [Path(os.environ[EXECUTORCH_VARIABLE])] if os.environ.get(EXECUTORCH_VARIABLE) else []
    here = Path.cwd()
    return [*named, here, *here.parents, Path.home() / "executorch", Path.home() / "git" / "executorch"]


def _in_checkouts(pattern: str, by: str) -> Found | None:
    for folder in _checkouts():
        for path in _sorted(folder.glob(pattern)) if folder.is_dir() else ():
            return Found(path, by)
    return None


def _installed(board: Board) -> Found | None:
    if (path := firmware_store.built(board)) is not None:
        return Found(path, "fvp-tui firmware build")
    path = firmware_store.installed(board.image)
    return None if path is None else Found(path, "fvp-tui firmware install")


def _sorted(paths: Iterable[Path]) -> list[Path]:
    """Those for this machine's processor first."""
    arm = platform.machine() in ("aarch64", "arm64")
    return sorted((path for path in paths if path.is_file()), key=lambda p: (("armv8l" in str(p)) != arm, p))


def _named(name: str, by: str, fvp: Fvp) -> Found:
    path = Path(name).expanduser()
    if path.is_dir():
        path = _in_folder(path, by, fvp.binary)
    elif len(path.parts) == 1 and not path.exists() and (on_path := shutil.which(name)):
        path = Path(on_path)
    if not path.is_file():
        raise PlatformUnavailable(f"no FVP at {path} ({by})", f"give the path of the binary {fvp.binary}")
    if not os.access(path, os.X_OK):
        raise PlatformUnavailable(f"{path} ({by}) cannot be executed", "chmod +x it, or give another")
    return Found(path.absolute(), by)


def _in_folder(folder: Path, by: str, binary: str) -> Path:
    """The binary in the FVP's install folder: models/Linux64_GCC-9.3 on x86-64, models/Linux64_armv8l_... on Arm."""
    for place in (folder / binary, *_sorted(folder.glob(f"models/*/{binary}"))):
        if place.is_file():
            return place
    raise PlatformUnavailable(f"no {binary} in the folder {folder} ({by})", "give the path of the binary itself")


def _fvp(found: Found, runner: Runner | None) -> Choice:
    env = fvp_environment(found.path, os.environ)
    return Choice(
        kind="fvp",
        command=(str(found.path),),
        name=found.path.name,
        version=probe(found.path, env),
        why=f"the FVP found by {found.by}" + (f", with {runner.name}" if runner else ""),
        runner=runner,
        env=env,
    )


def _simulator(why: str, spec: Spec | None = None) -> Choice:
    """The simulator with the engine that a spec asks for, or that fits it."""
    if spec is None or spec.engine == "interpreter":
        return _interpreter(why)
    if spec.engine == "firmware":
        return _emulated(why, spec)
    try:
        return _emulated(why, spec)
    except PlatformUnavailable:
        return _interpreter(why)


def interpreted(choice: Choice, why: str) -> Choice:
    """The simulator's interpreter in the place of its firmware, and why."""
    return _interpreter(f"{choice.why.partition(WITH)[0]}; {why}")


WITH = ", with "
"""Before the program that a platform runs."""


def _emulated(why: str, spec: Spec) -> Choice:
    """The firmware engine.

    Raises:
        PlatformUnavailable: what it needs is not here, or it cannot do what is asked for.
    """
    if sys.platform != "linux":
        raise PlatformUnavailable("--engine firmware is there on Linux only", "--engine interpreter")
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
    return replace(
        _interpreter(f"{why}{WITH}{runner.name} on QEMU {version}"),
        command=(*SIMULATOR, "--engine", "firmware"),
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
"""Its command line's first words."""


def _interpreter(why: str) -> Choice:
    return Choice(
        kind="simulator",
        command=SIMULATOR,
        name="fvp-sim",
        version=tui.__version__,
        why=why,
        runner=None,
        # Unbuffered, so that the console tells what happens now.
        env={**processes.environment(), "PYTHONUNBUFFERED": "1"},
        engine="interpreter",
    )


def describe(choice: Choice, argv: Sequence[str]) -> PlatformInfo:
    """What the journal says of the platform that `argv` starts."""
    return PlatformInfo(
        kind=choice.kind,
        name=choice.name,
        engine=choice.engine,
        version=choice.version,
        argv=tuple(argv),
        why=choice.why,
    )


def list_parameters(choice: Choice) -> list[Parameter]:
    """All parameters of a platform, from its own list; empty if it does not tell. An FVP's list is kept by version."""
    cache = None
    if choice.kind == "fvp":
        binary = Path(choice.command[0])
        stat = binary.stat()
        mark = f"{choice.name}-{choice.version}-{stat.st_size:x}-{stat.st_mtime_ns:x}.txt"
        cache = config.home() / "cache" / "parameters" / re.sub(r"[^\w.+-]", "_", mark)
    return parameters.ask(choice.command, choice.env, cache)


def check_parameters(spec: Spec, choice: Choice) -> frozenset[str] | None:
    """Refuse a parameter that the platform does not have, or not with that value; the names of all it has.

    What an FVP would do with either is not documented. A platform that does not list its parameters is believed to
    have them: None. Our own simulator is only asked where the spec has parameters.

    Raises:
        UsageError: the platform lists its parameters, and one of the spec's does not fit.
    """
    if choice.kind == "simulator" and not spec.parameters:
        return None
    known = {parameter.name: parameter for parameter in list_parameters(choice)}
    if not known:
        return None
    for name, value in spec.parameters:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
            hint = f"did you mean {' or '.join(close)}?" if close else "fvp-tui params lists them"
            raise UsageError(f"{choice.name} has no parameter {name}", hint)
        if why := parameters.problem(known[name], value):
            raise UsageError(f"{name}: {why}", known[name].text)
    return frozenset(known)


def fvp_environment(binary: Path, base: Mapping[str, str]) -> dict[str, str]:
    """`base` for an FVP: it embeds a Python of its own, whose library it does not find by itself."""
    # Its folder is looked for behind links as well; it is started by the name it was found by, never by that of the
    # file behind a link: Arm's wrapper for macOS is one script, and runs the model it is called as.
    # PYTHONHOME and its like would send the FVP's Python 3.9 to the modules of ours.
    env = {name: value for name, value in base.items() if not name.startswith("PYTHON")}
    for folder in binary.resolve().parents:
        library = folder / "python" / "lib"
        if library.is_dir():
            others = env.get("LD_LIBRARY_PATH")
            env["LD_LIBRARY_PATH"] = f"{library}{os.pathsep}{others}" if others else str(library)
            if any(library.glob("python3*")):
                # As the FVP's own runtime.sh sets it; for its process alone, since it would break every other Python.
                env["PYTHONHOME"] = str(folder / "python")
            break
    return env


def probe(binary: Path, env: Mapping[str, str]) -> str | None:
    """The FVP's version, None if it does not tell. Starts it: loader, libraries and licence are tried as well.

    Raises:
        PlatformUnavailable: it does not start.
    """
    try:
        done = subprocess.run(
            [str(binary), "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            timeout=PROBE_S,
            check=False,
            preexec_fn=processes.tie(),
        )
    except OSError as error:
        raise _unusable(binary, f"{binary}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise PlatformUnavailable(f"{binary.name} --version does not answer within {PROBE_S:.0f} s") from error
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise _unusable(binary, said, done.returncode)
    version = _VERSION.search(said)
    return version[1] if version else None


def _unusable(binary: Path, said: str, status: int | None = None) -> PlatformUnavailable:
    for line in said.splitlines():
        if finding := known.find(line):
            return PlatformUnavailable(finding.reason, finding.hint)
    first = next((line.strip() for line in said.splitlines() if line.strip()), f"exit status {status}")
    return PlatformUnavailable(f"{binary.name} does not start: {first}")
