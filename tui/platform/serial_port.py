"""Serial ports: the one of a board's console, opened for us alone, or why it cannot be.

pyserial locks a port with flock, which another program may not ask about, so that the port is also put in the kernel's
exclusive mode (TIOCEXCL). Programs that lock in neither way are found by their lock files and by their open files.
"""

import contextlib
import errno
import fcntl
import os
import stat
import struct
import termios
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tui.errors import PlatformUnavailable, one_line
from tui.run import control

if TYPE_CHECKING:
    from serial import Serial

INSTALL = "pip install 'fvp-tui[serial]'"

LOCK_FOLDERS = (Path("/run/lock"), Path("/var/lock"), Path("/var/spool/lock"))
"""Folders of lock files as minicom and others write them: ``LCK..ttyACM0``, with the number of a process."""

RUN_PROCESS = control.MODULE
"""Word of the command line of a run's process."""

_TIOCGICOUNT = 0x545D
_COUNTERS = struct.Struct("@20i")
"""Linux's serial_icounter_struct: four lines of the modem, rx, tx, frame, overrun, parity, brk, buf_overrun, spare."""
_FRAME, _OVERRUN, _BUFFER_OVERRUN = 6, 7, 10


@dataclass(frozen=True)
class Errors:
    """Errors that the driver of a port has counted since the machine's start."""

    framing: int
    overruns: int

    def since(self, before: "Errors") -> "Errors":
        """Return those that came later than `before`."""
        return Errors(self.framing - before.framing, self.overruns - before.overruns)


def found() -> list[str]:
    """The serial ports of this machine; none where pyserial is not installed."""
    try:
        from serial.tools import list_ports
    except ImportError:
        return []
    return sorted(port.device for port in list_ports.comports())


def check(path: str) -> None:
    """Refuse a port that cannot be opened, without opening it: that alone resets some boards.

    Raises:
        PlatformUnavailable: pyserial is not installed; or the port is not there, is none, is not for us to use, or is
            used by another program.
    """
    try:
        import serial  # noqa: F401
    except ImportError as error:
        raise PlatformUnavailable("boards need pyserial, which is not installed", INSTALL) from error
    try:
        status = Path(path).stat()
    except OSError as error:
        raise _unavailable(path, error) from error
    if not stat.S_ISCHR(status.st_mode):
        raise PlatformUnavailable(f"{path} is no serial port", _ports_hint())
    if not os.access(path, os.R_OK | os.W_OK):
        raise _unavailable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    if users := [*lock_holders(path), *openers(status.st_rdev)]:
        raise _busy(path, users[0])


@contextlib.contextmanager
def opened(path: str, baud: int) -> Iterator["Serial"]:
    """Open a port for us alone for the length of a block.

    Raises:
        PlatformUnavailable: it cannot be opened.
    """
    check(path)
    from serial import Serial, SerialException

    try:
        port = Serial(path, baud, timeout=0, exclusive=True)
    except ValueError as error:
        raise PlatformUnavailable(f"{path} cannot be set to {baud} baud", "see --baud") from error
    except SerialException as error:
        raise _unavailable(path, error) from error
    try:
        # A port may have no such mode; the lock is there all the same.
        with contextlib.suppress(OSError):
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
        yield port
    finally:
        # It may have been unplugged.
        with contextlib.suppress(OSError):
            fcntl.ioctl(port.fileno(), termios.TIOCNXCL)
        with contextlib.suppress(OSError):
            port.close()


def errors(fd: int) -> Errors | None:
    """Errors that the driver has counted; None where it counts none, as that of a pseudo-terminal."""
    try:
        counted = _COUNTERS.unpack(fcntl.ioctl(fd, _TIOCGICOUNT, bytes(_COUNTERS.size)))
    except OSError:
        return None
    return Errors(counted[_FRAME], counted[_OVERRUN] + counted[_BUFFER_OVERRUN])


def lock_holders(path: str, folders: Sequence[Path] = LOCK_FOLDERS) -> list[str]:
    """Programs that live and have written a lock file for the port."""
    names = {Path(path).name, Path(path).resolve().name}
    found = []
    for file in (folder / f"LCK..{name}" for folder in folders for name in sorted(names)):
        try:
            number = file.read_bytes()[:32].split()
        except OSError:
            continue
        if number and number[0].isdigit() and (user := _named(int(number[0]))):
            found.append(user)
    return found


def openers(device: int) -> list[str]:
    """Other programs that have a device open, by its number: those that we may look into, on Linux."""
    found = []
    for folder in Path("/proc").glob("[0-9]*/fd"):
        number = int(folder.parent.name)
        if number != os.getpid() and _has_open(folder, device) and (user := _named(number)):
            found.append(user)
    return found


def _has_open(folder: Path, device: int) -> bool:
    try:
        files = list(folder.iterdir())
    except OSError:
        return False  # another user's, or gone
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == device:
            return True
    return False


def _named(number: int) -> str:
    """``minicom (process 4711)``; empty for a process that is gone."""
    try:
        process = psutil.Process(number)
        name = "another run of fvp-tui" if RUN_PROCESS in process.cmdline() else process.name()
    except psutil.Error:
        return ""
    return f"{name} (process {number})"


def _busy(path: str, user: str) -> PlatformUnavailable:
    return PlatformUnavailable(
        f"{path} is in use by {user}", "end that program: each of two readers gets a part of the text"
    )


def _unavailable(path: str, error: OSError) -> PlatformUnavailable:
    match error.errno:
        case errno.ENOENT:
            return PlatformUnavailable(f"there is no port {path}", _ports_hint())
        case errno.EACCES | errno.EPERM:
            return PlatformUnavailable(f"no permission to use {path}", _permission_hint(path))
        case errno.EBUSY | errno.EAGAIN:
            return PlatformUnavailable(f"{path} is locked by another program", "end that program")
        case errno.ENXIO | errno.ENODEV | errno.EIO:
            return PlatformUnavailable(f"{path} does not answer", "plug the board in again")
    return PlatformUnavailable(f"{path} cannot be opened: {one_line(error)}", _ports_hint())


def _ports_hint() -> str:
    ports = found()
    return f"found here: {', '.join(ports)}" if ports else "no serial port is found here: is the board plugged in?"


def _permission_hint(path: str) -> str:
    import grp

    try:
        group = grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "see the owner and the mode of the device"
    if group == "root":
        return "its group is root: see the udev rules of the board"
    return f"its group is {group}: sudo usermod -aG {group} $USER, then log in anew"
