"""Start of the firmware engine: its arguments, and the decision between it and the interpreter."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.model import pte
from tui.simulator.firmware import image, preflight
from tui.simulator.firmware.image import Image, ImageError
from tui.simulator.parameters import ParameterError
from tui.toolchain import qemu


@dataclass(frozen=True)
class Arguments:
    """Arguments: files of ``-a``, contents by address, Vela's name of the NPU, ``--dump`` and ``--counts``."""

    applications: Sequence[Path]
    placed: Sequence[tuple[int, bytes]]
    accelerator: str
    dumps: Sequence[str] = ()
    counts: str | None = None


@dataclass(frozen=True)
class Dump:
    """Memory to be written to a file when the firmware has ended."""

    path: Path
    address: int
    size: int


@dataclass(frozen=True)
class Boot:
    """A firmware and all that it is started with."""

    image: Image
    qemu: Path
    placed: Sequence[tuple[int, bytes]]
    accelerator: str
    dumps: Sequence[Dump]
    counts: Path | None

    @property
    def program(self) -> bytes | None:
        """The program among what is placed."""
        return next((data for _, data in self.placed if pte.identifier(data) in pte.IDENTIFIERS), None)


def find(arguments: Arguments, engine: str, say: Callable[[str], None]) -> Boot | None:
    """Decide what to boot; None for the interpreter, with the reason, if any, given to `say`.

    Raises:
        ParameterError: the firmware is asked for and cannot be booted, or an argument is none.
    """
    if engine == "interpreter" or (engine == "auto" and not any(map(image.is_known, arguments.applications))):
        return None
    try:
        boot = _boot(arguments)
        obstacles = [] if boot.program is None else preflight.obstacles(boot.program, boot.image, boot.accelerator)
    except (ImageError, qemu.QemuError) as error:
        if engine == "firmware":
            raise ParameterError(str(error)) from error
        say(f"Info: the interpreter replaces the firmware: {error}")
        return None
    if obstacles and engine == "auto":
        say(f"Info: the interpreter replaces the firmware: {'; '.join(map(str, obstacles))}")
        return None
    return boot


def _boot(arguments: Arguments) -> Boot:
    if len(arguments.applications) != 1:
        raise ImageError("the firmware engine runs one firmware: give -a FILE (fvp-tui firmware list says where it is)")
    if not hasattr(os, "memfd_create"):
        raise ImageError("the firmware engine is available on Linux only")
    loaded = image.load(arguments.applications[0])
    program = qemu.find()
    if program is None:
        raise qemu.QemuError(f"{qemu.PROGRAM} is not installed ({qemu.INSTALL})")
    counts = None if arguments.counts is None else Path(arguments.counts)
    dumps = [_dump(text) for text in arguments.dumps]
    return Boot(loaded, program, arguments.placed, arguments.accelerator, dumps, counts)


def _dump(text: str) -> Dump:
    """``CPU=FILE@Memory:ADDRESS,SIZE``."""
    name, _, place = text.rpartition("@")
    name = name.partition("=")[2] if "=" in name else name
    address, _, size = place.rpartition(":")[2].partition(",")
    try:
        dump = Dump(Path(name), int(address, 0), int(size, 0))
    except ValueError:
        dump = None
    if not name or dump is None or dump.size < 0:
        raise ParameterError(f"--dump {text}: expected FILE@Memory:ADDRESS,SIZE")
    return dump
