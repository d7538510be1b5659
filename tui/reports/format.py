"""Figures as text. Screens and reports write figures through here alone, so that a number looks the same in all."""

from collections.abc import Iterable, Sequence

UNKNOWN = "-"
"""Stands for a figure that is not known."""


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """``92,194``, ``0.09 ms``."""
    if value is None:
        return UNKNOWN
    text = f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit else text


def ms(value: float | None) -> str:
    """``0.092 ms``, ``12.3 ms``."""
    return number(value, _ms_digits(value), "ms")


def _ms_digits(value: float | None) -> int:
    return 3 if value is not None and value < 10 else 1


def duration(seconds: float | None) -> str:
    """``0.61 s``, ``12.3 s``, ``2 min 03 s``."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{max(seconds, 0):.2f} s"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02} s"


def precise_seconds(value: float | None) -> str:
    """Seconds of any size, with six digits: ``1.3e-05 s``."""
    return UNKNOWN if value is None else f"{value:,.6g} s"


def frequency(hz: float | None) -> str:
    """``1 GHz``, ``500 MHz``."""
    if not hz:
        return "unknown clock"
    return f"{hz / 1e9:g} GHz" if hz >= 1e9 else f"{hz / 1e6:g} MHz"


def kib_words(value: float | None) -> str:
    """KiB: ``1,536.0 KiB``."""
    return number(value, 1, "KiB")


def kib(size: int) -> str:
    """Bytes as KiB."""
    return kib_words(size / 1024)


def decibels(value: float | None) -> str:
    """``45.4 dB``."""
    return number(value, 1, "dB")


def percentage(share: float | None) -> str:
    """A share of 0..1 in percent: ``73%``."""
    return UNKNOWN if share is None else f"{share:.0%}"


def accuracy(share: float | None) -> str:
    """A share of correct answers, 0..1, in percent: ``91.3%``."""
    return UNKNOWN if share is None else f"{share:.1%}"


def change(percent: float | None) -> str:
    """``+1.2 %``."""
    return UNKNOWN if percent is None else f"{percent:+.1f} %"


def difference(value: float | None) -> str:
    """A difference between outputs, or the tolerance for it: ``0.003922``."""
    return UNKNOWN if value is None else f"{value:.4g}"


def cosine(value: float | None) -> str:
    """``0.99987``."""
    return number(value, 5)


def field(name: str, value: float | None) -> str:
    """A figure by the unit that its field's name ends in, without the unit: ``inference_ms`` as `ms` writes it."""
    if value is None:
        return UNKNOWN
    match name.rpartition("_")[2]:
        case "ms":
            return number(value, _ms_digits(value))
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
