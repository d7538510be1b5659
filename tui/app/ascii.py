"""Drawing on a terminal whose locale has no Unicode: everything that leaves for it is made of ASCII characters."""

import os
from collections.abc import Mapping

from rich.cells import cell_len

LINES = {
    "─": "-", "━": "-", "╸": "-", "╺": "-", "═": "=", "│": "|", "┃": "|", "║": "|",
    "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+",
    "╭": "+", "╮": "+", "╰": "+", "╯": "+", "┏": "+", "┓": "+", "┗": "+", "┛": "+",
    "▏": " ", "▎": " ", "▍": "-", "▌": ">", "▋": "=", "▊": "=", "▉": "#", "█": "#",
    "▁": "_", "▂": "_", "▃": "_", "▄": "_", "▅": "#", "▆": "#", "▇": "#", "▀": "-", "▐": "|", "▔": "-",
    "µ": "u", "▼": "v", "±": "~",
    "░": ".", "▒": ":", "▓": "#", "■": "#", "▪": "*", "•": "*", "●": "*", "○": "o", "✓": "v", "✗": "x", "…": "~",
    "◉": "@", "★": "*", "◆": "+", "▸": ">", "▲": "^", "╌": ".", "┄": ".", "┊": ":",
    "→": ">", "←": "<", "↑": "^", "↓": "v", "×": "x", "·": ".", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the locale excludes UTF-8; a locale that is not set includes it."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := environment.get(name):
            return "utf" not in value.lower()
    return False


def only(text: str) -> str:
    """The text in ASCII, in as many cells: lines and bars by what is like them, all else by question marks."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else LINES.get(c) or _dots(c) or "?" * cell_len(c) for c in text)


def _dots(character: str) -> str:
    """A pattern of braille dots, as curves are drawn with."""
    if not "\u2800" <= character <= "\u28ff":
        return ""
    return " " if character == "\u2800" else "."
