"""Replay of a finished run: the lines of its journal, released at the pace at which they were written.

The run itself is only read. Whoever shows the replay follows a copy that grows in a folder of its own, line by line the
same bytes, so that a screen cannot tell it from a run that goes on - but for what is asked of this module.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tui.errors import UsageError
from tui.run import journal, store

SLOWEST, FASTEST = 1 / 16, 1024.0
"""Speeds one can go to; 1 is the run's own."""
WAKE_S = 0.05
"""Seconds between two looks at the clock while nothing is due."""


class _Stamp(msgspec.Struct):
    """An event's time alone."""

    t: float = 0.0


def _time(line: bytes) -> float | None:
    """Time of the event in a journal's line; None where it has none, or cannot be read."""
    try:
        return msgspec.json.decode(line, type=_Stamp).t or None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a journal."""
    with path.open("rb") as file:
        yield from (line for line in file if line.endswith(b"\n"))


class Player:
    """Releases lines when they are due. One thread plays; any may pause, hurry or ask how far it is."""

    def __init__(self, path: Path, speed: float = 1.0, longest_wait_s: float | None = None) -> None:
        self.longest_wait_s = longest_wait_s
        """Waits between two events that are longer are shortened to this, in seconds of the run."""
        self._path = path
        self._speed = speed
        self._paused = self._skipping = self._stopped = self._done = False
        self._at: float | None = None
        """Unix time in the run, up to which it has been played."""
        self._moved = threading.Condition()

    @property
    def speed(self) -> float:
        """Seconds of the run in one second."""
        return self._speed

    @property
    def words(self) -> str:
        """Speed and shortened waits, in words."""
        speed = "at its own speed" if self._speed == 1 else f"{self._speed:g} times as fast"
        cut = "" if self.longest_wait_s is None else f", waits cut to {self.longest_wait_s:g} s"
        return speed + cut

    @property
    def paused(self) -> bool:
        """True while time stands still."""
        return self._paused

    @property
    def done(self) -> bool:
        """True once all has been released."""
        return self._done

    def now(self) -> float:
        """Unix time in the run; where a wait is shortened, it stands at its end until the next event."""
        with self._moved:
            return self._at if self._at is not None else time.time()

    def pause(self) -> None:
        """Hold the time, or let it go on."""
        self._change(paused=not self._paused)

    def change_speed(self, factor: float) -> None:
        """Go faster or slower by a factor."""
        self._change(speed=min(max(self._speed * factor, SLOWEST), FASTEST))

    def skip(self) -> None:
        """Release the next event now."""
        self._change(skipping=True)

    def stop(self) -> None:
        """Release no more."""
        self._change(stopped=True)

    def _change(self, **values: bool | float) -> None:
        with self._moved:
            for name, value in values.items():
                setattr(self, f"_{name}", value)
            self._moved.notify_all()

    def play(self, release: Callable[[list[bytes]], None]) -> None:
        """Release all lines, those that are due together at once. Ends when they are, or at `stop`."""
        batch: list[bytes] = []
        for line in _lines(self._path):
            moment = _time(line)
            if moment is not None and self._ahead(moment):
                if batch:
                    release(batch)
                    batch = []
                self._wait(moment)
                if self._stopped:
                    return
            batch.append(line)
        if batch:
            release(batch)
        with self._moved:
            self._done = True

    def _ahead(self, moment: float) -> bool:
        """Return True if an event still has to wait. The first one sets the clock."""
        with self._moved:
            if self._at is None:
                self._at = moment
            return moment > self._at

    def _wait(self, moment: float) -> None:
        with self._moved:
            assert self._at is not None
            if self.longest_wait_s is not None:
                self._at = max(self._at, moment - self.longest_wait_s)
            before = time.monotonic()
            while self._at < moment and not (self._stopped or self._skipping):
                left = None if self._paused else min((moment - self._at) / self._speed, WAKE_S)
                self._moved.wait(left)
                now = time.monotonic()
                if not self._paused:
                    self._at = min(moment, self._at + (now - before) * self._speed)
                before = now
            self._at, self._skipping = moment, False


def check(directory: Path) -> None:
    """Refuse a run that cannot be replayed.

    Raises:
        UsageError: it has not ended, or has no journal.
    """
    if not (directory / journal.FILE).is_file():
        raise UsageError(f"{directory.name} has no journal to replay")
    if store.load(directory).run.status == "running":
        raise UsageError(f"{directory.name} is still running", f"watch it: fvp-tui attach {directory.name}")


def lay_out(directory: Path, below: Path) -> Path:
    """Make a copy of the run below a folder, as it was before its first event."""
    copy = below / directory.name
    copy.mkdir(mode=0o700)
    if (directory / store.SPEC).is_file():
        shutil.copyfile(directory / store.SPEC, copy / store.SPEC)
    (copy / journal.FILE).touch(mode=0o600)
    return copy


def play_into(player: Player, copy: Path) -> None:
    """Play into the journal of the copy."""
    with (copy / journal.FILE).open("ab", buffering=0) as file:
        player.play(lambda lines: _append(file.write, b"".join(lines)))


def _append(write: Callable[[bytes], int | None], data: bytes) -> None:
    while data:
        data = data[write(data) or 0 :]
