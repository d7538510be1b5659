"""Colour themes: ours, the user's, and broken ones."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.color import blend_rgb
from rich.segment import Segment
from rich.terminal_theme import SVG_EXPORT_THEME
from textual.color import Color
from textual.theme import BUILTIN_THEMES
from textual.widgets import Input

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.pseudo_terminal import Terminal
from tui import themes
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
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
        ("[colors]\nprimary = '#123456'\n[roles]\nnpuu = '#123456'", "there is no role 'npuu' (did you mean npu?)"),
        ("[colors]\nprimary = '#123456'\n[roles]\nqqqqq = '#123456'", "(fvp-tui themes lists the roles)"),
        ("[colors]\nprimary = '#123456'\n[roles]\nnpu = 'red'", "npu = 'red' is not #rrggbb"),
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


def test_the_environment_picks_a_theme_from_the_first_picture_on(terminal: Callable[..., Terminal]) -> None:
    """Textual has read its variable by then, when there was no theme of that name yet."""
    tui = terminal(TEXTUAL_THEME="light", COLORTERM="truecolor")
    tui.wait(lambda: "Quit" in tui.text or "Help" in tui.text)
    surface = next(theme for theme in themes.load()[0] if theme.name == "light").roles["surface"]
    drawn = ";".join(str(int(surface[at : at + 2], 16)) for at in (1, 3, 5))
    assert f"48;2;{drawn}".encode() in tui.raw


WORDS = ("text", "strong", "accent", "npu", "cpu", "sram", "flash", "dram", "ok", "warn", "fail")
FILLED = ("npu", "npu-2", "npu-3", "cpu", "cpu-2", "ok", "warn", "fail", "accent", "cursor")
STEPS = tuple(role for role in themes.ROLES if role.startswith(("heat-", "tensor-")))


@pytest.mark.parametrize("name", ["dark", "light", "high-contrast"])
def test_every_role_can_be_read(name: str) -> None:
    theme = next(theme for theme in themes.load()[0] if theme.name == name)
    colors = themes.variables(theme, theme)
    for ground in ("ground", "surface", "raised"):
        for roles, least in ((WORDS, 4.5), (("muted", "faint"), 3.0)):
            low = {role: themes.contrast(colors[role], colors[ground]) for role in roles}
            assert not {role: found for role, found in low.items() if found < least}, ground
    on = {role: themes.contrast(colors[f"on-{role}"], colors[role]) for role in (*FILLED, *STEPS)}
    assert not {role: found for role, found in on.items() if found < 4.5}
    assert themes.contrast(colors["strong"], colors["npu-2"]) >= 4.5


def test_our_themes_set_every_role() -> None:
    for theme in themes.load()[0]:
        assert theme.roles.keys() == themes.ROLES.keys(), theme.name


def test_a_contrast_is_that_of_wcag() -> None:
    assert themes.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert themes.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_roles_of_a_users_theme_come_from_its_base() -> None:
    ours = {theme.name: theme for theme in themes.load()[0]}
    mine = themes.read(_user("mine.toml", "dark = false\n[colors]\nprimary = '#800000'\n[roles]\nnpu = '#123456'\n"))
    base = themes.base(ours, dark=mine.dark, ansi=mine.ansi)
    colors = themes.variables(mine, base)
    assert base.name == "light" and colors["npu"] == "#123456" and colors["accent"] == "#800000"
    assert {role for role in themes.ROLES if colors[role] != base.roles[role]} == {"npu", "accent"}
    # On a ground of its own, what lies between ground and text does so here.
    own = themes.read(_user("own.toml", "[colors]\nprimary = '#800000'\nbackground = '#400000'\n"))
    colors = themes.variables(own, ours["dark"])
    assert colors["ground"] == "#400000" and themes.contrast(colors["muted"], "#400000") > 3


async def test_every_theme_has_every_role_as_a_variable(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for name in ("dark", "light", "high-contrast", "terminal", *sorted(BUILTIN_THEMES)):
            app.theme = name
            await pilot.pause()
            assert {f"on-{role}" for role in themes.ROLES} <= app.theme_variables.keys(), name
            assert themes.ROLES.keys() - {"text"} <= app.theme_variables.keys(), name


@pytest.mark.parametrize("name", ["dark", "light", "high-contrast", "terminal"])
async def test_the_npu_and_the_cpu_have_their_colours_in_every_theme(name: str, until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(120, 40)) as pilot:
        app.theme = name
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.pause()
        npu, cpu = (Color.parse(app.theme_variables[role]).rich_color for role in ("npu", "cpu"))

        def drawn() -> list[Segment]:
            return [segment for strip in app.screen._compositor.render_strips() for segment in strip]

        bars = {segment.style.color for segment in drawn() if segment.style and "━" in segment.text}
        assert npu in bars and cpu not in bars
        await pilot.press("2", "z")
        await until(pilot, lambda: any("dequantize_per_tensor" in segment.text for segment in drawn()))
        kept = [
            s for s in drawn() if s.style and "dequantize_per_tensor" in s.text and "." in s.text.partition("_m")[2][:1]
        ]
        assert kept and {segment.style.color for segment in kept if segment.style} == {cpu}


@pytest.mark.parametrize("theme", ["terminal", "ansi-light"])
async def test_no_colour_leaves_the_terminals_own_letters_on_its_own_ground(
    theme: str, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        assert app.theme == "dark"

        def colours() -> set[str]:
            return set(re.findall(r'fill[:=][ "]*(#[0-9a-f]{6})', app.export_screenshot().partition("<circle")[0]))

        # The picture's default letters, its default ground, and letters between them that are dim.
        theirs = SVG_EXPORT_THEME.foreground_color, SVG_EXPORT_THEME.background_color
        default = {color.hex for color in (*theirs, blend_rgb(*theirs, 0.4))}
        greys = colours() - default
        assert len(greys) > 5 and all(Color.parse(grey).monochrome == Color.parse(grey) for grey in greys)
        app.theme = theme
        await pilot.pause()
        assert colours() <= default


async def test_no_colour_leaves_a_field_its_cursor(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TEXTUAL_THEME", "ansi-dark")
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"dig")
        assert isinstance(app.focused, Input)
        (cursor,) = [s.text for s in app.focused.render_line(0) if s.style is not None and s.style.reverse]
        assert cursor == " "
