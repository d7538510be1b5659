"""Choosing runs to delete by the dozen: never one that goes on, is pinned, or is a baseline."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from tui.run import store
from tui.run.index import Row

DAY_S = 86_400.0


def failed(runs: Iterable[Row], kept: Collection[str]) -> list[Row]:
    """Return the runs that failed or were lost, without those `kept` by name."""
    return [run for run in _free(runs, kept) if run.status in ("failed", "lost")]


def older(runs: Iterable[Row], days: int, now: float, kept: Collection[str]) -> list[Row]:
    """Return the runs that began more than so many days before `now`, a Unix time, without those `kept` by name."""
    begin = now - days * DAY_S
    return [run for run in _free(runs, kept) if run.created is not None and run.created < begin]


def _free(runs: Iterable[Row], kept: Collection[str]) -> list[Row]:
    return [run for run in runs if run.status != "running" and not run.pinned and run.name not in kept]


def size(directory: Path) -> int:
    """Sum of the bytes of all files in a run's directory that can be read."""
    total = 0
    for folder, _, files in os.walk(directory):
        for file in files:
            try:
                total += os.lstat(os.path.join(folder, file)).st_size  # noqa: PTH118 - ten thousand runs
            except OSError:
                continue  # deleted meanwhile
    return total


def total_size(names: Iterable[str]) -> int:
    """Sum of the bytes of these runs."""
    return sum(size(store.folder() / name) for name in names)
