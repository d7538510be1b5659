"""Prediction: Vela's estimates of a lowered model for other targets."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui.analysis import sweep
from tui.analysis.advice import WhatIf, what_ifs
from tui.compile import vela_runs
from tui.run import store
from tui.run.figures import Estimate
from tui.run.spec import Spec, lowering_of
from tui.run.state import State
from tui.toolchain import vela
from tui.toolchain.target import Target

LOOK_BACK = 200
"""Runs that are looked at, the newest."""


@dataclass(frozen=True)
class Lowered:
    """A model as an earlier run lowered it."""

    run: Path
    at: float
    """Unix time."""
    edited: bool
    """True if the model's file is newer."""
    graphs: tuple[Path, ...]


@dataclass(frozen=True)
class Expected:
    """Estimates for the sizes of the NPU, in one memory mode and system config."""

    lowered: Lowered
    estimates: dict[str, Estimate | str]
    """Estimates by accelerator; a string says why there is none."""


def lowered(request: Spec) -> Lowered | None:
    """The newest run that lowered the model of a spec with the same quantization; None where there is none."""
    for directory, other in store.specs(LOOK_BACK):
        if lowering_of(other) != lowering_of(request):
            continue
        graphs = tuple(sweep.graphs(directory))
        if graphs:
            at = directory.stat().st_mtime
            file = Path(request.model)
            edited = file.is_file() and file.stat().st_mtime > (directory / store.SPEC).stat().st_mtime
            return Lowered(directory, at, edited, graphs)
    return None


class Predictor:
    """Keeper of estimates, and of the processes that make them."""

    def __init__(self) -> None:
        self._workers: dict[str | None, vela_runs.Workers] = {}
        """By the toolchain whose Vela they run."""
        self._known: dict[tuple[Path, Target], Estimate | str] = {}

    def expect(self, request: Spec) -> Expected | None:
        """Estimate all sizes of the NPU; None for a model that was not lowered yet. Takes its time."""
        model = lowered(request)
        if model is None:
            return None
        names = vela.lists(request.target.board.npu).accelerators
        targets = [msgspec.structs.replace(request.target, accelerator=name) for name in names]
        # The one that is asked for first.
        targets.sort(key=lambda target: target != request.target)
        missing = [target for target in targets if (model.run, target) not in self._known]
        if missing:
            if request.toolchain not in self._workers:
                self._workers[request.toolchain] = vela_runs.Workers(sweep.vela_of(model.run), 2)
            for at, estimate in self._workers[request.toolchain].estimates(model.graphs, missing):
                self._known[model.run, missing[at]] = estimate
        return Expected(model, {target.accelerator: self._known[model.run, target] for target in targets})

    def close(self) -> None:
        """End the processes."""
        for workers in self._workers.values():
            workers.close()


def estimates(directory: Path, state: State) -> WhatIf:
    """Estimate the targets that advice needs; those that Vela refuses are left out. Takes a second or two."""
    graphs = sweep.graphs(directory)
    if state.spec is None or not graphs:
        return {}
    targets = what_ifs(state.spec, vela.lists(state.spec.target.board.npu).accelerators)
    with vela_runs.Workers(sweep.vela_of(directory)) as workers:
        estimates = {targets[at]: estimate for at, estimate in workers.estimates(graphs, targets)}
    return {target: estimate for target, estimate in estimates.items() if isinstance(estimate, Estimate)}
