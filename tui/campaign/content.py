"""The content of a cell: a hash of all that its figures depend on, without paths and times.

Model and data go in by their bytes, what compiles and runs them by version. A model in Python is its whole folder:
what it imports and reads lies there. So two machines, or two checkouts, agree on what was done already.
"""

import functools
import hashlib
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import msgspec

import tui
from tui.errors import UserError
from tui.model import catalogue
from tui.platform import selection
from tui.run.spec import EngineChoice, Limits, PlatformChoice, RunnerKind, Spec
from tui.toolchain import toolchains
from tui.toolchain.target import Target

SKIPPED = frozenset({".git", ".hg", ".svn", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache"})
"""Folders that are no part of a model."""

BLOCK = 1 << 20


def key(spec: Spec, until: str) -> str:
    """The hash of a cell, 24 hexadecimal digits.

    Raises:
        UserError: a file cannot be read, or the platform is not there.
    """
    bare = msgspec.structs.replace(
        spec, model="", folder=None, calibration=None, inputs=(), dataset=None, toolchain=None, limits=Limits(),
        fvp=None, runner=None, cache=True, timeout_s=0.0,
    )  # fmt: skip
    parts = [
        msgspec.json.encode(bare),
        until.encode(),
        _model(spec.model, spec.toolchain).encode(),
        *(f"{use} {of_path(path)}".encode() for use, path in _data(spec)),
        *(part.encode() for part in versions(spec.toolchain)),
    ]
    if until == "run":
        parts.append(_platform(spec.target, spec.platform, spec.engine, spec.fvp, spec.runner, spec.runner_kind))
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]


def _data(spec: Spec) -> Iterator[tuple[str, str]]:
    """Files and folders with inputs, each with its use."""
    named = (("calibration", spec.calibration), ("data set", spec.dataset), *(("input", path) for path in spec.inputs))
    yield from ((use, path) for use, path in named if path is not None)


def _model(name: str, toolchain: str | None) -> str:
    """A model's own part. One that ships with ExecuTorch is as its version, which is a part by itself."""
    if name.startswith("executorch:"):
        return name
    file = catalogue.source_file(name)
    if file is None:
        return of_path(name)
    return f"{file.name} {of_path(str(file.parent))}"


@functools.cache
def of_path(path: str) -> str:
    """Hash of a file's bytes, or of all files below a folder with their names there.

    Raises:
        UserError: one cannot be read.
    """
    digest = hashlib.sha256()
    place = Path(path)
    try:
        for file in [place] if place.is_file() else sorted(files_below(place)):
            digest.update(f"{file.relative_to(place).as_posix()} {file.stat().st_size}\n".encode())
            with file.open("rb") as data:
                while block := data.read(BLOCK):
                    digest.update(block)
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error
    return digest.hexdigest()


def files_below(folder: Path) -> Iterator[Path]:
    """All files that belong to a model in a folder."""
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - SKIPPED)
        yield from (Path(at) / name for name in files if (Path(at) / name).is_file())


@functools.cache
def versions(toolchain: str | None) -> tuple[str, ...]:
    """All that compiles and simulates: this program by its sources, the toolchain by its packages."""
    chain = toolchains.of(toolchain)
    packages = (f"{name} {version}" for name, version in sorted(chain.packages.items()))
    python = ".".join(map(str, chain.version[:2]))
    return (
        of_path(str(Path(tui.__file__).parent)),
        f"numpy {metadata.version('numpy')}",
        f"python {python} {platform.machine()}",
        *packages,
    )


@functools.cache
def _platform(
    target: Target, kind: PlatformChoice, engine: EngineChoice, fvp: str | None, runner: str | None, given: RunnerKind
) -> bytes:
    """The platform that runs it, by kind, engine and version, and the runner by its bytes."""
    asked = Spec(model="", target=target, platform=kind, engine=engine, fvp=fvp, runner=runner, runner_kind=given)
    choice = selection.choose(asked)
    firmware = of_path(str(choice.runner.path)) if choice.runner is not None else ""
    return f"{choice.kind} {choice.engine} {choice.version} {firmware}".encode()
