"""The platform's process in a pty of its own: started so that it cannot outlive us, read without a gap, ended for sure.

A pty, since an FVP that is not on a terminal holds its output back in a buffer of 4 KB until it ends.
"""

import contextlib
import os
import select
import shlex
import signal
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pexpect
import psutil

from tui import processes

READ_BYTES = 65536
"""Limit of one read; with pexpect's own default of 2000 a flood is several times slower."""

_DRAIN_S = 1.0
_REAP_S = 2.0
_REAP_POLL_S = 0.01
_RESET = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
_END_OF_FILE = b"\x04"


class CannotStart(Exception):
    """The program cannot be executed; `error` is why."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Child:
    """A process and its descendants in one group."""

    end = None
    """None: a process ends with an exit status."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        """Start `argv` without a shell.

        Raises:
            CannotStart: there is no such program, or it cannot be executed.
        """
        # A list of no arguments would make pexpect split the command at its spaces.
        name = argv[0] if argv[1:] else shlex.quote(argv[0])
        try:
            # Any: the stubs of pexpect, where they are installed, do not know its inner process.
            self._spawn = cast(Any, pexpect.spawn)(
                name,
                list(argv[1:]),
                cwd=str(cwd),
                env=dict(env),
                echo=False,
                timeout=None,
                maxread=READ_BYTES,
                dimensions=(50, 200),
                preexec_fn=_preparation(),
            )
        except (pexpect.ExceptionPexpect, OSError) as error:
            raise CannotStart(str(error)) from error
        # pexpect sleeps before each write and at the close, for programs that ask for passwords.
        self._spawn.delaybeforesend = None
        self._spawn.delayafterread = None
        self._spawn.ptyproc.delayafterclose = 0
        self.pid: int = self._spawn.pid
        self._closed = False
        self._ended: tuple[int | None, int | None] = None, None

    def read(self, timeout_s: float) -> bytes | None:
        """Read at most `READ_BYTES`; empty when nothing came in time, None when the process is gone."""
        try:
            return cast(bytes, self._spawn.read_nonblocking(READ_BYTES, timeout_s))
        except pexpect.TIMEOUT:
            return b""
        except pexpect.EOF:
            return None

    def readable(self) -> bool:
        """True if something has come that was not read yet."""
        return self._readable(0)

    def fileno(self) -> int:
        """Return the descriptor, to wait for what comes."""
        return int(self._spawn.child_fd)

    def write(self, data: bytes) -> None:
        """Give `data` to its standard input; without effect when it is gone."""
        with contextlib.suppress(OSError):
            self._spawn.send(data)

    def end_input(self) -> None:
        """End its standard input, as ^D at a terminal does."""
        self.write(_END_OF_FILE)

    def frozen(self) -> bool:
        """Return True if a signal has stopped it, and none has woken it since."""
        try:
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)
        except psutil.Error:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to all it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def drain(self) -> list[bytes]:
        """Read what it, or what it left behind, has still written after its end, and end those left behind."""
        self.signal(signal.SIGKILL)
        chunks: list[bytes] = []
        until = time.monotonic() + _DRAIN_S
        while time.monotonic() < until:
            try:
                data = os.read(self._spawn.child_fd, READ_BYTES) if self._readable(0.05) else b""
            except OSError:
                break  # EIO: all other ends of the pty are closed
            if not data:
                break
            chunks.append(data)
        return chunks

    def _readable(self, timeout_s: float) -> bool:
        poll = select.poll()
        poll.register(self._spawn.child_fd, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(timeout_s * 1000))

    def close(self) -> tuple[int | None, int | None]:
        """End it, and what it left behind, if it still runs; its exit status and the signal it died of."""
        if self._closed:
            return self._ended
        self._closed = True
        self.signal(signal.SIGKILL)
        until = time.monotonic() + _REAP_S
        while self._spawn.isalive() and time.monotonic() < until:
            self.signal(signal.SIGKILL)
            time.sleep(_REAP_POLL_S)
        # What SIGKILL does not end hangs in the kernel: nothing more can be done here, and it ends with us.
        with contextlib.suppress(pexpect.ExceptionPexpect):
            self._spawn.close(force=True)
        self._ended = self._spawn.exitstatus, self._spawn.signalstatus
        return self._ended


def _preparation() -> Callable[[], None]:
    """The steps of the child between fork and exec."""
    tie = processes.tie()

    def prepare() -> None:
        # Ignored signals survive exec: Python ignores SIGPIPE, and the run process SIGHUP.
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        # The console log holds what the platform wrote: no LF made into CR LF by the terminal.
        settings = termios.tcgetattr(1)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(1, termios.TCSANOW, settings)
        tie()

    return prepare
