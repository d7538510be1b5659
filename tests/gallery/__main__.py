"""``python -m tests.gallery FOLDER [--screen S] [--theme T] [--size WxH]``: draw all screens, and an index of them.

Without options that is every scene in every size and look, about ten minutes. `S` is a part of a scene's name, `T`
one of the looks: dark, light, high-contrast, terminal, or plain, which has neither colours nor Unicode.
"""

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pytest
from textual._doc import take_svg_screenshot

from tests.conftest import Ran, run_once
from tests.gallery.scene import LOOKS, SIZES, Bench, Scene, enter_world, have_qemu_alone, play
from tests.gallery.table import SCENES

Size = tuple[int, int]
PAGE = """<!doctype html><meta charset="utf-8"><title>fvp-tui: all screens</title>
<style>body{{font:15px sans-serif;margin:24px}}figure{{display:inline-block;margin:0 12px 16px 0;vertical-align:top}}
img{{display:block;width:480px}}figcaption{{color:#666}}</style>
{body}
"""


def draw(scene: Scene, size: Size, look: str, shared: Path) -> str:
    """One picture, as SVG; runs of real models are made in `shared`, once."""

    def ran(model: str, *options: str) -> Ran:
        return run_once(shared, model, *options)

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        enter_world(Path(folder), patch)
        have_qemu_alone(patch)
        app = play(scene, look, Bench(patch, ran, Path(folder) / "home"))
        return take_svg_screenshot(app=app, terminal_size=size, run_before=scene.shown)


def file_name(name: str, size: Size, look: str) -> str:
    """The file of a picture."""
    return f"{name.replace(' ', '-')}-{size[0]}x{size[1]}-{look}.svg"


def sheet(drawn: Mapping[str, list[tuple[Size, str]]]) -> str:
    """A page of pictures, by scene."""
    parts = []
    for name, kinds in drawn.items():
        parts.append(f"<h2>{escape(name)}</h2>")
        for size, look in kinds:
            words = f"{size[0]}x{size[1]} {look}"
            file = file_name(name, size, look)
            image = f'<a href="{file}"><img src="{file}" alt="{escape(name)}, {words}" loading="lazy"></a>'
            parts.append(f"<figure>{image}<figcaption>{words}</figcaption></figure>")
    return PAGE.format(body="\n".join(parts))


def _size(text: str) -> Size:
    columns, lines = text.split("x")
    return int(columns), int(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.gallery")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--screen", default="", help="scenes whose names have this in them")
    parser.add_argument("--theme", choices=LOOKS, help="one look instead of all")
    parser.add_argument("--size", type=_size, help="one size instead of all")
    wanted = parser.parse_args(arguments)
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    wanted.folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, list[tuple[Size, str]]] = {}
    with tempfile.TemporaryDirectory() as shared:
        for name, scene in SCENES.items():
            if wanted.screen not in name:
                continue
            for size in [wanted.size] if wanted.size else SIZES:
                for look in [wanted.theme] if wanted.theme else LOOKS:
                    picture = draw(scene, size, look, Path(shared))
                    (wanted.folder / file_name(name, size, look)).write_text(picture, encoding="utf-8")
                    drawn.setdefault(name, []).append((size, look))
    (wanted.folder / "index.html").write_text(sheet(drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
