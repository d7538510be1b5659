"""Pictures of the Run screen's network, large and small, at work, and without colours."""

import pytest

from tests.app.conftest import Draw
from tests.app.networks import divided
from tests.app.test_snapshots import BROAD, at_sizes, in_themes
from tests.gallery.runs import keys
from tests.gallery.scene import PLAIN
from tests.screen import screen_lines
from tui.app import ascii
from tui.app.screens.root import FvpApp


@at_sizes
def test_network_alone(size: tuple[int, int], draw: Draw) -> None:
    assert draw("network alone", size)


@in_themes
def test_network_alone_in_other_colours(theme: str, draw: Draw) -> None:
    assert draw("network alone", BROAD, theme)


@pytest.mark.parametrize("name", ["mobilenet", "transformer", "partitions"])
def test_network_of_many_parts(name: str, draw: Draw) -> None:
    assert draw(f"network of {name}", BROAD)


@at_sizes
def test_operator_at_work(size: tuple[int, int], draw: Draw) -> None:
    assert draw("run at an operator", size)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_all_is_told_without_colour_and_without_unicode(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    app = FvpApp(attach=divided())
    async with app.run_test(size=size) as pilot:
        await keys("2")(pilot)
        drawn = [ascii.only(line) for line in screen_lines(app)]
        assert all(character.isascii() for line in drawn for character in line)
        # Nothing became a question mark but the key of the help.
        assert not [line for line in drawn[:-1] if "?" in line]
        text = "\n".join(drawn)
        assert " v OK " in text and "LATENCY" in text and "^" in text and "::" in text


def test_run_without_colour(draw: Draw) -> None:
    assert draw("run divided", BROAD, PLAIN)
