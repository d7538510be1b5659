"""Reading all runs beside the event loop, and again those that go on."""

import contextlib
import threading
import time

from textual.message import Message
from textual.message_pump import MessagePump

from tui.app.widgets.background import in_background, tell
from tui.run import index, store
from tui.run.index import Row
from tui.run.state import State

CHUNK_S = 0.25
"""Time for which runs are read before they are shown, in seconds."""
FIRST = 200
"""Runs that are shown at once: a screen holds no more."""


class RunsRead(Message):
    """Some runs were read, in the reading of this number; the last ones come with the names of all runs."""

    def __init__(self, turn: int, runs: list[Row], names: list[str] | None = None) -> None:
        super().__init__()
        self.turn = turn
        self.runs = runs
        self.names = names


class RunLooked(Message):
    """The state of a run as it was when its row was this one; None where it cannot be read."""

    def __init__(self, row: Row, state: State | None) -> None:
        super().__init__()
        self.row = row
        self.state = state


class RunLookup:
    """Tells a listener by `RunLooked` what is in one run. One is read at a time, and only the newest is of interest."""

    def __init__(self, listener: MessagePump) -> None:
        self._listener = listener
        self._reading = threading.Lock()
        self.asked: Row | None = None
        """The newest run; None where none is of interest."""

    def ask(self, row: Row | None) -> None:
        """Read this run, and no other any more."""
        if row != self.asked:
            self.asked = row
            if row is not None:
                in_background("run", lambda: self._look(row))

    def _look(self, row: Row) -> None:
        with self._reading:
            # Whoever holds a key down wants only what he stops at.
            if row == self.asked:
                try:
                    state: State | None = store.load(store.folder() / row.name)
                except OSError:
                    state = None
                tell(self._listener, RunLooked(row, state))


class RunReader:
    """Tells a listener by `RunsRead` what is in the runs' folder."""

    def __init__(self, listener: MessagePump) -> None:
        self._listener = listener
        self.turn = 0
        """Number of the newest reading: what comes of an older one is out of date."""
        self._live: dict[str, store.Live] = {}
        """Runs that go on. Only the thread that looks at them touches them, and only one does at a time."""
        self._looking = threading.Lock()

    def read_all(self) -> None:
        """Begin a reading of all runs."""
        self.turn += 1
        turn = self.turn
        in_background("history", lambda: self._read_all(turn))

    def read_news(self, rows: dict[str, Row]) -> None:
        """Read the runs that go on by these rows, and those that are not among them; tell only what has changed."""
        turn = self.turn
        in_background("history", lambda: self._read_news(turn, rows))

    def end(self) -> None:
        """Read no further."""
        self.turn += 1

    def _read_all(self, turn: int) -> None:
        runs: list[Row] = []
        names: list[str] = []
        told = time.monotonic()
        # Closed at once, not some time later: what was read is kept in the index then.
        with contextlib.closing(index.history()) as rows:
            for row in rows:
                if turn != self.turn:
                    return
                runs.append(row)
                names.append(row.name)
                if len(names) == FIRST or time.monotonic() - told > CHUNK_S:
                    if not tell(self._listener, RunsRead(turn, runs)):
                        return
                    runs, told = [], time.monotonic()
        tell(self._listener, RunsRead(turn, runs, names))

    def _read_news(self, turn: int, rows: dict[str, Row]) -> None:
        if not self._looking.acquire(blocking=False):
            return  # the last look takes long
        try:
            names = [name for name, _ in store.directories()]
            going_on = [name for name in names if name not in rows or rows[name].status == "running"]
            self._live = {name: self._live.get(name) or store.Live(store.folder() / name) for name in going_on}
            news = []
            for name, live in self._live.items():
                # Deleted meanwhile, it is missed the next time.
                with contextlib.suppress(OSError):
                    now = index.row(name, live.state(), store.pinned(store.folder() / name))
                    if now != rows.get(name):
                        news.append(now)
            if turn == self.turn and (news or set(names) != rows.keys()):
                tell(self._listener, RunsRead(turn, news, names))
        finally:
            self._looking.release()
