"""Additions of others to a console's lines: time stamps before them, colours in them, bytes that are no text.

Whoever captures a console may add them: CI systems, terminals, log viewers. They are taken off before a line is
understood; the log itself keeps them. A new kind of stamp is a new row.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Stamp:
    """A kind of time stamp; its pattern matches it with the blank that follows."""

    name: str
    pattern: str
    source: str
    """Programs that write it."""


_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_DAY = r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d"

TABLE: tuple[Stamp, ...] = (
    Stamp(
        "date and time",
        rf"\[?\d{{4}}-\d\d-\d\d[T ]{_CLOCK}(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?:?[ \t](?:\d\d[OE][ +])?",
        "GitHub Actions, Azure Pipelines, GitLab (with the stream's number and letter), Jenkins, minicom, tio, Docker",
    ),
    Stamp("time", rf"\[?{_CLOCK}\]?[ \t]", "minicom, tio and picocom's wrappers, ts -s, containers"),
    Stamp("day and time", rf"[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}[ \t]", "ts (moreutils), syslog"),
    Stamp("weekday", rf"\[{_DAY} {_CLOCK}(?: \d{{4}})?\][ \t]", "Tera Term, dmesg -T"),
    Stamp(
        "seconds since the start", r"\[ {0,9}\d{1,8}\.\d{3,9}(?: {1,9}\d{1,8}\.\d{3,9})?\][ \t]", "dmesg, grabserial"
    ),
    Stamp("seconds of Unix time", r"1\d{9}\.\d{3,9}[ \t]", "ts '%.s'"),
)
"""Kinds of time stamps."""

_BEGINS = frozenset("0123456789[\ufeffJFMASONDT")
_JOB = r"\ufeff?(?:[^\t\x1b]{1,200}\t[^\t\x1b]{0,200}\t\ufeff?)?"
"""Names of job and step, which ``gh run view --log`` prints before the stamp."""
_STAMP = re.compile(f"{_JOB}(?:{'|'.join(kind.pattern for kind in TABLE)})")
_TABS = 402
_MOST = 2
"""Stamps that may stand before each other: a container's and the CI system's."""

_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,40}[mK]")
_NO_TEXT = (
    "".join(map(chr, (*range(0x04), *range(0x05, 0x09), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F))) + "\ufffd"
)
"""Control characters that mean nothing here, and what stands for bytes that are no text. 0x04 ends a transmission."""


def bare(line: str) -> str:
    """A line without what others than its writer put there."""
    if "\x1b" in line:
        line = _COLOUR.sub("", line)
    for _ in range(_MOST):
        if line[:1] in _NO_TEXT:
            line = line.lstrip(_NO_TEXT)
        # Only what a cheap look does not rule out.
        stamp = _STAMP.match(line) if line[:1] in _BEGINS or "\t" in line[:_TABS] else None
        if stamp is None:
            return line
        line = line[stamp.end() :]
    return line.lstrip(_NO_TEXT)
