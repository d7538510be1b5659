"""Presets (named sets of platform parameters and options) and favourites, as files in the configuration folder."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from tui import config
from tui.errors import UsageError
from tui.files import write_whole
from tui.run.spec import Spec
from tui.toolchain import boards
from tui.toolchain.boards import Board

FOLDER = "presets"
SUFFIX = ".toml"
FAVOURITES = "favourites.txt"

_NAME = re.compile(r"[\w-]{1,40}")


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Settings of a preset; None leaves one as it is."""

    about: str = ""
    fast: bool | None = None
    pmu_trace: bool | None = None
    timeout_s: float | None = None
    parameters: dict[str, str | bool | int | float] = {}


def built_in(board: Board = boards.DEFAULT) -> dict[str, Preset]:
    """The presets that come with fvp-tui; a file of the same name takes the place of one."""
    names = board.parameters
    terminals = {names.terminal(number, "start_telnet"): True for number in names.terminals}
    return {
        "fast": Preset(about="Fast NPU mode; its counters are not representative.", fast=True),
        "trace": Preset(about="A trace of the NPU: cycles of each operator.", pmu_trace=True),
        "patient": Preset(about="A time limit of two hours.", timeout_s=7200),
        "window": Preset(about="The FVP's window, on a desktop.", parameters=dict.fromkeys(names.windows, False)),
        "terminals": Preset(about="An xterm for each UART, on a desktop.", parameters={**terminals}),
    }


def folder() -> Path:
    """The folder of the user's presets, one TOML file each."""
    return config.folder() / FOLDER


def names() -> list[str]:
    """Names of all presets, the user's among them."""
    own = (path.stem for path in folder().glob(f"*{SUFFIX}")) if folder().is_dir() else ()
    return sorted({*built_in(), *own})


def load(name: str, board: Board = boards.DEFAULT) -> Preset:
    """A preset by its name, with the parameters of a board where it is a built-in one.

    Raises:
        UsageError: there is none, or its file cannot be read.
    """
    path = folder() / f"{name}{SUFFIX}"
    if not _NAME.fullmatch(name) or not path.exists():
        if (preset := built_in(board).get(name)) is not None:
            return preset
        raise UsageError(f"no preset {name!r}", f"known: {', '.join(names())}")
    return config.read_toml(path, Preset, hint=f"a preset may set: {', '.join(Preset.__struct_fields__)}")


def apply(spec: Spec, preset: Preset) -> Spec:
    """The spec with what the preset sets. A parameter that it had already gets the preset's value."""
    parameters = {**dict(spec.parameters), **{name: _text(value) for name, value in preset.parameters.items()}}
    changes: dict[str, Any] = {"parameters": tuple(parameters.items())}
    for field in ("fast", "pmu_trace", "timeout_s"):
        if (value := getattr(preset, field)) is not None:
            changes[field] = value
    return msgspec.structs.replace(spec, **changes)


def _text(value: str | bool | int | float) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def save(name: str, spec: Spec, about: str = "") -> Path:
    """Keep what a spec sets of platform parameters and options as a preset of the user's; its file.

    Raises:
        UsageError: the name cannot be that of a file, or the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a preset", "letters, digits, - and _")
    default = Spec(model="")
    preset = Preset(
        about=about,
        fast=spec.fast or None,
        pmu_trace=spec.pmu_trace or None,
        timeout_s=None if spec.timeout_s == default.timeout_s else spec.timeout_s,
        parameters=dict(spec.parameters),
    )
    return _write(folder() / f"{name}{SUFFIX}", msgspec.toml.encode(preset))


def favourites() -> frozenset[str]:
    """Names of the parameters the user wants to see first."""
    try:
        text = (config.folder() / FAVOURITES).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def keep_favourites(parameters: Iterable[str]) -> None:
    """Save the names of favourite parameters.

    Raises:
        UsageError: the file cannot be written.
    """
    _write(config.folder() / FAVOURITES, "".join(f"{name}\n" for name in sorted(parameters)).encode())


def _write(path: Path, content: bytes) -> Path:
    try:
        return write_whole(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
