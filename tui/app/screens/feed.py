"""Following a run's journal beside the event loop: one message a poll, and none when nothing is new."""

import socket
import threading
import time
from collections import OrderedDict
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from tui.app import source
from tui.app.vitals import Vitals, Watch
from tui.app.widgets.background import tell
from tui.run import folding, journal, log, state, store
from tui.run.derived import named_line
from tui.run.heads import decode_heads
from tui.run.log import LogLine, LogLines
from tui.run.state import State
from tui.run.usual import Usual, usual

SETTLE_S = 1.0
"""Interval between checks that the run process still lives, in seconds."""
BUSY_S = 0.15
"""Longest time to read a journal that is far ahead before showing it, in seconds."""
LONG_BYTES = 4 << 20
"""Unread bytes of a journal above which the end of the log is shown first."""
TAIL_LINES = 100
KEPT = 4
"""Runs whose journals need not be read again when one comes back to them."""


class Reading:
    """A journal as far as it has been read: the state it comes to, and the log."""

    def __init__(self, path: Path) -> None:
        self.follower = journal.Follower(path)
        self.state = state.EMPTY
        self.log = LogLines(path)
        self.file = _number(path)

    def more(self) -> None:
        """Read on."""
        offset, lines = self.follower.lines()
        heads = decode_heads(lines)
        self.state = folding.fold_lines(self.state, lines, heads)
        self.log.add(offset, lines, heads)


Readings = OrderedDict[Path, Reading]
"""The journals read last, by path: when one comes back to a run, its journal need not be read again."""


def _take(readings: Readings, path: Path) -> Reading:
    """Take out what was read of a journal before, or nothing yet."""
    kept = readings.pop(path, None)
    return kept if kept is not None and kept.file is not None and kept.file == _number(path) else Reading(path)


def _keep(readings: Readings, path: Path, reading: Reading) -> None:
    readings[path] = reading
    while len(readings) > KEPT:
        readings.popitem(last=False)


def _number(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Fed(Message):
    """A newer state with the number of log lines up to it; after one that is `over` nothing comes.

    `read` is how much of the journal that is, of 0..1.
    """

    def __init__(self, folded: State, log_lines: int, *, read: float = 1.0, over: bool) -> None:
        super().__init__()
        self.state = folded
        self.log_lines = log_lines
        self.read = read
        self.over = over

    def can_replace(self, message: Message) -> bool:
        """Let a newer state stand for an older one."""
        return isinstance(message, Fed)


class Tail(Message):
    """The last lines of a log that takes a while to be read."""

    def __init__(self, lines: list[LogLine]) -> None:
        super().__init__()
        self.lines = lines


class Known(Message):
    """Knowledge of a run from beside its journal: usual figures, and the text of the line that its failure names."""

    def __init__(self, found: Usual | None, source: str) -> None:
        super().__init__()
        self.usual = found
        self.source = source


class Feed(threading.Thread):
    """Thread that reads when it is asked to (the screen asks four times a second), so that updates cannot pile up."""

    def __init__(self, directory: Path, listener: MessagePump, readings: Readings) -> None:
        super().__init__(name="feed", daemon=True)
        self._directory = directory
        self._listener = listener
        self._path = directory / journal.FILE
        self._readings = readings
        self._reading = _take(readings, self._path)
        self._asked = threading.Event()
        self._ended = threading.Event()
        self._looked = 0.0
        self.log = self._reading.log
        self.vitals: Vitals | None = None
        """Load of the platform on this machine, once a second while it runs here."""
        self._watch: Watch | None = None
        self._watched = 0.0
        self._usual: Usual | None = None
        self._source_of: str | None = None

    def ask(self) -> None:
        """Look for news."""
        self._asked.set()

    def end(self) -> None:
        """End the thread: no more messages."""
        self._ended.set()
        self._asked.set()

    def run(self) -> None:
        """Read until the run is over or nobody listens."""
        if self._unread() > LONG_BYTES:
            tell(self._listener, Tail(log.tail(self._path, TAIL_LINES)))
            # Only when the screen is there, which it would be later if it had to share the processor with this.
            self._asked.wait()
        told: tuple[State, int, float] | None = None
        over = False
        while not over and not self._ended.is_set():
            behind = self._read()
            shown, lines = self._shown(), len(self.log)
            read = 1.0 - self._unread() / max(self._size(), 1) if behind else 1.0
            over = shown.run.status != "running" and not behind
            if (shown, lines, read) != told or over:
                told = (shown, lines, read)
                if not tell(self._listener, Fed(shown, lines, read=read, over=over)):
                    break
                self._tell_known(shown)
            if not over:
                self._look()
                self._asked.wait()
                self._asked.clear()
        _keep(self._readings, self._path, self._reading)

    def _tell_known(self, shown: State) -> None:
        """Tell what earlier runs let expect of one that has not ended well, and the line that its failure names."""
        asks = self._usual is None and shown.spec is not None and shown.run.status != "ok"
        line = named_line(shown)
        if not asks and line == self._source_of:
            return
        if asks and shown.spec is not None:
            self._usual = usual(shown.spec, without=self._directory.name, before=shown.run.created)
        self._source_of = line
        text = "" if line is None else source.text(line, shown.run.created)
        tell(self._listener, Known(self._usual, text))

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _unread(self) -> int:
        return max(self._size() - self._reading.follower.offset, 0)

    def _look(self) -> None:
        pid, process = self._reading.state.platform_pid, self._reading.state.process
        if pid is None or process is None or process.host != socket.gethostname():
            self._watch = self.vitals = None
            return
        if self._watch is None or self._watch.pid != pid:
            self._watch = Watch(pid, process.pid)
        if time.monotonic() - self._watched >= SETTLE_S:
            self._watched = time.monotonic()
            self.vitals = self._watch.look()

    def _read(self) -> bool:
        """Fold what is new; return True where there is more."""
        until = time.monotonic() + BUSY_S
        while True:
            self._reading.more()
            if not self._reading.follower.behind():
                return False
            if time.monotonic() > until or self._ended.is_set():
                return True

    def _shown(self) -> State:
        """The folded state with what only the run's directory tells: its spec before the first event, and its loss."""
        folded = self._reading.state
        if folded.run.created is None:
            folded = store.named(self._directory, folded)
        if folded.run.status == "running" and time.monotonic() - self._looked > SETTLE_S:
            self._looked = time.monotonic()
            settled = self._settled(folded)
            # Its last words may have been written just before it went.
            if settled.run.status == "lost" and not self._reading.follower.behind():
                return settled
        return folded

    def _settled(self, folded: State) -> State:
        try:
            return store.settled(self._directory, folded)
        except FileNotFoundError:
            return folding.lost(folded)  # the run's directory was removed while it was shown
