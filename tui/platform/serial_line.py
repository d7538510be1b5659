"""The console of a board: a serial line that a session listens to, and the ways in which that ends.

A board has no exit status. It is listened to until it says a text that is an end, until it says nothing for a while,
until the time is over, or until the line is gone.
"""

import codecs
import errno
import re
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import pexpect
from pexpect import fdpexpect

from tui.platform import dialects, serial_port
from tui.platform.child import READ_BYTES
from tui.platform.lines import Splitter, any_in, messages
from tui.platform.serial_port import Errors

if TYPE_CHECKING:
    from serial import Serial

By = Literal["text", "silence", "limit", "unplugged", "stopped"]

# After "Inference completed" most programs have more to say.
_LAST_WORDS = re.compile(
    "|".join(
        row.pattern
        for row in dialects.TABLE
        if row.meaning in ("exit", "complete") and row.pattern != "Inference completed"
    )
)
_LAST_KEYS = ("complete", "exiting.", "exit code", "EXITTHESIM", "terminat", "inference PASS")
_CONTROL = re.compile("[\x00-\x03\x05-\x07\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
"""Characters that no console has: control characters but for line ends, tabs, backspaces, 0x04 and escapes."""
QUIET_S, AFTER_S = 0.1, 1.0
"""Pause after which nothing more is awaited of a board that has said its end, and the longest wait for one."""
_GONE = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBADF)


@dataclass(frozen=True)
class Terms:
    """The ends of listening."""

    silence_s: float
    """Seconds without a byte."""
    limit_s: float
    """Seconds in all."""
    end_text: str | None = None
    """Text within a line; None for the last words of runners."""


@dataclass(frozen=True)
class LineEnd:
    """The end of listening."""

    by: By
    port: str
    baud: int
    text: str = ""
    """The line that was an end."""
    seconds: float = 0.0
    """Limit that was reached: of silence, or of listening."""
    heard: int = 0
    """Bytes that came."""
    no_text: int = 0
    """Bytes of them that are no text."""
    errors: Errors | None = None
    """Errors that the driver has counted meanwhile; None where it counts none."""


class SerialLine:
    """An open port as the far end of a session. It does not close the port."""

    pid = None

    def __init__(self, port: "Serial", terms: Terms, clock: Callable[[], float] = time.monotonic) -> None:
        self._fd = port.fileno()
        self._name, self._baud = str(port.port), int(port.baudrate)
        self._spawn = fdpexpect.fdspawn(self._fd, timeout=None, maxread=READ_BYTES, use_poll=True)
        self._terms = terms
        self._clock = clock
        self._before = serial_port.errors(self._fd)
        self._gone = False
        self._given = b""
        self._rest = b""
        self._lines = Splitter()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._heard = self._no_text = 0
        self._began = self._came = clock()
        self.end: LineEnd | None = None
        """The end of listening; None while it goes on."""

    def fileno(self) -> int:
        """Return the descriptor, to wait for what comes."""
        return self._fd

    @property
    def gone(self) -> bool:
        """True once the line is gone."""
        return self._gone

    # -- before the run

    def receive(self, timeout_s: float) -> bytes | None:
        """Read what comes without listening to it; empty when nothing did in time, None when the line is gone."""
        if self._gone:
            return None
        try:
            return cast(bytes, self._spawn.read_nonblocking(READ_BYTES, timeout_s))
        except (pexpect.TIMEOUT, BlockingIOError):
            return b""
        except pexpect.EOF:
            self._gone = True
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self._gone = True
        return None

    def begin(self, given: bytes = b"") -> None:
        """Begin to listen, with what was received already but belongs to the run."""
        self._given = given
        self._began = self._came = self._clock()

    # -- the far end of a session

    def read(self, timeout_s: float) -> bytes | None:
        """Read what the board says; empty when nothing came in time, None once listening has ended."""
        if self.end is None and self._clock() - self._began > self._terms.limit_s:
            self._ended("limit", seconds=self._terms.limit_s)
        if self.end is not None:
            return None
        data, self._given = self._given or self.receive(timeout_s), b""
        now = self._clock()
        if data:
            self._came = now
            return self._heed(data)
        if data is None:
            self._ended("unplugged")
        elif now - self._came > self._terms.silence_s:
            self._ended("silence", seconds=self._terms.silence_s)
        return data

    def readable(self) -> bool:
        """True if something has come that was not read yet."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(self._given or (not self._gone and poll.poll(0)))

    def write(self, data: bytes) -> None:
        """Say nothing: the programs of boards take no inputs."""

    def end_input(self) -> None:
        """Say nothing."""

    def frozen(self) -> bool:
        """Return False: there is no process."""
        return False

    def signal(self, number: signal.Signals) -> None:
        """End listening; a board cannot be told to stop."""
        self._ended("stopped")

    def drain(self) -> list[bytes]:
        """Return nothing: what comes after the end is not the run's."""
        return []

    def close(self) -> tuple[int | None, int | None]:
        """Return no exit status and no signal; the port stays open for whoever has opened it."""
        self._ended("stopped")
        return None, None

    def after(self) -> bytes:
        """Return what comes after the end until the line is quiet, or for `AFTER_S`."""
        rest, self._rest = [self._rest], b""
        until = self._clock() + AFTER_S
        while self._clock() < until and (data := self.receive(QUIET_S)):
            rest.append(data)
        return b"".join(rest)

    # -- the end

    def _ended(self, by: By, text: str = "", seconds: float = 0.0) -> None:
        if self.end is not None:
            return
        now = None if self._before is None else serial_port.errors(self._fd)
        self.end = LineEnd(
            by=by,
            port=self._name,
            baud=self._baud,
            text=text,
            seconds=seconds,
            heard=self._heard,
            no_text=self._no_text,
            errors=now.since(self._before) if now is not None and self._before is not None else None,
        )

    def _heed(self, data: bytes) -> bytes:
        """Look for an end; what comes after it is kept apart."""
        begin = 0
        while (newline := data.find(b"\n", begin)) >= 0:
            for line in self._lines.feed(data[begin : newline + 1]):
                if words := self._last_words(line.text):
                    return self._last(data, newline + 1, words)
            begin = newline + 1
        for _ in self._lines.feed(data[begin:]):
            pass
        # A text that was asked for may be a prompt, whose line never ends.
        if self._terms.end_text is not None and (words := self._last_words(self._lines.waiting)):
            return self._last(data, len(data), words)
        self._count(data)
        return data

    def _last(self, data: bytes, end: int, text: str) -> bytes:
        self._rest = data[end:]
        self._count(data[:end])
        self._ended("text", text=text)
        return data[:end]

    def _last_words(self, line: str) -> str:
        """Return the text in a line that is an end; empty where there is none."""
        if self._terms.end_text is not None:
            return self._terms.end_text if self._terms.end_text in line else ""
        if not any_in(_LAST_KEYS, line):
            return ""
        return next((one.text.strip() for one in messages(line) if _LAST_WORDS.search(one.text)), "")

    def _count(self, data: bytes) -> None:
        self._heard += len(data)
        self._no_text += len(_CONTROL.findall(self._decoder.decode(data)))


def beginning(talk: bytes) -> int:
    """Find where a run begins in what a board said while it was reset: 0 unless an earlier program spoke first.

    A command that resets takes a while before and after it does so. What was told of an inference before a program
    was loaded is the end of an earlier one.
    """
    at, told, begin = 0, 0, 0
    for line in talk.split(b"\n"):
        at += len(line) + 1
        phase = dialects.PHASE.search(line.decode("utf-8", "replace")[:_SEARCHED])
        if phase is None:
            continue
        if phase.lastgroup == "load":
            begin = told
        elif phase.lastgroup != "prepare":
            told = min(at, len(talk))
    return begin


_SEARCHED = 400
