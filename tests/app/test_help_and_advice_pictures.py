"""Pictures of the advice, the help and the palette, in the sizes and colours they have to be read in."""

import pytest

from tests.app.conftest import Draw
from tests.app.test_snapshots import BROAD, at_sizes, in_themes
from tests.gallery.runs import advised, tried
from tests.screen import screen_lines
from tui.app import ascii
from tui.app.screens.root import FvpApp


@at_sizes
def test_advice(size: tuple[int, int], draw: Draw) -> None:
    assert draw("advice", size)


@in_themes
def test_advice_in_other_colours(theme: str, draw: Draw) -> None:
    assert draw("advice", BROAD, theme)


@in_themes
def test_help_in_other_colours(theme: str, draw: Draw) -> None:
    assert draw("help", BROAD, theme)


@at_sizes
def test_palette(size: tuple[int, int], draw: Draw) -> None:
    assert draw("palette", size)


async def test_advice_and_help_are_told_without_colour_and_without_unicode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    app = FvpApp(attach=tried())
    async with app.run_test(size=(80, 24)) as pilot:
        await advised(pilot)
        drawn = [ascii.only(line) for line in screen_lines(app)]
        # The cursor and the outcome are told by marks and words.
        assert not [line for line in drawn[:-1] if "?" in line]
        assert any("> 9 %  channels-last input" in line for line in drawn)
        assert any("v tried: -9.0 % cycles, MATCH" in line for line in drawn)
        for keys in ("question_mark", "ctrl+p"):
            await pilot.press(keys)
            await pilot.pause()
            drawn = [ascii.only(line) for line in screen_lines(app)]
            assert all(character.isascii() for line in drawn for character in line)
