"""The list of models on the Setup screen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.events import Resize

from tui.app.widgets.table import CURSOR, GAP, Column, FigureTable, Row
from tui.app.widgets.words import model_name
from tui.model.catalogue import A_COMPILER, ModelInfo
from tui.reports.format import ms, scaled
from tui.text import clean, printable_name

if TYPE_CHECKING:
    from tui.run.index import Row as RunRow

RECENT = 6
"""Files of earlier runs that are offered."""
FILE = "file..."
"""Key and text of the row that asks for a path."""
NARROW = 44
"""Cells from which on there is more than the names and the latencies."""
SCROLL_BAR = 1
NAME, MACS, LATENCY = 18, 6, 8
"""Cells of the columns. They are there before all models and figures are: nothing moves when those come."""


@dataclass(frozen=True)
class Known:
    """Figures of a model in earlier runs."""

    macs: int | None = None
    """Multiply-accumulates of an inference that the NPU does."""
    ms: float | None = None
    """Latency in the newest run that has one."""


NOTHING = Known()


class ModelTable(FigureTable):
    """Samples, the models of the ExecuTorch package, and files; enter runs the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Run", key_display="enter", id="setup.choose")]

    def __init__(self) -> None:
        columns = (
            Column("model", width=NAME),
            Column("", flex=True, drop=2, width=10, role="muted"),
            Column("MACs", right=True, drop=1, width=MACS, role="muted"),
            Column("last", right=True, width=LATENCY, role="strong", bold=True),
        )
        super().__init__(columns, header=True)
        self._known: Mapping[str, Known] = {}

    def on_resize(self, event: Resize) -> None:
        """Give the names what a narrow list leaves beside the latencies, which stand at its end."""
        name, *others = self._columns
        spare = self.size.width - len(CURSOR) - SCROLL_BAR - len(GAP) - LATENCY
        self.set_columns([replace(name, width=spare if self.size.width < NARROW else NAME), *others])
        super().on_resize(event)

    def fill(
        self,
        models: Sequence[ModelInfo],
        files: Sequence[str],
        recent: Sequence[str],
        wanted: str,
        *,
        known: Mapping[str, Known],
        is_whole: bool = True,
        select: str | None = None,
    ) -> None:
        """Show the models and files in which all words of `wanted` occur.

        Where the models are not all there yet (`is_whole`), nothing stands below them that would have to move.
        """
        words = wanted.lower().split()
        self._known = known
        named = {
            group: [self._row(m) for m in models if m.group == group and _matches(words, m.name, m.title)]
            for group in ("samples", "executorch")
        }
        typed = [self._file(path) for path in files if _matches(words, path)]
        if typed or (is_whole and _matches(words, FILE)):
            typed.append(Row(FILE, (FILE, "type a path", "", "")))
        rows = [
            *_group("samples", named["samples"]),
            *_group("executorch", named["executorch"]),
            *_group("files", typed),
            *_group("recent", [self._file(path) for path in recent if _matches(words, path)]),
        ]
        self.set_rows(
            rows or [Row("group:none", ("no model matches: escape shows all",), tone="heading")], select=select
        )
        self._show_cursor()  # models that were found above it may have moved it

    def _row(self, model: ModelInfo) -> Row:
        name = printable_name(model.name.partition(":")[2], 40)
        if model.missing:
            lacks = "no compiler" if model.missing == (A_COMPILER,) else clean(f"needs {', '.join(model.missing)}", 120)
            return Row(model.name, (name, lacks, "", ""), tone="dim", enabled=False)
        return Row(model.name, (name, clean(model.title, 120), *self._figures(model.name)))

    def _file(self, path: str) -> Row:
        return Row(path, (model_name(path, 30), clean(str(Path(path).parent), 200), *self._figures(path)))

    def _figures(self, model: str) -> tuple[str, str]:
        known = self._known.get(model, NOTHING)
        return scaled(known.macs) if known.macs is not None else "", ms(known.ms) if known.ms is not None else ""


def known_of(rows: "Sequence[RunRow]") -> dict[str, Known]:
    """Find the newest figures of each model; `rows` begin with the newest run."""
    known: dict[str, Known] = {}
    for row in rows:
        if row.model is not None:
            newer = known.get(row.model, NOTHING)
            macs = row.macs if newer.macs is None else newer.macs
            known[row.model] = Known(macs, row.latency_ms if newer.ms is None else newer.ms)
    return known


def recent_files(rows: "Sequence[RunRow]") -> list[str]:
    """The files that were run last, each once."""
    files = (row.model for row in rows if row.model is not None and row.model.startswith("/"))
    return list(dict.fromkeys(files))[:RECENT]


def ready(models: Sequence[ModelInfo]) -> str:
    """Count the models that can be compiled here: ``17 of 39 ready``."""
    return f"{sum(not model.missing for model in models)} of {len(models)} ready"


def _matches(words: Sequence[str], *texts: str) -> bool:
    text = " ".join(texts).lower()
    return all(word in text for word in words)


def _group(title: str, rows: Sequence[Row]) -> Iterator[Row]:
    if rows:
        # Where a path can be typed, there is always a row to do it.
        models = [row for row in rows if row.key != FILE]
        enabled = sum(row.enabled for row in models)
        count = f"{enabled} of {len(models)}" if enabled < len(models) else str(len(models)) if models else "none yet"
        yield Row(f"group:{title}", (title, count), tone="heading")
    yield from rows
