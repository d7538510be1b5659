"""The journal of a run: typed events, one a line, appended and flushed as they happen, followed by many readers."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tui.run import events
from tui.run.events import AnyEvent, Event

FILE = "events.jsonl"

READ_BYTES = 1 << 20
"""Most bytes of one poll, so that a viewer of a long journal stays responsive."""


def stamped(event: Event) -> Event:
    """The event with the present time, if it has none yet."""
    return event if event.t else msgspec.structs.replace(event, t=time.time())


RESERVE = ".reserve"
RESERVE_BYTES = 64 << 10
"""Room on the disk for the last words of a run that has filled it."""


def reserve(directory: Path) -> None:
    """Hold room for the last words of a run on the disk of its directory.

    Raises:
        OSError: there is not that much.
    """
    # Written, not only made long: a file of nothing but length takes no room.
    (directory / RESERVE).write_bytes(bytes(RESERVE_BYTES))


def release(directory: Path) -> None:
    """Give the room back."""
    (directory / RESERVE).unlink(missing_ok=True)


class Journal:
    """The writing end. Safe to use from several threads of the run process."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            OSError: it cannot be made.
        """
        # One write per line on an O_APPEND descriptor: a crash leaves at most a half-written last line.
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._torn = False
        """Return True if the last line could not be written to its end."""
        self._directory = path.parent

    def release(self) -> None:
        """Give back the room that was held for the last words."""
        release(self._directory)

    def write(self, event: Event) -> None:
        """Append an event, stamped with the present time if it has none.

        Raises:
            OSError: there is no room for it, or for all of it.
        """
        self._append(events.encode(stamped(event)) + b"\n")

    def _append(self, line: bytes) -> None:
        with self._lock:
            if self._torn:
                # The rest of a line is no part of the next one.
                line = b"\n" + line
            self._torn = True
            while line:
                line = line[os.write(self._fd, line) :]
            self._torn = False

    def close(self) -> None:
        """Close the file; everything written is already in it."""
        os.close(self._fd)
        self.release()


def moved(line: bytes, before: str, after: str) -> bytes:
    """Return a journal line with another folder in the place of `before`, wherever a text names it."""
    old, new = (msgspec.json.encode(folder)[1:-1] for folder in (before, after))
    return line.replace(old, new)


class Follower:
    """The reading end: each `poll` gives the events that were completed since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._partial = b""

    def poll(self) -> list[AnyEvent]:
        """Events since the last poll, from at most `READ_BYTES`; empty when there is nothing new.

        A half-written last line waits for its rest. A line that cannot be read is passed over.
        """
        _, lines = self.lines()
        return [event for line in lines if (event := events.decode(line)) is not None]

    def lines(self) -> tuple[int, list[bytes]]:
        """Poll for lines, readable or not, and the offset of the first one in the file."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(READ_BYTES)
        except FileNotFoundError:
            data = b""
        at = self._offset - len(self._partial)
        self._offset += len(data)
        *lines, self._partial = (self._partial + data).split(b"\n")
        return at, lines

    @property
    def offset(self) -> int:
        """Bytes of the file that have been read."""
        return self._offset

    def behind(self) -> bool:
        """Return True if the file is longer than what has been read of it."""
        try:
            return self._path.stat().st_size > self._offset
        except FileNotFoundError:
            return False

    def drain(self) -> Iterator[AnyEvent]:
        """All events up to the present end of the journal."""
        while True:
            batch = self.poll()
            yield from batch
            # A poll may take a megabyte of lines that all cannot be read, and there is more behind them.
            if not batch and not self.behind():
                return


def read(path: Path) -> Iterator[AnyEvent]:
    """All events of a journal as it stands."""
    return Follower(path).drain()
