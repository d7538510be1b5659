"""The one line that an error is on the command line."""

import contextlib

import click

from tui.errors import UserError, one_line
from tui.text import clean


def fail(error: Exception) -> int:
    """Print an error as one line on stderr and return its exit status. A fault of ours is named an internal error."""
    if not isinstance(error, UserError):
        error = UserError(f"internal error: {type(error).__name__}: {one_line(error)}", "--debug prints the traceback")
    hint = f" ({clean(error.hint)})" if error.hint else ""
    # After a hangup nobody reads stderr.
    with contextlib.suppress(OSError):
        click.echo(f"fvp-tui: {clean(error.what)}{hint}", err=True)
    return int(error.exit)
