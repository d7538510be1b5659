"""Nothing from outside reaches a terminal uncleaned."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tui.text import MAX_LINE, clean, counted, printable_name


@given(st.text(), st.integers(min_value=1, max_value=100))
def test_no_control_character_survives(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs")]


@given(st.binary())
def test_no_byte_below_space_survives_decoding(data: bytes) -> None:
    shown = clean(data.decode("utf-8", "replace"))
    assert all(byte >= 0x20 and byte != 0x7F for byte in shown.encode("utf-8"))


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), max_size=200))
def test_plain_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


def test_escape_sequences_vanish_and_their_text_stays() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07plain\x1bc") == "red plain"


def test_a_line_redrawn_with_carriage_returns_shows_its_last_state() -> None:
    assert clean("10 %\r50 %\rdone\r\n") == "done"


def test_a_line_of_megabytes_is_cut_with_a_mark() -> None:
    shown = clean("x" * 5_000_000)
    assert len(shown) == MAX_LINE
    assert shown.endswith("…")


def test_bidirectional_controls_cannot_reorder_a_line() -> None:
    assert "\u202e" not in clean("abc\u202edef")


def test_combining_marks_do_not_pile_up_in_a_table_cell() -> None:
    assert printable_name("a" + "\u0301" * 50) == "a"


def test_a_number_agrees_with_its_noun() -> None:
    assert [counted(n, "partition") for n in (0, 1, 2_000)] == ["0 partitions", "1 partition", "2,000 partitions"]
