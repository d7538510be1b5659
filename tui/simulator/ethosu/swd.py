"""SWD weight streams, decoded by Vela's codec in a child process.

The codec ends the process it is in when a stream is damaged (it calls exit), and grows without bound on one that asks
for it. A stream comes from anywhere, so it is decoded where neither does harm. One child decodes stream after stream;
where one ended it, the next stream gets another.
"""

import array
import contextlib
import ctypes
import multiprocessing
import os
import resource
import signal
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ethosu import mlw_codec

from tui import processes
from tui.simulator import signals
from tui.simulator.ethosu.errors import CommandStreamError

ROOM = 64 << 20
"""Bytes the child may take beside what the weights need."""

BYTES_PER_WEIGHT = 32
"""Memory of a weight while it is decoded: in the codec's growing buffer and as an object of Python."""


def _limit_memory(count: int) -> None:
    # Where /proc or the limit is not there (macOS), decoding goes on without it.
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + ROOM + BYTES_PER_WEIGHT * count
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _leave_at_once() -> None:
    """Have C's exit() end this process before it undoes what the parent's libraries have set up: half a second."""
    libc = ctypes.CDLL(None)
    # What is registered last is called first. Not atexit(): glibc has that only for programs linked with it. A C
    # library without either undoes it all, and the stream is decoded nonetheless.
    with contextlib.suppress(AttributeError):
        libc.__cxa_atexit(libc._exit, None, None)


def _serve(connection: Connection, parents: Connection) -> None:
    """The child's whole life: take (count, stream), answer int16, until the other end is gone."""
    try:
        _leave_at_once()
        # Held open here, too, the other end would never be gone: a parent that is killed would leave its child.
        parents.close()
        for number in signals.ENDING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.ENDING)
        # The codec prints what it thinks of a stream.
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(1, 2)
        while True:
            count = int.from_bytes(connection.recv_bytes(), "little")
            data = bytearray(connection.recv_bytes())
            _limit_memory(count)
            connection.send_bytes(array.array("h", mlw_codec.decode(data)[:count]).tobytes())
    finally:
        # Not the parent's way out: what it has open and registered is not the child's.
        os._exit(0)


_fork = multiprocessing.get_context("fork")


class Decoder:
    """A child process that decodes streams: started with the first one, ended with this object."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._end: Callable[[], object] = lambda: None

    def decode(self, data: bytes, count: int) -> npt.NDArray[np.int16]:
        """The first `count` weights of a stream.

        Raises:
            CommandStreamError: the stream is damaged or holds fewer.
        """
        values = b""
        try:
            connection = self._connection or self._start()
            connection.send_bytes(count.to_bytes(8, "little"))
            connection.send_bytes(data)
            values = connection.recv_bytes()
        except (EOFError, OSError):
            self.close()
        except BaseException:
            # Stopped in the middle: what the child answers to this stream must not be taken for the next one's.
            self.close()
            raise
        weights = np.frombuffer(values, np.int16)
        if len(weights) < count:
            raise CommandStreamError(f"a weight stream is damaged or too short: {count} weights are needed")
        return weights

    def _start(self) -> Connection:
        parent_end, child_end = _fork.Pipe()
        process = _fork.Process(target=_serve, args=(child_end, parent_end), daemon=True)
        # A handler may raise: Python prints what comes in the middle of a fork and drops it, and the child would unwind
        # what is its parent's.
        with processes.signals_held(signals.ENDING):
            process.start()
        child_end.close()
        self._connection, self._end = parent_end, weakref.finalize(self, _end, process, parent_end, os.getpid())
        return parent_end

    def close(self) -> None:
        """End the child, if there is one; the next stream gets another."""
        self._end()
        self._connection = None


def _end(process: ForkProcess, connection: Connection, parent: int) -> None:
    connection.close()
    if os.getpid() != parent:
        return  # forked from the one that had it, garbage included
    process.kill()
    process.join()
