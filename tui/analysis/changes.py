"""Changes of latency: of each run against its model's baseline, or against the run before on the same target."""

import contextlib
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.run import baselines, index, store
from tui.run.baselines import Family
from tui.run.index import Row
from tui.run.state import State
from tui.run.store import age

MOST = 60
"""Runs of a series that views show, the newest."""


@dataclass(frozen=True)
class Reference:
    """The run that another is measured against."""

    run: Row
    baseline: bool
    """True for the model's baseline, False for the run before."""

    def change_pct(self, run: Row) -> float | None:
        """Change of a run's latency in percent of the reference's; None where the two cannot be compared."""
        before, after = self.run.latency_ms, run.latency_ms
        if not before or after is None or self.run.latency_by != run.latency_by:
            return None
        return 100 * (after - before) / before


@dataclass(frozen=True)
class Series:
    """Runs of a model on one target whose latencies say something about each other, oldest first."""

    runs: list[Row]

    def until(self, at: int) -> list[Row]:
        """Return the run at a place and those before it, at most `MOST`."""
        return self.runs[max(at + 1 - MOST, 0) : at + 1]


class Changes:
    """All runs in their order, and what each is measured against."""

    def __init__(self, runs: Iterable[Row], marked: Mapping[Family, str] | None = None) -> None:
        """Take `runs` in any order, and the names of the `marked` baselines; without those, the user's."""
        ordered = sorted(runs, key=_age)
        self._runs = {run.name: run for run in ordered}
        wanted = baselines.read() if marked is None else marked
        self.baselines = {family: self._runs[name] for family, name in wanted.items() if name in self._runs}
        """Baselines that are there."""
        series_of: dict[Same, Series] = {}
        self._places: dict[str, tuple[Series, int]] = {}
        for run in ordered:
            same = _same(run)
            if same is None:
                continue
            series = series_of.setdefault(same, Series([]))
            self._places[run.name] = series, len(series.runs)
            series.runs.append(run)

    def is_baseline(self, run: Row) -> bool:
        """Tell whether others are measured against a run."""
        found = self.baseline(run)
        return found is not None and found.name == run.name

    def baseline(self, run: Row) -> Row | None:
        """Return the run that a run's family is measured against; None where the user has marked none."""
        of = baselines.family(run.model, run.accelerator) if self.baselines else None
        return None if of is None else self.baselines.get(of)

    def reference(self, run: Row) -> Reference | None:
        """Return the baseline of a run, else the run before on the same target; None for the first, and a baseline."""
        marked = self.baseline(run)
        if marked is not None:
            return None if marked.name == run.name else Reference(marked, baseline=True)
        before = self.before(run)
        return None if before is None else Reference(before, baseline=False)

    def change_pct(self, run: Row) -> float | None:
        """Change of a run's latency against its reference, in percent; None where there is none."""
        reference = self.reference(run)
        return None if reference is None else reference.change_pct(run)

    def before(self, run: Row) -> Row | None:
        """Return the newest older run of the same model and target that has a latency of the same kind."""
        series, at = self._places.get(run.name, (None, 0))
        return series.runs[at - 1] if series is not None and at else None

    def series(self, run: Row) -> list[Row]:
        """Return a run and those before it with the same model and target, oldest first; empty without a latency."""
        series, at = self._places.get(run.name, (None, 0))
        return [] if series is None else series.until(at)

    def latencies(self, run: Row, most: int) -> tuple[float, ...]:
        """Return the latencies in ms of a run and the newest ones before it; empty without one."""
        series, at = self._places.get(run.name, (None, 0))
        runs = [] if series is None else series.runs[max(at + 1 - most, 0) : at + 1]
        return tuple(before.latency_ms for before in runs if before.latency_ms is not None)

    def usual_seconds(self, run: Row) -> float | None:
        """Median duration of the newest runs of a run's model that went well; None without any."""
        took = [other.seconds for other in self._runs.values() if other.model == run.model and other.status == "ok"]
        known = [seconds for seconds in took[-MOST:] if seconds is not None]
        return statistics.median(known) if known else None

    def of_target(self, run: Row) -> list[Row]:
        """Return all runs of a run's series, the newest `MOST`, oldest first."""
        series, _ = self._places.get(run.name, (None, 0))
        return [] if series is None else series.until(len(series.runs) - 1)


def measured_against(directory: Path, run: State) -> tuple[Reference, float] | None:
    """Look up what a run is measured against, and its change in percent; None where that is not known.

    The run's model is looked up in the index; a baseline that is older than those runs is read by itself.
    """
    own = index.row(directory.name, run, pinned=False)
    if own.model is None or own.latency_ms is None:
        return None
    rows = {row.name: row for row in index.of_model(own.model, MOST)} | {own.name: own}
    marked = baselines.read()
    of = baselines.family(own.model, own.accelerator)
    name = None if of is None else marked.get(of)
    if name is not None and name not in rows:
        there = store.folder() / name
        # Deleted, it counts for nothing.
        with contextlib.suppress(OSError):
            if there.is_dir():
                rows[name] = index.row(name, store.load(there), pinned=False)
    reference = Changes(rows.values(), marked).reference(own)
    percent = None if reference is None else reference.change_pct(own)
    return None if reference is None or percent is None else (reference, percent)


Same = tuple[str | None, ...]
"""All that runs of a series have in common."""


def _same(run: Row) -> Same | None:
    """Return what a run shares with the others of its series; None without a latency or a model."""
    if run.latency_ms is None or run.model is None:
        return None
    return run.model, run.accelerator, run.system_config, run.memory_mode, run.latency_by


def with_references(runs: Iterable[Row], most: int) -> Iterator[Row]:
    """Yield the first `most` of these runs, which come newest first, and then as many as their changes need."""
    marked, wanted, names = baselines.read(), set[Same | None](), set[str]()
    for at, run in enumerate(runs):
        same = _same(run)
        if at < most:
            wanted.add(same)
            of = baselines.family(run.model, run.accelerator)
            names |= {marked[of]} if of is not None and of in marked else set()
        elif not wanted - {None} and not names:
            return
        else:
            wanted.discard(same)
        names.discard(run.name)
        yield run


def _age(run: Row) -> tuple[str, float, str]:
    return age(run.name, 0)[0], run.created or 0.0, run.name
