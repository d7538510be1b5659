"""Days and times of runs, as people say them."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from tui.reports.format import UNKNOWN

STAMP = len("20261123-021531")


@lru_cache(maxsize=16)
def today(now: float) -> str:
    """Return the day of a Unix time here: ``20261123``."""
    return _day(datetime.fromtimestamp(now).astimezone().date())


def day(name: str, created: float | None) -> str:
    """Return the day on which a run began, by its id, else by its creation in Unix time; empty where neither says."""
    if name[:8].isascii() and name[:8].isdecimal() and name[8:9] == "-":
        return name[:8]
    began = _began(created)
    return "" if began is None else _day(began.date())


def clock(name: str, created: float | None) -> str:
    """Return the time at which a run began: ``02:15``."""
    time = name[9:STAMP]
    if len(time) == 6 and time.isascii() and time.isdecimal():
        return f"{time[:2]}:{time[2:4]}"
    began = _began(created)
    return UNKNOWN if began is None else began.strftime("%H:%M")


@lru_cache(maxsize=1024)
def day_words(of: str, now: str) -> str:
    """Return ``Today``, ``Yesterday``, ``Tue 24 Nov``, with the year where it is another one; a dash for no day."""
    try:
        one, other = (datetime.strptime(text, "%Y%m%d").date() for text in (of, now))
    except ValueError:
        return of or "Day not known"
    if one == other:
        return "Today"
    if one == other - timedelta(days=1):
        return "Yesterday"
    return one.strftime(f"%a {one.day} %b") + ("" if one.year == other.year else f" {one.year}")


def moment(name: str, created: float | None, now: float) -> str:
    """Return day and time, the day only where it is not today: ``10:41``, ``yesterday 10:41``, ``Tue 24 Nov 10:41``."""
    of, time = day(name, created), clock(name, created)
    words = day_words(of, today(now)) if of else ""
    words = words.lower() if words == "Yesterday" else words
    return time if words in ("", "Today") else f"{words} {time}"


def _began(created: float | None) -> datetime | None:
    try:
        return None if created is None else datetime.fromtimestamp(created).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _day(of: date) -> str:
    return of.strftime("%Y%m%d")
