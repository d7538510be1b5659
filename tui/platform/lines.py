"""Console bytes cut into lines, and a line cut into the messages it holds.

Lines end in LF with any number of CRs before or after it: a UART writes CR LF, the FVP itself LF, and a driver may
write LF CR. A line may be megabytes long (base64 of an ETDump), so only its head is kept.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tui.events import Level

LINE_LIMIT = 64 * 1024
"""Bytes of a line that are kept; the rest is only counted (the console log has it)."""

ANALYSED = 4096
"""Characters of a line that are searched for meaning, so that no regular expression meets a line of megabytes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line end. `size` is its full length in bytes, which `text` may be only the head of."""

    text: str
    size: int
    cut: bool

    @property
    def shown(self) -> str:
        """The text as logged: raw, with a mark where it is cut."""
        return f"{self.text} [cut: {self.size} bytes in console.log]" if self.cut else self.text


class Splitter:
    """Bytes in, lines out; how the bytes are divided over calls makes no difference."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._head = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes."""
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._add(part)
            yield self._take()
        self._add(rest)

    def close(self) -> Iterator[Line]:
        """The last line, where it has no line end."""
        if self._size:
            yield self._take()

    def _add(self, part: bytes) -> None:
        self._head += part[: self._limit - len(self._head)]
        self._size += len(part)

    def _take(self) -> Line:
        cut = self._size > self._limit
        text = self._head.strip(b"\r").decode("utf-8", "replace")
        line = Line(text=text, size=self._size, cut=cut)
        self._head.clear()
        self._size = 0
        return line


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a line: the letter of its level (``D I E F``) where it has ExecuTorch's prefix, and its text."""

    letter: str
    text: str


# Three generations of ET_LOG's prefix: "I executorch:f.cpp:1] ", "I [executorch:f.cpp:1] ",
# "I [executorch:f.cpp:1 name()] "; Arm's prebuilt firmware writes "[ExecuTorch: f.cpp:1 name()] ".
_PREFIX = re.compile(r"([DIEF]) \[?[Ee]xecu[Tt]orch: ?[^:\]\s]{1,200}:\d{1,9}(?: [^\]]{0,200}?\(\))?\] ?")
_BREAK = re.compile(r"[\r\x04]+")


def messages(line: str) -> list[Message]:
    """The messages in a line. Several, where sources wrote into each other's lines; none in an empty line.

    0x04 (end of transmission) and a lone CR separate: the FVP's own text may follow the one, a redrawn line the other.
    """
    head = line[:ANALYSED]
    pieces = _BREAK.split(head) if "\r" in head or "\x04" in head else [head]
    found: list[Message] = []
    for piece in pieces:
        if not piece:
            continue
        if "xecu" not in piece:
            found.append(Message("", piece))
            continue
        at, letter = 0, ""
        for prefix in _PREFIX.finditer(piece):
            if prefix.start() > at or letter:
                found.append(Message(letter, piece[at : prefix.start()]))
            at, letter = prefix.end(), prefix[1]
        found.append(Message(letter, piece[at:]))
    return found


_PLATFORM = re.compile(
    r"telnetterminal\d+: |terminal_\d+: |(?:Info|Warning|Error|Fatal): |\[(?:info|warning|error|critical) *\]"
    r"|In file: |In process: |Fast Models |Copyright \S+ ARM Limited|All Rights Reserved\.$"
    r"|\s*Ethos-U rev |\s*\(C\) COPYRIGHT |\s*ALL RIGHTS RESERVED$|Iris server |--iris-server |GDBServer: "
    r"|xterm: |Xt error: |\S+: error while loading shared libraries: |\S+: cannot execute binary file"
)


def is_platform(text: str) -> bool:
    """Whether the platform itself wrote this text, not the program on it."""
    return _PLATFORM.match(text) is not None


_LETTERS: dict[str, Level] = {"D": "debug", "I": "info", "W": "warning", "E": "error", "F": "error"}
_WORDS: dict[str, Level] = {
    "DEBUG - ": "debug",
    "WARN - ": "warning",
    "WARNING - ": "warning",
    "ERROR - ": "error",
    "Warning: ": "warning",
    "Error: ": "error",
    "Fatal: ": "error",
    "[critical": "error",
    "[error": "error",
    "[warning": "warning",
    "xterm: ": "warning",
    "Xt error": "warning",
}
_MARKED = tuple(_WORDS)
_NPU_DRIVER = ("E: ", "W: ", "I: ", "D: ")
_FAULTS = ("Hard fault", "Assertion", "error while loading shared libraries", "cannot execute binary file")
_STOPPING = "Simulation is stopping. Reason: "
_STOPPED = "Simulation stopped by user"


def level(message: Message) -> Level:
    """How serious a message is, by the marks its writer put on it."""
    if message.letter:
        return _LETTERS[message.letter]
    text = message.text
    if text.startswith(_NPU_DRIVER):
        return _LETTERS[text[0]]
    # The FVP's normal last words: printed as a warning, on every kind of end.
    if _STOPPED in text:
        return "info"
    if _STOPPING in text or text.startswith(("E [", "F [")) or any_in(_FAULTS, text):
        return "error"
    if text.startswith(_MARKED):
        return next(found for word, found in _WORDS.items() if text.startswith(word))
    return "info"


def any_in(words: tuple[str, ...], text: str) -> bool:
    """Whether one of the words is in the text: a loop, since a regular expression takes ten times as long."""
    for word in words:  # noqa: SIM110 - any() over a generator takes three times as long
        if word in text:
            return True
    return False
