"""The spec that reading a log asks for."""

from pathlib import Path
from typing import Literal

from tui.errors import UsageError
from tui.model import bundled, catalogue, pte
from tui.platform import captured
from tui.run.options import STANDARD_INPUT, Log
from tui.run.spec import Spec
from tui.toolchain.target import NOT_KNOWN, UNKNOWN, Target

PROGRAM_IDS = (b"ET12", b"BP08")
"""Identifiers of ExecuTorch's programs, at their byte 4."""
OTHERS = (b"\x7fELF", b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")
"""First bytes of ELF files and of archives."""


def log_spec(
    log: str,
    program: str | None = None,
    origin: Literal["fvp", "board"] | None = None,
    console: bytes | None = None,
) -> Spec:
    """Return the spec that reads a log, of the target of its program, or of what the log tells of it.

    `console` is the log itself where it came through a pipe.

    Raises:
        UsageError: there is no such log or program, or one is not what it should be.
    """
    path = log if log == STANDARD_INPUT else _log_file(log)
    if program is None:
        pieces = captured.text(Path(path)) if console is None else (console,)
        named = captured.accelerator(pieces)
        target = NOT_KNOWN if named is None else Target(named, UNKNOWN, UNKNOWN)
        return Spec(model=path, log=Log(path, origin), target=target)
    file = _program_file(program)
    return Spec(model=file, log=Log(path, origin), target=_compiled_for(file))


def _log_file(log: str) -> str:
    path = Path(log).expanduser().resolve()
    if path.is_dir():
        raise UsageError(f"{log} is a folder", f"fvp-tui read {log} reads all its logs")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError as error:
        raise UsageError(f"no log {log}") from error
    except OSError as error:
        raise UsageError(f"cannot read {log}: {error.strerror}") from error
    if head[4:8] in PROGRAM_IDS:
        raise UsageError(f"{log} is a program, no log", f"fvp-tui run {log} runs it")
    if head.startswith(OTHERS):
        raise UsageError(f"{log} is no text but an ELF file or an archive", "unpack an archive first")
    return str(path)


def _program_file(program: str) -> str:
    path = Path(program).expanduser().resolve()
    if not catalogue.is_program(str(path)):
        raise UsageError(f"--model {program} is no program (.pte or .bpte)", "fvp-tui compile MODEL writes one")
    if not path.is_file():
        raise UsageError(f"no program {program}")
    return str(path)


def _compiled_for(program: str) -> Target:
    """The target of a program; not known for one that tells none. What is damaged the run refuses."""
    try:
        return pte.compiled_for(bundled.program_of(Path(program).read_bytes()), NOT_KNOWN)
    except (pte.PteError, OSError):
        return NOT_KNOWN
