"""QEMU, which emulates the CPU for the simulator's firmware engine: its program and version."""

import os
import re
import shutil
import subprocess
from pathlib import Path

PROGRAM = "qemu-system-arm"
VARIABLE = "FVP_TUI_QEMU"
INSTALL = "apt-get install --no-install-recommends qemu-system-arm"

MACHINE = "mps3-an547"
"""The emulated board."""
DDR, DDR_BYTES = 0x6000_0000, 2 << 30
"""Address and size of its memory."""

OLDEST = (6, 2)
"""The first release with the vector extension (MVE) that the firmware is compiled for, by QEMU's own notes."""
TESTED = ("7.2",)
"""Releases that the engine was tested with."""

_PROBE_S = 20.0
_VERSION = re.compile(r"version (\d+)\.(\d+)(?:\.(\d+))?")


class QemuError(Exception):
    """Error of a QEMU that is missing, does not start, or has ended; one line."""


def find() -> Path | None:
    """QEMU's program, by the variable's name of it or on PATH; None where there is none."""
    path = shutil.which(os.environ.get(VARIABLE) or PROGRAM)
    return None if path is None else Path(path)


def version(program: Path) -> str:
    """QEMU's version: ``7.2.22``.

    Raises:
        QemuError: it does not start, does not tell, or is too old.
    """
    try:
        done = subprocess.run(
            [str(program), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QemuError(f"{program} does not start: {error}") from error
    if (match := _VERSION.search(done.stdout)) is None:
        raise QemuError(f"{program} --version prints no version")
    if (int(match[1]), int(match[2])) < OLDEST:
        raise QemuError(f"{program} is QEMU {match[1]}.{match[2]}, the firmware needs {OLDEST[0]}.{OLDEST[1]} or newer")
    return ".".join(part for part in match.groups() if part is not None)


def is_tested(version: str) -> bool:
    """Return True if a version is of a tested release."""
    return any(version == release or version.startswith(f"{release}.") for release in TESTED)
