"""Advice as text."""

from collections.abc import Iterator

from tui.analysis.advice import Advice, Advised, Tried
from tui.reports.format import change, decibels, kib_words, number
from tui.text import clean


def summary(advised: Advised) -> str:
    """Each suggestion with its evidence, and its outcome where it was tried."""
    if not advised.advice:
        return "No suggestions for this run"
    return "\n".join(line for advice in advised.advice for line in _lines(advice, advised))


def _lines(advice: Advice, advised: Advised) -> Iterator[str]:
    yield clean(": ".join([advice.what, *advice.options]), 200)
    yield f"  evidence  {clean(advice.evidence, 300)}{f'  {clean(advice.line)}' if advice.line else ''}"
    if advice.tried is not None:
        yield f"  tried     {_outcome(advice.tried, advised)}"


def _outcome(tried: Tried, advised: Advised) -> str:
    if tried.status != "ok":
        return f"{tried.status}: {clean(tried.reason or '', 200)}  run {clean(tried.run)}"
    percent = "" if tried.change_pct is None else f", {change(tried.change_pct)}"
    words = [f"{number(advised.total_cycles)} -> {number(tried.total_cycles)} cycles{percent}"]
    if tried.sram_kib != advised.sram_kib:
        words.append(f"SRAM {kib_words(advised.sram_kib)} -> {kib_words(tried.sram_kib)}")
    if tried.sqnr_db is not None:
        words.append(f"SQNR {decibels(tried.sqnr_db)}")
    if tried.check is not None:
        words.append(f"outputs {tried.check}")
    return f"{'; '.join(words)}  run {clean(tried.run)}"
