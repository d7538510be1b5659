"""Usual figures of a run: seconds of the stages in earlier runs of its model, and the last of them that ended well.

They come from the index of runs (`tui.run.index`). Runs of the same options count before those of others, stage by
stage: views must say where runs of other options had to stand in.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from tui.run import index, store
from tui.run.events import STAGES, Stage
from tui.run.figures import Figure
from tui.run.index import Row
from tui.run.spec import Spec, quantization
from tui.run.state import State
from tui.text import counted

MOST = 60
"""Runs of the model that are looked at, the newest."""

ON_PLATFORM: tuple[Stage, ...] = ("boot", "infer", "check")
"""Stages whose seconds depend on the platform."""

Scope = Literal["same", "inferences", "target", "options"]
"""Difference of the farthest runs that were needed: none, the number of inferences, the target, or other options."""

SCOPES: tuple[Scope, ...] = ("same", "inferences", "target", "options")
"""The nearest first."""

BESIDES: dict[Scope, str] = {
    "same": "",
    "inferences": ", also with other numbers of inferences",
    "target": ", also on other NPUs",
    "options": ", also with other options",
}


class Usual(Figure):
    """Earlier runs of a model; no stage and no state where there are none."""

    stages: dict[Stage, float] = msgspec.field(default_factory=dict)
    """Median seconds of each stage that did its work, not of those that were answered from a cache."""
    runs: int = 0
    """Runs that the medians are of."""
    scope: Scope = "same"
    last: State | None = None
    """The newest of them that ended well."""
    last_scope: Scope = "same"

    @property
    def expected(self) -> State | None:
        """The last run, where its figures are to be expected of this one, too."""
        return self.last if self.last_scope in ("same", "inferences") else None

    @property
    def words(self) -> str:
        """Source of the medians: ``median of 3 runs of this model``; empty without any."""
        if not self.stages:
            return ""
        of = "one run" if self.runs == 1 else f"median of {counted(self.runs, 'run')}"
        return f"{of} of this model{BESIDES[self.scope]}"


NOTHING = Usual()


def usual(request: Spec, *, without: str = "", before: float | None = None) -> Usual:
    """Usual figures of a spec, by the runs there are but for the one named `without`, of those that began `before`."""
    rows = [
        row
        for row in index.of_model(request.model, MOST, without=without)
        if before is None or (row.created or 0.0) < before
    ]
    circles = [[row for row in rows if scope_of(row, request) == scope] for scope in SCOPES]
    seconds, runs, scope = _medians(circles, request)
    last, last_scope = _last(circles)
    return Usual(stages=seconds, runs=runs, scope=scope, last=last, last_scope=last_scope)


def scope_of(row: Row, request: Spec) -> Scope:
    """Difference of a run of the model from a spec."""
    if (row.quantize, row.channels_last) != (quantization(request), request.channels_last):
        return "options"
    if row.target != request.target:
        return "target"
    return "same" if row.inferences == request.inferences else "inferences"


def _medians(circles: Sequence[Sequence[Row]], request: Spec) -> tuple[dict[Stage, float], int, Scope]:
    """The median of each stage over the nearest runs that have it, the number of those runs, and the farthest."""
    alike = _alike(circles, request)
    found: dict[Stage, float] = {}
    names: set[str] = set()
    farthest = 0
    for stage in STAGES:
        for distance, circle in enumerate(circles):
            told = [row for row in circle if stage in row.stages and (stage not in ON_PLATFORM or alike(row))]
            if told:
                found[stage] = statistics.median(row.stages[stage] for row in told)
                names |= {row.name for row in told}
                farthest = max(farthest, distance)
                break
    return found, len(names), SCOPES[farthest]


def _alike(circles: Iterable[Iterable[Row]], request: Spec) -> Callable[[Row], bool]:
    """A test for runs on the platform that this one will have: the one asked for, else that of the nearest run."""
    for row in (row for circle in circles for row in circle):
        fits = request.platform in ("auto", row.platform) and request.engine in ("auto", row.engine)
        if row.platform is not None and fits:
            nearest = row.platform, row.engine
            return lambda other: (other.platform, other.engine) == nearest
    return lambda other: False


def _last(circles: Iterable[Iterable[Row]]) -> tuple[State | None, Scope]:
    """The newest of the nearest runs that ended well; one that was only compiled stands in for none that ran."""
    for scope, circle in zip(SCOPES, circles, strict=True):
        for ran in (True, False):
            for row in circle:
                if row.status == "ok" and (row.platform is not None) == ran:
                    try:
                        return store.load(store.folder() / row.name), scope
                    except OSError:
                        continue  # deleted meanwhile
    return None, "same"
