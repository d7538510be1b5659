"""Text for terminals: foreign text - of a console, a model, a file name - made safe, and numbers with their nouns.

Control and escape characters never reach the user's terminal: they could clear the screen, set the
title or answer queries in the user's name. The raw bytes are kept elsewhere (``console.log``).
"""

import re
import unicodedata

MAX_LINE = 2_000
"""Longest line a view is given, in characters; a base64 wall is of no use on a screen."""

_CSI_OR_OSC = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, links, clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # two-character escapes
)
# Line and paragraph separators and the bidirectional controls reorder or break what a line shows.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str, limit: int = MAX_LINE) -> str:
    """Make a line of foreign text fit to be shown: no controls, tabs expanded, at most `limit` characters.

    Escape sequences are dropped, other control characters become U+FFFD. Of a line redrawn with
    carriage returns only the last state is kept, as a terminal would show it.
    """
    # Before any regular expression: a line of megabytes must not be searched in full.
    cut = len(text) > limit * 4
    text = text[: limit * 4] if cut else text
    if not text.isprintable():
        text = _CSI_OR_OSC.sub("", text).rstrip("\r\n\x04")
        text = text.rsplit("\r", 1)[-1].expandtabs(8)
        text = _UNSAFE.sub("\ufffd", text)
    return text[: limit - 1] + "…" if cut or len(text) > limit else text


def clean_lines(text: str, limit: int = MAX_LINE) -> list[str]:
    """`clean` for text of several lines."""
    return [clean(line, limit) for line in text.split("\n")]


def printable_name(name: str, limit: int = 200) -> str:
    """A name (of a model, a file, an operator) for a table cell: one cleaned line without combining marks."""
    shown = clean(name, limit)
    return shown if shown.isascii() else "".join(c for c in shown if not unicodedata.combining(c))


def counted(amount: int, noun: str) -> str:
    """A number with its noun: ``1 partition``, ``2 partitions``."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"
