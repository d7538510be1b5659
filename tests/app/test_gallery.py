"""The gallery of pictures: nothing that is a screen is left out of it."""

import importlib
import inspect
import pkgutil
from pathlib import Path
from xml.etree import ElementTree

from textual.screen import Screen

import tui.app.screens
from tests.gallery.__main__ import main
from tests.gallery.scene import PLAIN
from tests.gallery.table import SCENES


def test_every_screen_has_a_picture() -> None:
    found: set[type[Screen[object]]] = set()
    for module in pkgutil.iter_modules(tui.app.screens.__path__, "tui.app.screens."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, Screen) and each.__module__ == module.name:
                found.add(each)
    bases = {base for each in found for base in each.__mro__[1:]}
    shown = {scene.screen for scene in SCENES.values()}
    assert {each.__name__ for each in found - shown} == {"FileScreen", "LogReader", "MeasuredScreen", "RunCommands"}
    # Those are what others are made from.
    assert found - shown <= bases


def test_it_draws_what_was_asked_for_and_an_index(tmp_path: Path) -> None:
    for look in ("dark", PLAIN):
        main([str(tmp_path), "--screen", "help", "--size", "80x24", "--theme", look])
    assert {file.stem for file in tmp_path.glob("*.*")} == {"help-80x24-dark", "help-80x24-plain", "index"}
    assert 'src="help-80x24-plain.svg"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    dark, plain = ((tmp_path / f"help-80x24-{look}.svg").read_text(encoding="utf-8") for look in ("dark", PLAIN))
    assert ElementTree.fromstring(plain).tag.endswith("svg")
    assert "Help" in dark and not dark.isascii()
    assert "Help" in plain and plain.isascii()
