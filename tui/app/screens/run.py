"""The Run screen: one run, live or over, drawn from its journal."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import DescendantFocus, Resize
from textual.timer import Timer

from tui.app.screens.feed import Fed, Feed, Known, Readings, Tail
from tui.app.screens.guide import guide
from tui.app.screens.messages import Back, OpenRun
from tui.app.screens.run_commands import RunCommands
from tui.app.screens.save_log import SaveScreen
from tui.app.widgets.advice import AdvicePanel, TrialWanted
from tui.app.widgets.board import Board
from tui.app.widgets.delegation import DelegationPanel, OperatorWanted
from tui.app.widgets.execution import ExecutionPanel
from tui.app.widgets.header import RunHeader
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.live import LiveArea, Stand, stand
from tui.app.widgets.log_panel import LogPanel, SaveWanted
from tui.app.widgets.log_view import LogView
from tui.app.widgets.operators import SourceWanted
from tui.app.widgets.panel import Panel
from tui.app.widgets.panels import PANELS
from tui.app.widgets.rail import Rail
from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.tabs import Tabs
from tui.app.widgets.tiles import Tiles
from tui.app.widgets.why import Key, WhyCard
from tui.run import store
from tui.run.derived import named_line
from tui.run.state import State
from tui.run.usual import Usual

POLL_S = 0.25
ROOMY = 36
"""Rows from which on the stages have a blank line above and below."""


class RunScreen(RunCommands):
    """Verdict, stages, figures, panels, keys."""

    CSS_PATH = "run.tcss"
    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                str(number),
                f"panel({number})",
                f"Panel: {info.make.TITLE}",
                show=False,
                id=f"run.panel-{info.id}",
            )
            for number, info in enumerate(PANELS, start=1)
        ),
        Binding("tab", "next_panel(1)", "Panels", key_display=f"1-{len(PANELS)}", id="run.next-panel"),
        Binding("shift+tab", "next_panel(-1)", "Previous panel", show=False, id="run.previous-panel"),
        Binding("z", "zoom", "Zoom", id="run.zoom"),
        Binding("s", "stop", "Stop", id="run.stop"),
        Binding("r", "rerun", "Run again", tooltip="Start a new run with the same model and options", id="run.again"),
        Binding("R", "edit", "Edit and run", show=False, tooltip="Change options in Setup, then run", id="run.edit"),
        Binding("e", "source", "Line", tooltip="Open the line named here in $EDITOR", id="run.source"),
        Binding("a", "try", "Try advice", tooltip="Run with the option that the advice names", id="run.try"),
        Binding("i", "infer", "Infer again", tooltip="Run one more inference, on the next sample", id="run.infer"),
        Binding("I", "infer_on", "Infer on files", key_display="I", id="run.infer-on"),
        Binding("slash", "search", "Search the log", key_display="/", show=False, id="run.search"),
        Binding("x", "export", "Export", tooltip="Write a report, a table, a trace or a picture", id="run.export"),
        Binding("h", "app.history", "History", id="run.history"),
        Binding("y", "copy", "Copy command", show=False, id="run.copy"),
        Binding("q", "back", "Back", id="run.back"),
        Binding("escape", "leave", "Leave", show=False, tooltip="End zooming, or go back", id="run.leave"),
    ]

    def __init__(self, directory: Path, readings: Readings) -> None:
        super().__init__(directory)
        self._feed = Feed(directory, self, readings)
        self._poll: Timer | None = None
        self._ticker: Timer | None = None
        self._zoomed = False
        self._current = 0
        self._told = self.clock()
        """Time that head, rail and stages tell: they move on together, once a second or with a stage."""
        self._stand: Stand = ""
        self._usual: Usual | None = None
        self._source = ""
        """Text of the line that a failure names."""

    def compose(self) -> ComposeResult:
        """Verdict, stages, figures, reason, network, tabs, panels, keys."""
        yield RunHeader(lambda: self._told, id="head")
        yield Rail(lambda: self._told, id="rail")
        yield Tiles(id="tiles")
        yield WhyCard(id="why")
        yield Ribbon(shares=False, brackets=False, legend=False, id="ribbon")
        yield Tabs()
        yield Board(self.clock, self.directory)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to follow the journal."""
        self.query_one(LogPanel).set_log(self._feed.log)
        self._arrange()
        self._focus_panel()
        self._feed.start()
        self._poll = self.set_interval(POLL_S, self._feed.ask)
        self._ticker = self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        """Stop following; the run itself continues."""
        self._feed.end()

    # -- what comes in

    def on_fed(self, event: Fed) -> None:
        """Show a newer state."""
        event.stop()
        if not self.children:
            return  # the program is on its way out
        changed = self.state is None or _keys(self.state) != _keys(event.state)
        if self.state is None or _at_work(self.state) != _at_work(event.state):
            self._told = self.clock()
        self.state = event.state
        with self.app.batch_update():
            self._show(event.state)
            if changed or event.state.run.status != "running":
                self._draw_tabs()  # else with the clock: the lines of the log are counted four times a second
            log = self.query_one(LogPanel)
            log.grow(event.log_lines, event.read)
            if event.over and event.state.run.status != "ok":
                log.call_after_refresh(log.view.show_first_error)  # when it is known how many rows the log has
        if isinstance(self.focused, Panel):
            self._focus_panel()  # it was empty; now there may be something in it to scroll
        if event.over:
            self.measure(event.state)
            if self.check_action("edit", ()):
                guide(self, event.state)
            for timer in (self._poll, self._ticker):
                if timer is not None:
                    timer.stop()
        if changed:
            self.refresh_bindings()

    def on_known(self, event: Known) -> None:
        """Show what earlier runs let expect, and the line that failed."""
        event.stop()
        self._usual, self._source = event.usual, event.source
        if self.state is not None and self.children:
            with self.app.batch_update():
                self._show(self.state)

    def _show(self, state: State) -> None:
        """Show a state everywhere but in the log."""
        usual, stood = self._usual, self._stand
        self._stand = stand(state)
        self.query_one(RunHeader).take(state, usual)
        self.query_one(Rail).take(state, usual.stages if usual is not None else None)
        self.query_one(Tiles).take(state, usual.expected if usual is not None else None)
        hint = store.hint_of_lost(self.directory, state.run.status)
        self.query_one(WhyCard).take(state, hint, self._ways_on(), self._source)
        self.query_one("#ribbon", Ribbon).take(state)
        for panel in self.panels:
            panel.take(state)
        self.query_one(LiveArea).take(state, usual, self._told)
        if self._stand != stood:
            self._arrange()
            self._focus_panel()
        self.query_one(Board).fit()

    def _ways_on(self) -> list[Key]:
        """The keys that help with a run that did not end well."""
        ways = (
            ("source", "run.source", "opens the line"),
            ("rerun", "run.again", "runs it again"),
            ("edit", "run.edit", "edits, then runs again"),
            ("panel", "run.panel-log", "the log"),
        )
        # Beside a table in focus, `e` opens the line of its row.
        able = [way for way in ways if self._stand == "nothing" or way[0] != "source"]
        return [(self._key(binding), does) for action, binding, does in able if self.check_action(action, ())]

    def on_tail(self, event: Tail) -> None:
        """Show the end of a long log, before the rest of it is read."""
        event.stop()
        if self.children:
            self.query_one(LogPanel).view.set_tail(event.lines)

    def _tick(self) -> None:
        self._told = self.clock()
        if self.state is not None and self.children:
            self.query_one(RunHeader).tick()
            self.query_one(Rail).tick()
            self.query_one(LiveArea).tick(self._told)
            for panel in self.panels:
                panel.tick(self.state, self._feed.vitals)
            self._draw_tabs()

    # -- panels

    @property
    def panels(self) -> list[Panel]:
        """All panels in the order of their numbers."""
        return self.query_one(Board).panels

    def on_resize(self, event: Resize) -> None:
        """Arrange the panels for the new size."""
        self._arrange()

    def _arrange(self) -> None:
        size = self.app.size
        board = self.query_one(Board)
        self.set_class(board.place(size, self._current, zoomed=self._zoomed, stand=self._stand), "-single")
        self.set_class(board.stands_in, "-live")
        for name in ("stages", "nothing"):
            self.set_class(self._stand == name, f"-{name}")
        self.set_class(self._zoomed, "-zoomed")
        self.set_class(PANELS[self._current].make is DelegationPanel, "-network")
        self.set_class(size.height >= ROOMY, "-roomy")
        self.query_one(Tiles).make_room(size.width, size.height)
        self.query_one(Rail).draw()
        self.query_one(LiveArea).redraw()
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        if self.state is not None and self.has_class("-single"):
            panels = self.panels
            self.query_one(Tabs).show(panels, panels[self._current], self.state)

    def _focus_panel(self) -> None:
        panel = self.panels[self._current]
        if panel.display:
            panel.focus_inside()
        else:
            self.set_focus(None)  # what stands in for it has nothing to scroll

    def action_panel(self, number: int) -> None:
        """Go to a panel."""
        self._current = number - 1
        self._arrange()
        self._focus_panel()

    def action_next_panel(self, step: int) -> None:
        """Go to the next panel."""
        self.action_panel((self._current + step) % len(PANELS) + 1)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Make the panel in focus the current one."""
        for index, panel in enumerate(self.panels):
            if panel in event.widget.ancestors_with_self:
                self._current = index
                self._draw_tabs()

    def action_zoom(self) -> None:
        """Show the current panel alone, or all of them again."""
        self._zoomed = not self._zoomed
        self._arrange()
        self._focus_panel()

    def action_search(self) -> None:
        """Go to the log and open its search field."""
        log = self.query_one(LogPanel)
        self.action_panel(log.number)
        log.action_search()

    # -- the run

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable actions that the run's state rules out."""
        running = self.state is not None and self.state.run.status == "running"
        if action == "stop":
            return running
        if action in ("rerun", "edit"):
            spec = self.state.spec if self.state is not None else None
            return spec is not None and not running and (action == "rerun" or spec.log is None)
        if action == "try":
            return self.query_one(AdvicePanel).can_try and not running
        if action == "source":
            return self.state is not None and (named_line(self.state) is not None or self._in_log)
        if action in ("infer", "infer_on"):
            return running and self.state is not None and self.state.phase is not None and serves(self.state)
        return True

    def _key(self, action: str) -> str:
        """Return the first key of an action, as the user has set it."""
        own = self.app._keymap.get(action)
        default = next(b for b in RunScreen.BINDINGS if isinstance(b, Binding) and b.id == action)
        return self.app.get_key_display(default if own is None else default.with_key(own.partition(",")[0], None))

    @property
    def _in_log(self) -> bool:
        return isinstance(self.focused, LogView)

    def action_source(self) -> None:
        """Open the line that the log points at, if it names one, else the one that the failure names."""
        line = self.query_one(LogPanel).named_line if self._in_log else None
        line = line or (named_line(self.state) if self.state is not None else None)
        if line is None:
            self.notify("No file and line here: E goes to the next error, / searches.", markup=False)
        else:
            self.on_source_wanted(SourceWanted(line))

    def action_try(self) -> None:
        """Go to the advice and try the piece under its cursor."""
        panel = self.query_one(AdvicePanel)
        self.action_panel(panel.number)
        panel.try_it()

    def on_trial_wanted(self, event: TrialWanted) -> None:
        """Show the run that tries a piece of advice."""
        self.post_message(OpenRun(event.directory))

    def on_operator_wanted(self, event: OperatorWanted) -> None:
        """Go to an operator's row."""
        event.stop()
        panel = self.query_one(ExecutionPanel)
        self.action_panel(panel.number)
        panel.select(event.operator)

    def on_save_wanted(self, event: SaveWanted) -> None:
        """Ask for a file, and write lines of the log to it."""
        event.stop()
        self.app.push_screen(SaveScreen(event, f"{self.directory.name}.log"))

    def action_back(self) -> None:
        """Close the screen; a run in progress continues."""
        if self.state is not None and self.state.run.status == "running":
            self.notify("The run continues: h shows it in the history.", markup=False)
        self.post_message(Back(self))

    def action_leave(self) -> None:
        """End zooming, or close the screen."""
        if self._zoomed:
            self.action_zoom()
        else:
            self.post_message(Back(self, leaves=False))


def serves(state: State) -> bool:
    """Tell whether the platform stays for further inferences."""
    return state.spec is not None and state.spec.serve


def _keys(state: State) -> tuple[object, ...]:
    """Return what decides which keys do something."""
    return state.run.status, state.phase is None, named_line(state)


def _at_work(state: State) -> list[str]:
    """Return how each stage stands."""
    return [state.run.status, *(stage.status for stage in state.stages)]
