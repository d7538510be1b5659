"""Trials of advice: which run tries which change of another run's options.

The run that gave the advice keeps them beside its journal, one JSON object a line, the newest last. The directories are
the truth: a trial whose run was deleted is none.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tui.errors import UsageError
from tui.run import store

FILE = "trials.jsonl"

Change = Mapping[str, str | bool]
"""New values of fields of a spec by path, such as ``target.memory_mode``."""


class Trial(msgspec.Struct, frozen=True):
    """A run that tries a change."""

    run: str
    """Name of its directory."""
    change: dict[str, str | bool]


def keep(directory: Path, run: Path, change: Change) -> None:
    """Note that a run tries a change of the one in `directory`.

    Raises:
        UsageError: the directory cannot be written.
    """
    line = msgspec.json.encode(Trial(run.name, dict(change))) + b"\n"
    try:
        with (directory / FILE).open("ab") as file:
            file.write(line)
    except OSError as error:
        raise UsageError(f"cannot write to {directory}: {error.strerror}") from error


def read(directory: Path) -> list[tuple[Path, Change]]:
    """Directory and change of each trial that is still there, the newest first."""
    try:
        lines = (directory / FILE).read_bytes().splitlines()
    except OSError:
        return []
    found: list[tuple[Path, Change]] = []
    for line in reversed(lines):
        try:
            trial = msgspec.json.decode(line, type=Trial)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # cut off by a full disk
        run = store.folder() / trial.run
        try:
            known = Path(trial.run).name == trial.run and (run / store.SPEC).is_file()
        except (OSError, ValueError):
            continue  # no name that a directory can have
        if known:
            found.append((run, trial.change))
    return found
