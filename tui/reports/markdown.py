"""Markdown as GitHub renders it. Text from outside stands in code spans, where nothing in it is markup or a mention."""

import re
from collections.abc import Sequence

from tui.text import clean

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#~!&$])")
ESCAPED_BAR = "\\|"
_AT = re.compile(r"@(?=\w)")
ZERO_WIDTH = "\u200b"
"""Behind an ``@``: it keeps a name from being told of it."""


def code(text: str, limit: int = 200) -> str:
    """Text from outside as a code span; empty for none."""
    shown = clean(text, limit).strip()
    if not shown:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def words(text: str, limit: int = 400) -> str:
    """A sentence that is shown as it is, whatever signs are in it."""
    return _AT.sub(f"@{ZERO_WIDTH}", _MARKUP.sub(r"\\\1", clean(text, limit)))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Lines of a table whose cells are Markdown; columns in `right` are flush right."""
    rule = ["---:" if at in right else "---" for at in range(len(head))]
    return [_row(row) for row in (head, rule, *rows)]


def _row(cells: Sequence[str]) -> str:
    # A bar ends the cell, in a code span too, unless it is escaped.
    return f"| {' | '.join(cell.replace('|', ESCAPED_BAR) for cell in cells)} |"


def fenced(text: str) -> list[str]:
    """Lines of text from outside as a block of code."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return [f"{fence}text", *text.splitlines(), fence]
