"""Colour themes: ours, the user's, and broken ones."""

from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES

from tests.app.conftest import Until
from tui.app import themes
from tui.app.screens.root import FvpApp
from tui.errors import UserError


def _user(name: str, text: str) -> Path:
    themes.user_folder().mkdir(parents=True, exist_ok=True)
    path = themes.user_folder() / name
    path.write_text(text, encoding="utf-8")
    return path


def test_ours_are_there_and_whole() -> None:
    found, problems = themes.load()
    assert {"dark", "light"} <= {theme.name for theme in found} and problems == []
    assert {theme.name: theme.dark for theme in found}["light"] is False


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("colors = 3", "Expected `object`"),
        ("[colors]\nprimary = 'no colour'", "primary = 'no colour' is not #rrggbb"),
        ("[colors]\nprimary = '#123456'\nprimry = '#123456'", "unknown field `primry`"),
        ("name = '../[b]'\n[colors]\nprimary = '#123456'", "the name '../[b]'"),
        ("[colors", "theme x.toml:"),
        ("[colors]\nprimary = '#123456'\n[variables]\nfooter-background = 'rgb('", "footer-background = 'rgb('"),
    ],
)
def test_a_broken_file_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        themes.read(_user("x.toml", text))
    assert why in str(caught.value) and "x.toml" in str(caught.value)


async def test_users_themes_are_taken_and_broken_ones_named_once(until: Until) -> None:
    _user("mine.toml", "dark = true\n[colors]\nprimary = '#ff0000'\n")
    _user("broken.toml", "[colors]\nprimary = '[/foo]'\n")
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        assert app.theme == "dark" and "mine" in app.available_themes and "ansi-dark" in app.available_themes
        assert [n.message for n in app._notifications if "broken.toml" in n.message]
        app.theme = "mine"
        await pilot.pause()


async def test_every_theme_draws_every_screen(until: Until) -> None:
    from tests.app import fakes
    from tui.app.screens.run import RunScreen

    # In the terminal's colours, with no more than it has to say.
    _user("plain.toml", "ansi = true\n[colors]\nprimary = 'ansi_blue'\n")
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        for name in ("light", "terminal", "high-contrast", "plain", *sorted(BUILTIN_THEMES)):
            app.theme = name
            await pilot.pause()
            assert app.theme_variables["muted"]


@pytest.mark.parametrize(("wanted", "got"), [("light", "light"), ("nonsense,ansi-light", "ansi-light"), ("no", "dark")])
def test_the_environment_picks_a_theme(wanted: str, got: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", wanted)
    assert FvpApp().theme == got
