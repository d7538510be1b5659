"""``python -m tui.simulator`` is ``fvp-sim``."""

# Before anything is looked for in files: a platform that is interrupted while it starts has no traceback to tell.
import _signal  # type: ignore[import-not-found]

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from tui.simulator.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
