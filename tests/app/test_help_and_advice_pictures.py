"""Pictures of the advice, the help and the palette, in the sizes and colours they have to be read in."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.command import CommandList
from textual.pilot import Pilot

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.test_advice import NAME, TRIAL, ended, improvable, text
from tui.app import ascii
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.advice import AdvicePanel
from tui.app.widgets.log_view import LogView
from tui.run import trials

Compare = Callable[..., bool]

SIZES = [pytest.param(size, id="x".join(map(str, size))) for size in ((60, 20), (80, 24), (120, 40), (200, 50))]
THEMES = ("light", "high-contrast", "terminal")


def tried() -> FvpApp:
    """A run whose first advice was tried."""
    base, request = fakes.make(NAME, fakes.spec_of(), improvable()), fakes.spec_of(channels_last=True)
    trial = fakes.make(TRIAL, request, [*fakes.begun(TRIAL, request), *ended(3_932)])
    trials.keep(base, trial, {"channels_last": True})
    return FvpApp(attach=base)


async def read(pilot: Pilot[Any], until: Until) -> None:
    """Wait until the run is read, its log too."""

    def whole() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, RunScreen) or screen.state is None:
            return False
        rows = screen.query_one(LogView).rows
        return rows is not None and rows.seen == screen.state.log_lines

    await until(pilot, whole)


async def advised(pilot: Pilot[Any], until: Until) -> None:
    """Go to the advice, alone on the screen, and wait for what came of it and for what Vela has to say."""
    await read(pilot, until)
    await pilot.press("6", "z")
    await until(pilot, lambda: "tried: -9.0 %" in text(pilot.app) and "asking Vela" not in text(pilot.app))
    assert pilot.app.screen.query_one(AdvicePanel).can_try


@pytest.mark.parametrize("size", SIZES)
def test_advice(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    assert snap_compare(tried(), terminal_size=size, run_before=lambda pilot: advised(pilot, until))


@pytest.mark.parametrize("theme", THEMES)
def test_advice_in_other_colours(
    theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)
    assert snap_compare(tried(), terminal_size=(120, 40), run_before=lambda pilot: advised(pilot, until))


@pytest.mark.parametrize("theme", THEMES)
def test_help_in_other_colours(
    theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def opened(pilot: Pilot[None]) -> None:
        await read(pilot, until)
        await pilot.press("question_mark")
        await pilot.pause()

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=(120, 40), run_before=opened)


@pytest.mark.parametrize("size", SIZES)
def test_palette(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await read(pilot, until)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: pilot.app.screen.query(CommandList) and "this screen" in text(pilot.app))

    assert snap_compare(FvpApp(attach=fakes.whole()), terminal_size=size, run_before=opened)


async def test_advice_and_help_are_told_without_colour_and_without_unicode(
    until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    app = tried()
    async with app.run_test(size=(80, 24)) as pilot:
        await advised(pilot, until)
        drawn = [ascii.only(strip.text) for strip in app.screen._compositor.render_strips()]
        # The cursor and the outcome are told by marks and words.
        assert not [line for line in drawn[:-1] if "?" in line]
        assert any("> 9 %  channels-last input" in line for line in drawn)
        assert any("v tried: -9.0 % cycles, MATCH" in line for line in drawn)
        for keys in ("question_mark", "ctrl+p"):
            await pilot.press(keys)
            await pilot.pause()
            drawn = [ascii.only(strip.text) for strip in app.screen._compositor.render_strips()]
            assert all(character.isascii() for line in drawn for character in line)
