"""``fvp-tui replay``: what happened happens again, in the same order and time, and the run stays as it is."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app import fakes
from tests.conftest import Fvp
from tui.run import journal, replay, store
from tui.run.replay import Player


def contents(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_without_a_terminal_it_prints_what_run_printed_and_writes_nothing(fvp_tui: Fvp) -> None:
    directory = fakes.whole()
    before = contents(directory)
    done = fvp_tui("replay", "last", "--speed", "1000", "--max-gap", "1")
    assert done.returncode == 0
    said = done.stderr.splitlines()
    assert said[0] == f"replay of {directory.name}, 1000 times as fast, waits cut to 1 s"
    assert said[1].split() == ["load", "0.4", "s"] and "  uart      | Method 'forward' loaded." in said
    assert said[-1].split()[0] == "check"
    assert done.stdout == fvp_tui("show", "last").stdout
    assert contents(directory) == before and store.ids() == [directory.name]


@pytest.mark.parametrize(
    ("make", "arguments", "said"),
    [
        (lambda: fakes.make("20261123-1-x", fakes.spec_of(), fakes.begun("x", fakes.spec_of())), [], "still running"),
        (fakes.whole, ["--speed", "0"], "--speed"),
        (fakes.whole, ["--max-gap", "-1"], "--max-gap"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    make: Callable[[], Path], arguments: list[str], said: str, fvp_tui: Fvp
) -> None:
    make()
    done = fvp_tui("replay", "last", *arguments)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_the_copy_ends_as_the_very_journal(home: Path, tmp_path: Path) -> None:
    directory = fakes.failed()
    # A crash may have left half a line, and a reader may come upon one that it cannot read.
    with (directory / journal.FILE).open("ab") as file:
        file.write(b'not an event\n{"event":"note')
    copy = replay.lay_out(directory, tmp_path)
    replay.play_into(Player(directory / journal.FILE, 1024), copy)
    whole = (directory / journal.FILE).read_bytes()
    assert (copy / journal.FILE).read_bytes() == whole[: whole.rindex(b"\n") + 1]
    assert store.load(copy) == store.load(directory)


class Played:
    """A player at work in a thread, and what it has released."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.lines: list[bytes] = []
        self.news = threading.Condition()
        self.thread = threading.Thread(target=lambda: player.play(self.take), daemon=True)
        self.thread.start()

    def take(self, lines: list[bytes]) -> None:
        with self.news:
            self.lines += lines
            self.news.notify_all()

    def until(self, count: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.lines) >= count, timeout=20)


def written(tmp_path: Path, times: list[float]) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(b'{"event":"noted","text":"x","t":%f}\n' % t for t in times))
    return path


def test_skipping_takes_one_wait_and_pausing_holds_the_time(tmp_path: Path) -> None:
    player = Player(written(tmp_path, [100.0, 1_100.0, 1_100.0, 2_100.0]), speed=1 / 16)
    player.pause()
    played = Played(player)
    played.until(1)
    player.skip()
    played.until(3)
    assert len(played.lines) == 3
    assert player.now() == 1_100.0 and player.paused
    player.pause()
    for _ in range(20):
        player.change_speed(2)
    assert player.speed == 1024
    played.until(4)
    played.thread.join(20)
    assert player.done and player.now() == 2_100.0


def test_it_can_be_stopped_while_it_waits(tmp_path: Path) -> None:
    played = Played(Player(written(tmp_path, [1.0, 1e9])))
    played.until(1)
    played.player.stop()
    played.thread.join(20)
    assert not played.thread.is_alive() and not played.player.done and len(played.lines) == 1


@given(st.lists(st.floats(1, 1e9), max_size=8))
def test_whatever_the_times_everything_comes_in_order(
    tmp_path_factory: pytest.TempPathFactory, times: list[float]
) -> None:
    path = written(tmp_path_factory.mktemp("journal"), times)
    found: list[bytes] = []
    Player(path, 1024, longest_wait_s=0.0).play(found.extend)
    assert b"".join(found) == path.read_bytes()
