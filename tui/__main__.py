"""``fvp-tui`` and ``python -m tui``.

Without arguments there is nothing to parse: the full-screen program starts without the command line's imports.
"""

import os
import sys

from tui import COMPLETION


def main() -> None:
    """Entry point."""
    # A shell that asks for completions gives no arguments either.
    if len(sys.argv) == 1 and COMPLETION not in os.environ:
        from tui.app import run_app

        try:
            sys.exit(run_app())
        except Exception as error:  # noqa: BLE001  # said in one line, whatever it is
            from tui.cli import fail

            sys.exit(fail(error))
    from tui import cli

    cli.main()


if __name__ == "__main__":
    main()
