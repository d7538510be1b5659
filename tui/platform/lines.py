"""Console bytes cut into lines, and a line cut into the messages it holds.

Lines end in LF with any number of CRs before or after it: a UART writes CR LF, the FVP itself LF, and a driver may
write LF CR. A line may be megabytes long (base64 of an ETDump), so only its head is kept.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tui.platform.stamps import bare
from tui.run.events import Level

LINE_LIMIT = 64 * 1024
"""Bytes of a line that are kept; the rest is only counted (the console log has it)."""

ANALYSED = 4096
"""Characters of a line that are searched for meaning, so that no regular expression meets a line of megabytes."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its line end. `size` is its full length in bytes, which `text` may be only the head of."""

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

    @property
    def waiting(self) -> str:
        """Head of the line that is not complete yet."""
        return self._head.decode("utf-8", "replace")

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


def split(data: bytes) -> Iterator[str]:
    """The lines of a whole console, without their ends."""
    splitter = Splitter()
    for line in (*splitter.feed(data), *splitter.close()):
        yield line.text


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a line: the letter of its level (``D I W E F``) where its prefix has one, and its text."""

    letter: str
    text: str
    ended: bool = True
    """True if the line ends with it. A number at the end of one that another message follows may be half a number."""
    garbled: bool = False
    """True if its prefix has the letters of a format in place of a line number: see `NANO`."""


NANO = "newlib-nano, the C library of the runner, prints zu and lu in place of such numbers"
"""Cause of figures that are lost: `printf` of newlib-nano knows neither sizes nor 64-bit numbers."""

# Generations of ET_LOG's prefix: "I executorch:f.cpp:1] ", "I [executorch:f.cpp:1] ", "I [executorch:f.cpp:1 name()] ";
# Arm's prebuilt firmware writes "[ExecuTorch: f.cpp:1 name()] ", some samples no line number, and a runner that does
# not override ExecuTorch's own logging "I 00:00:01.902250 executorch:f.cpp:1] ".
_PREFIX = re.compile(
    r"([DIEF]) (?:\d{2,9}:\d\d:\d\d\.\d{6} )?\[?[Ee]xecu[Tt]orch: ?[^:\]\s]{1,200}"
    r"(?::(?:\d{1,9}|(zu|l{1,2}u)))?(?: [^\]]{0,200}?\(\))?\] ?"
)
_ZEPHYR = re.compile(r"\[[\d:.,]{4,24}\] <(err|wrn|inf|dbg)> (?:[\w.-]{1,80}: )?")
_ZEPHYR_LETTERS = {"err": "E", "wrn": "W", "inf": "I", "dbg": "D"}
_BREAK = re.compile(r"[\r\x04]+")


def messages(line: str) -> list[Message]:
    """The messages in a line. Several, where sources wrote into each other's lines; none in an empty line.

    0x04 (end of transmission) and a lone CR separate: the FVP's own text may follow the one, a redrawn line the other.
    """
    head = bare(line[:ANALYSED])
    whole = len(line) <= ANALYSED
    pieces = _BREAK.split(head) if "\r" in head or "\x04" in head else [head]
    parts: list[Message] = []
    for number, piece in enumerate(pieces, start=1):
        if piece:
            parts += _messages(piece, ended=whole and number == len(pieces))
    return parts


def _messages(piece: str, *, ended: bool) -> list[Message]:
    if piece.startswith("[") and (zephyr := _ZEPHYR.match(piece)):
        return [Message(_ZEPHYR_LETTERS[zephyr[1]], piece[zephyr.end() :], ended)]
    if "xecu" not in piece:
        return [Message("", piece, ended)]
    parts: list[Message] = []
    at, letter, garbled = 0, "", False
    for prefix in _PREFIX.finditer(piece):
        if prefix.start() > at or letter:
            parts.append(Message(letter, piece[at : prefix.start()], False, garbled))
        at, letter, garbled = prefix.end(), prefix[1], prefix[2] is not None
    parts.append(Message(letter, piece[at:], ended, garbled))
    return parts


_PLATFORM = re.compile(
    r"telnetterminal\d+: |terminal_\d+: |(?:Info|Warning|Error|Fatal): |\[(?:info|warning|error|critical) *\]"
    r"|In file: |In process: |Fast Models |Copyright \S+ ARM Limited|All Rights Reserved\.$"
    r"|\s*Ethos-U rev |\s*\(C\) COPYRIGHT |\s*ALL RIGHTS RESERVED$|Iris server |--iris-server |GDBServer: "
    r"|xterm: |Xt error: |Fatal Python error: |Python runtime state: "
    r"|\S+: error while loading shared libraries: |\S+: cannot execute binary file"
)


def is_platform(text: str) -> bool:
    """Return True if the platform itself wrote this text, not the program on it."""
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
    "Fatal Python error: ": "warning",
    "[critical": "error",
    "[error": "error",
    "[warning": "warning",
    "xterm: ": "warning",
    "Xt error": "warning",
}
_MARKED = tuple(_WORDS)
_NPU_DRIVER = ("E: ", "W: ", "I: ", "D: ")
_TORN_NOTE = "E: CPU cycle values and ratio calculations"
"""The rest of the perf monitor's NOTE, where others wrote into it: no error of the driver's."""
_FAULTS = (
    "Hard fault",
    "HardFault_Handler",
    "Assertion",
    "error while loading shared libraries",
    "cannot execute binary file",
    "FAULT *****",
    "ASSERTION FAIL",
    ">>> ZEPHYR FATAL ERROR",
)
# The beginning of an error's prefix whose rest is torn.
_TORN_ERROR = re.compile(r"[EF] (?:\[|\d\d:\d\d:\d\d\.\d)")
_STOPPING = "Simulation is stopping. Reason: "
STOPPED = "Simulation stopped by user"
"""The FVP's last words, on every kind of end."""


def level(message: Message) -> Level:
    """Severity of a message, by the marks its writer put on it."""
    if message.letter:
        return _LETTERS[message.letter]
    text = message.text
    if text.startswith(_NPU_DRIVER) and not text.startswith(_TORN_NOTE):
        return _LETTERS[text[0]]
    # The FVP's normal last words: printed as a warning, on every kind of end.
    if STOPPED in text:
        return "info"
    if _STOPPING in text or (text[:1] in ("E", "F") and _TORN_ERROR.match(text)) or any_in(_FAULTS, text):
        return "error"
    if text.startswith(_MARKED):
        return next(severity for word, severity in _WORDS.items() if text.startswith(word))
    return "info"


def any_in(words: tuple[str, ...], text: str) -> bool:
    """Return True if a word is in the text, by a loop: a regular expression takes ten times as long."""
    for word in words:  # noqa: SIM110 - any() over a generator takes three times as long
        if word in text:
            return True
    return False
