"""Pictures of the Run screen's network, large and small, at work, and without colours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.networks import divided, mobilenet, network, partitions, transformer
from tui.app import ascii
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.log_view import LogView

Compare = Callable[..., bool]

SIZES = [pytest.param(size, id="x".join(map(str, size))) for size in ((60, 20), (80, 24), (120, 40), (200, 50))]
THEMES = ("light", "high-contrast", "terminal")


async def read(pilot: Pilot[Any], until: Until, *keys: str) -> None:
    """Wait until the run is read, its log too; then press keys."""

    def whole() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, RunScreen) or screen.state is None:
            return False
        rows = screen.query_one(LogView).rows
        return rows is not None and rows.seen == screen.state.log_lines

    await until(pilot, whole)
    await pilot.press(*keys)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
def test_network_alone(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    async def walked(pilot: Pilot[None]) -> None:
        await read(pilot, until, "2", "z")
        await read(pilot, until, "right", "right", "right")

    assert snap_compare(FvpApp(attach=divided()), terminal_size=size, run_before=walked)


@pytest.mark.parametrize("theme", THEMES)
def test_network_alone_in_other_colours(
    theme: str, snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", theme)

    async def walked(pilot: Pilot[None]) -> None:
        await read(pilot, until, "2", "z")
        await read(pilot, until, "right", "right", "right")

    assert snap_compare(FvpApp(attach=divided()), terminal_size=(120, 40), run_before=walked)


def of_many(name: str) -> Path:
    """A network of many parts."""
    match name:
        case "mobilenet":
            return network(mobilenet())
        case "transformer":
            return network(transformer())
    return network(*partitions(34))


@pytest.mark.parametrize("name", ["mobilenet", "transformer", "partitions"])
def test_network_of_many_parts(name: str, snap_compare: Compare, until: Until) -> None:
    async def walked(pilot: Pilot[None]) -> None:
        await read(pilot, until, "2", "right", "right", "right")

    assert snap_compare(FvpApp(attach=of_many(name)), terminal_size=(120, 40), run_before=walked)


@pytest.mark.parametrize("size", SIZES)
def test_operator_at_work(size: tuple[int, int], snap_compare: Compare, until: Until) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    what = [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted(), *fakes.traced({0: 540}, 1)]
    app = FvpApp(attach=fakes.make(name, request, what))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: read(pilot, until))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_all_is_told_without_colour_and_without_unicode(
    size: tuple[int, int], until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    app = FvpApp(attach=divided())
    async with app.run_test(size=size) as pilot:
        await read(pilot, until, "2")
        drawn = [ascii.only(strip.text) for strip in app.screen._compositor.render_strips()]
        assert all(character.isascii() for line in drawn for character in line)
        # Nothing became a question mark but the key of the help.
        assert not [line for line in drawn[:-1] if "?" in line]
        text = "\n".join(drawn)
        assert " v OK " in text and "LATENCY" in text and "^" in text and "::" in text


def test_run_without_colour(snap_compare: Compare, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = FvpApp(attach=divided())
    assert snap_compare(app, terminal_size=(120, 40), run_before=lambda pilot: read(pilot, until, "2"))
