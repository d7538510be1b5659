"""Start, resume and stop of a campaign's process."""

import contextlib
import os
from pathlib import Path

import msgspec

from tui import processes
from tui.campaign import store
from tui.campaign.batch import Batch
from tui.campaign.scheduler import Scheduler
from tui.errors import UserError
from tui.run import control
from tui.run import store as runs

MODULE = "tui.campaign.process"
"""The process's program."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Threads of arithmetic in each process: with several runs at once, more would only wait for each other."""


def start(directory: Path, count: int, workers: Scheduler | Batch | None = None) -> None:
    """Start the process of a campaign, new or broken off, with so many cells at once, detached from the terminal.

    With `workers` the cells go to those of a scheduler, or of a batch system's jobs.

    It holds the lock of the plan for as long as it lives.

    Raises:
        UserError: it is under way already, or no process can be started.
    """
    if store.lives(directory):
        raise UserError(f"{directory.name} is under way", f"fvp-tui campaign --follow {directory.name}")
    more = [] if workers is None else [msgspec.json.encode(workers).decode()]
    _sweep()
    with contextlib.suppress(OSError):
        (directory / runs.STOP).unlink()  # it was for an earlier process
    lock = processes.lock(directory / store.PLAN)
    try:
        shared = {**ONE_THREAD, processes.CORES: str(max(processes.cores() // count, 1))} if count > 1 else {}
        env = {**shared, **processes.environment()}
        control.detach([MODULE, str(directory), str(count), *more], directory / store.LOG, lock, env)
    except OSError as error:
        raise UserError(f"the campaign's process cannot be started: {error.strerror}", "see: fvp-tui doctor") from error
    finally:
        os.close(lock)


def _sweep() -> None:
    """Remove the sockets of campaigns whose process was killed."""
    for file in store.folder().glob(f"*/{runs.CONTROL}"):
        if not store.lives(file.parent):
            control.remove_socket(file)


def stop(directory: Path) -> None:
    """Ask a campaign to begin nothing more and to stop what is under way; one that still starts does so once it can.

    Raises:
        UserError: it is not under way, or does not answer.
    """
    if not store.lives(directory):
        raise UserError(f"{directory.name} is not under way", "see: fvp-tui campaign --list")
    # First the word, then the question whether it listens: it looks for the word once it listens.
    word = directory / runs.STOP
    with contextlib.suppress(OSError):
        word.touch()
    try:
        control.send(directory, "stop")
    except control.NotListening:
        if not (store.lives(directory) and word.exists()):
            raise
