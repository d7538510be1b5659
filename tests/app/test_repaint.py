"""What leaves for the terminal: only what it does not show yet, and all of that."""

from collections.abc import Callable

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Offset, Region
from textual.strip import Strip

from tests.app import fakes
from tests.app.pseudo_terminal import Terminal
from tui.app.repaint import Shown

WIDTH, HEIGHT = 12, 3
CONSOLE = Console(color_system="truecolor", force_terminal=True, width=WIDTH)
CHARACTERS = ["a", "b", " ", ".", "█", "⣀", "漢", "e\u0301"]
STYLES = [
    Style(),
    Style(color="#ff0000"),
    Style(bold=True, bgcolor="#00ff00"),
    Style(color="#ff0000", bgcolor="#00ff00"),
    Style(underline=True),
    Style(reverse=True, color="#ff0000"),
    Style(meta={"offset": (1, 2)}),
]


@st.composite
def strips(draw: st.DrawFn, width: int) -> Strip:
    """Draw a part of a row."""
    parts: list[Segment] = []
    while (left := width - sum(part.cell_length for part in parts)) > 0:
        characters = draw(st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=left))
        parts.append(Segment("".join(characters), draw(st.sampled_from(STYLES))))
    return Strip(parts).crop(0, width)


@st.composite
def updates(draw: st.DrawFn) -> CompositorUpdate:
    """Draw a whole picture, or some spans of it."""
    if draw(st.booleans()):
        return LayoutUpdate([[draw(strips(WIDTH))] for _ in range(HEIGHT)], Region(0, 0, WIDTH, HEIGHT))
    cut = draw(st.integers(1, WIDTH - 1))
    rows = [{0: draw(strips(cut)), cut: draw(strips(WIDTH - cut))} for _ in range(HEIGHT)]
    y = draw(st.integers(0, HEIGHT - 1))
    span = draw(st.sampled_from([(y, 0, cut), (y, cut, WIDTH), (y, 0, WIDTH)]))
    return ChopsUpdate(rows, [span], [[cut, WIDTH]] * HEIGHT)


def _seen(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """The cells; of a blank the colour of its letters is not seen, unless it is reversed."""
    rows = [[screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]
    return [
        [
            (cell.data, cell.bg, cell.underscore, cell.reverse)
            + ((cell.fg, cell.bold) if cell.data != " " or cell.reverse else ())
            for cell in row
        ]
        for row in rows
    ]


@given(st.lists(updates(), min_size=1, max_size=8))
def test_a_terminal_shows_the_same_as_if_all_was_sent(sequence: list[CompositorUpdate]) -> None:
    whole, parts = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
    for screen in (whole, parts):
        screen.reset_mode(7, private=True)  # the emulator wraps what ends with a wide character, and scrolls
    every, needed, shown = pyte.Stream(whole), pyte.Stream(parts), Shown()
    for update in sequence:
        every.feed(update.render_segments(CONSOLE))
        missing = shown.missing(update, Offset(0, 0))  # type: ignore[arg-type]
        if missing is not None:
            assert isinstance(missing, CompositorUpdate)
            needed.feed(missing.render_segments(CONSOLE))
        assert _seen(parts) == _seen(whole)


def test_what_the_terminal_shows_is_not_sent_again() -> None:
    shown, cursor = Shown(), Offset(0, 0)
    picture = LayoutUpdate([[Strip([Segment("one")])], [Strip([Segment("two ")])]], Region(0, 0, 4, 2))
    assert shown.missing(picture, cursor) is not None
    assert shown.missing(picture, cursor) is None
    moved = shown.missing(picture, Offset(1, 1))
    assert isinstance(moved, CompositorUpdate) and moved.render_segments(CONSOLE) == ""  # but for the cursor
    other = LayoutUpdate([[Strip([Segment("one")])], [Strip([Segment("toe ")])]], Region(0, 0, 4, 2))
    changed = shown.missing(other, Offset(1, 1))
    assert isinstance(changed, CompositorUpdate) and "oe" in changed.render_segments(CONSOLE)
    assert "t" not in changed.render_segments(CONSOLE)
    shown.forget()
    again = shown.missing(other, Offset(1, 1))
    assert isinstance(again, CompositorUpdate) and "one" in again.render_segments(CONSOLE)


def test_another_size_of_the_terminal_costs_one_picture(terminal: Callable[..., Terminal]) -> None:
    tui = terminal("attach", fakes.whole(), rows=40, columns=121, COLORTERM="truecolor")
    tui.wait(lambda: "4,321" in tui.text)
    tui.answer(0)
    before = len(tui.raw)
    tui.child.send("\x0c")  # ctrl+l: all of it once
    picture = tui.answer(before)
    assert picture > 10_000
    before = len(tui.raw)
    tui.resize(40, 120)
    assert picture / 2 < tui.answer(before) < 1.5 * picture
    tui.child.send("\x11")
    assert tui.end() == 0


def test_blanks_go_with_their_neighbours() -> None:
    ground, other = Style(bgcolor="#000000"), Style(color="#ff0000", bgcolor="#000000")
    parts = [(" ", ground), ("ab", other), ("  ", ground), ("cd", other), ("  ", Style(bgcolor="#00ff00"))]
    strip = Strip([Segment(text, style) for text, style in parts])
    update = Shown().missing(LayoutUpdate([[strip]], Region(0, 0, 9, 1)), Offset(0, 0))
    assert isinstance(update, CompositorUpdate)
    # Each change of the style is sent with all of it, and ended.
    assert update.render_segments(CONSOLE).count("\x1b[0m") == 2
