"""Starting a run's process and talking to it while it lives: a Unix socket, one JSON object a line.

The socket lies in a short private folder, since its path may not exceed 107 bytes; the file ``control`` in the run's
directory holds the path while the run lives.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tui import children, runs
from tui.errors import UserError
from tui.spec import Spec

TIMEOUT_S = 5.0
PREFIX = "fvp-tui-"
"""What the folders of sockets are called."""


def start(request: Spec) -> Path:
    """Make a run and start its process, detached from the terminal. The run's directory.

    Raises:
        UsageError: the data folder cannot be written.
    """
    sweep()
    directory = runs.create(request)
    # Its own session: closing the terminal or the viewer sends it no signal.
    with (directory / runs.RUNNER_LOG).open("wb") as log:
        _started[directory] = subprocess.Popen(
            [sys.executable, "-m", "tui.runner", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env=children.environment(),
        )
    return directory


_started: dict[Path, "subprocess.Popen[bytes]"] = {}
"""Run processes that this process has started."""


def died(directory: Path) -> bool:
    """Whether the run's process was started here, and is gone."""
    process = _started.get(directory)
    return process is not None and process.poll() is not None


def sweep() -> None:
    """Remove the sockets that run processes left behind which were killed."""
    for file in runs.folder().glob(f"*/{runs.CONTROL}"):
        if runs.load(file.parent).run.status != "running":
            socket_folder = Path(file.read_text(encoding="utf-8").strip()).parent
            if socket_folder.name.startswith(PREFIX):
                shutil.rmtree(socket_folder, ignore_errors=True)
            file.unlink(missing_ok=True)


def send(directory: Path, command: str, **arguments: Any) -> None:
    """Tell the process of a run to ``stop`` or to ``infer`` again, and wait until it has taken it.

    Raises:
        UserError: the run is over or does not answer.
    """
    name = directory.name
    try:
        path = (directory / runs.CONTROL).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UserError(f"{name} is not running") from error
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(path)
            connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            answer = json.loads(connection.makefile("rb").readline() or b"{}")
    except (OSError, ValueError) as error:
        raise UserError(f"{name} does not answer", "it may have just ended: fvp-tui history") from error
    if not answer.get("ok"):
        raise UserError(f"{name}: {answer.get('reason', 'refused')}")


def stop(directory: Path) -> None:
    """Ask a run to stop.

    Raises:
        UserError: the run is over or does not answer.
    """
    send(directory, "stop")


def infer(directory: Path, inputs: Sequence[str] = ()) -> None:
    """Ask a run whose platform stays for one more inference, on these files or on its next sample.

    Raises:
        UserError: the run is over, takes no further inferences, or the files do not fit.
    """
    send(directory, "infer", inputs=list(inputs))


class Server:
    """The run process's end: calls `handle` with each command, in a thread of its own."""

    def __init__(self, directory: Path, handle: Callable[[dict[str, Any]], str | None]) -> None:
        """`handle` returns None when it took the command, else why it did not."""
        self._handle = handle
        self._folder = tempfile.mkdtemp(prefix=PREFIX)
        self._file = directory / runs.CONTROL
        path = str(Path(self._folder) / "s")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(path)
        self._socket.listen()
        self._file.write_text(path, encoding="utf-8")
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
            reason = self._handle(message) if isinstance(message, dict) else "not a command"
            connection.sendall(json.dumps({"ok": reason is None, "reason": reason}).encode() + b"\n")
        except (OSError, ValueError):
            return  # a peer that talks nonsense or has gone: its loss

    def close(self) -> None:
        """No further commands; the socket and its folder are removed."""
        self._file.unlink(missing_ok=True)
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)
