"""The cycles of a model over its runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from tui.app.widgets.curve import curve
from tui.app.widgets.words import model_name
from tui.reports.format import UNKNOWN
from tui.run.index import Row
from tui.text import printable_name

MOST_RUNS = 60
"""Runs of a trend, the newest."""


@dataclass(frozen=True)
class Trend:
    """Cycles of a model over its runs, oldest first."""

    title: str
    names: tuple[str, ...]
    cycles: tuple[float, ...]

    def curve(self, width: int, height: int) -> str:
        """Draw the cycles above the days of the first and the last run; empty where there is no room."""
        ticks = [""] * len(self.cycles)
        ticks[0], ticks[-1] = _day(self.names[0]), _day(self.names[-1])
        return curve(self.cycles, ticks, width, height)


def trend(runs: Mapping[str, Row], name: str) -> Trend | None:
    """Return the trend of a run's model over the runs that had the same target; None with fewer than two of them.

    Cycles are the platform's where all of the runs have them of the same source, else the estimates'.
    """
    own = runs.get(name)
    if own is None or own.model is None:
        return None
    same = {name: runs[name] for name in sorted(name for name, run in runs.items() if _like(run, own))}
    sources = {run.source for run in same.values()}
    measured = len(sources) == 1 and None not in sources
    figures = {name: run.npu_median if measured else run.total_cycles for name, run in same.items()}
    known = {n: float(cycles) for n, cycles in figures.items() if cycles is not None}
    if len(known) < 2:
        return None
    newest = list(known)[-MOST_RUNS:]
    figure = f"NPU cycles ({next(iter(sources))})" if measured else "estimated cycles"
    target = f"{printable_name(own.accelerator or UNKNOWN)} {printable_name(own.memory_mode or UNKNOWN)}"
    title = f"{figure} of {model_name(own.model, 30)} on {target} over {len(newest)} runs"
    return Trend(title, tuple(newest), tuple(known[n] for n in newest))


def _like(run: Row, own: Row) -> bool:
    """Return True if both had the same model and target."""
    return (
        run.model == own.model
        and run.accelerator == own.accelerator
        and run.memory_mode == own.memory_mode
        and run.system_config == own.system_config
    )


def _day(name: str) -> str:
    """``11-23`` of a run's id."""
    return f"{name[4:6]}-{name[6:8]}" if name[:8].isdecimal() else ""
