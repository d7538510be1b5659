"""The cycles of a model over its runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from tui.app.widgets.curve import curve
from tui.app.widgets.run_table import estimated_cycles, npu_cycles
from tui.app.widgets.words import model_name
from tui.run.state import State
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


def trend(states: Mapping[str, State], name: str) -> Trend | None:
    """Return the trend of a run's model over the runs that had the same target; None with fewer than two of them.

    Cycles are the platform's where all of the runs have them of the same source, else the estimates'.
    """
    own = states[name].spec if name in states else None
    if own is None:
        return None
    same = [n for n in sorted(states) if (s := states[n].spec) and (s.model, s.target) == (own.model, own.target)]
    sources = {states[n].inferences[-1].source if states[n].inferences else None for n in same}
    measured = len(sources) == 1 and None not in sources
    figures = {n: npu_cycles(states[n]) if measured else estimated_cycles(states[n]) for n in same}
    known = {n: float(cycles) for n, cycles in figures.items() if cycles is not None}
    if len(known) < 2:
        return None
    newest = list(known)[-MOST_RUNS:]
    figure = f"NPU cycles ({next(iter(sources))})" if measured else "estimated cycles"
    target = f"{printable_name(own.target.accelerator)} {printable_name(own.target.memory_mode)}"
    title = f"{figure} of {model_name(own.model, 30)} on {target} over {len(newest)} runs"
    return Trend(title, tuple(newest), tuple(known[n] for n in newest))


def _day(name: str) -> str:
    """``11-23`` of a run's id."""
    return f"{name[4:6]}-{name[6:8]}" if name[:8].isdecimal() else ""
