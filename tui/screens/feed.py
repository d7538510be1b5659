"""Following a run's journal beside the event loop: one message a poll, and none when nothing is new."""

import socket
import threading
import time
from pathlib import Path

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from tui import journal, runs, state
from tui.loglines import LogLines
from tui.spec import Spec
from tui.state import State
from tui.vitals import Vitals, Watch
from tui.widgets.background import tell

SETTLE_S = 1.0
"""How often to look whether the run process still lives."""
BUSY_S = 0.2
"""How long to read a journal that is far ahead before showing what is there."""


class Fed(Message):
    """A newer state, the number of log lines up to it, and whether anything can still come."""

    def __init__(self, folded: State, log_lines: int, *, over: bool) -> None:
        super().__init__()
        self.state = folded
        self.log_lines = log_lines
        self.over = over

    def can_replace(self, message: Message) -> bool:
        """The newest says all that an older one said."""
        return isinstance(message, Fed)


class Feed(threading.Thread):
    """Reads when asked to (the screen asks four times a second), so that updates cannot pile up."""

    def __init__(self, directory: Path, listener: MessagePump) -> None:
        super().__init__(name="feed", daemon=True)
        self._directory = directory
        self._listener = listener
        self._follower = journal.Follower(directory / journal.FILE)
        self._asked = threading.Event()
        self._ended = threading.Event()
        self._looked = 0.0
        self._state = state.EMPTY
        self._spec: Spec | None = None
        self.log = LogLines(directory / journal.FILE)
        self.vitals: Vitals | None = None
        """What the platform takes of this machine, once a second while it runs here."""
        self._watch: Watch | None = None
        self._watched = 0.0

    def ask(self) -> None:
        """Look for news."""
        self._asked.set()

    def end(self) -> None:
        """No more messages; the thread goes away."""
        self._ended.set()
        self._asked.set()

    def run(self) -> None:
        """Until the run is over or nobody listens."""
        self._spec = runs.load_spec(self._directory)
        told: tuple[State, int] | None = None
        while not self._ended.is_set():
            behind = self._read()
            shown = self._shown()
            over = shown.run.status != "running" and not behind
            if (shown, len(self.log)) != told or over:
                told = (shown, len(self.log))
                if not tell(self._listener, Fed(shown, len(self.log), over=over)):
                    return
            if over:
                return
            self._look()
            self._asked.wait()
            self._asked.clear()

    def _look(self) -> None:
        pid, process = self._state.platform_pid, self._state.process
        if pid is None or process is None or process.host != socket.gethostname():
            self._watch = self.vitals = None
            return
        if self._watch is None or self._watch.pid != pid:
            self._watch = Watch(pid, process.pid)
        if time.monotonic() - self._watched >= SETTLE_S:
            self._watched = time.monotonic()
            self.vitals = self._watch.look()

    def _read(self) -> bool:
        """Fold what is new; whether there is more."""
        until = time.monotonic() + BUSY_S
        while True:
            batch = self._follower.located()
            for offset, length, event in batch:
                self._state = state.fold(self._state, event)
                self.log.add(offset, length, event)
            if not self._follower.behind():
                return False
            if time.monotonic() > until or self._ended.is_set():
                return True

    def _shown(self) -> State:
        """The folded state with what only the run's directory tells: its spec before the first event, and its loss."""
        folded = self._state
        if folded.spec is None:
            named = msgspec.structs.replace(folded.run, id=self._directory.name)
            folded = msgspec.structs.replace(folded, run=named, spec=self._spec)
        if folded.run.status == "running" and time.monotonic() - self._looked > SETTLE_S:
            self._looked = time.monotonic()
            settled = self._settled(folded)
            # Its last words may have been written just before it went.
            if settled.run.status == "lost" and not self._follower.behind():
                return settled
        return folded

    def _settled(self, folded: State) -> State:
        try:
            return runs.settled(self._directory, folded)
        except FileNotFoundError:
            return state.lost(folded)  # the run's directory was removed while it was shown
