"""Toolchains: the Python that compiles, which may be another one than this program's, and what it has.

A toolchain is asked once, in a process of its own that takes half a second; its answer is kept until it is changed.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import msgspec

from tui import config
from tui.errors import UsageError, one_line
from tui.files import write_whole

VARIABLE = "FVP_TUI_TOOLCHAIN"
"""Environment variable: the toolchain of runs that name none."""

PACKAGES = ("torch", "torchao", "executorch", "ethos-u-vela", "tosa-tools")
"""Packages that determine a compiled program."""

COMPILER = ("torch", "executorch")
"""Packages without which nothing is compiled."""

WAYS = "pip install 'fvp-tui[compile]', or --toolchain with a Python that has it"
"""Remedies where there is no compiler."""

OLDEST = (3, 10)
"""The oldest Python that a compile worker runs on: ExecuTorch's own."""

ASK_S = 60.0
"""Time to answer: a Python on a cold network disk takes its time."""

# Older Pythons than can be used must understand it, too: they say which they are.
QUESTION = """
import json, os, sys
answer = {"version": list(sys.version_info[:3])}
if sys.version_info >= (3, 10):
    import pkgutil, sysconfig
    from importlib import metadata
    from importlib.util import find_spec

    def version(name):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    def folder(name):
        try:
            found = find_spec(name)
        except Exception:
            return None
        return next(iter(found.submodule_search_locations or ()), None) if found else None

    packages = json.loads(sys.argv[1])
    modules = {module.name for module in pkgutil.iter_modules()} | set(metadata.packages_distributions())
    answer.update(
        soabi=sysconfig.get_config_var("SOABI") or "",
        packages={name: version(name) for name in packages if version(name)},
        modules=sorted(modules | set(sys.stdlib_module_names)),
        executorch=folder("executorch"),
        ethosu=folder("ethosu"),
        watched={path: os.stat(path).st_mtime_ns for path in sys.path if os.path.isdir(path)},
    )
print("answer:" + json.dumps(answer))
"""


class Toolchain(msgspec.Struct, frozen=True):
    """A Python, and what of a compiler it has."""

    version: tuple[int, ...]
    """Version of the Python: major, minor, micro."""
    soabi: str = ""
    """The binary interface of its extension modules, such as ``cpython-311-x86_64-linux-gnu``."""
    packages: Mapping[str, str] = {}
    """Versions by name, of `PACKAGES`."""
    modules: frozenset[str] | None = None
    """Top-level modules that it can import; None for this Python, which is asked."""
    executorch: str | None = None
    """The folder of the package executorch."""
    ethosu: str | None = None
    """The folder of the package that has Vela, in which its lists of targets lie; None: this Python's are meant."""
    watched: Mapping[str, int] = {}
    """Times of last change, in nanoseconds, of the folders that it imports from."""
    python: str = ""
    """Path of the interpreter, links not followed: a virtual environment's Python is a link."""

    @property
    def own(self) -> bool:
        """True if it is the Python of this process."""
        return self.modules is None

    def has(self, module: str) -> bool:
        """Return True if it can import a top-level module."""
        return find_spec(module) is not None if self.modules is None else module in self.modules

    @property
    def lacks(self) -> tuple[str, ...]:
        """Packages that a compiler needs and that are not there."""
        return tuple(name for name in COMPILER if not self.has(name))


@cache
def own() -> Toolchain:
    """The Python of this process."""
    found = find_spec("executorch")
    return Toolchain(
        version=sys.version_info[:3],
        soabi=sysconfig.get_config_var("SOABI") or "",
        packages={name: version for name in PACKAGES if (version := _version(name))},
        executorch=next(iter((found and found.submodule_search_locations) or ()), None),
        python=sys.executable,
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def of(python: str | None) -> Toolchain:
    """The toolchain of a spec: the Python at a path, or this one.

    Raises:
        UsageError: there is no Python that compiles.
    """
    return own() if python is None else _at(python)


def resolve(name: str) -> str:
    """The path of an interpreter that a user calls by a name of config.toml, or by a path: a Python, or its folder.

    Raises:
        UsageError: there is none.
    """
    names = config.read().toolchains
    path = Path(names.get(name, name)).expanduser()
    candidates = (path, path / "bin" / "python", path / "bin" / "python3")
    found = next((one for one in candidates if one.is_file() and os.access(one, os.X_OK)), None)
    if found is None:
        kinds = ["a Python", "the folder of a virtual or conda environment", *(["a name"] if names else [])]
        named = f" of config.toml: {', '.join(names)}" if names else ""
        raise UsageError(f"no Python at {path}", f"{', '.join(kinds[:-1])} or {kinds[-1]}{named}")
    return str(found.absolute())


def named() -> dict[str, str]:
    """Names in config.toml by the interpreters that they stand for; those that are not there are left out."""
    found = {}
    for name in config.read().toolchains:
        with contextlib.suppress(UsageError):
            found[resolve(name)] = name
    return found


def default() -> str | None:
    """The interpreter that compiles where none is named: the environment's, else config.toml's; None is this one.

    Raises:
        UsageError: what is named there is no Python.
    """
    named = os.environ.get(VARIABLE) or config.read().toolchain
    return resolve(named) if named else None


def known(python: str | None) -> Toolchain | None:
    """The toolchain of a spec, if nothing has to be started to know it; None if it has to be asked first."""
    if python is None:
        return own()
    try:
        found = msgspec.json.decode(_answer(python).read_bytes(), type=Toolchain)
        unchanged = all(Path(path).stat().st_mtime_ns == at for path, at in found.watched.items())
    except (OSError, msgspec.DecodeError):
        return None
    return found if unchanged and found.python == python else None


def known_ethosu(python: str | None) -> str | None:
    """The folder of the Vela of a spec's toolchain, if it is known; None stands for this Python's own."""
    found = known(python)
    return found.ethosu if found is not None else None


def _answer(python: str) -> Path:
    """The file with the answer of a Python."""
    return config.cache_folder() / "toolchains" / f"{hashlib.sha256(python.encode()).hexdigest()[:16]}.json"


@cache
def _at(python: str) -> Toolchain:
    if (found := known(python)) is None:
        found = _ask(python)
        with contextlib.suppress(OSError):  # then it is asked again
            write_whole(_answer(python), msgspec.json.encode(found))
    return found


def environment() -> dict[str, str]:
    """This process's environment without what is for its own Python only."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "VIRTUAL_ENV")}


def _ask(python: str) -> Toolchain:
    """Ask a Python for what it has.

    Raises:
        UsageError: it is none, or too old.
    """
    try:
        done = subprocess.run(
            [python, "-c", QUESTION, json.dumps(PACKAGES)],
            cwd="/",
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ASK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{python} cannot be started: {one_line(error)}") from error
    lines = done.stdout.decode(errors="replace").splitlines()
    answer = next((line.partition(":")[2] for line in lines if line.startswith("answer:")), None)
    if answer is None:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"{python} is no Python that answers: {said[-1] if said else f'exit {done.returncode}'}")
    found = msgspec.structs.replace(msgspec.json.decode(answer, type=Toolchain), python=python)
    if found.version < OLDEST:
        raise UsageError(
            f"{python} is Python {'.'.join(map(str, found.version))}",
            f"ExecuTorch needs {'.'.join(map(str, OLDEST))} or newer",
        )
    return found
