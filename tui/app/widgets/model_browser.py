"""The models to choose from: the list with its filter, and the card of the one under the cursor."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip
from textual.widgets import Input

from tui.app import known_models
from tui.app.widgets.card import Card
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.lines import Lines
from tui.app.widgets.model_card import ModelCard, Sheet
from tui.app.widgets.model_reader import Described, ModelReader
from tui.app.widgets.model_table import FILE, ModelTable, known_of, ready, recent_files
from tui.app.widgets.paint import Paint
from tui.app.widgets.table import FigureTable, Row
from tui.app.widgets.words import model_name
from tui.errors import UserError
from tui.model import catalogue
from tui.model.catalogue import ModelInfo
from tui.text import clean
from tui.toolchain import toolchains

if TYPE_CHECKING:
    from tui.run.index import Row as RunRow

FIRST = "sample:digits"
PLACEHOLDER = "/ filter the models"
FILE_WORDS = "a .py with ModelUnderTest and ModelInputs, a .pt2, or a compiled .pte"


class FilterLine(Lines):
    """A line that looks like the field that filters the list."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the line."""
        return [Strip([Segment(self._text, paint.ink("faint"))])]


class ModelBrowser(Vertical):
    """Models by where they come from. It shows what was found the last time until it is told of more."""

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._reader = ModelReader(self)
        self._models: list[ModelInfo] = []
        self._is_whole = False
        """True if these are all models, not only the samples."""
        self._files: list[str] = []
        """Paths that were typed, or given to begin with."""
        self.runs: Sequence[RunRow] = ()
        """The newest runs, newest first."""

    def compose(self) -> ComposeResult:
        """The list, and below or beside it the card."""
        with Card(id="models") as models:
            models.caption(title="Model")
            yield FilterLine(PLACEHOLDER)
            yield ModelTable()
        with Card(id="card"):
            yield ModelCard(self._clock, id="sheet")

    async def add_filter(self) -> FilterField | None:
        """Put the field that filters in the place of the line that looks like it; None as the program ends."""
        # The first picture does not wait for it: its style sheet takes longer to read than all of ours.
        # Who typed first has begun to put it there while the screen wants to, too.
        for line in self.query(FilterLine) if self.filter is None else ():
            with self.app.batch_update():
                field = FilterField(PLACEHOLDER, self._fill, id="filter")
                await self.query_one("#models", Card).mount(field, before=line)
                await line.remove()
        return self.filter

    @property
    def filter(self) -> FilterField | None:
        """The field that filters the list; None before it is there."""
        return next(iter(self.query(FilterField)), None)

    # -- the model under the cursor

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.query_one(ModelTable).current

    @property
    def model(self) -> str:
        """The model under the cursor; empty where there is none."""
        row = self.row
        return row.key if row is not None and row.key != FILE else ""

    @property
    def path(self) -> str:
        """The path of the model under the cursor; empty for one that is no file."""
        return self.model if self.model.startswith("/") else ""

    @property
    def asks_for_file(self) -> bool:
        """True if the cursor is on the row that asks for a path."""
        row = self.row
        return row is not None and row.key == FILE

    @property
    def enter(self) -> str:
        """Word for what enter does where the cursor is on no model; empty where it is on one."""
        return "" if self.model else "Path" if self.asks_for_file else "–"

    # -- what there is

    def begin(self, wanted: str | None, before: str, toolchain: str | None) -> str:
        """Put the cursor on the model that is wanted, else on the one before; return what is wrong with it."""
        try:
            if not self._models:
                self._models = known_models.read(toolchain)
                self._is_whole = bool(self._models)
                self._models = self._models or catalogue.samples(toolchains.of(toolchain))
            model, problem = self._found(wanted, before, toolchain)
        except UserError as error:
            model, problem = FIRST, str(error)
        self.choose(model)
        return problem

    def _found(self, wanted: str | None, before: str, toolchain: str | None) -> tuple[str, str]:
        name = wanted or before
        if not name:
            return FIRST, ""
        try:
            # That the last one run here is still there is seen when it is run again.
            is_known = wanted is None and name.startswith("executorch:")
            model = name if is_known else catalogue.resolve(name, toolchains.of(toolchain))
        except UserError as error:
            # That the last one is gone since is nothing to complain about.
            return FIRST, str(error) if wanted is not None else ""
        if Path(model).is_absolute():
            self._add_file(model)
        elif all(known.name != model for known in self._models):
            self._models.append(catalogue.presumed(model))
        return model, ""

    def _add_file(self, path: str) -> None:
        self._files = [path, *(known for known in self._files if known != path)]

    def take_models(self, models: list[ModelInfo]) -> None:
        """Show all models there are."""
        self._models, self._is_whole = models, True
        self._fill()
        self.describe()

    def take_runs(self, runs: "Sequence[RunRow]") -> None:
        """Show what earlier runs tell of the models."""
        self.runs = runs
        self._fill()
        self.describe()

    def take_file(self, path: str) -> None:
        """Put the cursor on a file."""
        self._add_file(path)
        self.choose(path)

    def choose(self, model: str) -> None:
        """Put the cursor on a model, whatever the filter."""
        if self.filter is not None:
            with self.prevent(Input.Changed):
                self.filter.value = ""
        self._fill(model)

    # -- drawing

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        self._fill()

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Describe the model under the cursor."""
        self.describe()

    def on_described(self, event: Described) -> None:
        """Show what is known of the model under the cursor."""
        if self.is_mounted and self.model == event.model:
            self.query_one(ModelCard).show(event.sheet)

    def _fill(self, select: str | None = None) -> None:
        recent = [path for path in recent_files(self.runs) if path not in self._files]
        words, known = self.filter.value if self.filter else "", known_of(self.runs)
        self.query_one(ModelTable).fill(
            self._models, self._files, recent, words, known=known, is_whole=self._is_whole, select=select
        )
        self.query_one("#models", Card).caption(figure=ready(self._models))

    def describe(self) -> None:
        """Look up the model under the cursor."""
        model, card, sheet = self.model, self.query_one("#card", Card), self.query_one(ModelCard)
        if not model:
            card.caption(title="Model file" if self.asks_for_file else "")
            sheet.show(Sheet(title=FILE_WORDS if self.asks_for_file else ""))
            return
        info = next((info for info in self._models if info.name == model), None)
        title, file, missing = (info.title, info.path, info.missing) if info else ("", Path(model), ())
        card.caption(title=model_name(model, 40))
        first = Sheet(
            title=clean(title, 200),
            reason=clean(f"needs {', '.join(missing)}", 200) if missing else "",
            runs=tuple(run for run in self.runs if run.model == model),
        )
        sheet.show(self._reader.ask(model, file, first))
