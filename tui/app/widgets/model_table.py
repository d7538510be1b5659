"""The list of models on the Setup screen."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.app.widgets.table import Column, FigureTable, Row
from tui.app.widgets.words import model_name
from tui.model.catalogue import ModelInfo
from tui.text import clean

FILE = "file..."
"""Key and text of the row that asks for a path."""


RECENT = 6
"""Files of earlier runs that are offered."""
RECENT_RUNS = 200


def recent_files() -> list[str]:
    """Files that the newest runs are of, the newest first."""
    # Only now: what the first picture does not need, it does not wait for.
    from tui.run import store

    found: list[str] = []
    for _, request in store.specs(RECENT_RUNS):
        if request.model.startswith("/") and request.model not in found:
            found.append(request.model)
        if len(found) == RECENT:
            break
    return found


class ModelTable(FigureTable):
    """Samples, files, and the models of the ExecuTorch package; enter runs the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Run", key_display="enter", id="setup.choose")]

    def __init__(self) -> None:
        super().__init__((Column("model", most=18), Column("title", flex=True, width=4)), header=False)

    def fill(
        self, models: Sequence[ModelInfo], files: Sequence[str], wanted: str, *, select: str | None = None
    ) -> None:
        """Show the models and files in which all words of `wanted` occur."""
        words = wanted.lower().split()
        rows = [
            *_group("samples", [_row(m) for m in models if m.group == "samples" and _matches(words, m.name, m.title)]),
            *_group("files", _files(files, words)),
            *_group(
                "executorch", [_row(m) for m in models if m.group == "executorch" and _matches(words, m.name, m.title)]
            ),
        ]
        self.set_rows(
            rows or [Row("group:none", ("no model matches: escape shows all",), tone="heading")], select=select
        )

    @property
    def about(self) -> str:
        """The model under the cursor in full."""
        row = self.current
        return f"{row.cells[0]}: {row.cells[1]}" if row is not None and row.cells[1] and row.key != FILE else ""


def _matches(words: Sequence[str], *texts: str) -> bool:
    text = " ".join(texts).lower()
    return all(word in text for word in words)


def _group(title: str, rows: Sequence[Row]) -> Iterator[Row]:
    if rows:
        yield Row(f"group:{title}", (title,), tone="heading")
    yield from rows


def _row(model: ModelInfo) -> Row:
    name = model.name.partition(":")[2]
    if model.missing:
        return Row(model.name, (name, f"needs {', '.join(model.missing)}"), tone="dim", enabled=False)
    return Row(model.name, (name, clean(model.title, 120)))


def _files(paths: Sequence[str], words: Sequence[str]) -> list[Row]:
    """The files, and a row that asks for another one."""
    rows = [
        Row(path, (model_name(path, 30), clean(str(Path(path).parent), 200))) for path in paths if _matches(words, path)
    ]
    if rows or _matches(words, FILE):
        rows.append(Row(FILE, (FILE, "type a path")))
    return rows
