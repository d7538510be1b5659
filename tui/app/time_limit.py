"""A time limit as people type it: ``2``, ``0.5 ms``, ``55 us``."""

import math

from tui.reports.format import TIME_UNITS


def milliseconds(text: str) -> float:
    """Read a time; milliseconds where it has no unit. 0 for an empty text.

    Raises:
        ValueError: it is no time.
    """
    words = text.strip().replace("us", "µs")
    name, size = next(((name, size) for name, size in reversed(TIME_UNITS) if words.endswith(name)), ("", 1e-3))
    return float(words.removesuffix(name)) * size / 1e-3 if words else 0.0


def problem(text: str) -> str | None:
    """Say what is wrong with a text; None for a limit, and for an empty text, which is none."""
    try:
        value = milliseconds(text)
    except ValueError:
        return f"{text} is no time: write 2, 0.5 ms or 55 us"
    return None if not text or 0 < value < math.inf else "it must be more than 0"
