"""Days and times of runs: by their ids, which carry the time at which they began here, else by their creation."""

from datetime import datetime

import pytest

from tests.app.fakes import HOSTILE
from tui.reports import when

NOW = datetime(2026, 11, 27, 12).timestamp()
NAME = "20261127-104105-digits-u85-256-7f3a"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("20261127", "Today"),
        ("20261126", "Yesterday"),
        ("20261124", "Tue 24 Nov"),
        ("20251101", "Sat 1 Nov 2025"),
        ("20261128", "Sat 28 Nov"),
        ("20269999", "20269999"),
        ("", "Day not known"),
    ],
)
def test_a_day_in_words(day: str, words: str) -> None:
    assert when.day_words(day, when.today(NOW)) == words


def test_a_run_is_of_the_day_that_its_id_says() -> None:
    created = datetime(2020, 1, 2, 3, 4).timestamp()
    assert (when.day(NAME, created), when.clock(NAME, created)) == ("20261127", "10:41")
    assert (when.day("renamed", created), when.clock("renamed", created)) == ("20200102", "03:04")
    assert (when.day(HOSTILE, None), when.clock(HOSTILE, None)) == ("", "–")
    assert (when.day("x", 1e300), when.clock("20261127-104x", 1e300)) == ("", "–")


def test_a_moment_names_the_day_where_it_is_not_today() -> None:
    assert when.moment(NAME, None, NOW) == "10:41"
    assert when.moment(NAME, None, NOW + 86_400) == "yesterday 10:41"
    assert when.moment(NAME, None, NOW + 3 * 86_400) == "Fri 27 Nov 10:41"
    assert when.moment("no day", None, NOW) == "–"
