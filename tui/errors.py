"""Errors that a user can act on, each with its exit status."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit status of every command: the contract in the README."""

    OK = 0
    FAILED = 1
    USAGE = 2
    LIMIT = 3
    NO_PLATFORM = 4
    UNKNOWN = 5
    INTERRUPTED = 130


class UserError(Exception):
    """An error that the user can act on: ``what`` is wrong, and a ``hint`` at what to do.

    It is shown as one line; a traceback is only for faults of the program.
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
    """Return the first line of an exception's text that is not empty, or the exception's name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
