"""The log by line number."""

from pathlib import Path

from tui.run import events, journal
from tui.run.heads import decode_heads
from tui.run.journal import Follower, Journal
from tui.run.log import LogLine, LogLines


def _follow(path: Path) -> tuple[Follower, LogLines]:
    return Follower(path), LogLines(path)


def _take(follower: Follower, log: LogLines) -> None:
    offset, lines = follower.lines()
    log.add(offset, lines, decode_heads(lines))


def test_lines_are_found_again_by_number(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    follower, log = _follow(path)
    writer = Journal(path)
    for n in range(5):
        writer.write(events.Logged(source="uart", text=f"line {n} ü", level="error" if n == 3 else "info"))
        writer.write(events.PhaseChanged(phase="load"))
    _take(follower, log)
    writer.write(events.Logged(source="run", text="later"))
    _take(follower, log)
    assert len(log) == 6
    assert log[0] == LogLine("info", "uart", "line 0 ü")
    assert log[3].level == log.level(3) == "error"
    assert log[5] == LogLine("info", "run", "later")


def test_half_a_line_damage_and_a_line_longer_than_a_poll(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    follower, log = _follow(path)
    long = events.encode(events.Logged(t=1.0, source="uart", text="x" * (journal.READ_BYTES + 10)))
    short = events.encode(events.Logged(t=1.0, source="uart", text="after"))
    path.write_bytes(b"not json\n" + long + b"\n" + short[:7])
    _take(follower, log)
    _take(follower, log)
    assert len(log) == 1
    with path.open("ab") as file:
        file.write(short[7:] + b"\n")
    _take(follower, log)
    assert [log[n].text[:5] for n in range(len(log))] == ["xxxxx", "after"]
    assert len(log[0].text) <= 2000


def test_controls_do_not_pass_and_a_removed_journal_reads_empty(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    follower, log = _follow(path)
    Journal(path).write(events.Logged(source="ua\x1brt", text="a\x1b[2Jb\x07"))
    _take(follower, log)
    path.unlink()
    assert log[0] == LogLine("info", "", "")
