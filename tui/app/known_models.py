"""The list of models as it was found the last time, for the first picture: finding it takes longer than drawing it.

A cache: the screen looks for the models again after it has drawn them.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui import __version__, config
from tui.files import write_whole
from tui.model.catalogue import Group, ModelInfo

FILE = "models.json"


class Model(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A model as the list shows it."""

    name: str
    title: str
    group: Group
    missing: tuple[str, ...]


class Models(msgspec.Struct, frozen=True):
    """The models that a version of this program has found, for the compiler in a Python."""

    version: str
    models: tuple[Model, ...]
    toolchain: str | None = None


def read(toolchain: str | None) -> list[ModelInfo]:
    """The models of the last time, without their files; empty where they are not known for this toolchain."""
    try:
        found = msgspec.json.decode((config.home() / FILE).read_bytes(), type=Models)
    except (OSError, msgspec.DecodeError):
        return []
    if (found.version, found.toolchain) != (__version__, toolchain):
        return []
    return [ModelInfo(m.name, m.title, m.group, Path(), m.missing) for m in found.models]


def keep(models: Sequence[ModelInfo], toolchain: str | None) -> None:
    """Keep the models for the next time."""
    found = Models(__version__, tuple(Model(m.name, m.title, m.group, m.missing) for m in models), toolchain)
    data = msgspec.json.encode(found)
    # A data folder that cannot be written is said where a run is started.
    with contextlib.suppress(OSError):
        if not (config.home() / FILE).exists() or (config.home() / FILE).read_bytes() != data:
            write_whole(config.home() / FILE, data)
