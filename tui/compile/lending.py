"""Loans to a compile worker: this package and two small libraries in another Python, and another Vela in any.

The other Python's environment is not touched. It is shown this package alone - not the environment that this program
is installed in, whose numpy is not its own -, and the libraries that it lacks from a cache of ours.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import tui
from tui import config, processes
from tui.errors import UserError
from tui.files import made_whole
from tui.toolchain import toolchains
from tui.toolchain.toolchains import Toolchain

LIBRARIES = {"msgspec": "msgspec>=0.20", "platformdirs": "platformdirs>=4.3"}
"""Modules that a worker imports beside what a compiler brings, and how they are installed."""

VELA = "ethos-u-vela"

INSTALL_S = 300.0

Note = Callable[[str], None]
"""Called with a sentence on what was fetched."""


def _unnoted(text: str) -> None:
    """Note nothing."""


def environment(toolchain: Toolchain, vela: str | None = None, note: Note = _unnoted) -> dict[str, str]:
    """The environment of a worker in a toolchain, whose Vela is of that version, where one is given.

    Raises:
        UserError: a library cannot be had.
    """
    found = _environment(toolchain)
    if vela is not None and vela != toolchain.packages.get(VELA):
        path = [_vela(toolchain, vela, note), found.get("PYTHONPATH", "")]
        found["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return found


def _environment(toolchain: Toolchain) -> dict[str, str]:
    if toolchain.own:
        return processes.environment()
    own = Path(tui.__file__).parent.parent
    users = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry and Path(entry) != own]
    path = os.pathsep.join([str(_package(own)), *_lent(toolchain), *users])
    # Of another Python, its bytecode would lie beside ours.
    return {**toolchains.environment(), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _package(parent: Path) -> Path:
    """A folder to import this package from, and nothing else that is installed here."""
    if parent.name not in ("site-packages", "dist-packages"):
        return parent  # a checkout
    folder = config.cache_folder() / "lent" / "fvp-tui"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "tui"
    if not link.is_symlink() or link.readlink() != parent / "tui":
        with tempfile.TemporaryDirectory(dir=folder.parent) as building:
            (Path(building) / "tui").symlink_to(parent / "tui")
            (Path(building) / "tui").replace(link)
    return folder


def _lent(toolchain: Toolchain) -> list[str]:
    """A folder with the libraries that a toolchain lacks; none where it has them."""
    missing = [name for name in LIBRARIES if not toolchain.has(name)]
    if not missing:
        return []
    folder = config.cache_folder() / "lent" / toolchain.soabi
    if not all((folder / name).is_dir() for name in missing):
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier version, which lent less
        with made_whole(folder) as building:
            if toolchain.soabi == toolchains.own().soabi:
                _link(building)
            else:
                _install(building, toolchain, list(LIBRARIES.values()))
    return [str(folder)]


def fetched(toolchain: Toolchain) -> list[str]:
    """The versions of Vela that were fetched for a toolchain's Python."""
    return sorted(folder.name for folder in _velas(toolchain).glob("[0-9]*"))


def _velas(toolchain: Toolchain) -> Path:
    return config.cache_folder() / "velas" / toolchain.soabi


def _vela(toolchain: Toolchain, version: str, note: Note) -> str:
    """A folder with a version of Vela for a toolchain's Python, without what it needs: the toolchain has that."""
    folder = _velas(toolchain) / version
    if not folder.is_dir():
        with made_whole(folder) as building:
            _install(building, toolchain, [f"{VELA}=={version}"])
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        note(f"Vela {version} was fetched for this and later runs: {size / 1e6:.0f} MB in {folder}")
    return str(folder)


def _link(folder: Path) -> None:
    """Make links to this Python's own libraries: the toolchain's is of the same version."""
    for name in LIBRARIES:
        found = find_spec(name)
        assert found is not None and found.submodule_search_locations
        (folder / name).symlink_to(next(iter(found.submodule_search_locations)))


def _install(folder: Path, toolchain: Toolchain, packages: Sequence[str]) -> None:
    """Install packages, and nothing that they need, for a toolchain's Python.

    Raises:
        UserError: no way leads there.
    """
    to = ["--no-deps", "--target", str(folder), *packages]
    ways: Sequence[Sequence[str]] = (
        [sys.executable, "-m", "pip", "--python", toolchain.python, "install", *to],
        [toolchain.python, "-m", "pip", "install", *to],
        ["uv", "pip", "install", "--python", toolchain.python, *to],
    )
    said = ""
    for way in ways:
        try:
            done = subprocess.run(
                way,
                env=toolchains.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=INSTALL_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return
        said = said or next(iter(reversed(done.stderr.decode(errors="replace").strip().splitlines())), "")
    version = ".".join(map(str, toolchain.version[:2]))
    raise UserError(
        f"{' and '.join(packages)} for Python {version} cannot be installed{f': {said}' if said else ''}",
        f"try: {toolchain.python} -m pip install --no-deps --target {folder.parent} {' '.join(packages)}",
    )
