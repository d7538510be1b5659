"""Configurations: the rows of a campaign, each a model on a target, with its figures.

A data set that is divided makes several cells of a configuration, its slices. Their counts are added up, and what is
true of one slice alone is not said of all.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tui.campaign.cells import Figures
from tui.campaign.events import Status
from tui.run import confusion, store
from tui.run.check import Confusion

WORST_FIRST: tuple[Status, ...] = ("failed", "lost", "unavailable", "cancelled", "limit", "running", "waiting", "ok")
"""States in the order in which that of one slice is that of all."""


class CellResult(Figures, frozen=True, kw_only=True):
    """A cell, and what came of it, with its figures."""

    model: str
    target: str
    memory_mode: str
    system_config: str
    quantize: str
    """``int8``, ``a16w8`` or ``none``; ``own`` of a .tflite or .tosa, which comes as it is."""
    status: Status
    run: str | None = None
    """The run's id; of a mere estimate, of the run whose graphs it is for."""
    worker: str | None = None
    """The worker of a cluster that has it, or had it last; None on this machine."""
    runs: tuple[str, ...] = ()
    """The runs of all slices, where its data set is divided."""
    reason: str | None = None
    attempt: int = 0
    reused: bool = False
    """True if an earlier campaign had done the same."""
    seconds: float | None = None
    begun: float | None = None
    """Unix time."""
    accuracy: float | None = None
    """Share of right answers, 0..1."""
    confusion: Confusion | None = None
    """The answers to labelled inputs, counted; only in JSON and reports, since the runs have them."""
    change_pct: float | None = None
    """Change of the time against the baseline's cell; None without one, or where another counted its cycles."""
    worse: str | None = None
    """Figures that are worse than in the baseline's cell, in words."""


def configuration(cell: CellResult) -> tuple[str, ...]:
    """The parts that tell a cell from the others."""
    return (cell.model, cell.quantize, cell.target, cell.memory_mode, cell.system_config)


def merged(cells: Iterable[CellResult]) -> tuple[CellResult, ...]:
    """Make one of the slices of each configuration, in the order in which the first of each comes."""
    slices: dict[tuple[str, ...], list[CellResult]] = {}
    for cell in cells:
        slices.setdefault(configuration(cell), []).append(cell)
    return tuple(cells[0] if len(cells) == 1 else _sum(cells) for cells in slices.values())


def _sum(slices: Sequence[CellResult]) -> CellResult:
    """Add slices up. Times, memory and whatever else the program alone decides are those of the first that has them."""
    worst = min(slices, key=lambda one: WORST_FIRST.index(one.status))
    begun = [one.begun for one in slices if one.begun is not None]
    shown = next((one for one in slices if one.inference_ms is not None), worst)
    return msgspec.structs.replace(
        shown,
        status="running" if worst.status == "waiting" and begun else worst.status,
        reason=worst.reason,
        run=worst.run or shown.run,
        runs=tuple(run for one in slices for run in one.runs),
        attempt=max(one.attempt for one in slices),
        reused=all(one.reused for one in slices),
        seconds=sum(one.seconds for one in slices if one.seconds is not None) or None,
        begun=min(begun, default=None),
        **_checked(slices),
        **_answered(slices),
    )


def _checked(slices: Sequence[CellResult]) -> dict[str, object]:
    """A match only where all slices match; the noise is that of the noisiest."""
    checks = {one.check for one in slices}
    levels = [one.sqnr_db for one in slices if one.sqnr_db is not None]
    found = next((check for check in ("mismatch", None, "skipped") if check in checks), "match")
    return {"check": found, "sqnr_db": min(levels, default=None)}


def _answered(slices: Sequence[CellResult]) -> dict[str, object]:
    """Right answers of all answers; unknown until all slices have theirs."""
    right = [one.correct for one in slices if one.correct is not None]
    total = [one.answers for one in slices if one.answers]
    if len(right) < len(slices) or len(total) < len(slices):
        return {"correct": None, "answers": None, "accuracy": None}
    return {"correct": sum(right), "answers": sum(total), "accuracy": sum(right) / sum(total)}


def confusions(cells: Iterable[CellResult]) -> Mapping[tuple[str, ...], Confusion]:
    """The answers to labelled inputs of each configuration whose runs are all here, added up; others are left out."""
    found = {}
    for cell in cells:
        # One answer alone is no accuracy.
        if cell.accuracy is None or cell.answers == 1:
            continue
        checks = [store.load(store.folder() / run).check for run in cell.runs]
        parts = [check.confusion for check in checks if check is not None and check.confusion is not None]
        if len(parts) == len(cell.runs):
            found[configuration(cell)] = confusion.merged(parts)
    return found
