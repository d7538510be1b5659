"""Campaigns as files, for screens to read: with cells of all kinds, under way or over."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from tests.app import fakes
from tui.campaign import store
from tui.campaign.cells import Figures
from tui.campaign.events import CampaignFinished, CampaignStarted, CellFinished, CellStarted
from tui.campaign.plan import Cell, Plan
from tui.run import journal
from tui.run.events import Event
from tui.run.spec import Quantization, Spec
from tui.toolchain.target import on_board_of

MODELS = ("executorch:resnet8", "executorch:ds_cnn", "/nets/candidate.py")
QUANTIZATIONS: tuple[Quantization, ...] = ("int8", "a16w8")
TARGETS = ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256", "ethos-u85-512")


def cells(models: Sequence[str] = MODELS) -> tuple[Cell, ...]:
    """Cells of models on four targets, quantized both ways."""
    grid = itertools.product(models, QUANTIZATIONS, TARGETS)
    return tuple(
        Cell(Spec(model=model, target=on_board_of(target), quantize=quantize), "run", f"{at:024x}")
        for at, (model, quantize, target) in enumerate(grid)
    )


def make(all_cells: Sequence[Cell], happened: Sequence[Event], name: str = "MLPerf Tiny") -> Path:
    """Write a campaign with these events."""
    directory = store.create(Plan(name, tuple(all_cells)))
    append(directory, happened)
    return directory


def append(directory: Path, happened: Sequence[Event]) -> None:
    """Add events to a campaign's journal."""
    writer = journal.Journal(directory / journal.FILE)
    for event in happened:
        writer.write(event)
    writer.close()


def started() -> CampaignStarted:
    return CampaignStarted(t=fakes.T0, pid=1, pid_created=1.0, host="elsewhere", workers=2)


def ended(cell: Cell, at: int, **changes: object) -> CellFinished:
    """The end of a cell that went well, unless `changes` say otherwise."""
    figures = Figures(
        total_cycles=90_000 + 1_000 * at,
        inference_ms=0.09 + 0.001 * at,
        by="simulator",
        sram_kib=50.0 + at,
        check="match",
    )
    fields: dict[str, object] = {
        "t": fakes.T0 + at, "key": cell.key, "outcome": "ok", "run": f"20261123-02153{at % 10}-net-u85-256-{at:04x}",
        "seconds": 4.0, "figures": figures,
    }  # fmt: skip
    return CellFinished(**{**fields, **changes})  # type: ignore[arg-type]


def figures(ms: float, sram_kib: float) -> Figures:
    """Figures of a time and a memory."""
    return Figures(total_cycles=int(ms * 1e6), inference_ms=ms, by="simulator", sram_kib=sram_kib, check="match")


def mixed() -> list[Event]:
    """Events of a campaign under way: most cells are done, one failed, one is over a limit, one runs, some wait."""
    found: list[Event] = [started()]
    for at, cell in enumerate(cells()[:18]):
        if at == 5:
            reason = "lower: aten.topk is not supported"
            found.append(ended(cell, at, outcome="failed", reason=reason, figures=Figures()))
        elif at == 9:
            found.append(ended(cell, at, outcome="limit", reason="inference_ms is 0.099, the limit is 0.095"))
        elif at == 12:
            found.append(
                ended(cell, at, figures=Figures(inference_ms=0.1, by="simulator", sram_kib=60.0, check="mismatch"))
            )
        else:
            found.append(ended(cell, at))
    found.append(CellStarted(t=fakes.T0 + 10, key=cells()[18].key, run="20261123-021540-net-u85-256-abcd"))
    return found


def finished() -> CampaignFinished:
    return CampaignFinished(t=fakes.T0 + 60, status="ok", seconds=60.0)


def ten_thousand() -> Path:
    """A finished campaign of so many cells."""
    many = cells([f"/nets/candidate{at}.py" for at in range(1250)])
    happened = [started(), *(ended(cell, at % 100) for at, cell in enumerate(many)), finished()]
    return make(many, happened, "ten thousand")
