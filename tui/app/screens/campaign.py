"""The Campaign screen: a matrix of models and targets that fills as cells end, and the cells one by one."""

import time
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.app.screens.campaign_reader import CampaignRead, CampaignReader
from tui.app.screens.messages import Back, OpenRun
from tui.app.widgets.campaign_table import SIGNS, CampaignTable, key_of, matching, ordered
from tui.app.widgets.card import Card
from tui.app.widgets.drawing import show
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.masthead import PILL
from tui.app.widgets.table import FigureTable
from tui.app.widgets.words import Clock, since
from tui.campaign import control, store
from tui.campaign.configuration import CellResult
from tui.campaign.result import Result, left_s
from tui.errors import UserError
from tui.reports import campaign as words
from tui.run import store as runs
from tui.text import clean, counted

NORMAL = 72
"""Columns from which on all counts have room."""
WIDE = 100
"""Columns from which on the workers have room beside the name."""
COUNTED = (("failed", "$fail"), ("lost", "$fail"), ("limit", "$warn"), ("running", "$accent"), ("waiting", "$muted"))
ENDED = {
    "ok": "$ok", "failed": "$fail", "limit": "$warn", "unavailable": "$warn",
    "stopped": "$warn", "interrupted": "$warn",
}  # fmt: skip
"""Colours of a campaign that has ended, by its status."""


class CampaignScreen(Screen[None]):
    """The cells of a campaign with what came of them; enter opens a run."""

    CSS_PATH = "campaign.tcss"
    AUTO_FOCUS = "FigureTable"
    FIGURES: ClassVar = (
        ("latency", "Time of an inference: by the platform where one ran, else by Vela's estimate."),
        ("change", "Change of the latency against the same cell of the baseline."),
        (
            f"{SIGNS['ok']} {SIGNS['running']} {SIGNS['limit']} {SIGNS['failed']}",
            "Done; under way; over a limit; failed, or its process was lost.",
        ),
        ("≠ ▲", "The outputs are not the model's; worse than in the baseline."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "Matrix/cells", tooltip="Show the matrix, or the cells one by one", id="campaign.view"),
        Binding("o", "order", "Order", tooltip="Order by what needs a look, or as planned", id="campaign.order"),
        Binding(
            "slash",
            "filter",
            "Filter",
            tooltip="Show only cells that contain these words",
            key_display="/",
            id="campaign.filter",
        ),
        Binding(
            "right_square_bracket",
            "other(1)",
            "Older",
            tooltip="Show the campaign before",
            key_display="]",
            id="campaign.older",
        ),
        Binding(
            "left_square_bracket",
            "other(-1)",
            "Newer",
            show=False,
            tooltip="Show the campaign after",
            id="campaign.newer",
        ),
        Binding("s", "stop", "Stop", tooltip="Stop the campaign and its runs; asks first", id="campaign.stop"),
        Binding("q,escape", "back", "Back", id="campaign.back"),
    ]
    clock: Clock = staticmethod(time.time)

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._reader = CampaignReader(self, directory)
        self._result: Result | None = None
        self._problem = ""
        self._matrix = True
        self._urgent = True

    def compose(self) -> ComposeResult:
        """Progress, field, cells, the cell under the cursor, keys."""
        with Horizontal(id="top"):
            yield Static("", id="heading", markup=False)
            yield Static("", id="progress", markup=False)
        field = FilterField("filter by model, target, quantization or state", self._fill, id="filter")
        field.display = False
        yield field
        with Card(id="cells"):
            yield CampaignTable()
        yield Static("", id="line", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to read."""
        self._reader.begin()
        self.set_interval(1.0, self._head)

    def on_unmount(self) -> None:
        """Read no further; the campaign goes on."""
        self._reader.leave()

    # -- what comes in

    def on_campaign_read(self, event: CampaignRead) -> None:
        """Show what is new."""
        if self.children and event.name == self._directory.name:
            before = self._result.status if self._result is not None else None
            self._result, self._problem = event.result, event.problem
            self._fill()
            if self._result is not None and self._result.status != before:
                self.refresh_bindings()  # only what goes on can be stopped

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Describe the cell under the cursor."""
        self._describe()

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Open a cell's run; of a row of the matrix, show its cells."""
        if self._matrix and event.row is not None:
            self._matrix = False
            field = self.query_one(FilterField)
            field.display, field.value = True, event.row.key
            self._fill()
        elif (cell := self._cell) is not None and cell.run is not None and (runs.folder() / cell.run).is_dir():
            self.post_message(OpenRun(runs.folder() / cell.run))

    def on_figure_table_hidden(self, event: FigureTable.Hidden) -> None:
        """Say how many columns do not fit."""
        self._caption()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        self._fill()

    def on_resize(self) -> None:
        """Say as much as fits into the new size."""
        self._head()

    # -- drawing

    @property
    def _table(self) -> CampaignTable:
        return self.query_one(CampaignTable)

    @property
    def _shown(self) -> list[CellResult]:
        if self._result is None:
            return []
        found = matching(self._result.cells, self.query_one(FilterField).value)
        return ordered(found, urgent=self._urgent)

    @property
    def _cell(self) -> CellResult | None:
        """The cell under the cursor, where cells are shown one by one."""
        row = self._table.current
        if self._matrix or row is None or self._result is None:
            return None
        return next((cell for cell in self._result.cells if key_of(cell) == row.key), None)

    def _fill(self) -> None:
        if self._result is not None:
            if self._matrix:
                self._table.show_matrix(self._result)
            else:
                self._table.show_cells(self._shown)
        self._caption()
        self._head()
        self._describe()

    def _caption(self) -> None:
        title = "Matrix" if self._matrix else "Urgent first" if self._urgent else "As planned"
        hidden = counted(len(self._table.hidden), "column") if self._table.hidden else ""
        more = f"+{hidden} on a wider screen" if hidden else ""
        foot = words.source_words(self._result) if self._result is not None else ""
        self.query_one("#cells", Card).caption(title=Content.styled(title, "bold $strong"), figure=more, foot=foot)

    def _head(self) -> None:
        if not self.children:
            return
        found = self._result
        name = clean(found.name or found.id, 40) if found is not None else self._directory.name
        status, role = ("", "$muted") if found is None else (f"  {found.status}", ENDED.get(found.status, "$muted"))
        heading = Content.assemble(PILL, (" Campaign  ", "bold $strong"), (name, "bold $strong"), (status, role))
        show(self.query_one("#heading", Static), heading, layout=False)
        show(self.query_one("#progress", Static), self._progress(found))

    def _progress(self, found: Result | None) -> Content:
        if found is None:
            return Content.styled(clean(self._problem, 100), "$fail")
        counts, total = found.counts, len(found.cells)
        done = total - counts["waiting"] - counts["running"]
        # Those that wait are what is left.
        listed = COUNTED if self.size.width >= NORMAL else COUNTED[:-1]
        parts: list[tuple[str, str]] = [(f"{done:,} of {total:,}", "bold $ok" if done == total else "bold $accent")]
        parts += [(f"  {counts[status]:,} {status}", role) for status, role in listed if counts[status]]  # type: ignore[index]
        if found.status == "running":
            if self.size.width >= WIDE and found.workers:
                parts.append((f"  {counted(found.workers, 'worker')}", "$muted"))
            if (left := left_s(found, self.clock())) is not None:
                parts.append((f"  {since(0, left)} to go", "$muted"))
        return Content.assemble(*parts)

    def _describe(self) -> None:
        cell = self._cell
        text = "" if cell is None else words.line(cell)
        if cell is not None and cell.worse:
            text += f"; worse: {cell.worse}"
        show(self.query_one("#line", Static), Content(clean(text, 400)), layout=False)

    # -- what the user does

    def action_view(self) -> None:
        """Show the matrix, or the cells one by one."""
        self._matrix = not self._matrix
        self._fill()

    def action_order(self) -> None:
        """Put first what needs a look, or keep the order of the plan."""
        self._urgent = not self._urgent
        self._matrix = False
        self._fill()

    def action_filter(self) -> None:
        """Type words that a cell must have."""
        self._matrix = False
        field = self.query_one(FilterField)
        field.display = True
        self.set_focus(field)
        self._fill()

    def action_other(self, step: int) -> None:
        """Show an older campaign, or a newer one."""
        names = store.ids()
        at = names.index(self._directory.name) + step if self._directory.name in names else 0
        if 0 <= at < len(names):
            self._reader.leave()
            self._directory = store.folder() / names[at]
            self._result, self._problem = None, ""
            self._reader = CampaignReader(self, self._directory)
            self._reader.begin()
            self._head()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what goes on."""
        return self._result is not None and self._result.status == "running" if action == "stop" else True

    def action_stop(self) -> None:
        """Stop the campaign, after a question."""
        from tui.app.screens.confirm import Confirm

        def stop(confirmed: bool | None) -> None:
            if confirmed:
                try:
                    control.stop(self._directory)
                except UserError as error:
                    self.notify(clean(str(error), 300), severity="error", markup=False)

        words_ = "Its runs are stopped, too. The same command goes on with what is left."
        self.app.push_screen(Confirm("Stop the campaign?", "Stop", words_), stop)

    def action_back(self) -> None:
        """Go back; the campaign goes on."""
        self.post_message(Back(self))


def open_newest(app: App[Any]) -> None:
    """Show the newest campaign, unless one is shown."""
    if names := store.ids():
        if not isinstance(app.screen, CampaignScreen):
            app.push_screen(CampaignScreen(store.folder() / names[0]))
    else:
        app.notify("No campaigns yet: fvp-tui campaign --help", markup=False)
