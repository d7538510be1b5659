"""Commands to a run's process: one that has just ended, one on a busy machine, one that is frozen."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tui.errors import UserError
from tui.run import control, events, journal, store
from tui.run.spec import Spec
from tui.run.state import State


def begun(process: psutil.Process, *more: events.Event) -> Path:
    """Make a run of a process on this machine."""
    directory = store.create(Spec(model="sample:digits"))
    writer = journal.Journal(directory / journal.FILE)
    created, host = process.create_time(), socket.gethostname()
    writer.write(
        events.RunStarted(id=directory.name, spec=Spec(model="m"), pid=process.pid, pid_created=created, host=host)
    )
    for event in more:
        writer.write(event)
    writer.close()
    return directory


@contextmanager
def listening(directory: Path) -> Iterator[None]:
    """A socket that takes connections and answers nothing."""
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(f"{short}/s")
        server.listen()
        (directory / store.CONTROL).write_text(f"{short}/s")
        yield


def test_a_run_that_ends_while_it_is_called_is_said_to_have_ended(home: Path) -> None:
    """Its process lives for a moment after its last event, with a socket that is closed."""
    directory = begun(psutil.Process(), events.RunFinished(status="ok", reason=None))
    (directory / store.CONTROL).write_text(str(directory / "closed"))
    with pytest.raises(control.NotListening, match="is not running: it is ok"):
        control.send(directory, "stop")


def test_a_run_that_is_slow_to_answer_is_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = begun(psutil.Process())
    monkeypatch.setattr(control, "LOOK_S", 0.001)
    looked, looks = threading.Event(), 0
    load = store.load

    def counted(which: Path) -> State:
        nonlocal looks
        looks += 1
        if looks > 3:
            looked.set()
        return load(which)

    def handle(message: object) -> None:
        assert looked.wait(20)

    monkeypatch.setattr(store, "load", counted)
    server = control.Server(directory, handle)
    try:
        control.stop(directory)
    finally:
        server.close()
    assert looks > 3


def test_a_frozen_run_is_not_waited_for(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as frozen:
        try:
            os.kill(frozen.pid, signal.SIGSTOP)
            directory = begun(psutil.Process(frozen.pid))
            with listening(directory), pytest.raises(UserError, match=f"is frozen: kill -CONT {frozen.pid} wakes it"):
                control.stop(directory)
        finally:
            frozen.kill()
