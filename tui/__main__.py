"""``fvp-tui`` and ``python -m tui``.

Without arguments there is nothing to parse: the full-screen program starts without the command line's imports.
"""

# Before anything is looked for in files: Ctrl-C while modules are imported ends the program without a traceback.
import _signal  # type: ignore[import-not-found]

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

from tui import COMPLETION  # noqa: E402


def main() -> None:
    """Entry point."""
    # A shell that asks for completions gives no arguments either.
    if len(sys.argv) == 1 and COMPLETION not in os.environ:
        from tui.app.start import run_app

        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.exit(run_app())
        except Exception as error:  # noqa: BLE001  # said in one line, whatever it is
            from tui.cli.errors import fail

            sys.exit(fail(error))
    from tui.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
