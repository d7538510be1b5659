"""Filters and searches of the log, against plain Python over the whole of it."""

import re
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.app.widgets.log_rows import Rows
from tui.errors import UsageError
from tui.run import events, folding, journal, state
from tui.run.events import Event, Level
from tui.run.heads import decode_heads
from tui.run.journal import Follower, Journal
from tui.run.log import LEVELS, LogLines, tail
from tui.run.log_search import Filter, Pattern, Scan

SOURCES = ("uart", "platform", "compile", "x\x1b[1m")

texts = st.one_of(
    st.text(alphabet='abAB01 .[]\x1b\t\r\x00漢é\u202e\\"', max_size=30),
    st.text(max_size=30),
    st.sampled_from(["", "b" * 1990 + "NEEDLE tail", "\x1b[31mre\x1b[0md", "a" * 70_000 + "needle", "İstanbul"]),
)
logged = st.builds(
    lambda text, level, source: events.Logged(t=1.0, text=text, level=level, source=source),
    texts, st.sampled_from(LEVELS), st.sampled_from(SOURCES),
)  # fmt: skip
journals = st.lists(st.one_of(logged, logged, st.just(events.Noted(t=2.0, text="a note"))), max_size=40)
patterns = st.one_of(
    st.builds(Pattern, st.text(alphabet="abAB01.é漢İi", min_size=1, max_size=2)),
    st.builds(
        Pattern, st.sampled_from(["a.*b", "^a", "[01]+$", "b{2,}", r"\W", "needle", "(?-i:B)", "a|漢"]), st.just(True)
    ),
)


def read(path: Path, what: list[Event], damage: bytes = b"") -> LogLines:
    """The log of a journal of these events, with damaged lines in it."""
    path.unlink(missing_ok=True)
    writer = Journal(path)
    for at, event in enumerate(what):
        if damage and at % 5 == 3:
            with path.open("ab") as file:
                file.write(damage)
        writer.write(event)
    writer.close()
    follower, log = Follower(path), LogLines(path)
    while True:
        offset, lines = follower.lines()
        log.add(offset, lines, decode_heads(lines))
        if not follower.behind():
            return log


def scanned(scan: Scan, count: int) -> Scan:
    """The scan, once it is through."""
    done = threading.Event()
    scan.look(count, lambda: done.set() if scan.whole(count) or scan.problem else None)
    assert scan.whole(count) or done.wait(30)
    return scan


def matches(pattern: Pattern, text: str) -> bool:
    """As a reader of the whole log would say it."""
    if pattern.regex:
        return re.search(pattern.text, text, re.IGNORECASE) is not None
    return pattern.text.lower() in text.lower()


@settings(deadline=None)
@given(
    what=journals,
    least=st.sampled_from(LEVELS),
    source=st.sampled_from([None, *SOURCES]),
    pattern=st.one_of(st.none(), patterns),
    without=st.booleans(),
    damage=st.sampled_from([b"", b"\n", b'{"event":"logged","te\n', b"\xff\xfe\n"]),
)
def test_a_filter_shows_exactly_what_plain_python_would(
    what: list[Event],
    least: Level,
    source: str | None,
    pattern: Pattern | None,
    without: bool,
    damage: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    log = read(tmp_path_factory.mktemp("log") / journal.FILE, what, damage)
    lines = [log[number] for number in range(len(log))]
    logs = [event for event in what if isinstance(event, events.Logged)]
    assert len(lines) == len(logs)
    wanted = [
        number
        for number, (line, event) in enumerate(zip(lines, logs, strict=True))
        if LEVELS.index(line.level) >= LEVELS.index(least)
        and (source is None or event.source == source)
        and (pattern is None or matches(pattern, line.text) != without)
    ]
    rows = Rows(log, Filter(least, source, pattern, without), folded=False)
    if rows.scan is not None:
        scanned(rows.scan, len(log))
    rows.grow(len(log))
    assert list(rows.numbers()) == wanted
    errors = [number for number in wanted if lines[number].level == "error"]
    for at in range(len(log)):
        assert rows.error(at, 1) == next((n for n in errors if n >= at), errors[0] if errors else None)
        assert rows.error(at, -1) == next((n for n in errors[::-1] if n <= at), errors[-1] if errors else None)


@settings(deadline=None)
@given(what=journals, pattern=patterns, start=st.integers(0, 40), damage=st.sampled_from([b"", b"{}\n"]))
def test_a_search_goes_from_match_to_match_once_around(
    what: list[Event], pattern: Pattern, start: int, damage: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = read(tmp_path_factory.mktemp("log") / journal.FILE, what, damage)
    count = len(log)
    scan = scanned(Scan(log, Filter("debug"), pattern, min(start, count)), count)
    found = [number for number in range(count) if matches(pattern, log[number].text)]
    assert scan.hits == len(found)
    for at in range(count):
        assert scan.nearest(at, 1, count) == next((n for n in found if n >= at), found[0] if found else None)
        assert scan.nearest(at, -1, count) == next((n for n in found[::-1] if n <= at), found[-1] if found else None)
    for number in found:
        for first, last in pattern.places(log[number].text):
            assert matches(pattern, log[number].text[first:last]) or pattern.regex


@settings(deadline=None)
@given(what=journals, damage=st.sampled_from([b"", b"\n", b'{"event":"from_the_future"}\n', b'{"event":"log\n']))
def test_counting_lines_of_log_is_folding_them(
    what: list[Event], damage: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / journal.FILE
    read(path, what, damage)
    folded = folding.fold_journal(path)
    # That lines were left out is told, and changes nothing else.
    told = msgspec.structs.replace(folded, notes=tuple(note for note in folded.notes if note != folding.DAMAGED))
    assert told == state.fold_all(journal.read(path)) == state.fold_all(what)


def test_an_expression_that_would_never_end_is_given_up(tmp_path: Path) -> None:
    log = read(tmp_path / journal.FILE, [events.Logged(source="uart", text="a" * 1_000 + "b")] * 2)
    scan = Scan(log, Filter(), Pattern(r"(a|aa)+(a|aa)+(a|aa)+$|(.*)*x(.*)*y\5", regex=True))
    done = threading.Event()
    scan.look(len(log), done.set)
    assert done.wait(60)
    assert "takes more than" in scan.problem
    assert Pattern(r"(a|aa)+(a|aa)+(a|aa)+$|(.*)*x(.*)*y\5", regex=True).places(log[0].text) == []


def test_what_is_no_expression_says_so() -> None:
    with pytest.raises(UsageError, match="not a regular expression"):
        Pattern("(", regex=True).check()
    Pattern("(").check()


def test_an_etdump_on_the_console_is_one_row_that_opens(tmp_path: Path) -> None:
    base64 = "QUJD" * 19
    what = [
        "before",
        "#[RUN THIS]",
        "# Writing etdump.bin [base64]",
        f'echo "{base64}',
        *[base64] * 5,
        'QUI=" | base64 -d >etdump.bin',
        "# Writing debug_buffer.bin [base64]",
        f'echo "{base64 * 2_000}" | base64 -d >debug_buffer.bin',
        "#[END]",
        "after",
        base64,
        'echo "hello"',
    ]
    log = read(tmp_path / journal.FILE, [events.Logged(source="uart", text=text) for text in what])
    rows = Rows(log)
    rows.grow(len(log))
    assert [(rows[row], rows.wall(row)) for row in range(len(rows))] == [(0, 0), (1, 12), (13, 0), (14, 0), (15, 0)]
    assert list(rows.numbers(1, 3)) == list(range(1, 14)) and len(rows.numbers()) == len(what)
    opened = Rows(log, folded=False)
    opened.grow(len(log))
    assert len(opened) == len(what) and opened.wall(1) == 0
    # Saved whole, whatever its length.
    assert log.whole(11).text == what[11] and log[11].text.endswith("…")


def test_the_end_of_a_long_log_is_read_from_the_end(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    log = read(path, [events.Logged(source="uart", text=f"line {n} " + "x" * 100) for n in range(10_000)])
    assert tail(path, 50) == [log[n] for n in range(9_950, 10_000)]
    assert len(tail(path, 1_000_000)) < 3_000
    assert tail(tmp_path / "nothing", 5) == []
