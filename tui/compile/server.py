"""The compile server: a process that has PyTorch and ExecuTorch loaded, and forks a worker for each job.

Loading takes ten seconds, which are then paid only once. Each job gets a process of its own, so that a crash, a leak,
and anything a model's code leaves behind end with it. The server belongs to one user, is started by the first job that
finds none (`tui.compile.client`), and ends after some time without a job.

A job is one line of JSON on the socket, with the two file descriptors that become the worker's output and error; the
answer is a line with the worker's process id, and one with its exit status. Closing the connection ends the job.
"""

import array
import contextlib
import fcntl
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from tui import processes
from tui.compile import worker

IDLE_S = 900.0
"""Time without a job after which the server ends."""

SOCKET = "socket"
LOCK = "lock"
LONGEST = 1 << 20
"""Bytes of a job's line, most of which is the environment."""

FDS = 2
"""File descriptors of a job: output and error."""

LIBRARIES = (
    "tosa_reference_model",
    "ethosu.vela.vela",
    "tui.compile.cache",
    "tui.compile.frontend",
    "tui.compile.backend",
)
"""Modules that import all that a compilation needs."""


class Server:
    """The socket, and the workers at work."""

    def __init__(self, folder: Path) -> None:
        """Bind the socket in a folder that is private to the user and has a short path."""
        self._path = folder / SOCKET
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self._path))
        self._socket.listen()
        self._jobs: dict[int, socket.socket] = {}
        """Connections by process id of the worker."""

    def serve(self, idle_s: float) -> None:
        """Take jobs until there has been none for `idle_s`."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        last = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while self._jobs or time.monotonic() - last < idle_s:
                for key, _ in selector.select(timeout=min(idle_s, 60.0)):
                    if key.fileobj is self._socket:
                        self._accept()
                    else:
                        os.read(woken, 4096)
                    last = time.monotonic()
                self._reap()

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        connection.settimeout(10.0)
        try:
            job, fds = _receive(connection)
        except (OSError, ValueError):
            connection.close()
            return
        pid = os.fork()
        if pid == 0:
            self._socket.close()
            for other in self._jobs.values():
                other.close()
            _work(connection, job, fds)
        for fd in fds:
            os.close(fd)
        self._jobs[pid] = connection

    def _reap(self) -> None:
        """Report the end of workers that could not report it themselves."""
        while self._jobs:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid:
                    connection = self._jobs.pop(pid, None)
                    if connection is not None:
                        _send(connection, status=os.waitstatus_to_exitcode(status))
                        connection.close()
                    continue
            return

    def close(self) -> None:
        """Take no more jobs."""
        self._path.unlink(missing_ok=True)
        self._socket.close()


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive a job and its file descriptors.

    Raises:
        ValueError: the message is not a job.
        OSError: the connection is closed, or nothing comes.
    """
    data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(FDS * struct.calcsize("i")))
    fds = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    try:
        while not data.endswith(b"\n"):
            more = connection.recv(65536)
            if not more or len(data) > LONGEST:
                raise ValueError("incomplete job")
            data += more
        job = json.loads(data)
        if not isinstance(job, dict) or len(fds) != FDS:
            raise ValueError("not a job")
    except (OSError, ValueError):
        for fd in fds:
            os.close(fd)
        raise
    return job, list(fds)


def _send(connection: socket.socket, **answer: int) -> None:
    # A peer that is gone needs no answer.
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _work(connection: socket.socket, job: dict[str, Any], fds: list[int]) -> None:
    """Do a job in this process, which ends with it."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        connection.settimeout(None)
        _send(connection, pid=os.getpid())
        threading.Thread(target=_die_with, args=(connection,), daemon=True).start()
        out, err = fds
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # What libraries print must not break an event, and goes to the error stream.
        os.dup2(err, 1)
        os.dup2(err, 2)
        os.chdir(job["cwd"])
        os.environ.clear()
        os.environ.update(job["env"])
        processes.end_with_owner(group=True)
        with os.fdopen(out, "wb", buffering=0) as events:
            waited_s = max(time.time() - job["asked"], 0.0)
            status = worker.main(Path(job["directory"]), events, ones=job["ones"], waited_s=waited_s)
    except BaseException:  # noqa: BLE001 - nothing may return into the server's loop
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        _send(connection, status=int(status))
        os._exit(int(status) & 0xFF)


def _die_with(connection: socket.socket) -> None:
    """Kill this process and those it started when the run process is gone."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass
    os.killpg(0, signal.SIGKILL)


def _load() -> None:
    """Import everything a compilation imports."""
    for name in LIBRARIES:
        importlib.import_module(name)


def main() -> int:
    """Serve on the socket in the folder given, unless another server does."""
    processes.end_with_owner()
    folder = Path(sys.argv[1])
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    # Bound before the long loading, so that jobs that come meanwhile wait.
    server = Server(folder)
    try:
        worker.prepare()
        _load()
        server.serve(float(os.environ.get("FVP_TUI_COMPILE_IDLE_S", IDLE_S)))
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
