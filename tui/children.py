"""What the processes have in common that we start."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
    """Ours, with this package first: the child finds it, too, wherever it is started and we run from a checkout."""
    package = str(Path(__file__).parent.parent)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{path}" if path else package}


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
