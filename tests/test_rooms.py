"""The docstring of a room that lists its modules lists them all."""

import importlib
import re
from pathlib import Path

import pytest

ROOMS = (
    "tui.api",
    "tui.campaign",
    "tui.compile",
    "tui.compile.diagnostics",
    "tui.compile.graph",
    "tui.compile.links",
    "tui.simulator",
    "tui.simulator.ethosu",
    "tui.simulator.ethosu55",
)


@pytest.mark.parametrize("room", ROOMS)
def test_the_docstring_lists_every_module(room: str) -> None:
    module = importlib.import_module(room)
    (folder,) = map(Path, module.__path__)
    files = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    rooms = {f"{file.parent.name}/" for file in folder.glob("*/__init__.py")}
    listed = re.findall(r"^(\w+/?)  +\S", module.__doc__ or "", re.MULTILINE)
    assert sorted(listed) == sorted(files | rooms)
