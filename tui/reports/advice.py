"""Advice as text."""

from collections.abc import Iterator

from tui.analysis.advice import Advice, Advised, Tried
from tui.reports.format import change, decibels, kib_words, number
from tui.text import clean


def summary(found: Advised) -> str:
    """Each with its evidence, and what it came to where it was tried."""
    if not found.advice:
        return "nothing to advise: no rule finds evidence in this run"
    return "\n".join(line for advice in found.advice for line in _lines(advice, found))


def _lines(advice: Advice, found: Advised) -> Iterator[str]:
    yield clean(": ".join([advice.what, *advice.options]), 200)
    yield f"  evidence  {clean(advice.evidence, 300)}{f'  {clean(advice.line)}' if advice.line else ''}"
    if advice.tried is not None:
        yield f"  tried     {_tried(advice.tried, found)}"


def _tried(tried: Tried, found: Advised) -> str:
    if tried.status != "ok":
        return f"{tried.status}: {clean(tried.reason or '', 200)}  run {clean(tried.run)}"
    changed = "" if tried.change_pct is None else f", {change(tried.change_pct)}"
    words = [f"{number(found.total_cycles)} -> {number(tried.total_cycles)} cycles{changed}"]
    if tried.sram_kib != found.sram_kib:
        words.append(f"SRAM {kib_words(found.sram_kib)} -> {kib_words(tried.sram_kib)}")
    if tried.sqnr_db is not None:
        words.append(f"SQNR {decibels(tried.sqnr_db)}")
    if tried.check is not None:
        words.append(f"outputs {tried.check}")
    return f"{'; '.join(words)}  run {clean(tried.run)}"
