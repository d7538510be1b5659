"""Start a run and follow it to its end."""

import errno
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from tui.cli.errors import fail
from tui.cli.output import print_run
from tui.cli.progress import Progress
from tui.cli.signals import LeftRunning, Signals
from tui.errors import Exit, UserError
from tui.run import control, events, folding, journal, state, store
from tui.run.spec import Spec

POLL_S = 0.1
PROCESS_CHECK_S = 1.0
"""Time between two looks at whether the run process is alive."""


def start(spec: Spec, typed: Mapping[str, Any], on_success: Callable[[Path], None] = lambda _: None) -> int:
    """Start a run, follow it as the options of `run` and `compile` say, and return the exit status."""
    # Before the run exists: a command that vanished without naming its run would leave it to be searched for.
    signals = Signals(interruptible=True).hear()
    directory = control.start(spec)
    try:
        return _present(directory, signals, typed, on_success)
    except OSError as error:
        # Under nohup no signal tells that the terminal is gone.
        if not signals.hung_up and error.errno != errno.EIO:
            raise
        raise LeftRunning(directory.name) from error


def _present(directory: Path, signals: Signals, typed: Mapping[str, Any], on_success: Callable[[Path], None]) -> int:
    if typed["detach"]:
        click.echo(directory.name)
        return Exit.OK
    if not typed["events"]:
        click.echo(f"run {directory.name}", err=True)
    status = follow(directory, verbose=typed["verbose"], as_events=typed["events"], signals=signals)
    if status == Exit.OK:
        on_success(directory)
    if not typed["events"]:
        print_run(directory, as_json=typed["json"])
    return status


def follow(directory: Path, *, verbose: bool, signals: Signals, as_events: bool = False) -> int:
    """Follow a run to its end and return its exit status.

    Raises:
        LeftRunning: a signal ended the command, but not the run.
        UserError: the run process died without a result.
    """
    follower, progress, current = journal.Follower(directory / journal.FILE), Progress(verbose), state.EMPTY
    stop_requested = False
    last_check = time.monotonic()
    while True:
        # Before anything is printed: after a hangup there is no terminal to print on.
        if signals.leave:
            raise LeftRunning(directory.name)
        batch = follower.poll()
        for event in batch:
            current = state.fold(current, event)
            if as_events:
                click.echo(events.encode(event).decode())
            else:
                progress.tell(event)
        if current.run.status != "running":
            return current.run.exit_status or Exit.OK
        if signals.stop and not stop_requested:
            stop_requested = True
            _request_stop(directory, signals.last)
        if batch:
            continue
        if time.monotonic() - last_check > PROCESS_CHECK_S:
            last_check = time.monotonic()
            # Not while there is more to read: the last events may have come just now.
            if not store.lives(directory, current.process) and not follower.behind():
                reason = folding.lost(current, store.last_words(directory)).run.reason
                raise UserError(reason or "", f"fvp-tui show {directory.name}")
        time.sleep(POLL_S)


def _request_stop(directory: Path, signal_name: str) -> None:
    try:
        control.stop(directory)
    except UserError as error:
        # The run may just have ended: following it shows how.
        fail(error)
    else:
        click.echo("  stopping ..." if signal_name == "SIGINT" else f"  {signal_name}: stopping the run ...", err=True)
