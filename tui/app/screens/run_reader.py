"""Reading all runs beside the event loop, and again those that go on."""

import contextlib
import threading
import time

from textual.message import Message
from textual.message_pump import MessagePump

from tui.app.widgets.background import in_background, tell
from tui.run import store
from tui.run.state import State

CHUNK_S = 0.25
"""Time for which runs are read before they are shown, in seconds."""


class RunsRead(Message):
    """Some runs were read - name, state, whether it is pinned -, in the reading of this number; the last ones come with
    the names of all runs."""

    def __init__(self, turn: int, runs: list[tuple[str, State, bool]], names: list[str] | None = None) -> None:
        super().__init__()
        self.turn = turn
        self.runs = runs
        self.names = names


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

    def read_news(self, states: dict[str, State]) -> None:
        """Read the runs that go on by these states, and those that are not among them; tell only what has changed."""
        turn = self.turn
        in_background("history", lambda: self._read_news(turn, states))

    def end(self) -> None:
        """Read no further."""
        self.turn += 1

    def _read_all(self, turn: int) -> None:
        runs: list[tuple[str, State, bool]] = []
        names = store.ids()
        told = time.monotonic()
        for name in names:
            if turn != self.turn:
                return
            # It may have been deleted meanwhile.
            with contextlib.suppress(OSError):
                runs.append((name, store.load(store.folder() / name), store.pinned(store.folder() / name)))
            if time.monotonic() - told > CHUNK_S:
                if not tell(self._listener, RunsRead(turn, runs)):
                    return
                runs, told = [], time.monotonic()
        tell(self._listener, RunsRead(turn, runs, names))

    def _read_news(self, turn: int, states: dict[str, State]) -> None:
        if not self._looking.acquire(blocking=False):
            return  # the last look takes long
        try:
            names = store.ids()
            going_on = [name for name in names if name not in states or states[name].run.status == "running"]
            self._live = {name: self._live.get(name) or store.Live(store.folder() / name) for name in going_on}
            news = []
            for name, live in self._live.items():
                # Deleted meanwhile, it is missed the next time.
                with contextlib.suppress(OSError):
                    now = live.state()
                    if now != states.get(name):
                        news.append((name, now, store.pinned(store.folder() / name)))
            if turn == self.turn and (news or set(names) != states.keys()):
                tell(self._listener, RunsRead(turn, news, names))
        finally:
            self._looking.release()
