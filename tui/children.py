"""What the processes have in common that we start."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
    """Ours, with this package first: the child finds it, too, wherever it is started and we run from a checkout.

    Its folders are absolute: the child works in another one.
    """
    package = str(Path(__file__).parent.parent)
    # Python takes an empty entry for the current folder.
    known = [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    path = os.pathsep.join([package, *known] if os.environ.get("PYTHONPATH") else [package])
    home = os.environ.get("FVP_TUI_HOME")
    return {**os.environ, **({"FVP_TUI_HOME": str(Path(home).absolute())} if home else {}), "PYTHONPATH": path}


def tie() -> Callable[[], None]:
    """What a child does between fork and exec so that it is killed when we are gone, however that came (Linux).

    All it needs is looked up here, before the fork.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)  # we died before the line above took hold

    return prepare


def end() -> None:
    """Kill all processes that this one has started, and those that they have."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()
