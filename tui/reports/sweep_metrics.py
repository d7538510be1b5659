"""Metrics of a sweep: the figure of a point that a map shows, its text, and its step between the best and the worst."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tui.analysis.sweep import Point
from tui.reports.format import UNKNOWN, TimeUnit, kib_words, number, percentage, three_digits, time, time_unit

STEPS = 5
LEAST_APART = 2.0
"""Range from best to worst that has all steps, at least: a difference of some percent is none to look at."""
WHOLE_BELOW = 1_000_000


@dataclass(frozen=True)
class Metric:
    """A figure of a point."""

    name: str
    of: Callable[[Point], float | None]
    text: Callable[[float, TimeUnit | None], str]
    """Figure and unit; times in the unit of the column, where they have one."""
    better: Literal["less", "more"] = "less"
    ends: tuple[str, str] = ("low", "high")
    """Words for the best and the worst end of the steps."""


def _seconds(point: Point) -> float | None:
    return None if point.inference_ms is None else point.inference_ms / 1000


def _cycles(value: float, _: TimeUnit | None) -> str:
    return number(value) if value < WHOLE_BELOW else f"{three_digits(value / 1e6)} M"


LATENCY = Metric("Latency", _seconds, time, ends=("fast", "slow"))
CYCLES = Metric("Cycles", lambda point: point.total_cycles, _cycles, ends=("few", "many"))
SRAM = Metric("SRAM", lambda point: point.sram_kib, lambda value, _: kib_words(value), ends=("little", "much"))
USE = Metric(
    "MAC use", lambda point: point.utilization, lambda value, _: percentage(value), better="more", ends=("busy", "idle")
)

METRICS = (LATENCY, CYCLES, SRAM, USE)
"""In the order of the key that switches them."""


@dataclass(frozen=True)
class Scale:
    """A metric over the points of a map."""

    metric: Metric
    least: float
    most: float
    unit: TimeUnit | None
    """Unit of all times; None where each has its own, or the metric is no time."""

    def text(self, point: Point | None, *, unit: bool = True) -> str:
        """The point's figure; without its unit, where that is the same for all."""
        value = None if point is None else self.metric.of(point)
        if value is None:
            return UNKNOWN
        words = self.metric.text(value, self.unit)
        shared = self.metric is SRAM or self.unit is not None
        return words if unit or not shared else words.partition(" ")[0]

    def step(self, point: Point | None) -> int | None:
        """Step of the point from 1, the best, to `STEPS`; None where its figure is not known."""
        value = None if point is None else self.metric.of(point)
        if value is None or value <= 0:
            return None if value is None else 1
        least, most = self.least, max(self.most, self.least * LEAST_APART)
        share = math.log(value / least) / math.log(most / least)
        step = min(int(share * STEPS), STEPS - 1)
        return STEPS - step if self.metric.better == "more" else step + 1


def scale(metric: Metric, points: Sequence[Point]) -> Scale:
    """Lay a metric's scale over points."""
    known = [value for value in map(metric.of, points) if value]
    unit = time_unit(known) if metric is LATENCY else None
    return Scale(metric, min(known, default=1.0), max(known, default=1.0), unit)
