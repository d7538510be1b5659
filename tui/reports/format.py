"""Figures as text. Screens and reports write figures through here alone, so that a number looks the same in all."""

from collections.abc import Iterable, Sequence

UNKNOWN = "–"
"""Stands for a figure that is not known; a locale without it gets ``-`` (tui.cli.main, tui.app.ascii)."""

TimeUnit = tuple[str, float]
"""Name of a unit, and its seconds."""

TIME_UNITS: tuple[TimeUnit, ...] = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
"""The largest first."""
MOST_APART = 1000
"""Times of a column share a unit where the longest is less than so many times the shortest."""


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """``92,194``, ``0.09 dB``; ``<0.1`` for what would be rounded to 0."""
    if value is None:
        return UNKNOWN
    text = _not_rounded_to_0(value, digits) or f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit else text


def _not_rounded_to_0(value: float, digits: int) -> str:
    """``<0.1`` or ``>-0.1`` for a value that rounds to 0 but is not 0; empty for any other."""
    if value == 0 or round(value, digits) != 0:
        return ""
    least = f"{10.0**-digits:.{digits}f}"
    return f"<{least}" if value > 0 else f">-{least}"


def three_digits(value: float) -> str:
    """Three significant digits: ``92.2``, ``0.00123``; all digits of a whole number that has more."""
    if value == 0:
        return "0"
    rounded = _rounded(value)
    return f"{value if abs(rounded) >= 1000 else rounded:,.{max(2 - magnitude(rounded), 0)}f}"


def _rounded(value: float) -> float:
    """The nearest value of three significant digits: 999.6 is 1000 before its unit is chosen."""
    return float(f"{value:.2e}")


def magnitude(value: float) -> int:
    """The power of ten of the first digit."""
    return int(f"{value:e}".partition("e")[2])


def time_unit(times: Iterable[float | None]) -> TimeUnit | None:
    """Unit of a column or chart of times in seconds; None where they are too far apart for one."""
    known = [abs(time) for time in times if time]
    if not known:
        return TIME_UNITS[0]
    if max(known) >= MOST_APART * min(known):
        return None
    longest = _rounded(max(known))
    return next((unit for unit in TIME_UNITS if longest >= unit[1]), TIME_UNITS[-1])


def time(seconds: float | None, unit: TimeUnit | None = None) -> str:
    """``92.2 µs``, ``1.61 ms``, ``2.31 s``; in the unit that fits, or in that of its column."""
    if seconds is None:
        return UNKNOWN
    name, size = unit or time_unit([seconds]) or TIME_UNITS[0]
    return f"{three_digits(_rounded(seconds / size))} {name}"


def times(column: Sequence[float | None]) -> list[str]:
    """A column of times in one unit, where they are not too far apart for one."""
    unit = time_unit(column)
    return [time(seconds, unit) for seconds in column]


def ms(value: float | None) -> str:
    """Milliseconds in the unit that fits: ``92.2 µs``, ``12.3 ms``."""
    return time(None if value is None else value / 1000)


def duration(seconds: float | None) -> str:
    """``614 ms``, ``12.3 s``, ``2 min 03 s``."""
    if seconds is None or seconds < 100:
        return time(None if seconds is None else max(seconds, 0))
    return f"{int(seconds // 60)} min {int(seconds % 60):02} s"


def clock(seconds: float) -> str:
    """Whole seconds, for what is drawn again once a second: ``12 s``, ``2 min 03 s``."""
    whole = max(int(seconds), 0)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02} s"


def stage_seconds(seconds: float | None) -> str:
    """Seconds of a stage, all of which share the unit: ``23.3``, ``<0.1``."""
    return number(seconds, 1)


def scaled(value: float | None) -> str:
    """A large count in three digits: ``451 k``, ``12.5 M``; whole below a thousand."""
    if value is None:
        return UNKNOWN
    rounded = _rounded(value)
    name, size = next(((name, size) for name, size in COUNTS if abs(rounded) >= size), ("", 1))
    return f"{three_digits(rounded / size)} {name}" if name else number(value)


COUNTS = (("G", 1e9), ("M", 1e6), ("k", 1e3))


def frequency(hz: float | None) -> str:
    """``1 GHz``, ``500 MHz``."""
    if not hz:
        return "unknown clock"
    return f"{hz / 1e9:g} GHz" if hz >= 1e9 else f"{hz / 1e6:g} MHz"


def kib_words(value: float | None) -> str:
    """KiB: ``1,536.0 KiB``; less than one in bytes: ``512 B``."""
    if value is not None and abs(value) < 1:
        return number(value * 1024, 0, "B")
    return number(value, 1, "KiB")


def kib(size: int) -> str:
    """Bytes as KiB."""
    return kib_words(size / 1024)


def decibels(value: float | None) -> str:
    """``45.4 dB``."""
    return number(value, 1, "dB")


def percentage(share: float | None) -> str:
    """A share of 0..1 in percent: ``73%``."""
    return UNKNOWN if share is None else f"{number(100 * share)}%"


def accuracy(share: float | None) -> str:
    """A share of correct answers, 0..1, in percent: ``91.3%``."""
    return UNKNOWN if share is None else f"{number(100 * share, 1)}%"


def change(percent: float | None) -> str:
    """``+1.2 %``, ``-0.04 %``; ``=`` for none."""
    if percent is None:
        return UNKNOWN
    if percent == 0:
        return "="
    digits = 1 if abs(percent) >= 0.05 else max(2, -magnitude(percent))
    return f"{percent:+,.{digits}f} %"


def difference(value: float | None) -> str:
    """A difference between outputs, or the tolerance for it: ``0.003922``."""
    return UNKNOWN if value is None else f"{value:.4g}"


def cosine(value: float | None) -> str:
    """``0.99987``."""
    return number(value, 5)


def field(name: str, value: float | None) -> str:
    """A figure by the unit that its field's name ends in, without the unit: ``0.0922`` for ``inference_ms``."""
    if value is None:
        return UNKNOWN
    match name.rpartition("_")[2]:
        case "ms":
            return three_digits(value)
        case "kib" | "db" | "s":
            return number(value, 1)
    return number(value, 0 if float(value).is_integer() else 2)


def labelled(label: str, text: str) -> str:
    """A line of a summary, its label in the first column."""
    return f"{label:12} {text}"


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Rows as lines with aligned columns; those in `right` flush right."""
    if not rows:
        return []
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    flush = set(right)
    return [
        "  ".join(
            cell.rjust(w) if c in flush else cell.ljust(w) for c, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
