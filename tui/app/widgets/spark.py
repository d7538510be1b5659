"""A row of small columns: values in the order in which they came, the newest last."""

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
EVEN = "▄"
"""Column of values that are all the same."""

LEAST_RANGE = 0.5
"""Smallest range that takes all of the height, as a share of the middle value: noise is not to look like news."""


def spark(values: Sequence[float], cells: int) -> str:
    """The newest values that fit, as columns; the lowest column is the least of them."""
    shown = list(values[-cells:]) if cells > 0 else []
    if not shown:
        return ""
    least = min(shown)
    middle = sorted(shown)[len(shown) // 2]
    extent = max(max(shown) - least, LEAST_RANGE * middle)
    if max(shown) == least:
        return EVEN * len(shown)
    return "".join(LEVELS[min(int((value - least) / extent * len(LEVELS)), len(LEVELS) - 1)] for value in shown)
