"""Start a compile worker: in the compile server, which has the libraries loaded, else in a process of its own."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import tui
from tui import processes
from tui.compile import lending
from tui.toolchain.toolchains import Toolchain

SWITCH = "FVP_TUI_COMPILE_SERVER"
"""Environment variable: with ``off``, every compilation is a process of its own."""

SEED = {"PYTHONHASHSEED": "0"}
"""Fixed, since ExecuTorch orders a partition's inputs by a set, and the same spec must give the same bytes."""

START_S = 20.0
"""Time a server has to open its socket; loading comes afterwards and takes longer."""

ANSWER_S = 180.0
"""Time a server has to load and to answer."""

RESTART_S = 1.0
"""Time after which another server is started instead of one that ended."""
POLL_S = 0.2
ATTEMPTS = 2
"""Servers to try before compiling without one."""


class ServerGone(Exception):
    """The server ended, or was killed, before it took the job."""


class Worker(Protocol):
    """A compile worker's process, with the attributes of `subprocess.Popen`."""

    stdout: IO[bytes] | None
    stderr: IO[bytes] | None
    pid: int

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status."""


def start(
    directory: Path,
    cwd: Path,
    *,
    ones: bool,
    toolchain: Toolchain,
    vela: str | None,
    on_waiting: Callable[[], None],
    while_waiting: Callable[[], None],
    say: Callable[[str], None],
    note: Callable[[str], None],
) -> Worker:
    """Start a worker that compiles the spec in `directory`, in the Python of `toolchain`, with a version of Vela.

    `on_waiting` is called when a server has to be started first, `while_waiting` repeatedly until it is ready: an
    exception ends the waiting. `say` gets a sentence on each server that failed, `note` one on what was fetched. Where
    no server can be started, the worker loads the libraries itself.

    Raises:
        UserError: the toolchain's Python lacks a library, and it cannot be lent.
    """
    environment = {**lending.environment(toolchain, vela, note), **SEED}
    if _serves():
        for _ in range(ATTEMPTS):
            try:
                connection = _connection(toolchain, environment, on_waiting, while_waiting)
                return _Job(connection, directory, cwd, ones, environment, while_waiting)
            except ServerGone as gone:
                say(f"{gone}: starting another")
            except (OSError, ValueError) as error:
                say(f"{error}: compiling without one")
                break
    command = [*_python(toolchain), "-m", "tui.compile", str(directory), *(["--ones"] if ones else [])]
    return process(command, environment, cwd)


def process(command: Sequence[str], environment: Mapping[str, str], cwd: Path = Path("/")) -> "subprocess.Popen[bytes]":
    """Start a worker by itself, which ends with this process."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=environment,
        start_new_session=True,
        preexec_fn=processes.tie(),
    )


def warm(toolchain: Toolchain) -> None:
    """Have the server of a toolchain load the libraries, for a compilation that is likely to come.

    Raises:
        UserError, OSError: it cannot be started.
    """
    if not _serves() or toolchain.lacks:
        return
    environment = {**lending.environment(toolchain), **SEED}
    place = folder(toolchain, environment.get("PYTHONPATH", ""))
    try:
        _connect(place).close()
    except OSError:
        _start_server(place, toolchain, environment)


def _serves() -> bool:
    """True if compilations go to a server here."""
    return sys.platform == "linux" and os.environ.get(SWITCH) != "off"


def _python(toolchain: Toolchain) -> list[str]:
    """The interpreter, to which the current folder is no source of modules, as it is none for ``python FILE``."""
    return [toolchain.python, *(["-P"] if toolchain.version >= (3, 11) else [])]


def folder(toolchain: Toolchain, python_path: str) -> Path:
    """The private folder of the server for a toolchain's packages, those on its PYTHONPATH, and our sources.

    Raises:
        OSError: it cannot be created, or belongs to another user.
    """
    parent = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    path = Path(parent) / f"fvp-tui-{os.getuid()}-{fingerprint(toolchain, python_path)}"
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{path} is not a private folder of this user")
    return path


def fingerprint(toolchain: Toolchain, python_path: str) -> str:
    """A digest of everything that compiles: a toolchain's packages, its PYTHONPATH, and this program's sources."""
    digest = hashlib.sha256()
    for name, version in sorted(toolchain.packages.items()):
        digest.update(f"{name} {version}\n".encode())
    sources = Path(tui.__file__).parent
    for file in sorted(sources.rglob("*.py")):
        status = file.stat()
        digest.update(f"{file.relative_to(sources)} {status.st_size} {status.st_mtime_ns}\n".encode())
    digest.update(f"{toolchain.python} {sources} {python_path}".encode())
    return digest.hexdigest()[:12]


def _connection(
    toolchain: Toolchain,
    environment: Mapping[str, str],
    on_waiting: Callable[[], None],
    while_waiting: Callable[[], None],
) -> socket.socket:
    """Connect to the server, starting it if there is none.

    Raises:
        OSError: the server cannot be started.
    """
    place = folder(toolchain, environment.get("PYTHONPATH", ""))
    with contextlib.suppress(OSError):
        return _connect(place)
    on_waiting()
    server, begun = _start_server(place, toolchain, environment), time.monotonic()
    limit = begun + START_S
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            return _connect(place)
        status = server.poll()
        if status:
            break
        if status == 0 and time.monotonic() - begun > RESTART_S:
            # It found another at work, which either takes connections or is about to end.
            server, begun = _start_server(place, toolchain, environment), time.monotonic()
        while_waiting()
        time.sleep(0.02)
    raise ConnectionError("the compile server did not start")


def _start_server(place: Path, toolchain: Toolchain, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    with (place / "server.log").open("wb") as log:
        return subprocess.Popen(
            [*_python(toolchain), "-m", "tui.compile.server", str(place)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,
        )


def _connect(place: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(place / "socket"))
    except OSError:
        connection.close()
        raise
    return connection


def _frozen(pid: int) -> bool:
    """True if a process was stopped by a signal, and so does nothing until another signal continues it."""
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def _process(connection: socket.socket) -> int:
    """The process id at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(credentials)[0])


_CREDENTIALS = struct.Struct("iII")
"""Process, user and group id (struct ucred)."""


class _Answers:
    """Lines that a server sends on a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""

    def next(self, timeout_s: float | None) -> dict[str, Any] | None:
        """Wait for the next answer; None after `timeout_s`, an empty one if the connection is closed.

        Raises:
            OSError: the connection is broken.
            ValueError: the line is not an answer.
        """
        self._connection.settimeout(timeout_s)
        while b"\n" not in self._data:
            try:
                more = self._connection.recv(4096)
            except TimeoutError:
                return None
            if not more:
                return {}
            self._data += more
        line, _, self._data = self._data.partition(b"\n")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("not an answer")
        return answer


class _Job:
    """A worker that the server forked."""

    def __init__(
        self,
        connection: socket.socket,
        directory: Path,
        cwd: Path,
        ones: bool,
        environment: Mapping[str, str],
        while_waiting: Callable[[], None],
    ) -> None:
        """Give the job to the server.

        Raises:
            ServerGone, OSError, ValueError: the server does not take it. Exceptions of `while_waiting` pass through.
        """
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None
        self._connection = connection
        self._answers = _Answers(connection)
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        job = {
            "directory": str(directory),
            "cwd": str(cwd),
            "ones": ones,
            "asked": time.time(),
            "env": environment,
        }
        try:
            server = _process(connection)
            connection.settimeout(ANSWER_S)
            line = json.dumps(job).encode() + b"\n"
            try:
                sent = socket.send_fds(connection, [line[:4096]], [out_end, err_end])
                connection.sendall(line[sent:])
                self.pid = self._taken(server, while_waiting)
            except ConnectionError as error:
                raise ServerGone(f"the compile server (process {server}) ended before it took the job") from error
        except BaseException:
            connection.close()
            os.close(out)
            os.close(err)
            raise
        finally:
            os.close(out_end)
            os.close(err_end)
        self.stdout = os.fdopen(out, "rb", buffering=0)
        self.stderr = os.fdopen(err, "rb", buffering=0)
        self._status: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._listen, name="compile-server", daemon=True).start()

    def _taken(self, server: int, while_waiting: Callable[[], None]) -> int:
        """Wait until a process has the job; its id."""
        limit = time.monotonic() + ANSWER_S
        while time.monotonic() < limit:
            answer = self._answers.next(POLL_S)
            if answer is not None:
                if "pid" not in answer:
                    raise ConnectionResetError
                return int(answer["pid"])
            while_waiting()
            if _frozen(server):
                # While it exists, no other server can start; the jobs it forked go on without it.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server, signal.SIGKILL)
                while _lives(server) and time.monotonic() < limit:
                    time.sleep(0.01)
                raise ServerGone(f"the compile server (process {server}) was stopped by a signal, and was killed")
        raise TimeoutError("the compile server does not answer")

    def _listen(self) -> None:
        status = None
        with contextlib.suppress(OSError, ValueError):
            while (answer := self._answers.next(LISTEN_S)) is None:
                if not _lives(self.pid):
                    # Its status may be under way; if not, the server that would send it is stopped.
                    answer = self._answers.next(LISTEN_S)
                    break
            status = (answer or {}).get("status")
        # Neither worker nor server could send a status: both were killed.
        self._status = -9 if status is None else int(status)
        self._ended.set()

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""
        return self._status if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("compile worker", timeout or 0.0)
        assert self._status is not None
        return self._status


LISTEN_S = 2.0
"""Time between two looks whether a silent worker still exists."""


def _lives(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
