"""The compile server: a process that has PyTorch and ExecuTorch loaded, and forks a worker for each job.

Loading them takes ten seconds, which then is paid once. A job gets a process of its own, so that a crash, a leak or
what a model's code leaves behind dies with it. The server belongs to one user, is started by the first job that finds
none (`tui.compile.client`), and ends when it has had nothing to do for a while.

A job is one line of JSON on the socket, with the two file descriptors that become the worker's output and error; the
answer is a line with the worker's process, and one with its exit status. A job whose connection is closed is ended.
"""

import array
import contextlib
import fcntl
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

from tui.compile import worker

IDLE_S = 900.0
"""Without a job for so long, the server ends."""

SOCKET = "socket"
LOCK = "lock"
LONGEST = 1 << 20
"""Bytes of a job's line; an environment is the greatest part of it."""

FDS = 2


class Server:
    """The socket, and the workers that are at work."""

    def __init__(self, folder: Path) -> None:
        """`folder` is private to the user and has a short path."""
        self._path = folder / SOCKET
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self._path))
        self._socket.listen()
        self._jobs: dict[int, socket.socket] = {}
        """Connections by process of the worker."""

    def serve(self, idle_s: float) -> None:
        """Take jobs until there is none for `idle_s`."""
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
        """Say how workers ended that could not say it themselves."""
        while self._jobs:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid:
                    connection = self._jobs.pop(pid, None)
                    if connection is not None:
                        _say(connection, status=os.waitstatus_to_exitcode(status))
                        connection.close()
                    continue
            return

    def close(self) -> None:
        """No further jobs."""
        self._path.unlink(missing_ok=True)
        self._socket.close()


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """A job and its file descriptors.

    Raises:
        ValueError: it is no job.
        OSError: the connection is gone, or nothing comes.
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
                raise ValueError("not a whole job")
            data += more
        job = json.loads(data)
        if not isinstance(job, dict) or len(fds) != FDS:
            raise ValueError("not a job")
    except (OSError, ValueError):
        for fd in fds:
            os.close(fd)
        raise
    return job, list(fds)


def _say(connection: socket.socket, **words: int) -> None:
    # A peer that has gone needs no answer.
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(words).encode() + b"\n")


def _work(connection: socket.socket, job: dict[str, Any], fds: list[int]) -> None:
    """Be the worker of a job; does not return."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        connection.settimeout(None)
        _say(connection, pid=os.getpid())
        threading.Thread(target=_die_with, args=(connection,), daemon=True).start()
        out, err = fds
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # What libraries print must not break an event: it goes where errors go.
        os.dup2(err, 1)
        os.dup2(err, 2)
        os.chdir(job["cwd"])
        os.environ.clear()
        os.environ.update(job["env"])
        with os.fdopen(out, "wb", buffering=0) as events:
            waited_s = max(time.time() - job["asked"], 0.0)
            status = worker.main(Path(job["directory"]), events, ones=job["ones"], waited_s=waited_s)
    except BaseException:  # noqa: BLE001 - nothing may return into the server's loop
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        _say(connection, status=int(status))
        os._exit(int(status) & 0xFF)


def _die_with(connection: socket.socket) -> None:
    """End this process and those it started when the run process is gone."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass
    os.killpg(0, signal.SIGKILL)


def _load() -> None:
    """All that a compilation imports."""
    import tosa_reference_model  # noqa: F401
    from ethosu.vela import vela  # noqa: F401

    from tui.compile import lowering as flow  # noqa: F401
    from tui.compile import models, references, vela_report  # noqa: F401
    from tui.compile.diagnostics import delegation, failures  # noqa: F401
    from tui.compile.links import tosa_reference  # noqa: F401


def main() -> int:
    """Serve on the socket in the folder given, unless another does."""
    folder = Path(sys.argv[1])
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    # Bound before the long loading: jobs that come meanwhile wait.
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
