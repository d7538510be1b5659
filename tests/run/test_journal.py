"""The journal: nothing is lost, a crash at any byte leaves something readable, and the fold is pure."""

import resource
import signal
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.reports import state_json
from tui.run import events, folding, journal, state
from tui.run.events import Event
from tui.run.figures import Inference, Statistics
from tui.run.spec import Spec

text = st.text(max_size=40)
any_event = st.one_of(
    st.builds(events.Logged, source=text, text=text, level=st.sampled_from(["debug", "info", "error"])),
    st.builds(events.StageStarted, stage=st.sampled_from(events.STAGES)),
    st.builds(
        events.StageFinished,
        stage=st.sampled_from(events.STAGES),
        status=st.sampled_from(["ok", "failed", "skipped"]),
        seconds=st.floats(0, 1e6),
    ),
    st.builds(events.Noted, text=text),
    st.builds(events.PhaseChanged, phase=text),
    st.builds(events.InferenceStarted, index=st.integers(0, 9)),
    st.builds(
        events.InferenceFinished,
        inference=st.builds(
            Inference, index=st.integers(0, 9), npu_cycles=st.none() | st.integers(0, 2**50), pmu=st.just({"A": 1})
        ),
    ),
    st.builds(events.StatisticsKnown, statistics=st.builds(Statistics, instructions=st.none() | st.integers(0, 2**60))),
    st.builds(
        events.RunFinished,
        status=st.sampled_from(["ok", "failed", "stopped"]),
        reason=st.none() | text,
        t=st.floats(1, 2e9),
    ),
    st.builds(events.RunStarted, id=text, spec=st.builds(Spec, model=text), pid=st.just(1), pid_created=st.just(0.0),
              host=text, t=st.floats(1, 2e9)),
)  # fmt: skip


def write(path: Path, batch: list[Event]) -> None:
    writer = journal.Journal(path)
    for event in batch:
        writer.write(event)
    writer.close()


@given(batch=st.lists(any_event, max_size=20))
def test_what_is_written_is_read(batch: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("j") / journal.FILE
    write(path, batch)
    read = [msgspec.structs.replace(event, t=0.0) for event in journal.read(path)]
    printable = [events.decode(events.encode(event)) for event in batch]
    assert read == [msgspec.structs.replace(event, t=0.0) for event in printable if event is not None]


@given(batch=st.lists(any_event, min_size=1, max_size=8), part=st.floats(0, 1))
def test_a_journal_cut_at_any_byte_gives_what_was_complete(
    batch: list[Event], part: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("j") / journal.FILE
    write(path, batch)
    whole = path.read_bytes()
    cut = round(part * len(whole))
    path.write_bytes(whole[:cut])
    follower = journal.Follower(path)
    first = list(follower.drain())
    assert len(first) == whole[:cut].count(b"\n")
    # The rest arrives, and the half line with it.
    path.write_bytes(whole)
    assert len(first) + len(list(follower.drain())) == len(batch)


@given(batch=st.lists(any_event, max_size=20), at=st.integers(0, 20))
def test_folding_in_two_parts_is_folding_at_once(batch: list[Event], at: int) -> None:
    whole = state.fold_all(batch)
    assert state.fold_all(batch[at:], state.fold_all(batch[:at])) == whole
    assert state_json.to_json(whole)["schema_version"] == 1


def test_lines_of_a_newer_version_or_damaged_ones_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    good = events.encode(events.Noted(text="kept"))
    path.write_bytes(b'{"event":"from_the_future","t":1}\n' + good + b"\n\xff\xfe garbage\n\n" + good + b"\n")
    assert [event.text for event in journal.read(path) if isinstance(event, events.Noted)] == ["kept", "kept"]


def test_writers_in_several_threads_never_mix_lines(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    writer = journal.Journal(path)

    def log(source: str) -> None:
        for n in range(200):
            writer.write(events.Logged(source=source, text=str(n) * 50))

    threads = [threading.Thread(target=log, args=(f"s{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(journal.read(path))) == 800


def test_text_that_is_no_unicode_is_still_written() -> None:
    line = events.encode(events.Logged(source="uart", text="a\udc80b"))
    decoded = events.decode(line)
    assert isinstance(decoded, events.Logged)
    assert decoded.text == "a?b"


def test_a_line_for_which_there_was_no_room_costs_itself_alone_and_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    writer = journal.Journal(path)
    writer.write(events.Noted(text="first"))
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            writer.write(events.Noted(text="second"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    writer.write(events.Noted(text="third"))
    writer.close()
    assert [event.text for event in journal.read(path) if isinstance(event, events.Noted)] == ["first", "third"]
    assert folding.fold_journal(path).notes == ("first", folding.DAMAGED, "third")


def test_a_time_that_no_clock_shows_is_damage(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    path.write_bytes(b'{"event":"noted","text":"a","t":1e30}\n{"event":"of_tomorrow","t":1}\n')
    assert list(journal.read(path)) == []
    path.write_bytes(b'{"event":"of_tomorrow","t":1}\n')
    assert folding.fold_journal(path).notes == ()
