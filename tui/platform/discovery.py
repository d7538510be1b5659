"""Search for FVPs and runners on this machine, and the environment that an FVP needs."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui import config, processes
from tui.errors import PlatformUnavailable
from tui.platform import failures, firmware_store
from tui.toolchain import boards
from tui.toolchain.boards import Board, Fvp

FVP_VARIABLE = "FVP_TUI_FVP"
RUNNER_VARIABLE = "FVP_TUI_RUNNER"

PROBE_S = 30.0
"""Longest wait for ``FVP --version``; it takes about a second."""

_VERSION = re.compile(r"Fast Models \[?(\d+\.\d+[.+]\d+)")

EXECUTORCH_VARIABLE = "EXECUTORCH_ROOT"
INSTALL_FOLDERS = ("~", "~/Arm", "~/arm", "/opt", "/opt/arm", "/opt/Arm", "/usr/local", "/usr/local/arm")


@dataclass(frozen=True)
class Location:
    """A file, an FVP's binary or a runner, and the way it was found."""

    path: Path
    by: str

    def __str__(self) -> str:
        return f"{self.path} (by {self.by})"


def find_fvp(explicit: str | None, board: Board = boards.DEFAULT) -> Location | None:
    """The FVP's binary for a board, None if there is none. The first that has one wins: see `FVP_FINDERS`.

    Raises:
        PlatformUnavailable: the option, the variable or the settings name something that is no FVP.
        UsageError: the settings cannot be read.
    """
    return next((location for find in FVP_FINDERS if (location := find(explicit, board.fvp)) is not None), None)


def find_runner(explicit: str | None, board: Board = boards.DEFAULT) -> Location | None:
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
                raise PlatformUnavailable(f"no runner at {path} ({by})", "name an ELF file")
            return Location(path, by)
    return _in_checkouts(board.fvp.runner, "an ExecuTorch checkout") or _installed(board)


def _by_option(explicit: str | None, fvp: Fvp) -> Location | None:
    return None if not explicit else _named(explicit, "--fvp", fvp)


def _by_variable(explicit: str | None, fvp: Fvp) -> Location | None:
    name = os.environ.get(FVP_VARIABLE)
    return None if not name else _for_all(name, FVP_VARIABLE, fvp)


def _by_settings(explicit: str | None, fvp: Fvp) -> Location | None:
    name = config.read().fvp
    return None if not name else _for_all(name, config.NAME, fvp)


def _by_path(_: str | None, fvp: Fvp) -> Location | None:
    path = shutil.which(fvp.binary)
    return None if path is None else Location(Path(path), "PATH")


def _by_checkout(_: str | None, fvp: Fvp) -> Location | None:
    return _in_checkouts(f"{fvp.checkout}/{fvp.binary}", "an ExecuTorch checkout")


def _by_folder(_: str | None, fvp: Fvp) -> Location | None:
    folders = (Path(place).expanduser() for place in INSTALL_FOLDERS)
    binaries = (path for folder in folders for path in _sorted(folder.glob(f"{fvp.installed}/{fvp.binary}")))
    return next((Location(path, "its install folder") for path in binaries), None)


FVP_FINDERS: tuple[Callable[[str | None, Fvp], Location | None], ...] = (
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


def _in_checkouts(pattern: str, by: str) -> Location | None:
    for folder in _checkouts():
        for path in _sorted(folder.glob(pattern)) if folder.is_dir() else ():
            return Location(path, by)
    return None


def _installed(board: Board) -> Location | None:
    if (path := firmware_store.built(board)) is not None:
        return Location(path, "fvp-tui firmware build")
    path = None if board.image is None else firmware_store.installed(board.image)
    return None if path is None else Location(path, "fvp-tui firmware install")


def _sorted(paths: Iterable[Path]) -> list[Path]:
    """Sort files, with those for this machine's processor first."""
    arm = platform.machine() in ("aarch64", "arm64")
    return sorted((path for path in paths if path.is_file()), key=lambda p: (("armv8l" in str(p)) != arm, p))


class _AnothersFvp(PlatformUnavailable):
    """The FVP that was named is another board's, and this board's is not beside it."""


def _for_all(name: str, by: str, fvp: Fvp) -> Location | None:
    """The FVP that is named once for all targets: passed over for a target whose board is another."""
    try:
        return _named(name, by, fvp)
    except _AnothersFvp:
        return None


def _named(name: str, by: str, fvp: Fvp) -> Location:
    path = Path(name).expanduser()
    if path.is_dir():
        path = _in_folder(path, by, fvp)
    elif len(path.parts) == 1 and not path.exists() and (on_path := shutil.which(name)):
        path = Path(on_path)
    if not path.is_file():
        raise PlatformUnavailable(f"no FVP at {path} ({by})", f"give the path of the binary {fvp.binary}")
    if path.name in _others(fvp):
        path = _beside(path, by, fvp)
    if not os.access(path, os.X_OK):
        raise PlatformUnavailable(f"{path} ({by}) is not executable", "make it executable (chmod +x), or name another")
    return Location(path.absolute(), by)


def _others(fvp: Fvp) -> set[str]:
    """Names of the FVPs of other boards."""
    return {board.fvp.binary for board in boards.BOARDS} - {fvp.binary}


def _beside(path: Path, by: str, fvp: Fvp) -> Path:
    """The FVP in the same folder as that of another board: some are installed together."""
    beside = path.with_name(fvp.binary)
    if not beside.is_file():
        raise _AnothersFvp(f"{path} ({by}) is the FVP of another board", f"the target needs {fvp.binary}")
    return beside


def _in_folder(folder: Path, by: str, fvp: Fvp) -> Path:
    """The binary in the FVP's install folder: models/Linux64_GCC-9.3 on x86-64, models/Linux64_armv8l_... on Arm."""

    def places(binary: str) -> list[Path]:
        return [path for path in (folder / binary, *_sorted(folder.glob(f"models/*/{binary}"))) if path.is_file()]

    if found := places(fvp.binary):
        return found[0]
    kind = _AnothersFvp if any(map(places, _others(fvp))) else PlatformUnavailable
    raise kind(f"no {fvp.binary} in the folder {folder} ({by})", "give the path of the binary itself")


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
        raise PlatformUnavailable(f"{binary.name} --version did not answer within {PROBE_S:.0f} s") from error
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise _unusable(binary, said, done.returncode)
    version = _VERSION.search(said)
    return version[1] if version else None


def _unusable(binary: Path, said: str, status: int | None = None) -> PlatformUnavailable:
    for line in said.splitlines():
        if finding := failures.find(line):
            return PlatformUnavailable(finding.reason, finding.hint)
    first = next((line.strip() for line in said.splitlines() if line.strip()), f"exit status {status}")
    return PlatformUnavailable(f"{binary.name} does not start: {first}")
