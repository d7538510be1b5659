"""The cells of a campaign as a table: as a matrix of models by targets, or one by one."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.app.widgets.cells import Drawn, Inked
from tui.app.widgets.table import Column, FigureTable, Row
from tui.campaign.configuration import CellResult, configuration
from tui.campaign.result import Result
from tui.reports import campaign as words
from tui.reports.format import UNKNOWN, change, kib_words, ms
from tui.text import clean

ROLES = {
    "ok": "ok", "limit": "warn", "failed": "fail", "lost": "fail", "unavailable": "warn", "cancelled": "warn",
    "running": "accent", "waiting": "faint",
}  # fmt: skip
"""Colours of states."""
SIGNS = {
    "ok": "✓", "limit": "!", "failed": "✗", "lost": "✗", "unavailable": "–", "cancelled": "■", "running": "▸",
    "waiting": "·",
}  # fmt: skip
"""Signs of states, which say them without a colour."""
URGENT = ("failed", "lost", "unavailable", "limit", "running", "cancelled", "ok", "waiting")
"""States in the order in which somebody wants to see them."""
ONE_BY_ONE = (
    Column("", width=1),
    Column("model", flex=True, width=10, bold=True),
    Column("quantize", drop=3),
    Column("target"),
    Column("memory mode", drop=4),
    Column("latency", right=True),
    Column("change", right=True, drop=2, optional=True),
    Column("SRAM", right=True, drop=5),
    Column("check", drop=6),
    Column("accuracy", right=True, drop=7, optional=True),
    Column("run", drop=1),
    Column("why", flex=True, drop=8, optional=True),
)


class CampaignTable(FigureTable):
    """Rows of cells; enter chooses one."""

    def __init__(self) -> None:
        super().__init__(ONE_BY_ONE)

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", key_display="enter", tooltip="Open the run of a cell", id="campaign.open"),
    ]

    def show_matrix(self, result: Result) -> None:
        """Show a row for each model and quantization, and a column for each target."""
        cells = result.cells
        columns = list(dict.fromkeys(map(words.column_of, cells)))
        rows = list(dict.fromkeys(map(words.row_of, cells)))
        at = {(words.row_of(cell), words.column_of(cell)): cell for cell in cells}
        names = [words.heading(column, columns) for column in columns]
        figures = (Column(name, right=True, drop=at) for at, name in enumerate(names, 1))
        self.set_columns((Column("model", bold=True, most=24), Column("", optional=True), *figures))
        several = len({quantize for _, quantize in rows}) > 1
        self.set_rows(
            [
                Row(
                    f"{model} {quantize}",
                    (
                        words.short_model(model),
                        quantize if several else "",
                        *(_figure(at.get(((model, quantize), column))) for column in columns),
                    ),
                )
                for model, quantize in rows
            ]
        )

    def show_cells(self, cells: Sequence[CellResult]) -> None:
        """Show a row for each cell."""
        self.set_columns(ONE_BY_ONE)
        nothing = Row("none", ("no cell matches: escape shows all",), "heading")
        self.set_rows([_row(cell) for cell in cells] or [nothing])


def key_of(cell: CellResult) -> str:
    """The key of a cell's row."""
    return " ".join(configuration(cell))


def _sign(cell: CellResult) -> tuple[str, str]:
    """A cell's sign and its colour: what is done but not right, or worse than it was, has another than what is well."""
    if cell.status == "ok" and cell.check == "mismatch":
        return "≠", "fail"
    if cell.status == "ok" and cell.worse:
        return "▲", "fail"
    return SIGNS[cell.status], ROLES[cell.status]


def _figure(cell: CellResult | None) -> Drawn | str:
    if cell is None:
        return ""
    sign, role = _sign(cell)
    figure = "" if cell.inference_ms is None else f"{ms(cell.inference_ms)} "
    # What is well needs no colour.
    return Inked(f"{figure}{sign}", "" if role == "ok" else role, bold=role == "fail")


def _row(cell: CellResult) -> Row:
    why = cell.worse or (cell.reason if cell.status not in ("ok", "running", "waiting") else None) or ""
    tone = {"failed": "bad", "lost": "bad", "limit": "warn", "waiting": "dim"}.get(cell.status, "")
    return Row(
        key_of(cell),
        (
            Inked(*_sign(cell), bold=True),
            words.short_model(cell.model),
            cell.quantize,
            cell.target,
            clean(cell.memory_mode, 30),
            UNKNOWN if cell.inference_ms is None else ms(cell.inference_ms),
            "" if cell.change_pct is None else change(cell.change_pct),
            kib_words(cell.sram_kib),
            cell.check or "",
            "" if cell.accuracy is None or cell.answers in (None, 1) else f"{cell.accuracy:.1%}",
            "" if cell.run is None else cell.run.rpartition("-")[2],
            clean(why, 200),
        ),
        tone="bad" if cell.check == "mismatch" or cell.worse else tone,
    )


def ordered(cells: Sequence[CellResult], *, urgent: bool) -> list[CellResult]:
    """Cells in the order of the plan, or with those first that somebody has to look at."""
    if not urgent:
        return list(cells)
    return sorted(cells, key=lambda cell: (cell.check != "mismatch" and not cell.worse, URGENT.index(cell.status)))


def matching(cells: Sequence[CellResult], text: str) -> list[CellResult]:
    """Cells that have all words of a text in what tells them apart, or in their state."""
    wanted = text.lower().split()
    return [
        cell
        for cell in cells
        if all(word in f"{key_of(cell)} {cell.status} {cell.check} {cell.run}".lower() for word in wanted)
    ]
