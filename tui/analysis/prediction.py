"""Prediction: Vela's estimates of a lowered model for other targets, and what a newer Vela makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.version import Version

from tui.analysis import sweep, what_if
from tui.analysis.what_if import NewerVela, WhatIf
from tui.compile import lending, vela_runs
from tui.compile.lending import VELA
from tui.run import store
from tui.run.figures import Estimate
from tui.run.spec import Spec, lowering_of
from tui.run.state import State
from tui.toolchain import toolchains, vela
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
        self._workers: dict[tuple[str | None, str | None], vela_runs.Workers] = {}
        """By toolchain and version of Vela."""
        self._known: dict[tuple[Path, str | None, Target], Estimate | str] = {}

    def expect(self, request: Spec) -> Expected | None:
        """Estimate all sizes of the NPU; None for a model that was not lowered yet. Takes its time."""
        model = lowered(request)
        if model is None:
            return None
        names = vela.lists(request.target.board.npu).accelerators
        targets = [msgspec.structs.replace(request.target, accelerator=name) for name in names]
        # The one that is asked for first.
        targets.sort(key=lambda target: target != request.target)
        whose, used = (model.run, request.vela), (request.toolchain, request.vela)
        missing = [target for target in targets if (*whose, target) not in self._known]
        if missing:
            if used not in self._workers:
                self._workers[used] = vela_runs.Workers(sweep.vela_of(model.run), 2, vela=request.vela)
            for at, estimate in self._workers[used].estimates(model.graphs, missing):
                self._known[*whose, missing[at]] = estimate
        return Expected(model, {target.accelerator: self._known[*whose, target] for target in targets})

    def close(self) -> None:
        """End the processes."""
        for workers in self._workers.values():
            workers.close()


def ask(directory: Path, state: State) -> WhatIf:
    """Ask Vela for what advice needs; what it refuses is left out. Takes a few seconds."""
    graphs = sweep.graphs(directory)
    if state.spec is None or not graphs:
        return WhatIf()
    targets = what_if.others(state.spec, vela.lists(state.spec.target.board.npu).accelerators)
    with vela_runs.Workers(sweep.vela_of(directory), vela=state.spec.vela) as workers:
        estimates = {targets[at]: estimate for at, estimate in workers.estimates(graphs, targets)}
    return WhatIf(
        targets={target: estimate for target, estimate in estimates.items() if isinstance(estimate, Estimate)},
        newer=_newer_vela(directory, state.spec.target, state.versions.vela, graphs),
    )


def _newer_vela(directory: Path, target: Target, used: str | None, graphs: Sequence[Path]) -> NewerVela | None:
    """Compile a run's graphs with its own Vela and with the newest at hand; None where that is no other.

    At hand are that of the toolchain that lowered them, this Python's own, and those that were fetched for a run.
    """
    chain, own = sweep.vela_of(directory), toolchains.own()
    at_hand = dict.fromkeys(lending.fetched(chain), chain)
    at_hand |= {one.packages[VELA]: one for one in (own, chain) if VELA in one.packages}
    newest = max(at_hand, key=Version, default=None)
    if used not in at_hand or newest is None or Version(newest) <= Version(used):
        return None
    cycles: list[int] = []
    for version in (used, newest):
        with vela_runs.Workers(at_hand[version], vela=version, streams=True) as workers:
            streams = [answer.streams for _, answer in workers.answers(graphs, [target])]
        found = sweep.simulated_cycles(target, streams[0])
        if not found:
            return None
        cycles.append(found)
    return NewerVela(newest, *cycles)
