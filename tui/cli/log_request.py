"""The logs that a command line names: files, a folder, or what comes through a pipe."""

import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from tui.cli.request import with_typed
from tui.errors import UsageError
from tui.pipeline.log_request import log_spec
from tui.run import spec
from tui.run.options import STANDARD_INPUT
from tui.run.spec import Spec
from tui.toolchain.target import on_board_of

SUFFIXES = (".log", ".txt", ".out")
"""Endings of the logs in a folder."""
MOST_PIPED = 1 << 30
"""Most bytes that are taken from a pipe."""


def make_log_spec(
    log: str,
    program: str | None,
    origin: Literal["fvp", "board"] | None,
    typed: Mapping[str, Any],
    console: bytes | None = None,
) -> Spec:
    """Return the checked spec that reads a log, with the options typed.

    Raises:
        UsageError: there is no such log or program, or a name of the target is wrong.
    """
    request = log_spec(log, program, origin, console)
    accelerator = typed.get("accelerator")
    if accelerator is not None and not request.target.is_complete:
        request = msgspec.structs.replace(request, target=on_board_of(accelerator))
    return spec.check(with_typed(request, typed))


def logs_in(folder: Path) -> list[Path]:
    """Return the logs in a folder, by name.

    Raises:
        UsageError: there is none, or the folder cannot be read.
    """
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())
    except OSError as error:
        raise UsageError(f"cannot read {folder}: {error.strerror}") from error
    if not found:
        raise UsageError(f"no log in {folder}", f"files that end in {', '.join(SUFFIXES)} are taken for logs")
    return found


def piped(log: str) -> bytes | None:
    """Return what comes from standard input, or from a pipe with a name; None for an ordinary file.

    Raises:
        UsageError: it cannot be read, or is too much.
    """
    path = Path(log).expanduser()
    try:
        if log == STANDARD_INPUT:
            data = sys.stdin.buffer.read(MOST_PIPED + 1)
        elif not path.exists() or stat.S_ISREG(path.stat().st_mode):
            return None
        else:
            with path.open("rb") as file:
                data = file.read(MOST_PIPED + 1)
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from error
    if len(data) > MOST_PIPED:
        raise UsageError(f"more than {MOST_PIPED >> 20:,} MiB came in", "write it to a file and read that")
    if not data:
        raise UsageError("nothing came in")
    return data
