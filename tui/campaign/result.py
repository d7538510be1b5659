"""The result of a campaign: its cells with their figures, what is left, and the comparison with another campaign."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tui.campaign import store
from tui.campaign.configuration import CellResult, configuration, confusions, merged
from tui.campaign.events import State, Status
from tui.campaign.plan import Cell, Plan
from tui.errors import Exit
from tui.run.figures import Figure
from tui.run.spec import quantization

SCHEMA_VERSION = 1
WORSE_PCT = 1.0
"""Longer time, or more SRAM, in percent, from which on a cell is worse than that of the baseline."""
OWN = "own"
"""Quantization of a network that comes with one, or without."""
EXITS = {
    "stopped": Exit.INTERRUPTED,
    "failed": Exit.FAILED,
    "unavailable": Exit.NO_PLATFORM,
    "limit": Exit.LIMIT,
}
"""Exit statuses by outcome."""


class Result(Figure, frozen=True, kw_only=True):
    """A campaign with all its cells. It is what ``campaign --json`` prints."""

    schema_version: int = SCHEMA_VERSION
    id: str
    name: str = ""
    status: str = "running"
    """``running``, ``interrupted`` if its process is gone before the end, ``stopped``, or the gravest of its cells'."""
    cells: tuple[CellResult, ...] = ()
    limits: Mapping[str, float | bool] = {}
    baseline: str | None = None
    begun: float | None = None
    """Unix time."""
    seconds: float | None = None
    workers: int = 0

    @property
    def counts(self) -> Counter[Status]:
        """Number of cells by their status."""
        return Counter(cell.status for cell in self.cells)

    @property
    def exit_status(self) -> int:
        """The exit status that the cells come to."""
        return EXITS.get("stopped" if self.status == "stopped" else outcome(self.cells), Exit.OK)


def load(directory: Path) -> Result:
    """The present result of a campaign.

    Raises:
        UsageError: its plan cannot be read, or its baseline is not there.
    """
    plan = store.plan(directory)
    return of(directory.name, plan, store.load(directory), baseline(plan), lives=store.lives(directory))


def baseline(plan: Plan) -> tuple[CellResult, ...]:
    """The cells of a plan's baseline; empty where it has none.

    Raises:
        UsageError: it is not there.
    """
    return () if plan.baseline is None else load(store.resolve(plan.baseline)).cells


def of(name: str, plan: Plan, state: State, before: Sequence[CellResult] = (), *, lives: bool = True) -> Result:
    """The result by plan and state, against the cells of the baseline `before`."""
    cells = _compared(merged(_cell(cell, state) for cell in plan.cells), before)
    return Result(
        id=name,
        name=plan.name,
        status=_status(state.status, cells, lives=lives),
        cells=tuple(cells),
        limits={key: value for key in plan.limits.__struct_fields__ if (value := getattr(plan.limits, key))},
        baseline=plan.baseline,
        begun=state.begun,
        seconds=state.seconds,
        workers=state.workers,
    )


def outcome(cells: Sequence[CellResult]) -> str:
    """The outcome of cells that have ended: the gravest among them."""
    statuses = {cell.status for cell in cells}
    if "cancelled" in statuses:
        return "stopped"
    if statuses & {"failed", "lost"}:
        return "failed"
    if "unavailable" in statuses:
        return "unavailable"
    return "limit" if "limit" in statuses or any(cell.worse for cell in cells) else "ok"


def _status(recorded: str, cells: Sequence[CellResult], *, lives: bool) -> str:
    if recorded == "running":
        return recorded if lives else "interrupted"
    return outcome(cells) if recorded == "ok" else recorded


def _cell(cell: Cell, state: State) -> CellResult:
    known, target, figures = state.of(cell.key), cell.spec.target, state.of(cell.key).figures
    return CellResult(
        model=cell.spec.model,
        target=target.accelerator,
        memory_mode=target.memory_mode,
        system_config=target.system_config,
        quantize=quantization(cell.spec) or OWN,
        status=known.status,
        run=known.run,
        worker=known.worker,
        reason=known.reason,
        attempt=known.attempt,
        reused=known.reused,
        seconds=known.seconds,
        begun=known.begun,
        runs=() if known.run is None else (known.run,),
        accuracy=figures.correct / figures.answers if figures.correct is not None and figures.answers else None,
        **msgspec.structs.asdict(figures),
    )


def _compared(cells: Sequence[CellResult], before: Sequence[CellResult]) -> list[CellResult]:
    known = {configuration(cell): cell for cell in before}
    return [_against(cell, known.get(configuration(cell))) for cell in cells]


def _against(cell: CellResult, before: CellResult | None) -> CellResult:
    if before is None or cell.status in ("waiting", "running"):
        return cell
    comparable = cell.by == before.by and cell.inference_ms is not None and bool(before.inference_ms)
    change = None
    if comparable:
        assert cell.inference_ms is not None and before.inference_ms
        change = 100 * (cell.inference_ms - before.inference_ms) / before.inference_ms
    worse = []
    if before.status == "ok" and cell.status != "ok":
        worse.append(f"{cell.status}, it was ok")
    if before.check == "match" and cell.check == "mismatch":
        worse.append("the outputs no longer match")
    if change is not None and change > WORSE_PCT:
        worse.append(f"{change:+.1f} % time")
    if cell.sram_kib is not None and before.sram_kib and cell.sram_kib > before.sram_kib * (1 + WORSE_PCT / 100):
        worse.append(f"SRAM {before.sram_kib:,.1f} to {cell.sram_kib:,.1f} KiB")
    if cell.accuracy is not None and before.accuracy is not None and cell.accuracy < before.accuracy:
        worse.append(f"accuracy {before.accuracy:.1%} to {cell.accuracy:.1%}")
    return msgspec.structs.replace(cell, change_pct=change, worse="; ".join(worse) or None)


def with_confusions(result: Result) -> Result:
    """The result with the answers to labelled inputs, as far as the runs are here."""
    known = confusions(result.cells)
    return msgspec.structs.replace(
        result,
        cells=tuple(msgspec.structs.replace(cell, confusion=known.get(configuration(cell))) for cell in result.cells),
    )


def left_s(result: Result, now: float) -> float | None:
    """Seconds until all is done, from what cells have taken; None while none has."""
    took = [cell.seconds for cell in result.cells if cell.seconds and not cell.reused]
    left = [cell for cell in result.cells if cell.status in ("waiting", "running")]
    if not took or not left:
        return None
    usual = statistics.median(took)
    gone = sum(min(now - cell.begun, usual) for cell in left if cell.status == "running" and cell.begun)
    return max(usual * len(left) - gone, 0.0) / max(result.workers, 1)
