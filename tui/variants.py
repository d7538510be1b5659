"""A run's variants: Vela's estimates of its graphs for other targets, and what a changed spec came to."""

from pathlib import Path

from tui import sweep
from tui.advice import Tried, WhatIf, what_ifs
from tui.compile import vela_runs
from tui.run import store
from tui.run.figures import Estimate
from tui.run.state import State
from tui.toolchain import vela


def estimates(directory: Path, state: State) -> WhatIf:
    """What the advice's targets would give; those that Vela refuses are left out. Takes a second or two."""
    graphs = sweep.graphs(directory)
    if state.spec is None or not graphs:
        return {}
    targets = what_ifs(state.spec, vela.lists().accelerators)
    with vela_runs.Workers() as workers:
        found = {targets[at]: estimate for at, estimate in workers.estimates(graphs, targets)}
    return {target: estimate for target, estimate in found.items() if isinstance(estimate, Estimate)}


def outcome(before: State, directory: Path) -> Tried:
    """What the run in `directory`, which has tried something, came to, against the one before."""
    after = store.load(directory)
    was = before.estimate.total_cycles if before.estimate else None
    now = after.estimate.total_cycles if after.estimate else None
    return Tried(
        run=directory.name,
        status=after.run.status,
        reason=after.run.reason,
        total_cycles=now,
        change_pct=100 * (now - was) / was if was and now is not None else None,
        sram_kib=after.estimate.sram_kib if after.estimate else None,
        sqnr_db=after.check.sqnr_db if after.check else None,
        check=after.check.status if after.check else None,
    )
