"""Environment and lifetime of child processes."""

import contextlib
import fcntl
import gc
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
    """Return this process's environment with this package first on the path, for a child in any folder.

    All folders in it are absolute, since the child works in another one.
    """
    package = str(Path(__file__).parent.parent)
    # Python takes an empty entry for the current folder.
    given = os.environ.get("PYTHONPATH", "")
    entries = [str(Path(entry).absolute()) for entry in given.split(os.pathsep)] if given else []
    # Once, so that a child's child gets the same: it is part of what tells compile servers apart.
    path = os.pathsep.join(dict.fromkeys([package, *entries]))
    home = os.environ.get("FVP_TUI_HOME")
    return {**os.environ, **({"FVP_TUI_HOME": str(Path(home).absolute())} if home else {}), "PYTHONPATH": path}


def tie() -> Callable[[], None]:
    """Return a function to call between fork and exec: it has the child killed when this process ends (Linux).

    All it needs is looked up here, before the fork.
    """
    import ctypes  # takes longer than all else here, and most that import this module start no child

    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)  # the parent died before the line above took hold

    return prepare


CORES = "FVP_TUI_CORES"
"""Environment variable: the most cores that a run uses."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = os.environ.get(CORES, "")
    return min(int(given), allowed) if given.isdecimal() and int(given) else allowed


def shares(total: int, count: int) -> list[range]:
    """Divide so many things among `count` processes, as evenly as can be."""
    ends = [total * number // count for number in range(count + 1)]
    return [range(begin, end) for begin, end in itertools.pairwise(ends)]


def end() -> None:
    """Kill all descendants of this process."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()


def lock(path: Path) -> int:
    """Lock a file, for as long as a process has the descriptor that this returns: a child inherits it.

    The kernel gives an advisory lock (flock) back whatever the process dies of, and a process that has the number of
    one that is gone does not hold it. A file system may have no locks.

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


def locked(path: Path) -> bool | None:
    """Return True where a process holds the lock of a file; None where that cannot be told."""
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


OWNER = "FVP_TUI_OWNER"
"""Environment variable: the process whose end is the end of a run and of a compile server, as `name_of` names it."""

OWNER_LOOK_S = 1.0
"""Interval between looks at whether the owner is there."""


def name_of(pid: int) -> str:
    """Name a process of this machine so that no later one of its number has the name; empty for one that is gone.

    Needs the standard library alone: a compile server may be of a Python without ours.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self").exists():
            return ""
        return f"{pid}:" if _answers(pid) else ""
    # Field 22 is the time at which it was started, in clock ticks since boot (proc_pid_stat(5)).
    return "" if state == "Z" else f"{pid}:{fields[18]}"


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def owner_is_gone() -> bool:
    """Return True if this process belongs to another that has ended."""
    owner = os.environ.get(OWNER, "")
    return bool(owner) and name_of(int(owner.partition(":")[0])) != owner


LIFELINE = "FVP_TUI_LIFELINE"
"""Environment variable: a pipe that the owner holds open."""

_F_SETSIG = 10
"""Linux's command for the signal of O_ASYNC (fcntl(2)), which Python has no name for."""


def hold_lifeline(path: Path) -> None:
    """Make a pipe that this process holds open for as long as it lives, and name it to all it starts.

    Raises:
        OSError: it cannot be made.
    """
    os.mkfifo(path, 0o600)
    # For both, since opening for one alone waits for the other. Nobody closes it but the kernel.
    os.open(path, os.O_RDWR | os.O_CLOEXEC)
    os.environ[LIFELINE] = str(path)


def end_with_owner(*, group: bool = False) -> None:
    """Have this process, or its whole group, get SIGTERM once its owner is gone; without effect where it has none.

    On Linux the kernel sends it, whatever the process is busy with. Elsewhere a thread does, which may have to wait
    for its turn.
    """
    if OWNER not in os.environ:
        return
    me = os.getpid()
    told = _told_by_kernel(-me if group else me)
    # It may have ended before that.
    if owner_is_gone():
        os.kill(me, signal.SIGTERM)
    elif not told:
        threading.Thread(target=_tell_once_gone, args=(-me if group else me,), name="owner", daemon=True).start()


def _told_by_kernel(whom: int) -> bool:
    """Ask the kernel for the signal; `whom` is a process or, below zero, a group. False where it cannot be had."""
    path = os.environ.get(LIFELINE)
    if path is None or sys.platform != "linux":
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(fd, fcntl.F_SETOWN, whom)
        fcntl.fcntl(fd, _F_SETSIG, signal.SIGTERM)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        return False  # somebody has removed the pipe
    return True


def _tell_once_gone(whom: int) -> None:
    while not owner_is_gone():
        time.sleep(OWNER_LOOK_S)
    os.kill(whom, signal.SIGTERM)


SAME_S = 10.0
"""Difference of two creation times, in seconds, up to which processes of one number are one. The kernel counts them
from the time of boot, which moves with each correction of the clock; no number is given anew so soon.
"""


def lives(pid: int, created: float) -> bool:
    """Return True if a process of this machine still runs that was created at this Unix time."""
    # Only now: most runs that are looked at have ended.
    import psutil

    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < SAME_S and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False  # the last two: no number of a process at all, in a journal that is damaged


def suspend_collection() -> None:
    """Suspend garbage collection while a program starts. All that imports make stays: looking through it, over and
    over, is a tenth of the time to the viewer's first picture, and of the start of the run process and of fvp-sim.
    """
    gc.disable()


def resume_collection() -> None:
    """Resume garbage collection, if it is suspended; what was made meanwhile is never looked through again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def collection_suspended() -> Iterator[None]:
    """Suspend garbage collection for a block of imports."""
    suspend_collection()
    try:
        yield
    finally:
        resume_collection()


@contextlib.contextmanager
def signals_held(numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """Have signals to this thread, and to what it starts meanwhile, wait until the block is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
