"""Figures of a cell, by its run or by Vela's estimate, and whether they keep the limits."""

import statistics
from collections.abc import Iterable
from typing import Literal

from tui.analysis.sweep import Point
from tui.run.check import LimitResult
from tui.run.derived import CountedBy, latency
from tui.run.figures import Figure
from tui.run.spec import Limits
from tui.run.state import State


class Figures(Figure, frozen=True):
    """Figures of a cell; None where one is not known."""

    total_cycles: int | None = None
    """Vela's estimate."""
    npu_cycles: float | None = None
    """The median of the inferences'."""
    inference_ms: float | None = None
    by: CountedBy | None = None
    """Counter of the cycles of that time."""
    sram_kib: float | None = None
    flash_kib: float | None = None
    macs: int | None = None
    delegated_percent: float | None = None
    check: Literal["match", "mismatch", "skipped"] | None = None
    sqnr_db: float | None = None
    correct: int | None = None
    """Right answers on labelled inputs, of `answers`."""
    answers: int | None = None


def of_run(state: State) -> Figures:
    """The figures of a run."""
    time, estimate = latency(state), state.estimate
    cycles = [one.npu_cycles for one in state.inferences if one.npu_cycles is not None]
    accuracy = state.check.accuracy if state.check is not None else None
    return Figures(
        total_cycles=estimate.total_cycles if estimate else None,
        npu_cycles=statistics.median(cycles) if cycles else None,
        inference_ms=time.ms if time is not None else None,
        by=time.by if time is not None else None,
        sram_kib=estimate.sram_kib if estimate else None,
        flash_kib=estimate.flash_kib if estimate else None,
        macs=estimate.macs if estimate else None,
        delegated_percent=state.delegation.delegated_percent if state.delegation else None,
        check=state.check.status if state.check else None,
        sqnr_db=state.check.sqnr_db if state.check else None,
        correct=accuracy.platform_correct if accuracy else None,
        answers=accuracy.inputs if accuracy else None,
    )


def of_point(point: Point) -> Figures:
    """The figures of an estimate."""
    return Figures(
        total_cycles=point.total_cycles,
        inference_ms=point.inference_ms,
        by="vela" if point.inference_ms is not None else None,
        sram_kib=point.sram_kib,
        flash_kib=point.flash_kib,
        macs=point.macs,
    )


def limits(asked: Limits, figures: Figures) -> tuple[LimitResult, ...]:
    """Hold an estimate to the limits that it has a figure for."""
    known = (
        ("npu_cycles", figures.total_cycles, asked.npu_cycles),
        ("inference_ms", figures.inference_ms, asked.inference_ms),
        ("sram_kib", figures.sram_kib, asked.sram_kib),
    )
    return tuple(
        LimitResult(name=name, limit=limit, value=value, ok=value is not None and value <= limit)
        for name, value, limit in known
        if limit is not None
    )


def excess(held: Iterable[LimitResult]) -> str | None:
    """The limits that are broken, in words; None where all are kept."""
    return "; ".join(one.words for one in held if not one.ok) or None
