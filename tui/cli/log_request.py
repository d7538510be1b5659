"""The spec that reading a log asks for."""

import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tui.cli.request import absolute, compiled_target, with_typed
from tui.errors import UsageError
from tui.model import catalogue
from tui.run import spec
from tui.run.options import STANDARD_INPUT, Log
from tui.run.spec import Spec
from tui.toolchain.target import NOT_KNOWN, on_board_of

SUFFIXES = (".log", ".txt", ".out")
"""Endings of the logs in a folder."""
MOST_PIPED = 1 << 30
"""Most bytes that are taken from a pipe."""
_PROGRAMS = (b"\x7fELF", b"\x1f\x8b", b"PK\x03\x04")


def make_log_spec(
    log: str, model: str | None, origin: Literal["fvp", "board"] | None, typed: Mapping[str, Any] = {}
) -> Spec:
    """Return the checked spec that reads a log. Its target is the one typed, else the program's, else not known.

    Raises:
        UsageError: there is no such log or program, or a name of the target is wrong.
    """
    path = log if log == STANDARD_INPUT else _log_file(log)
    program = path if model is None else _program(model)
    target = NOT_KNOWN if model is None else compiled_target(program, NOT_KNOWN)
    accelerator = typed.get("accelerator")
    if accelerator is not None and not target.is_known:
        target = on_board_of(accelerator)
    request = Spec(model=program, log=Log(path, origin), target=target)
    return spec.check(with_typed(request, typed))


def _log_file(log: str) -> str:
    path = Path(absolute(log))
    if not path.exists():
        raise UsageError(f"no log {log}")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from error
    if head.startswith(_PROGRAMS) or head[4:8] in (b"ET12", b"BP08"):
        hint = "fvp-tui run runs a program; unpack an archive first"
        raise UsageError(f"{log} is no log: it is a program or an archive", hint)
    return str(path)


def _program(model: str) -> str:
    path = absolute(model)
    if not catalogue.is_program(path):
        raise UsageError(f"--model {model} is no program (.pte or .bpte)", "fvp-tui compile MODEL writes one")
    if not Path(path).is_file():
        raise UsageError(f"no program {model}")
    return path


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
        raise UsageError(f"no log in {folder}", f"files that end with {', '.join(SUFFIXES)}")
    return found


def piped(log: str) -> bytes | None:
    """Return what comes from standard input, or from a pipe with a name; None for an ordinary file.

    Raises:
        UsageError: it cannot be read, or has no end.
    """
    if log == STANDARD_INPUT:
        return _limited(sys.stdin.buffer.read(MOST_PIPED + 1))
    path = Path(log).expanduser()
    try:
        if not path.exists() or stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            return _limited(file.read(MOST_PIPED + 1))
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from error


def _limited(data: bytes) -> bytes:
    if len(data) > MOST_PIPED:
        raise UsageError(f"more than {MOST_PIPED >> 20:,} MiB came in", "write it to a file and read that")
    if not data:
        raise UsageError("nothing came in")
    return data
