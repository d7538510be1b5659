"""A real terminal for tests: the installed command on a pty, and what it draws there."""

import os
import re
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte

REPOSITORY = Path(__file__).parents[2]
NOT_OURS = ("TEXTUAL_", "FVP_TUI_", "SSH_", "NO_COLOR", "COLUMNS", "LINES")
"""What the program would heed of the tests' own environment; a fixed width (as pytest's workers have) most of all."""


class Terminal:
    """A program on a pty, its output kept whole and drawn on an emulated screen."""

    def __init__(self, arguments: Sequence[str], home: Path, rows: int = 24, columns: int = 80, **env: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(NOT_OURS)}
        self.child = pexpect.spawn(
            str(Path(sys.executable).with_name("fvp-tui")),
            list(arguments),
            dimensions=(rows, columns),
            env={
                **kept,
                "TERM": "xterm-256color",
                "LC_ALL": "C.UTF-8",
                "FVP_TUI_HOME": str(home),
                "XDG_CONFIG_HOME": str(home / "config"),
                "PYTHONPATH": str(REPOSITORY),
                **env,
            },
            timeout=30,
        )
        self.raw = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        # Not `display`, which stumbles over the second half of a wide character that was overwritten.
        lines, columns = range(self._screen.lines), range(self._screen.columns)
        return "\n".join("".join(self._screen.buffer[y][x].data for x in columns) for y in lines)

    @property
    def title(self) -> str:
        return str(self._screen.title)

    def read(self) -> bool:
        """Take what there is; False once the program has closed the terminal."""
        try:
            data = self.child.read_nonblocking(65536, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        # pyte does not know the kitty keyboard protocol, queries of modes and the shape of the pointer.
        self._stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;]*[up$]+p?|\x1b\]22;[a-z]+\x07", b"", data))
        return True

    def wait(self, condition: Callable[[], bool], seconds: float = 30, beside: Sequence["Terminal"] = ()) -> None:
        """Read until a condition holds. Terminals `beside` are read, too: a program whose output nobody takes stops."""
        limit = time.monotonic() + seconds
        while not condition():
            for other in beside:
                other.read()
            assert self.read(), f"the program ended:\n{self.raw[-3000:].decode(errors='replace')}"
            assert time.monotonic() < limit, f"did not come; on the screen is:\n{self.text}"

    def answer(self, begin: int, silence: float = 1.0) -> int:
        """Read an answer, up to a silence in seconds; the bytes there are since `begin`."""
        self.wait(lambda: len(self.raw) > begin)
        last = time.monotonic()
        while time.monotonic() - last < silence:
            before = len(self.raw)
            self.read()
            if len(self.raw) > before:
                last = time.monotonic()
        return len(self.raw) - begin

    def resize(self, rows: int, columns: int) -> None:
        """Another size, as when a window is drawn."""
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def end(self, seconds: float = 10) -> int:
        """Read to the end; the exit status, negative for a signal."""
        limit = time.monotonic() + seconds
        while self.read():
            assert time.monotonic() < limit, "the program does not end"
        self.child.wait()
        if self.child.exitstatus == 1:  # the report of a failed test shows what it said
            sys.stdout.write(self.raw[self.raw.rfind(b"\x1b[?1049l") :].decode(errors="replace"))
        return -self.child.signalstatus if self.child.signalstatus else int(self.child.exitstatus or 0)


def restored(terminal: Terminal) -> None:
    """The terminal is as it was found."""
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1004l", b"\x1b[?2004l"):
        assert sequence in terminal.raw, sequence
        on = sequence[:-1] + (b"l" if sequence.endswith(b"h") else b"h")
        assert terminal.raw.rindex(sequence) > terminal.raw.rfind(on)
    assert b"\x1b[?1000h" not in terminal.raw, "the mouse belongs to the terminal"
    flags = termios.tcgetattr(terminal.child.child_fd)[3]
    assert flags & termios.ECHO and flags & termios.ICANON
