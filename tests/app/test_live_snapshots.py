"""Pictures of runs that go on and of those that did not end well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.going_on import failing, further, lowering, several, yesterday
from tests.app.test_snapshots import LOOKS, Compare
from tui.app import ascii
from tui.app.screens.root import FvpApp


def seen(app: Any) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def lowering_again() -> Path:
    yesterday()
    yesterday("20261122-061531-digits-u85-256-dddd", lower=22.0)
    return lowering()


def failing_later() -> Path:
    further()
    return failing()


RUNS: dict[str, tuple[Callable[[], Path], str]] = {
    "compiling": (lowering_again, "21.0 s"),
    "compiling for the first time": (lowering, "no earlier run of"),
    "inferring": (several, "214 of 360 inferences"),
    "failed": (failing_later, "ValueError: no such luck"),
    "mismatch": (fakes.mismatching, "Lowering changed the result"),
}
"""Runs by what they show, and words to wait for."""


def picture(which: str, until: Until) -> tuple[FvpApp, Callable[[Pilot[None]], Any]]:
    """The program with a run, and what to wait for before its picture is taken."""
    make, words = RUNS[which]

    async def shown(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: words in seen(pilot.app))
        if which == "failed":
            await until(pilot, lambda: "  at 78-" in seen(pilot.app))
        if which == "failed" and pilot.app.size.width >= 110:
            await until(pilot, lambda: "of the last run that got further" in seen(pilot.app))
        await pilot.pause()

    return FvpApp(attach=make()), shown


@pytest.mark.parametrize(("size", "theme"), LOOKS)
@pytest.mark.parametrize("which", ["compiling", "inferring", "failed", "mismatch"])
def test_run(
    which: str,
    size: tuple[int, int],
    theme: str,
    snap_compare: Compare,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)
    app, shown = picture(which, until)
    assert snap_compare(app, terminal_size=size, run_before=shown)


def test_first_run_of_a_model(snap_compare: Compare, until: Until) -> None:
    app, shown = picture("compiling for the first time", until)
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown)


@pytest.mark.parametrize("which", ["compiling", "inferring", "failed"])
async def test_run_without_colours_and_unicode(which: str, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", "terminal")
    monkeypatch.setenv("NO_COLOR", "1")
    app, shown = picture(which, until)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        lines = [ascii.only(line) for line in seen(app).splitlines()]
    text = "\n".join(lines)
    assert text.isascii() and all(len(line) == 120 for line in lines)
    told = {
        "compiling": ["v quantize", "* lower", "o vela", "#########", "....", "passes 34 of 147"],
        "inferring": ["214 of 360 inferences", "v label 6", "-------", "6,163  all same"],
        "failed": ["x FAILED", "where   split.py:31", "try     quantize the whole model", ">compile  ValueError"],
    }
    for words in told[which]:
        assert words in text, words
