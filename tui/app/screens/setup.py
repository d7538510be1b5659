"""The Setup screen: what to run, on what, and the command that does it."""

import shlex
import time
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from tui.app import remembered
from tui.app.screens import setup_reader
from tui.app.screens.forecast import Forecast, Forecaster
from tui.app.screens.messages import OpenRun
from tui.app.screens.read_log import LogReader
from tui.app.screens.setup_reader import Counted, GoingOn, Installed, Listed, RunsKnown, Watch
from tui.app.widgets.command_line import CommandLine
from tui.app.widgets.field_group import FieldGroup
from tui.app.widgets.files_field import FilesField, ScreenField
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.mac_picker import NOTHING
from tui.app.widgets.model_browser import ModelBrowser
from tui.app.widgets.model_table import ModelTable
from tui.app.widgets.setup_figures import FIGURES
from tui.app.widgets.setup_head import SetupHead
from tui.app.widgets.spec_form import SpecForm, is_data_set
from tui.app.widgets.table import FigureTable
from tui.errors import UserError
from tui.model import catalogue
from tui.run import spec
from tui.run.spec import Spec
from tui.text import clean
from tui.toolchain.target import Target

WIDTHS = [(0, "-narrow"), (76, "-normal"), (100, "-broad")]
THREE_COLUMNS = 170
"""Cells from which on the model's card stands beside the list."""


class SetupScreen(LogReader):
    """Models on the left, everything else on the right, the command below."""

    AUTO_FOCUS = "ModelTable"
    FIGURES = FIGURES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", key_display="enter", id="setup.enter"),
        Binding("r", "run", "Run", show=False, id="setup.run"),
        Binding("tab", "go(1)", "Next", id="setup.next"),
        Binding("shift+tab", "go(-1)", "Previous", show=False, id="setup.previous"),
        Binding("down", "go(1)", "Next field", show=False, id="setup.down"),
        Binding("up", "go(-1)", "Previous field", show=False, id="setup.up"),
        Binding("slash", "filter", "Filter", key_display="/", id="setup.filter"),
        Binding("a", "watch", "Watch the run", tooltip="Open the run that goes on", id="setup.watch"),
        Binding("e", "edit", "File", tooltip="Type or edit the path of a model file", id="setup.file"),
        Binding("l", "read_log", "Log", tooltip="Read a console log as a run", id="setup.log"),
        Binding("w", "sweep", "Sweep", tooltip="Estimate the model on all NPU sizes", id="setup.sweep"),
        Binding("p", "parameters", "Parameters", tooltip="Set the platform's parameters", id="setup.parameters"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy the command line", id="setup.copy"),
        Binding("d", "defaults", "Defaults", show=False, tooltip="Reset all options", id="setup.reset"),
        Binding("h", "app.history", "History", id="setup.history"),
        Binding("q", "leave", "Quit", id="setup.quit"),
    ]
    clock = staticmethod(time.time)
    IN_PLACE: ClassVar = False
    """True if a run that is started here takes the place of this screen."""

    def __init__(self, model: str | None = None) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = WIDTHS
        self._forecaster = Forecaster(self)
        self._watch = Watch(self)
        self._wanted = model
        self._base = remembered.first()
        """The last one that was run here, or that of a run to edit, with what the Parameters screen has set."""
        self._has_looked = False
        """True once the first picture is there, which waits for nothing."""

    def compose(self) -> ComposeResult:
        """Heading, models, options, command, keys."""
        # The classes that a resize would set, before the first layout instead of after it.
        size = self.app.size
        for length, breakpoints in ((size.width, WIDTHS), (size.height, self.app.VERTICAL_BREAKPOINTS or [])):
            self.set_class(True, *self._get_breakpoint_classes(length, breakpoints), update=False)
        self.set_class(size.width >= THREE_COLUMNS, "-huge", update=False)
        yield SetupHead(self.clock, id="top")
        with Horizontal(id="body"):
            yield ModelBrowser(self.clock, id="browser")
            yield SpecForm(self._base, id="options")
        yield CommandLine(id="command")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the models of the last time at once; what takes longer comes when it is there."""
        if not self.children:
            return  # the program is on its way out before it was there
        self._refuse(self._browser.begin(self._wanted, self._base.model, self._base.toolchain))
        self._refresh_command()
        self.set_interval(1.0, self._tick)

    async def _look(self) -> None:
        """Read what takes longer, once this is seen: ``attach`` opens a run above it."""
        if not self._has_looked and (self.is_active or self.app.screen.is_modal):
            self._has_looked = True
            self._ask_forecast(self.request())
            setup_reader.read_all(self, self._base.toolchain)
            self._watch.look()
            await self._browser.add_filter()

    def on_unmount(self) -> None:
        """Stop looking up estimates."""
        self._forecaster.close()

    @property
    def _browser(self) -> ModelBrowser:
        return self.query_one(ModelBrowser)

    @property
    def _form(self) -> SpecForm:
        return self.query_one(SpecForm)

    # -- what comes in

    def on_listed(self, event: Listed) -> None:
        """Show all models."""
        if self.children:  # the program may be on its way out
            self._browser.take_models(event.models)
            self._form.follow_toolchain()
            if event.problem:
                self._refuse(event.problem)

    def on_runs_known(self, event: RunsKnown) -> None:
        """Show what earlier runs tell of the models."""
        if self.children:
            self._browser.take_runs(event.rows)
            self._show_prospect()

    def on_installed(self, event: Installed) -> None:
        """Show what is installed."""
        if self.children:
            self.query_one(SetupHead).platforms = event.platforms
            self._show_head()

    def on_going_on(self, event: GoingOn) -> None:
        """Show the run that is under way."""
        if self.children:
            head = self.query_one(SetupHead)
            ended = head.run is not None and (event.run is None or event.run.name != head.run.name)
            head.run = event.run
            self.refresh_bindings()
            self._show_head()
            if ended:
                setup_reader.read_runs(self)

    def on_forecast(self, event: Forecast) -> None:
        """Show the estimate."""
        if self.children:
            self._show_prospect()

    def on_counted(self, event: Counted) -> None:
        """Infer on a data set as a whole, unless the user changes the number."""
        self._form.field("inferences").value = event.samples

    def on_screen_resume(self) -> None:
        """Look again after a run, which may have lowered the model."""
        if not self._has_looked:
            self.call_after_refresh(self._look)  # the first picture comes first
            return
        self._forecaster.forget()
        setup_reader.read_runs(self)
        self._ask_forecast(self.request())
        self._tick()

    def _tick(self) -> None:
        """Look at the run under way, while this is what is on the screen."""
        if self.is_current:
            self._watch.look()
            if self.query_one(SetupHead).run is not None:
                self._show_head()

    # -- drawing

    def _show_head(self) -> None:
        form = self._form
        self.query_one(SetupHead).redraw(form.platform, compiles=form.compiles, key=self._key("setup.watch"))

    def on_resize(self) -> None:
        """Show as much as fits."""
        self.set_class(self.size.width >= THREE_COLUMNS, "-huge")
        self._show_head()
        self._show_prospect()

    def _refresh_command(self) -> None:
        request, form = self.request(), self._form
        form.offer(is_program=request is not None and catalogue.is_program(request.model))
        form.parameters.count(len(form.own_parameters(self._base)) + self._base.fast + self._base.pmu_trace)
        problem, command = "", "press enter to type the path of a model file"
        if request is not None:
            try:
                spec.check(request)
            except UserError as error:
                problem = str(error)
            command = clean(shlex.join(spec.command_line(request)), 2000)
        self.query_one(CommandLine).show(command=command, impossible=problem)
        self._explain()
        self._show_head()
        self._ask_forecast(None if problem else request)

    def _ask_forecast(self, request: Spec | None) -> None:
        lowers = request is not None and not catalogue.is_program(request.model)
        if self._has_looked:
            self._forecaster.ask(request if lowers else None)
        self._show_prospect()

    def _show_prospect(self) -> None:
        """Show the newest estimates, or what earlier runs tell until they come."""
        request = self.request()
        found = NOTHING if request is None else self._forecaster.prospect(request, self._browser.runs)
        self._form.foresee(found, self._key("setup.sweep"), framed=self.has_class("-broad", "-tall"))

    def _key(self, id: str) -> str:
        """The key of one of our actions, as the user has set it."""
        found = (active.binding for active in self.active_bindings.values() if active.binding.id == id)
        return next((self.app.get_key_display(binding) for binding in found), "")

    def _explain(self) -> None:
        """Say what the field in focus means, and what enter does there."""
        field = self._form.current
        if isinstance(field, ScreenField):
            enter = "Choose"
        elif isinstance(self.focused, FilterField):
            enter = "To list"
        else:
            enter = self._browser.enter or ("Compile" if self._form.compiles else "Run")
        self.query_one(CommandLine).show(about=field.about if field else "", enter=enter)

    def _refuse(self, text: str) -> None:
        """Say why a model cannot be run, until the cursor leaves it."""
        self.query_one(CommandLine).refuse(self._browser.model if text else "", text)

    # -- what the user does: the model

    def action_go(self, step: int) -> None:
        """Go to the next or the previous of the filter, the list, and the fields that matter."""
        lists = [widget for widget in (self._browser.filter, self.query_one(ModelTable)) if widget is not None]
        self._form.go(step, lists)
        self._explain()

    async def action_filter(self) -> None:
        """Type a part of a model's name."""
        self.set_focus(self._browser.filter or await self._browser.add_filter())  # at once, for those who type fast

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Show the command of the model under the cursor."""
        if self._browser.model != self.query_one(CommandLine).refused:
            self._refuse("")
        self._refresh_command()

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Run the model under the cursor."""
        self.action_run()

    def action_edit(self) -> None:
        """Type a path, beginning with that of the file under the cursor."""
        from tui.app.screens.path import PathScreen

        self.app.push_screen(PathScreen(self._browser.path), self._take_file)

    def _take_file(self, path: str | None) -> None:
        if path is not None:
            self._browser.take_file(path)
            self.set_focus(self.query_one(ModelTable))

    # -- what the user does: the options

    def on_field_group_changed(self, event: FieldGroup.Changed) -> None:
        """Show the command with the new value, and say what that replaced elsewhere."""
        self._refresh_command()
        self.query_one(CommandLine).show(about=self._form.replaced(self._base) or None)
        if event.field.id == "toolchain":
            setup_reader.read_toolchain(self, self._form.toolchain)

    def on_descendant_focus(self) -> None:
        """Explain the field in focus."""
        self._explain()

    def request(self) -> Spec | None:
        """Return the spec as it is set; None while no model is chosen."""
        return self._form.read(self._base, model) if (model := self._browser.model) else None

    def on_field_group_wanted(self, event: FieldGroup.Wanted) -> None:
        """Open the screen that sets a field."""
        from tui.app.screens.path import CalibrationScreen, DataScreen

        field = event.field
        if not isinstance(field, FilesField):
            self.action_parameters()
            return

        def take(files: tuple[str, ...] | None) -> None:
            if files is not None:
                field.value = files
                if field.id == "inputs" and is_data_set(files):
                    setup_reader.count_samples(self, files[0])

        screen = DataScreen if field.id == "inputs" else CalibrationScreen
        self.app.push_screen(screen(shlex.join(field.value)), take)

    def action_defaults(self) -> None:
        """Reset all options, after a question; the model stays."""
        from tui.app.screens.confirm import Confirm

        form = self._form
        if form.read(self._base, spec.DEFAULT.model) == spec.DEFAULT:
            self.notify("All options have their defaults.", markup=False)
            return

        def forget(confirmed: bool | None) -> None:
            if confirmed:
                self._base = spec.DEFAULT
                form.fill(self._base)
                self._refresh_command()

        words = "Target, files, platform parameters and all other options get their defaults; the model stays."
        self.app.push_screen(Confirm("Reset all options?", "Reset", words), forget)

    def action_parameters(self) -> None:
        """Open the platform's parameters."""
        # Only now: with the platform comes numpy, which the screens before have no use for.
        from tui.app.screens.parameters import ParametersScreen

        def take(request: Spec | None) -> None:
            if request is not None:
                self._base = request
                self._refresh_command()

        self.app.push_screen(ParametersScreen(self.request() or self._base), take)

    # -- what the user does: the run

    def action_run(self) -> None:
        """Start a run and open it."""
        if self._browser.asks_for_file:
            self.action_edit()
            return
        if (request := self.request()) is None:
            return
        from tui.app.screens import again
        from tui.run import control

        try:
            directory = control.start(again.checked(request))
        except UserError as error:
            self._refuse(str(error))
            return
        remembered.keep(spec=request)
        self.post_message(OpenRun(directory, instead=self.IN_PLACE))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to watch a run only while one goes on."""
        return self.query_one(SetupHead).run is not None if action == "watch" else True

    def action_watch(self) -> None:
        """Open the run that goes on."""
        from tui.run import store

        if (run := self.query_one(SetupHead).run) is not None:
            self.post_message(OpenRun(store.folder() / run.name))

    def action_sweep(self) -> None:
        """Estimate the model on all sizes of the NPU and in all memory modes."""
        if (request := self.request()) is None:
            return
        from tui.app.screens import again
        from tui.app.screens.sweep import SweepScreen

        try:
            if catalogue.is_program(request.model):
                raise UserError("it is compiled already", "a sweep needs the model itself")
            again.checked(request)
        except UserError as error:
            self._refuse(str(error))
            return

        def take(target: Target | None) -> None:
            if target is not None:
                self._form.fill(msgspec.structs.replace(request, target=target))

        self.app.push_screen(SweepScreen(request), take)

    def action_copy(self) -> None:
        """Put the command line on the clipboard."""
        if request := self.request():
            self.app.copy_to_clipboard(shlex.join(spec.command_line(request)))
            self.notify("Command line copied.", markup=False)

    async def action_leave(self) -> None:
        """Leave the program."""
        await self.app.run_action("app.leave")
