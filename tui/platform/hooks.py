"""The user's commands for a board, to flash and to reset it: each a list of words, without a shell."""

import os
import select
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.errors import UsageError
from tui.platform.child import CannotStart, Child
from tui.platform.lines import Line, Splitter
from tui.platform.serial_line import SerialLine
from tui.text import clean

POLL_S = 0.1
GRACE_S = 5.0
"""Time that a command has to end once it was interrupted."""
_LAST = 300


@dataclass(frozen=True)
class Hook:
    """A command, and the folder that it runs in."""

    name: str
    """``flash`` or ``reset``."""
    argv: tuple[str, ...]
    folder: Path
    limit_s: float

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True)
class HookEnd:
    """The end of a command: why it failed, or None, and what it said last."""

    failure: str | None
    last: str = ""
    stopped: bool = False
    """True if the user wants the run to end."""


def split(option: str, command: str) -> list[str]:
    """Return the words of a command.

    Raises:
        UsageError: there are none, or a quotation has no end.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{option} {command!r}: {str(error).lower()}", "quote it as in a shell") from error
    if not words:
        raise UsageError(f"{option}: no command")
    return words


def filled(words: list[str], values: Mapping[str, str | None]) -> list[str]:
    """Return words with values in the place of ``{name}``; names that are not known stay as they are."""
    known = {f"{{{name}}}": value for name, value in values.items() if value is not None}
    return [_filled(word, known) for word in words]


def _filled(word: str, known: Mapping[str, str]) -> str:
    for place, value in known.items():
        word = word.replace(place, value)
    return word


def run(
    hook: Hook,
    log: Path,
    line: SerialLine,
    *,
    said: Callable[[str], None],
    talked: Callable[[bytes], None],
    should_stop: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> HookEnd:
    """Run a command to its end, while the board is listened to.

    Its output is appended to `log` and told by line; what comes on the serial line meanwhile is told as it is.

    Raises:
        OSError: the log cannot be written.
    """
    try:
        child = Child(_absolute(hook), cwd=hook.folder, env=environment())
    except CannotStart as error:
        return HookEnd(f"cannot be started: {error.what}")
    # It has nobody to ask.
    child.end_input()
    end = HookEnd(None)
    lines, last = Splitter(), ""
    until = clock() + hook.limit_s
    try:
        with log.open("ab", buffering=0) as kept:
            for data in _output(child, line, talked):
                kept.write(data)
                last = _tell(lines.feed(data), said) or last
                over = clock() > until
                if end.failure is not None and over:
                    break
                if end.failure is None and (over or should_stop()):
                    end = HookEnd(f"did not end within {hook.limit_s:g} s") if over else HookEnd("", stopped=True)
                    # A tool that is killed at once may leave its probe in a state of no use.
                    child.signal(signal.SIGINT)
                    until = clock() + GRACE_S
            for data in child.drain():
                kept.write(data)
                last = _tell(lines.feed(data), said) or last
        last = _tell(lines.close(), said) or last
    finally:
        status, number = child.close()
    if end.failure is not None:
        return HookEnd(end.failure, last, stopped=end.stopped)
    if number is not None:
        return HookEnd(f"was ended by signal {number}", last)
    failure = f"failed with exit status {status}" if status else None
    return HookEnd(failure, last)


def environment() -> dict[str, str]:
    """Return the user's environment: packages of our own Python are nothing for the tools of another."""
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = os.pathsep.join(folder for folder in path if folder and Path(folder).name not in _PACKAGES)
    others = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**others, "PYTHONPATH": kept} if kept else others


_PACKAGES = ("site-packages", "dist-packages")


def _output(child: Child, line: SerialLine, talked: Callable[[bytes], None]) -> Iterator[bytes]:
    """Yield what a command prints as it comes, empty after a while without anything."""
    poll = select.poll()
    poll.register(child.fileno(), select.POLLIN | select.POLLHUP)
    if not line.gone:
        poll.register(line.fileno(), select.POLLIN)
    while True:
        poll.poll(POLL_S * 1000)
        if not line.gone:
            if talk := line.receive(0):
                talked(talk)
            if line.gone:
                poll.unregister(line.fileno())
        data = child.read(0)
        if data is None:
            return
        yield data


def _tell(new: Iterator[Line], said: Callable[[str], None]) -> str:
    """Tell of lines, and return the last of them that is not empty."""
    last = ""
    for line in new:
        said(line.shown)
        last = clean(line.text.strip(), _LAST) or last
    return last


def _absolute(hook: Hook) -> list[str]:
    """Return the command with a program that is named by a path as one that means the same in any folder."""
    program, *words = hook.argv
    return [str(hook.folder / program) if "/" in program else program, *words]
