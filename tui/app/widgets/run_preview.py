"""The run under the cursor: how its model has fared on its target, and what the run was."""

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from tui.analysis.changes import Changes
from tui.app.widgets.card import Card
from tui.app.widgets.drawing import show
from tui.app.widgets.run_columns import npu_words
from tui.app.widgets.run_details import COUNTED_BY, details
from tui.app.widgets.trend import Trend, TrendChart
from tui.app.widgets.words import model_name
from tui.reports.when import moment
from tui.run.derived import named_line
from tui.run.index import Row
from tui.run.state import State
from tui.text import counted, printable_name

UNTITLED = "a run without a model"


class RunPreview(Container):
    """Two cards, side by side or one above the other."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._details: Callable[[int], Content] | None = None
        """Draws what was read of the run for a width."""
        self._named: tuple[str, str | None] = ("", None)
        """Name of the run that was read last, and the ``FILE:LINE`` that it failed at."""

    def compose(self) -> ComposeResult:
        """Trend and details."""
        with Card(id="trend-card"):
            yield TrendChart()
        with Card(id="details-card"):
            yield Static("", id="details", markup=False)

    def show_trend(self, run: Row | None, changes: Changes, short: str, now: float) -> None:
        """Show what is known of a run without reading it; None is no run."""
        runs = [] if run is None else changes.of_target(run)
        percent = None if run is None else changes.change_pct(run)
        baseline = None if run is None else changes.baseline(run)
        self.query_one(TrendChart).show(Trend(tuple(runs), run, baseline, percent))
        trend, about = self.query_one("#trend-card", Card), self.query_one("#details-card", Card)
        if run is None:
            trend.caption(title="Trend", figure="", foot="")
            about.caption(title="Run", figure="")
            self._details = None
            show(self.query_one("#details", Static), Content(""))
            return
        name = UNTITLED if run.model is None else model_name(run.model, 30)
        target = f"{npu_words(run)} {printable_name(run.memory_mode or '')}"
        figure = f"latency, {counted(len(runs), 'run')}" if runs else ""
        trend.caption(title=f"{name} on {target}", figure=figure, foot=COUNTED_BY.get(run.latency_by or "", ""))
        about.caption(title=f"Run {short}", figure=moment(run.name, run.created, now))

    def show_details(self, run: Row, state: State | None, changes: Changes, now: float) -> None:
        """Show what was read of the run."""
        self._details = partial(details, run, state, changes, now)
        self._named = run.name, None if state is None else named_line(state)
        self._draw_details()

    def line_of(self, name: str) -> str | None:
        """Return the ``FILE:LINE`` that a run failed at; None where it names none or was not read yet."""
        return self._named[1] if self._named[0] == name else None

    def on_resize(self) -> None:
        """Break the lines for the new width."""
        self.call_after_refresh(self._draw_details)

    def _draw_details(self) -> None:
        space = self.query_one("#details", Static)
        if self._details is not None and space.size.width:
            show(space, self._details(space.size.width))
