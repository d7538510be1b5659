"""Locks that say whether a process lives: taken by the one that starts it, inherited by it, gone with it.

An advisory lock on an open file (flock): the kernel gives it back whatever the process dies of, and a process that has
the number of one that is gone does not hold it.
"""

import fcntl
import os
from pathlib import Path


def take(path: Path) -> int:
    """Lock a file; the descriptor that holds the lock, for a child to inherit. A file system may have no locks.

    Raises:
        OSError: there is no such file.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError:
        # Whoever asks whether it is held asks the process instead.
        return fd
    return fd


def held(path: Path) -> bool | None:
    """Whether somebody holds the lock of a file; None where that cannot be told."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(fd)
    return False
