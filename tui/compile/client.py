"""Starting a compile worker: by the compile server, which has the libraries loaded, else in a process of its own."""

import contextlib
import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import IO, Protocol

import tui

SWITCH = "FVP_TUI_COMPILE_SERVER"
"""Set to ``off``, every compilation is a process of its own."""

SEED = {"PYTHONHASHSEED": "0"}
"""ExecuTorch puts a partition's inputs in the order of a set: the same spec is to give the same bytes."""

DECIDING = ("torch", "torchao", "executorch", "ethos-u-vela", "tosa-tools")
"""Packages whose versions a server stands for."""

START_S = 20.0
"""How long a server may take to open its socket; what it loads afterwards takes longer."""


class Worker(Protocol):
    """A compile worker's process, as `subprocess.Popen` has it."""

    stdout: IO[bytes] | None
    stderr: IO[bytes] | None
    pid: int

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has one."""


def start(directory: Path, cwd: Path, *, ones: bool, warm: bool, on_waiting: Callable[[], None]) -> Worker:
    """A worker that compiles the spec in `directory`.

    `on_waiting` is called when a server has to be started first. Without `warm`, or where no server can be had, the
    worker loads all by itself.
    """
    if warm and sys.platform == "linux" and os.environ.get(SWITCH) != "off":
        with contextlib.suppress(OSError, ValueError):
            return _Job(_connection(on_waiting), directory, cwd, ones=ones)
    return subprocess.Popen(
        # Without the folder it is in among those that modules are looked for in (-P), as for a model that python runs.
        [sys.executable, "-P", "-m", "tui.compile", str(directory), *["--ones"] * ones],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, **SEED},
        start_new_session=True,
    )


def folder() -> Path:
    """The private folder of the server that stands for the packages and sources of this process.

    Raises:
        OSError: it cannot be made, or belongs to someone else.
    """
    parent = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    path = Path(parent) / f"fvp-tui-{os.getuid()}-{fingerprint()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} is not a private folder of this user")
    return path


def fingerprint() -> str:
    """Changes with everything that compiles: packages, and this program's sources."""
    digest = hashlib.sha256()
    for name in DECIDING:
        with contextlib.suppress(metadata.PackageNotFoundError):
            digest.update(f"{name} {metadata.version(name)}\n".encode())
    sources = Path(tui.__file__).parent
    for file in sorted(sources.rglob("*.py")):
        found = file.stat()
        digest.update(f"{file.relative_to(sources)} {found.st_size} {found.st_mtime_ns}\n".encode())
    digest.update(f"{sys.executable} {sources} {os.environ.get('PYTHONPATH', '')}".encode())
    return digest.hexdigest()[:12]


def _connection(on_waiting: Callable[[], None]) -> socket.socket:
    """A connection to the server, which is started where there is none.

    Raises:
        OSError: there is none to be had.
    """
    place = folder()
    with contextlib.suppress(OSError):
        return _connect(place)
    on_waiting()
    with (place / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.compile.server", str(place)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, **SEED},
            start_new_session=True,
        )
    limit = time.monotonic() + START_S
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            return _connect(place)
        # One that found another at work ends with 0: that other one is to be connected to.
        if server.poll():
            break
        time.sleep(0.02)
    raise ConnectionError("the compile server did not start")


def _connect(place: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(place / "socket"))
    except OSError:
        connection.close()
        raise
    return connection


class _Job:
    """A worker that the server has forked."""

    def __init__(self, connection: socket.socket, directory: Path, cwd: Path, *, ones: bool) -> None:
        """Raises OSError or ValueError if the server does not take it."""
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        job = {
            "directory": str(directory),
            "cwd": str(cwd),
            "ones": ones,
            "asked": time.time(),
            "env": {**os.environ, **SEED},
        }
        try:
            line = json.dumps(job).encode() + b"\n"
            sent = socket.send_fds(connection, [line[:4096]], [out_end, err_end])
            connection.sendall(line[sent:])
            self._answers = connection.makefile("rb")
            first = json.loads(self._answers.readline() or b"{}")
            self.pid = int(first["pid"])
        except (OSError, ValueError, KeyError) as error:
            connection.close()
            os.close(out)
            os.close(err)
            raise ConnectionError("the compile server did not take the job") from error
        finally:
            os.close(out_end)
            os.close(err_end)
        self.stdout: IO[bytes] | None = os.fdopen(out, "rb", buffering=0)
        self.stderr: IO[bytes] | None = os.fdopen(err, "rb", buffering=0)
        self._connection = connection
        self._status: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._listen, name="compile-server", daemon=True).start()

    def _listen(self) -> None:
        status = None
        with contextlib.suppress(OSError, ValueError):
            status = json.loads(self._answers.readline() or b"{}").get("status")
        # Neither worker nor server could say anything: both were killed.
        self._status = -9 if status is None else int(status)
        self._ended.set()

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._status if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has one."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("compile worker", timeout or 0.0)
        assert self._status is not None
        return self._status
