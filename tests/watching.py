"""Watching a run from outside: its events as they are written, and its processes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from tui.run import events, journal

LIMIT_S = 120
T = TypeVar("T")


def wait_for(ask: Callable[[], T | None], what: str) -> T:
    """The first answer that is not None."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if (found := ask()) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {LIMIT_S} s for {what}")


def directory_of(home: Path) -> Path:
    return wait_for(lambda: next(iter((home / "runs").glob("[!.]*")), None), "a run")


def event_of(directory: Path, wanted: Callable[[events.AnyEvent], bool]) -> events.AnyEvent:
    path = directory / journal.FILE
    return wait_for(lambda: next((e for e in journal.read(path) if wanted(e)), None), "an event")


def stage_begun(stage: str) -> Callable[[events.AnyEvent], bool]:
    return lambda event: isinstance(event, events.StageStarted) and event.stage == stage


def processes_of(directory: Path) -> list[psutil.Process]:
    """Every process that has the run's directory on its command line or as its working folder."""
    found = []
    for process in psutil.process_iter(["pid"]):
        try:
            words = [*process.cmdline(), process.cwd()]
        except psutil.Error:
            continue
        if any(str(directory) in word for word in words):
            found.append(process)
    return found


def gone(directory: Path) -> bool | None:
    return True if not processes_of(directory) else None
