"""The index of runs is a cache: whatever happens to the directories or to its file, the rows are the directories'."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app import fakes
from tests.conftest import Fvp, environment
from tui.run import events, index, journal, spec, state, store
from tui.run.index import Row


def truth() -> list[Row]:
    """The rows by the directories alone."""
    return [
        index.row(name, store.load(store.folder() / name), store.pinned(store.folder() / name)) for name in store.ids()
    ]


def file() -> Path:
    return store.folder().parent / index.FILE


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is ahead: files that were only just written count as settled."""
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10 * index.UNSETTLED_NS)


def tick() -> None:
    """Wait until a file that is written now has another time than those before."""
    probe = store.folder().parent / "probe"
    probe.touch()
    before = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == before:
        probe.touch()
        os.utime(probe)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that were read, not answered from the index."""
    names: list[str] = []
    real = store.load

    def load(directory: Path) -> state.State:
        names.append(directory.name)
        return real(directory)

    monkeypatch.setattr(store, "load", load)
    return names


def name_of(number: int) -> str:
    return f"20261123-02{number // 60:02}{number % 60:02}-digits-u85-256-{number:04x}"


def some_runs() -> list[Path]:
    """A run of each kind, oldest first."""
    live = name_of(9)
    return [
        fakes.whole(name_of(1)),
        fakes.failed(name_of(2)),
        fakes.mismatching(name_of(3)),
        fakes.gone(name_of(4)),
        fakes.make(name_of(5), fakes.spec_of("sample:split"), fakes.finished()),
        fakes.make(live, fakes.spec_of(), fakes.begun(live, fakes.spec_of())),
    ]


# -- what a row says


def test_a_row_has_the_figures_of_its_run(home: Path) -> None:
    name = fakes.whole().name
    (row,) = index.history()
    assert row == Row(
        name=name,
        id=name,
        status="ok",
        outcome="ok",
        created=fakes.T0,
        seconds=9.5,
        model="sample:digits",
        accelerator="ethos-u85-256",
        system_config="Ethos_U85_SYS_DRAM_Mid",
        memory_mode="Sram_Only",
        quantize="int8",
        channels_last=row.channels_last,
        inferences=1,
        platform="simulator",
        engine="interpreter",
        total_cycles=4_321,
        inference_ms=0.004321,
        macs=312_320,
        latency_ms=0.004333,
        latency_by="simulator",
        npu_cycles=4_333,
        npu_median=4_333,
        source="estimated",
        check="match",
        stage=None,
        reason=None,
        accuracy=351 / 360,
        stages={"load": 0.4, "export": 0.6, "quantize": 1.1, "lower": 6.2, "vela": 0.5, "emit": 0.2}
        | {"boot": 0.2, "infer": 0.1, "check": 0.1},
        pinned=False,
    )
    assert row.target == fakes.spec_of().target


def test_what_is_not_known_of_a_run_is_none(home: Path) -> None:
    broken = store.folder() / "20261102-broken"
    broken.mkdir(parents=True)
    os.utime(broken, (1, 1))
    (row,) = index.history()
    assert (row.name, row.status, row.model, row.target, row.npu_cycles) == (broken.name, "lost", None, None, None)


def test_a_run_that_cannot_be_read_is_listed_all_the_same(home: Path) -> None:
    broken = fakes.whole()
    (broken / journal.FILE).unlink()
    (broken / journal.FILE).mkdir()
    (row,) = index.history()
    assert (row.name, row.status, row.model) == (broken.name, "lost", "sample:digits")


def test_a_name_that_is_no_text_and_a_number_without_end_are_read_each_time(home: Path, later: None) -> None:
    fakes.whole(os.fsdecode(b"20261124-\xff"))
    fakes.faster("20261125-010101-digits-u85-256-0001", 10**30)
    assert list(index.history()) == list(index.history()) == truth()


# -- when it is asked


def test_runs_are_read_once_and_again_when_they_change(home: Path, later: None, loaded: list[str]) -> None:
    runs = [directory.name for directory in some_runs()]
    endless = [runs[5], runs[3]]
    assert [row.name for row in index.history()] == store.ids() == loaded == runs[::-1]
    loaded.clear()
    assert len(list(index.history())) == 6 and loaded == endless  # one runs and one is lost: no index says so
    loaded.clear()
    store.pin(store.folder() / runs[0], True)
    with (store.folder() / runs[1] / journal.FILE).open("ab") as longer:
        longer.write(events.encode(events.Noted(t=1.0, text="later")) + b"\n")
    (store.folder() / runs[4] / store.SPEC).write_bytes(spec.encode(fakes.spec_of("sample:other")))
    rows = {row.name: row for row in index.history()}
    assert set(loaded) == {runs[0], runs[1], runs[4], *endless}
    assert rows[runs[0]].pinned and rows[runs[4]].model == "sample:other"
    loaded.clear()
    assert list(index.history()) == list(rows.values()) and set(loaded) == set(endless)


def test_a_run_whose_files_are_new_is_read_until_their_times_tell(home: Path, loaded: list[str]) -> None:
    fakes.whole()
    assert list(index.history()) == list(index.history())
    assert len(loaded) == 2


def test_only_the_newest_runs_are_looked_at(home: Path, later: None, loaded: list[str]) -> None:
    runs = [directory.name for directory in some_runs()]
    assert [row.name for row in index.history(2)] == runs[:3:-1] == loaded
    assert list(index.history()) == truth()


def test_it_is_private(home: Path, later: None) -> None:
    fakes.whole()
    list(index.history())
    assert file().stat().st_mode & 0o777 == 0o600


def test_without_runs_nothing_is_written(home: Path) -> None:
    assert list(index.history()) == []
    assert not home.exists()


# -- whatever happens


def damage(content: bytes, at: int, junk: bytes) -> bytes:
    at %= len(content) + 1
    return content[:at] + junk + content[at + len(junk) :]


def _sql(*statements: str) -> None:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file())) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _put(content: bytes, other: bytes) -> None:
    if file().exists():
        file().write_bytes(file().read_bytes().replace(content, other))


def _other_figures(directory: Path) -> None:
    """A snapshot that fits the journal and says something else, in as many bytes."""
    store.keep_snapshot(directory)
    text = (directory / store.SNAPSHOT).read_bytes()
    (directory / store.SNAPSHOT).write_bytes(text.replace(b"4321", b"9876"))


ON_RUNS: dict[str, Callable[[Path], object]] = {
    "end": lambda run: fakes.append(run, [*fakes.inferred(), *fakes.checked(), *fakes.finished()]),
    "more": lambda run: fakes.append(run, [events.Noted(t=2.0, text="more")]),
    "snapshot": store.keep_snapshot,
    "other figures": _other_figures,
    "damaged snapshot": lambda run: (run / store.SNAPSHOT).write_bytes(b"{ damaged"),
    "shorter journal": lambda run: os.truncate(run / journal.FILE, (run / journal.FILE).stat().st_size // 2),
    "no journal": lambda run: (run / journal.FILE).unlink(),
    "delete": shutil.rmtree,
    "pin": lambda run: store.pin(run, True),
    "unpin": lambda run: store.pin(run, False),
    "other spec": lambda run: (run / store.SPEC).write_bytes(spec.encode(fakes.spec_of("sample:other"))),
    "damaged spec": lambda run: (run / store.SPEC).write_bytes(b"no spec"),
    "no spec": lambda run: (run / store.SPEC).unlink(),
    "rename": lambda run: run.rename(run.with_name(f"2026{run.name[4:]}x")),
    "touch": lambda run: os.utime(run / journal.FILE, (1, 1)),
}

NEW: dict[str, Callable[[str], object]] = {
    "whole": fakes.whole,
    "failed": fakes.failed,
    "gone": fakes.gone,
    "faster": lambda name: fakes.faster(name, 5_000),
    "runs": lambda name: fakes.make(name, fakes.spec_of(), fakes.begun(name, fakes.spec_of())),
    "no start": lambda name: fakes.make(name, fakes.spec_of(), fakes.finished()),
}

ON_INDEX: dict[str, Callable[[], object]] = {
    "deleted": lambda: file().unlink(missing_ok=True),
    "empty": lambda: file().write_bytes(b""),
    "text": lambda: file().write_text("no database " * 500),
    "another version": lambda: _sql("PRAGMA user_version = 7"),
    "no table": lambda: _sql("DROP TABLE IF EXISTS runs"),
    "another table": lambda: _sql("DROP TABLE IF EXISTS runs", "CREATE TABLE runs (a, b)"),
    "a view": lambda: _sql("DROP TABLE IF EXISTS runs", "CREATE VIEW runs AS SELECT 1 AS name, 2 AS checksum, 3 entry"),
    "other types": lambda: _sql("UPDATE runs SET entry = 5"),
    "texts": lambda: _sql("UPDATE runs SET entry = CAST(x'ff00ff' AS TEXT), name = CAST(name AS TEXT)"),
    "other figures": lambda: _put((4_321).to_bytes(2, "big"), (9_876).to_bytes(2, "big")),
    "only to be read": lambda: _put(b"SQLite format 3\0\x10\0\1\1", b"SQLite format 3\0\x10\0\3\1"),
    "a column's name": lambda: _put(b"entry BLOB", b"entr\x80 BLOB"),
    "a table's name": lambda: _put(b"runs", b"r\x00\xffs"),
    "swapped": lambda: _sql("UPDATE runs SET entry = (SELECT entry FROM runs LIMIT 1)"),
    "another's journal": lambda: file().with_name(f"{index.FILE}-journal").write_bytes(b"\xd9\xd5\x05\xf9 junk" * 99),
}

steps = st.lists(
    st.one_of(
        st.tuples(st.just("new"), st.sampled_from(sorted(NEW)), st.just(0), st.just(b"")),
        st.tuples(st.just("run"), st.sampled_from(sorted(ON_RUNS)), st.integers(0, 20), st.just(b"")),
        st.tuples(st.just("index"), st.sampled_from(sorted(ON_INDEX)), st.just(0), st.just(b"")),
        st.tuples(st.just("damage"), st.just(""), st.integers(0, 1 << 16), st.binary(min_size=1, max_size=200)),
    ),
    max_size=12,
)


@contextlib.contextmanager
def own_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, monkeypatch.context() as patch:
        patch.setenv("FVP_TUI_HOME", f"{folder}/home")
        yield


@given(steps)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_rows_are_the_directories(
    monkeypatch: pytest.MonkeyPatch, later: None, what: list[tuple[str, str, int, bytes]]
) -> None:
    with own_home(monkeypatch):
        some_runs()
        assert list(index.history()) == truth()
        for number, (kind, name, which, junk) in enumerate(what):
            runs = store.ids()
            tick()
            if kind == "new":
                NEW[name](name_of(100 + number))
            elif kind == "index":
                ON_INDEX[name]()
            elif kind == "damage" and file().exists():
                file().write_bytes(damage(file().read_bytes(), which, junk))
            elif kind == "run" and runs:
                with contextlib.suppress(FileNotFoundError):
                    ON_RUNS[name](store.folder() / runs[which % len(runs)])
            assert list(index.history()) == truth()
        assert list(index.history()) == truth()


@pytest.mark.parametrize("name", ON_INDEX)
def test_an_index_that_is_of_no_use_is_made_anew(name: str, home: Path, later: None, loaded: list[str]) -> None:
    some_runs()
    list(index.history())
    ON_INDEX[name]()
    fakes.whole(name_of(8))
    for _ in range(2):  # the first may only find that it is damaged, and remove it
        assert list(index.history()) == truth()
    loaded.clear()
    list(index.history())
    assert len(loaded) == 2


def test_where_it_cannot_be_written_the_answer_is_the_same(home: Path, later: None) -> None:
    some_runs()
    file().mkdir()
    assert list(index.history()) == truth()
    assert file().is_dir()


def test_a_full_disk_means_no_index(home: Path) -> None:
    some_runs()
    time.sleep(index.UNSETTLED_NS / 1e9 + 0.1)
    code = """
import resource
from tui.run import index
list(index.history(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))
for row in index.history():
    print(row.name, row.outcome, row.total_cycles)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{row.name} {row.outcome} {row.total_cycles}" for row in truth()]


def test_one_who_holds_the_index_is_not_waited_for_long(
    home: Path, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_runs()
    list(index.history(1))
    monkeypatch.setattr(index, "BUSY_S", 0.05)
    with contextlib.closing(sqlite3.connect(file(), isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert list(index.history()) == truth()
    assert file().exists()


WRITER = """
import shutil, sys
from tests.app import fakes
from tui.run import index, store
index.UNSETTLED_NS = -10**11
me = int(sys.argv[1])
for number in range(25):
    made = fakes.whole(f"20261124-0{me}00{number:02}-digits-u85-256-00{number:02x}")
    mine = {row.name: row.outcome for row in index.history()}
    assert mine[made.name] == "ok", mine
    if number % 3 == 0:
        shutil.rmtree(made)
        assert made.name not in {row.name for row in index.history()}
"""


def test_three_processes_that_write_at_once_lose_nothing(home: Path, later: None, loaded: list[str]) -> None:
    some_runs()
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(n)], env=environment(home), stderr=subprocess.PIPE)
        for n in range(3)
    ]
    for process in started:
        with process:
            assert process.wait(120) == 0, process.stderr and process.stderr.read().decode()
    rows = list(index.history())
    assert len(rows) == 6 + 3 * 16
    loaded.clear()
    assert list(index.history()) == rows and len(loaded) == 2
    assert rows == truth()


def test_history_prints_the_same_with_and_without_it(home: Path, fvp_tui: Fvp) -> None:
    some_runs()[-1].rename(home / "apart")
    time.sleep(index.UNSETTLED_NS / 1e9 + 0.1)
    first = fvp_tui("history").stdout
    assert file().exists()
    assert fvp_tui("history").stdout == first
    file().write_bytes(b"no database" * 99)
    assert fvp_tui("history").stdout == first
    lines = [line.split() for line in first.splitlines()]
    assert [line[:3] for line in lines[1:]] == [
        ["0005", "ok", "sample:split"],
        ["0004", "lost", "sample:digits"],
        ["0003", "mismatch", "net.py"],
        ["0002", "failed", "sample:split"],
        ["0001", "ok", "sample:digits"],
    ]
    assert lines[-1][3:5] == ["ethos-u85-256", "Sram_Only"] and lines[-1][-5:] == ["4.33", "µs", "match", "9.50", "s"]
    assert fvp_tui("history", "-n", "1").stdout.splitlines()[1].startswith("0005 ")
