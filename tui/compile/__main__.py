"""The compile worker's process: ``python -m tui.compile RUN_DIRECTORY [--ones]``.

Events leave on what was standard output; everything libraries print, there or on standard error, leaves on standard
error, so that no print can break an event.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from tui.compile import worker


def _die_with_parent() -> None:
    """Have the kernel kill this process when the run process is gone (Linux); elsewhere a closed pipe ends it."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def main() -> NoReturn:
    """Compile the spec in the directory given, and exit with the status of the run so far."""
    _die_with_parent()
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    worker.prepare()
    status = worker.main(Path(sys.argv[1]), events, ones=sys.argv[2:] == [worker.ONES])
    sys.stdout.flush()
    sys.stderr.flush()
    # Without waiting for threads that a model's code started.
    os._exit(status)


if __name__ == "__main__":
    main()
