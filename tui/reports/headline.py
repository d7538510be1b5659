"""The five figures that a run is asked for first, each with its proportion and its source."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.reports.format import UNKNOWN, accuracy, decibels, frequency, kib_words, ms, number
from tui.run.derived import checked, npu_ms
from tui.run.state import State
from tui.text import counted

VERDICTS = {"match": ("✓ MATCH", "ok"), "mismatch": ("✗ MISMATCH", "fail"), "skipped": ("– not checked", "warn")}
"""Words and role of a check."""
OUTCOMES = {
    "ok": ("✓ OK", "ok"),
    "mismatch": ("✗ MISMATCH", "fail"),
    "failed": ("✗ FAILED", "fail"),
    "lost": ("✗ LOST", "fail"),
    "stopped": ("! STOPPED", "warn"),
    "running": ("> RUNNING", "accent"),
    "unknown": ("? NOT KNOWN", "warn"),
}
"""Words and role of a run's outcome."""


@dataclass(frozen=True)
class Headline:
    """A figure with its unit, the line below it, and where it comes from."""

    label: str
    figure: str
    unit: str = ""
    note: str = ""
    role: str = "npu"
    share: float | None = None
    """Proportion of 0..1 that a bar shows; None without one."""
    source: str = ""


def headlines(state: State) -> tuple[Headline, ...]:
    """Latency, cycles, delegation, SRAM and check."""
    return _latency(state), _cycles(state), _delegation(state), _sram(state), _check(state)


def median(values: Sequence[int | None]) -> int | None:
    """The middle one of the values that are known."""
    ordered = sorted(value for value in values if value is not None)
    return ordered[len(ordered) // 2] if ordered else None


def _measured(state: State) -> tuple[int | None, str]:
    """Cycles of the median inference and their source, else the estimate of the program."""
    cycles = median([inference.npu_cycles for inference in state.inferences])
    if cycles is not None:
        return cycles, str(state.inferences[-1].source or "")
    return (state.estimate.total_cycles, "estimated") if state.estimate else (None, "")


def _latency(state: State) -> Headline:
    cycles, source = _measured(state)
    milliseconds = npu_ms(state, cycles)
    if milliseconds is None and state.estimate is not None and not state.inferences:
        milliseconds = state.estimate.inference_ms
    timed = median([None if one.program_ms is None else round(one.program_ms) for one in state.inferences])
    if milliseconds is None and timed is not None:
        figure, _, unit = ms(timed).partition(" ")
        return Headline("Latency", figure, unit, "by the program's own clock", source=source)
    figure, _, unit = ms(milliseconds).partition(" ")
    clock = f"at {frequency(state.clock_hz)}" if state.clock_hz else "clock not known"
    a_second = f", {number(1000 / milliseconds)} a second" if milliseconds else ""
    return Headline("Latency", figure, unit, f"{clock}{a_second}", source=source)


def _cycles(state: State) -> Headline:
    cycles, source = _measured(state)
    done, share = len(state.inferences), None
    words = f"median of {number(done)} inferences" if done > 1 else ""
    estimate, request = state.estimate, state.spec
    if estimate and estimate.macs and estimate.total_cycles and request and request.target.macs:
        share = estimate.macs / (estimate.total_cycles * request.target.macs)
        words = ", ".join(part for part in (f"{number(100 * share)} % MAC use", words) if part)
    return Headline("NPU cycles", number(cycles), "", words, share=share, source=source)


def _delegation(state: State) -> Headline:
    found = state.delegation
    if found is None:
        return Headline("On the NPU", UNKNOWN)
    nodes = found.delegated_nodes + found.non_delegated_nodes
    share = found.delegated_nodes / nodes if nodes else None
    words = f"{found.delegated_nodes:,} of {nodes:,} nodes in {counted(found.subgraphs, 'partition')}"
    percent = UNKNOWN if share is None else number(int(100 * share))  # 100 % is all of them
    return Headline("On the NPU", percent, "%" if share is not None else "", words, share=share)


def _sram(state: State) -> Headline:
    estimate = state.estimate
    if estimate is None:
        return Headline("SRAM peak", UNKNOWN, role="sram")
    figure, _, unit = kib_words(estimate.sram_kib).partition(" ")
    rest = f"flash {kib_words(estimate.flash_kib)}, DRAM {kib_words(estimate.dram_kib)}"
    return Headline("SRAM peak", figure, unit, rest, role="sram", source="estimated")


def _check(state: State) -> Headline:
    check = checked(state)
    if check is None:
        return Headline("Check", UNKNOWN, role="warn")
    words, role = VERDICTS[check.status]
    notes = [f"SQNR {decibels(check.sqnr_db)}"] if check.sqnr_db is not None else []
    right = check.accuracy
    if right is not None and right.inputs:
        notes.append(f"{accuracy(right.platform_correct / right.inputs)} of {number(right.inputs)} right")
    return Headline("Check", words, "", ", ".join(notes), role=role, source="reference")
