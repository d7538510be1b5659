"""Frames, tiles and hand-drawn lines, which all screens are made of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input

from tui.app.screens.root import FvpApp
from tui.app.widgets.card import Card
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint, bar
from tui.app.widgets.tile import Tile, TileFace

COLORS = {"npu": "#a58bf0", "on-npu": "#000000", "track": "#252e38"}


def _paint(*, no_color: bool = False) -> Paint:
    return Paint(Style(), COLORS, ansi=False, no_color=no_color)


@pytest.mark.parametrize(
    ("share", "done"),
    [(0, ""), (0.001, "╸"), (0.5, "━━"), (0.625, "━━╸"), (1, "━━━━"), (7, "━━━━"), (-1, "")],
)
def test_a_bar_is_half_a_cell_fine_and_never_longer_than_its_track(share: float, done: str) -> None:
    first, rest = bar(_paint(), share, 4, "npu")
    assert first.text == done
    assert len(first.text + rest.text) == 4


def test_a_bar_without_colours_has_no_track_that_looks_like_it() -> None:
    assert [segment.text for segment in bar(_paint(no_color=True), 0.5, 4, "npu")] == ["━━", "  "]


def test_without_colours_a_pill_is_reversed() -> None:
    assert _paint(no_color=True).pill("npu").reverse
    assert not _paint().pill("npu").reverse


def test_letters_that_could_not_be_read_on_a_ground_take_its_own_colour() -> None:
    colors = {"strong": "#ffffff", "ok": "#005500", "cursor": "#ffffff", "on-cursor": "#000000", "track": "#eeeeee"}
    paint = Paint(Style(), colors, ansi=False, no_color=False)
    assert str(paint.ink("strong", on="cursor").color).count("#000000")
    assert str(paint.ink("ok", on="cursor").color).count("#005500")
    assert str(paint.ink("track", on="cursor").color).count("#eeeeee")
    assert str(paint.ink("strong").color).count("#ffffff")


class Counted(Lines):
    """Lines of digits."""

    DEFAULT_CSS = "Counted { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self.words = ["one", "two"]
        self.asked: list[int] = []

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        return [Strip([]) if not word else Strip.blank(0).join([_strip(word)]) for word in self.words]

    def render_line(self, y: int) -> Strip:
        self.asked.append(y)
        return super().render_line(y)


def _strip(text: str) -> Strip:
    return Strip([Segment(text)])


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.lines = Counted()

    def compose(self) -> ComposeResult:
        yield self.lines


async def test_only_lines_that_differ_are_drawn_again() -> None:
    app = Shown()
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.pause()
        app.lines.asked.clear()
        app.lines.words = ["one", "three"]
        app.lines.draw()
        await pilot.pause()
        assert app.lines.asked == [1]
        app.lines.words = ["one", "three", "four"]
        app.lines.draw()
        await pilot.pause()
        assert app.lines.size.height == 3


async def test_lines_that_come_between_a_layout_and_its_wish_get_their_place() -> None:
    app = Shown()
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.pause()
        app.lines.refresh(layout=True)
        app.screen._clear_arrangement_cache()
        app.screen._refresh_layout()  # for another widget, before the wish has come to the screen
        app.lines.words = ["one", "two", "three"]
        app.lines.draw()
        await pilot.pause()
        assert app.lines.size.height == 3


class Early(Counted):
    """Lines that come while the widget is mounted, just after a layout of the screen that knew of none."""

    def _post_mount(self) -> None:
        super()._post_mount()
        assert not self.is_mounted
        self.refresh(layout=True)
        self.screen._refresh_layout()
        self.words = ["one", "two"]
        self.draw()


async def test_lines_that_come_before_the_widget_is_mounted_get_their_place() -> None:
    app = Shown()
    async with app.run_test(size=(20, 5)) as pilot:
        early = Early()
        early.words = []
        await app.mount(early, before=0)
        await pilot.pause()
        assert early.size.height == 2


class Framed(Screen[None]):
    """One card and one tile."""

    AUTO_FOCUS = ""

    def compose(self) -> ComposeResult:
        with Card(id="framed"):
            yield Input()
        yield Tile(id="latency")

    def on_mount(self) -> None:
        card = self.query_one(Card)
        card.styles.height = 5
        card.caption(title="1 Time", figure="92,194 cycles", foot="estimated by Vela")
        self.query_one(Tile).show(TileFace("LATENCY", "92.2", "µs", note="estimated", share=0.5, words="of 100"))


@asynccontextmanager
async def _framed() -> AsyncIterator[Pilot[None]]:
    """The screen above in the program's own styles."""
    async with FvpApp().run_test(size=(120, 40)) as pilot:
        await pilot.app.push_screen(Framed())
        await pilot.pause()
        yield pilot


def _lines(app: App[Any]) -> list[str]:
    width = app.size.width
    return ["".join(s.text for s in strip)[:width] for strip in app.screen._compositor.render_strips()]


async def test_a_card_names_its_figure_at_the_right_of_its_frame() -> None:
    async with _framed() as pilot:
        top, bottom = _lines(pilot.app)[0], _lines(pilot.app)[4]
        assert top.startswith("╭─ 1 Time ──") and top.endswith(" 92,194 cycles ─╮")
        assert bottom.rstrip().endswith("estimated by Vela ─╯")
        await pilot.press("tab")
        await pilot.pause()
        assert _lines(pilot.app)[0].startswith("┏━ 1 Time ━━")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        top = _lines(pilot.app)[0]
        assert top.startswith("━ 1 Time  estimated by Vela ━━") and top.endswith(" 92,194 cycles ━")
        await pilot.resize_terminal(20, 24)
        await pilot.pause()
        assert _lines(pilot.app)[0].startswith("━ 1 Time ")  # where both do not fit, the title stays


async def test_a_tile_shows_what_its_height_allows() -> None:
    async with _framed() as pilot:
        tile = pilot.app.screen.query_one(Tile)
        for height, rows in ((1, ["▎ Latency 92.2 µs"]), (3, ["▎ LATENCY", "▎ 92.2 µs", "▎ ━━━━━━━━━━━━━━  of 100"])):
            tile.styles.height = height
            await pilot.pause()
            shown = [line.rstrip() for line in _lines(pilot.app)[5 : 5 + height]]
            assert [line.removesuffix("estimated").rstrip() for line in shown] == rows
        tile.styles.height = 5
        await pilot.pause()
        shown = [line.rstrip() for line in _lines(pilot.app)[5:10]]
        assert shown[0].endswith("estimated") and "92.2" not in "".join(shown) and shown[3].endswith(" µs")
