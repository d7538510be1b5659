"""Names, times and bars as all widgets write them."""

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from tui.reports.format import clock
from tui.run.spec import Spec, asked_words
from tui.text import clean, printable_name

if TYPE_CHECKING:
    from tui.run.figures import Source

Clock = Callable[[], float]
"""Tells the Unix time."""

SOURCES: "dict[Source, str]" = {
    "measured": "measured by the FVP, or on a board",
    "counted": "counted on an emulated core",
    "estimated": "estimated by a cycle model",
    "reference": "computed by PyTorch",
}


def since(moment: float, now: float) -> str:
    """Format the time from a moment to now, in whole seconds: for a clock that is redrawn once a second."""
    return clock(now - moment)


def model_name(model: str, limit: int = 60) -> str:
    """Return a model's name without its kind or folder."""
    name = PurePath(model).name if "/" in model else model.partition(":")[2] or model
    return printable_name(name, limit)


def place_name(line: str) -> str:
    """``FILE:LINE`` without the folder."""
    return PurePath(line).name or line


def target_line(spec: Spec) -> str:
    """Describe a run's target in Vela's terms."""
    return clean("  ".join(asked_words(spec)))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Fit text into exactly `width` cells: padded, or cut with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def ending(text: str, width: int) -> str:
    """Return the text, or its end after an ellipsis where it takes more than `width` cells."""
    if cell_len(text) <= width:
        return text
    while cell_len(text) > max(width - 1, 0):
        text = text[1:]
    return f"…{text}"


def wrapped(text: str, width: int, most: int) -> list[str]:
    """Wrap text at blanks to so many cells and at most so many lines; the last one ends in an ellipsis where it is cut.

    A word that is longer than a line is broken.
    """
    lines: list[str] = []
    rest = text.strip()
    while rest and width > 0:
        if cell_len(rest) <= width:
            lines.append(rest)
            break
        if len(lines) == most - 1:
            lines.append(fit(rest, width))
            break
        cut = _longest_start(rest, width)
        blank = rest.rfind(" ", 0, cut + 1)
        cut = blank if blank > 0 else cut
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return lines


def _longest_start(text: str, width: int) -> int:
    """Characters of a text that fit, one at the least."""
    used = 0
    for at, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return max(at, 1)
    return len(text)


def bar(share: float, width: int) -> str:
    """Draw a share of 0..1 as text blocks, an eighth of a cell fine."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")).ljust(width)
