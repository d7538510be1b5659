"""Pictures of runs that go on and of those that did not end well."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.conftest import Draw
from tests.app.test_snapshots import BROAD, in_looks
from tests.conftest import Ran
from tests.gallery import scene
from tests.gallery.scene import PLAIN, Bench
from tests.gallery.table import SCENES
from tui.app import ascii

NAMES = {"mismatch": "run with a mismatch"}


@in_looks
@pytest.mark.parametrize("which", ["compiling", "inferring", "failed", "mismatch"])
def test_run(which: str, size: tuple[int, int], theme: str, draw: Draw) -> None:
    assert draw(NAMES.get(which, f"run {which}"), size, theme)


def test_first_run_of_a_model(draw: Draw) -> None:
    assert draw("run compiling for the first time", BROAD)


@pytest.mark.parametrize("which", ["compiling", "inferring", "failed"])
async def test_run_without_colours_and_unicode(
    which: str, ran: Callable[..., Ran], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.put_on(PLAIN, monkeypatch)
    wanted = SCENES[f"run {which}"]
    app = wanted.start(Bench(monkeypatch, ran, home))
    async with app.run_test(size=(120, 40)) as pilot:
        await wanted.shown(pilot)
        lines = [ascii.only(line) for line in scene.text(app).splitlines()]
    text = "\n".join(lines)
    assert text.isascii() and all(len(line) == 120 for line in lines)
    told = {
        "compiling": ["v quantize", "* lower", "o vela", "#########", "....", "passes 34 of 147"],
        "inferring": ["214 of 360 inferences", "v label 6", "-------", "6,163  all same"],
        "failed": ["x FAILED", "where   split.py:31", "try     quantize the whole model", ">compile  ValueError"],
    }
    for words in told[which]:
        assert words in text, words
