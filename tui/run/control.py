"""Control of a run's process: its start, and commands on a Unix socket, one JSON object a line.

The socket lies in a short private folder, since its path may not exceed 107 bytes; the file ``control`` in the run's
directory holds the path while the run lives.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tui import processes
from tui.errors import UserError
from tui.files import write_whole
from tui.run import store
from tui.run.spec import Spec
from tui.run.state import Process

TIMEOUT_S = 5.0
"""Time that a peer has for its one line."""
LOOK_S = 2.0
"""Interval at which one who waits for an answer checks that there can be one."""
BUSY_S = 30.0
"""Time that a run process has to answer: its thread may wait long for a turn on a machine that compiles."""
PREFIX = "fvp-tui-"
"""Prefix of the sockets' folders."""


MODULE = "tui.pipeline.process"
"""The run process's program."""

BLOCKED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that a run process starts with blocked: those that come before it can answer wait."""


def start(request: Spec, files: Mapping[str, bytes] = MappingProxyType({})) -> Path:
    """Make a run, start its process detached from the terminal, and return the run's directory.

    `files` are in it from the first moment, by their names.

    Raises:
        UsageError: the data folder cannot be written.
        UserError: the process cannot be started.
    """
    sweep()
    directory, lock = store.create_locked(request, files)
    try:
        detach([MODULE, str(directory), str(lock)], directory / store.PROCESS_LOG, lock, processes.environment())
    except OSError as error:
        shutil.rmtree(directory, ignore_errors=True)
        raise UserError(f"the run's process cannot be started: {error.strerror}", "see: fvp-tui doctor") from error
    finally:
        os.close(lock)
    return directory


def detach(module: Sequence[str], log: Path, lock: int, env: Mapping[str, str]) -> None:
    """Start a module with its arguments in a process that outlives this one and holds a lock; it prints to `log`.

    Its signals are held until it can answer them.

    Raises:
        OSError: it cannot be started.
    """
    with log.open("ab") as output, processes.signals_held(BLOCKED_SIGNALS):
        # Its own session: closing the terminal or the viewer sends it no signal.
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(lock,),
            cwd="/",
            env=env,
        )
    # Somebody must take its exit status, or it stays as a zombie for as long as this process runs.
    threading.Thread(target=process.wait, name=f"wait for {log.parent.name}", daemon=True).start()


def sweep() -> None:
    """Remove leftovers of killed processes: sockets, and runs that never came to be."""
    store.sweep()
    for file in store.folder().glob(f"*/{store.CONTROL}"):
        if store.load(file.parent).run.status != "running":
            remove_socket(file)


def remove_socket(file: Path) -> None:
    """Remove the socket of a process that is gone, with its folder, and the file that names it."""
    # Another one may be sweeping.
    with contextlib.suppress(OSError):
        socket_folder = Path(file.read_text(encoding="utf-8", errors="replace").strip()).parent
        if socket_folder.name.startswith(PREFIX):
            shutil.rmtree(socket_folder, ignore_errors=True)
        file.unlink(missing_ok=True)


class NotListening(UserError):
    """The run's process takes no commands: not yet, or no more."""


def send(directory: Path, command: str, **arguments: Any) -> dict[str, Any]:
    """Send a run's process the command ``stop`` or ``infer``, and return its answer.

    Raises:
        NotListening: the run is over, or has just begun.
        UserError: it does not answer, or refuses.
    """
    name = directory.name
    try:
        path = (directory / store.CONTROL).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        status = store.load(directory).run.status
        what = "takes no commands yet" if status == "running" else f"is not running: it is {status}"
        raise NotListening(f"{name} {what}") from error
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(path)
            connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            _await_answer(connection, directory)
            answer = json.loads(connection.makefile("rb").readline())
    except (OSError, ValueError) as error:
        if (status := store.load(directory).run.status) != "running":
            raise NotListening(f"{name} is not running: it is {status}") from error
        raise UserError(f"{name} does not answer", _no_answer_hint(directory)) from error
    if not answer.get("ok"):
        raise UserError(f"{name}: {answer.get('reason', 'refused')}")
    return dict(answer)


def _await_answer(connection: socket.socket, directory: Path) -> None:
    """Wait until there is something to read.

    Raises:
        TimeoutError: the run's process is frozen, or takes longer than `BUSY_S`.
    """
    deadline = time.monotonic() + BUSY_S
    while not select.select([connection], [], [], LOOK_S)[0]:
        pid = _pid(directory)
        if time.monotonic() > deadline or (pid is not None and _frozen(pid)):
            raise TimeoutError


def _pid(directory: Path) -> int | None:
    """Find the process of a run on this machine; None where there is none any more."""
    return _process_pid(directory, store.load(directory).process)


def _process_pid(directory: Path, process: Process | None) -> int | None:
    if process is None:
        return _starting(directory)
    return process.pid if process.host == socket.gethostname() and store.alive(directory, process) else None


def _frozen(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False  # it has gone


def _no_answer_hint(directory: Path) -> str:
    """Hint for a run that does not answer."""
    process = store.load(directory).process
    if process is not None and process.host != socket.gethostname():
        return f"it runs on {process.host}: the same command there reaches it"
    pid = _process_pid(directory, process)
    if pid is None:
        return "it may have just ended: fvp-tui history"
    if _frozen(pid):
        return f"its process is frozen: kill -CONT {pid} wakes it, kill -KILL {pid} ends it"
    return f"kill -KILL {pid} ends its process, and with it the platform"


def _starting(directory: Path) -> int | None:
    """Find the process of a run that has not come to its first event."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if MODULE in words and str(directory) in words:
            return int(process.pid)
    return None


def stop(directory: Path) -> None:
    """Ask a run to stop; one that does not listen yet finds the request once it does.

    Raises:
        UserError: the run is over or does not answer.
    """
    state = store.load(directory)
    if state.run.status != "running":
        raise UserError(f"{directory.name} is not running: it is {state.run.status}")
    # First the word, then the question whether it listens: it looks for the word once it listens.
    word = directory / store.STOP
    with contextlib.suppress(OSError):
        word.touch()
    try:
        send(directory, "stop")
    except NotListening:
        if store.load(directory).run.status == "running" and word.exists():
            return
        word.unlink(missing_ok=True)
        raise


def infer(directory: Path, inputs: Sequence[str] = ()) -> int | None:
    """Ask a run whose platform stays for one more inference, on these files or on its next sample; its number.

    None is the answer of a run process that does not tell it.

    Raises:
        UserError: the run is over, takes no further inferences, or the files do not fit.
    """
    number = send(directory, "infer", inputs=list(inputs)).get("inference")
    return number if isinstance(number, int) else None


class Server:
    """The run process's end: calls `handle` with each command, in a thread of its own."""

    def __init__(self, directory: Path, handle: Callable[[dict[str, Any]], dict[str, Any] | str | None]) -> None:
        """`handle` returns None or an answer for a command it took, a string that says why for one it refused."""
        self._handle = handle
        self._folder = tempfile.mkdtemp(prefix=PREFIX)
        self._file = directory / store.CONTROL
        path = str(Path(self._folder) / "s")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(path)
        self._socket.listen()
        write_whole(self._file, path.encode())
        threading.Thread(target=self._serve, name="control", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            with connection:
                connection.settimeout(TIMEOUT_S)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            message = json.loads(connection.makefile("rb").readline(65536))
            answer = self._handle(message) if isinstance(message, dict) else "not a command"
            reason, facts = (None, answer) if isinstance(answer, dict) else (answer, {})
            connection.sendall(json.dumps({"ok": reason is None, "reason": reason, **facts}).encode() + b"\n")
        except (OSError, ValueError):
            return  # a peer that talks nonsense or has gone: its loss

    def close(self) -> None:
        """Take no further commands; remove the socket and its folder."""
        self._file.unlink(missing_ok=True)
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)
