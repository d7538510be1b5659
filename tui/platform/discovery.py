"""Which platform a run takes: the FVP where one is found with a runner for it, else the simulator."""

import difflib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tui
from tui.errors import PlatformUnavailable, UsageError
from tui.figures import PlatformInfo
from tui.platform import known, parameters
from tui.spec import Spec

FVP = "FVP_Corstone_SSE-320"
"""The FVP with an Ethos-U85."""

FVP_VARIABLE = "FVP_TUI_FVP"
RUNNER_VARIABLE = "FVP_TUI_RUNNER"

PROBE_S = 30.0
"""Longest wait for ``FVP --version``; it takes about a second."""

_VERSION = re.compile(r"Fast Models \[?(\d+\.\d+[.+]\d+)")
_ELF = b"\x7fELF"


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
    runner: Path | None
    """The program for the FVP; the simulator needs none."""
    env: dict[str, str] = field(repr=False)
    """The complete environment of its process."""
    engine: str | None = None
    """The simulator's engine; an FVP has none."""


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
        return _simulator("the simulator, as asked for")
    # What is named must be there: to simulate instead would hide a slip of the pen.
    if spec.platform == "fvp" or spec.fvp:
        return _fvp_for(spec)
    if spec.runner:
        find_runner(spec.runner)
    try:
        return _fvp_for(spec)
    except PlatformUnavailable as error:
        return _simulator(f"the simulator, since {error.what}")


def _fvp_for(spec: Spec) -> Choice:
    found = find_fvp(spec.fvp)
    if found is None:
        raise PlatformUnavailable(
            f"no {FVP} was found", f"install it from developer.arm.com, then --fvp PATH, {FVP_VARIABLE} or PATH"
        )
    runner = find_runner(spec.runner)
    if runner is None:
        raise PlatformUnavailable(
            f"an FVP was found by {found.by}, but no runner for it",
            f"give ExecuTorch's arm_executor_runner, built with SEMIHOSTING: --runner ELF or {RUNNER_VARIABLE}",
        )
    return _fvp(found, runner)


def find_fvp(explicit: str | None) -> Found | None:
    """The FVP's binary, None if there is none. The first that has one wins: option, environment, PATH.

    Raises:
        PlatformUnavailable: the option or the variable names something that is no FVP.
    """
    return next((found for find in FINDERS if (found := find(explicit)) is not None), None)


def find_runner(explicit: str | None) -> Path | None:
    """The runner's ELF file, None if none is named.

    Raises:
        PlatformUnavailable: the option or the variable names something that is no ELF file.
    """
    for name, by in ((explicit, "--runner"), (os.environ.get(RUNNER_VARIABLE), RUNNER_VARIABLE)):
        if not name:
            continue
        path = Path(name).expanduser().absolute()
        try:
            with path.open("rb") as file:
                head = file.read(len(_ELF))
        except OSError as error:
            raise PlatformUnavailable(f"no runner at {path} ({by}): {error.strerror}") from error
        if head != _ELF:
            raise PlatformUnavailable(
                f"{path} ({by}) is not an ELF file", "build ExecuTorch's arm_executor_runner with SEMIHOSTING"
            )
        return path
    return None


def _by_option(explicit: str | None) -> Found | None:
    return None if not explicit else _named(explicit, "--fvp")


def _by_variable(explicit: str | None) -> Found | None:
    name = os.environ.get(FVP_VARIABLE)
    return None if not name else _named(name, FVP_VARIABLE)


def _by_path(explicit: str | None) -> Found | None:
    path = shutil.which(FVP)
    return None if path is None else Found(Path(path), "PATH")


FINDERS: tuple[Callable[[str | None], Found | None], ...] = (_by_option, _by_variable, _by_path)
"""Ways to find an FVP, the strongest first."""


def _named(name: str, by: str) -> Found:
    path = Path(name).expanduser()
    if path.is_dir():
        path = _in_folder(path, by)
    elif len(path.parts) == 1 and not path.exists() and (on_path := shutil.which(name)):
        path = Path(on_path)
    if not path.is_file():
        raise PlatformUnavailable(f"no FVP at {path} ({by})", f"give the path of the binary {FVP}")
    if not os.access(path, os.X_OK):
        raise PlatformUnavailable(f"{path} ({by}) cannot be executed", "chmod +x it, or give another")
    return Found(path.absolute(), by)


def _in_folder(folder: Path, by: str) -> Path:
    """The binary in the FVP's install folder: models/Linux64_GCC-9.3 on x86-64, models/Linux64_armv8l_... on Arm."""
    arm = platform.machine() in ("aarch64", "arm64")
    places = [folder / FVP, *sorted(folder.glob(f"models/*/{FVP}"), key=lambda p: ("armv8l" in p.parent.name) != arm)]
    for place in places:
        if place.is_file():
            return place
    raise PlatformUnavailable(f"no {FVP} in the folder {folder} ({by})", "give the path of the binary itself")


def _fvp(found: Found, runner: Path) -> Choice:
    env = fvp_environment(found.path, os.environ)
    return Choice(
        kind="fvp",
        command=(str(found.path),),
        name=found.path.name,
        version=probe(found.path, env),
        why=f"the FVP found by {found.by}, with the runner {runner.name}",
        runner=runner,
        env=env,
    )


def _simulator(why: str) -> Choice:
    # Found by the child too when we run from a checkout; unbuffered, so that the console tells what happens now.
    package = str(Path(tui.__file__).parent.parent)
    path = os.environ.get("PYTHONPATH")
    return Choice(
        kind="simulator",
        command=(sys.executable, "-m", "tui.simulator"),
        name="fvp-sim",
        version=tui.__version__,
        why=why,
        runner=None,
        env={
            **os.environ,
            "PYTHONPATH": f"{package}{os.pathsep}{path}" if path else package,
            "PYTHONUNBUFFERED": "1",
        },
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


def check_parameters(spec: Spec, choice: Choice) -> None:
    """Refuse a parameter that the platform does not have; what an FVP would do with it is not documented.

    Costs a start of the platform, so only done where the spec has parameters. A platform that does not list its
    parameters is believed to have them.

    Raises:
        UsageError: the platform lists its parameters, and one of the spec's is not among them.
    """
    if not spec.parameters:
        return
    names = [parameter.name for parameter in parameters.ask(choice.command, choice.env)]
    for name, _ in spec.parameters:
        if names and name not in names:
            close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
            hint = f"did you mean {' or '.join(close)}?" if close else "its --list-params lists them"
            raise UsageError(f"{choice.name} has no parameter {name}", hint)


def fvp_environment(binary: Path, base: Mapping[str, str]) -> dict[str, str]:
    """`base` for an FVP: it embeds a Python of its own, whose library it does not find by itself."""
    # PYTHONHOME and its like would send the FVP's Python 3.9 to the modules of ours.
    env = {name: value for name, value in base.items() if not name.startswith("PYTHON")}
    for folder in binary.resolve().parents:
        library = folder / "python" / "lib"
        if library.is_dir():
            others = env.get("LD_LIBRARY_PATH")
            env["LD_LIBRARY_PATH"] = f"{library}{os.pathsep}{others}" if others else str(library)
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
