"""Advice as text."""

from collections.abc import Iterator

from tui.analysis.advice import Advice, Advised, Tried
from tui.reports.format import UNKNOWN, change, decibels, kib_words, number
from tui.text import clean
from tui.toolchain.target import Target

EFFECT_ON_SQNR = ("int16", "noise")
"""Kinds of advice about numbers: what trying it comes to is told by the noise, too."""
REWRITES = ("channels", "depthwise", "matmul", "transposes")
"""Kinds that no option helps with: behind a colon they say what to write instead."""

COUNTED = {"measured": "measured", "estimated": "simulated"}
"""Words for the sources of NPU cycles."""


def title(piece: Advice) -> str:
    """The change in a few words."""
    changed = clean(str(next(iter(piece.change.values()), "")), 60)
    match piece.kind:
        case "input_layout":
            return "channels-last input"
        case "memory_mode":
            return f"memory mode {changed}, if the hardware has the memory for it"
        case "macs":
            return f"{Target(changed).macs} MACs are enough"
        case "int16":
            return "8-bit activations, if they are exact enough"
        case "noise":
            return "16-bit activations, or calibration on inputs like those in the field"
    return clean(piece.what.partition(":")[0] if piece.kind in REWRITES else piece.what, 200)


def at_stake(piece: Advice, advised: Advised) -> str:
    """The share of the program's cycles that it concerns: ``9 %``; ``–`` where it does not concern cycles."""
    if piece.cycles is None or not advised.total_cycles:
        return UNKNOWN
    return number(100 * piece.cycles / advised.total_cycles, unit="%")


def effect(piece: Advice, advised: Advised) -> str:
    """Effect of a change that was tried: ``tried: -9.1 % cycles, MATCH``; empty for one that was not."""
    tried = piece.tried
    if tried is None:
        return ""
    if tried.status == "running":
        return "being tried"
    if tried.status != "ok":
        return f"tried: {tried.status.upper()} {clean(tried.reason or '', 200)}".rstrip()
    words = [f"{change(tried.change_pct)} cycles"]
    if tried.measured is not None:
        words = [f"{change(tried.measured.change_pct)} cycles {COUNTED[tried.measured.source]}"]
    if tried.sram_kib != advised.sram_kib:
        words.append(f"SRAM {kib_words(advised.sram_kib)} to {kib_words(tried.sram_kib)}")
    if piece.kind in EFFECT_ON_SQNR:
        words.append(f"SQNR {decibels(tried.sqnr_db)}")
    if tried.check is not None:
        words.append(tried.check.upper())
    return f"tried: {', '.join(words)}"


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
    if (both := tried.measured) is not None:
        counted = f"NPU cycles {COUNTED[both.source]}"
        told = f"{number(both.before)} -> {number(both.after)} {counted}, {change(both.change_pct)}"
        words = [told, f"estimated {words[0]}"]
    if tried.sram_kib != advised.sram_kib:
        words.append(f"SRAM {kib_words(advised.sram_kib)} -> {kib_words(tried.sram_kib)}")
    if tried.sqnr_db is not None:
        words.append(f"SQNR {decibels(tried.sqnr_db)}")
    if tried.check is not None:
        words.append(f"outputs {tried.check}")
    return f"{'; '.join(words)}  run {clean(tried.run)}"
