"""What leaves for a terminal whose locale has no Unicode."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.app import ascii
from tui.text import clean


@given(st.text())
def test_it_is_ascii_in_as_many_cells(text: str) -> None:
    shown = clean(text)
    drawn = ascii.only(shown)
    assert drawn.isascii()
    assert cell_len(drawn) == sum(cell_len(character) for character in shown)


def test_lines_bars_and_dots_are_like_what_they_stand_for() -> None:
    assert ascii.only("┌─┐│█▌ a…b → ⣀⠀é漢 92.2 µs –") == "+-+|#> a~b > . ??? 92.2 us -"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "en_US.utf8"}, False),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, True),
    ],
)
def test_the_locale_decides(environment: dict[str, str], wanted: bool) -> None:
    assert ascii.wanted(environment) is wanted
