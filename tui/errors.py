"""Errors a user can do something about, each with the exit status the command line promises for it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit status of every command (the contract in the README)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    LIMIT = 3
    NO_PLATFORM = 4
    INTERRUPTED = 130


class UserError(Exception):
    """Something the user can mend: ``what`` is wrong, and a ``hint`` at what to do.

    Shown as one line; a traceback is only for faults of our own.
    """

    exit = Exit.FAILED

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} ({self.hint})" if self.hint else self.what


class UsageError(UserError):
    """The request itself is wrong: an unknown target, a file that is not there."""

    exit = Exit.USAGE


class PlatformUnavailable(UserError):
    """The platform that was asked for cannot run here."""

    exit = Exit.NO_PLATFORM


def one_line(error: BaseException, limit: int = 300) -> str:
    """The first meaningful line of an exception's text, for a place that has one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
