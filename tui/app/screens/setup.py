"""The Setup screen: what to run, on what, and the command that does it."""

import contextlib
import shlex
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.app import remembered
from tui.app.screens.forecast import Forecast, Forecaster
from tui.app.screens.messages import OpenRun
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.choice import Field, Number
from tui.app.widgets.drawing import show
from tui.app.widgets.files_field import FilesField
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.model_table import FILE, ModelTable, recent_files
from tui.app.widgets.spec_form import SpecForm, is_data_set
from tui.app.widgets.table import FigureTable
from tui.errors import UserError
from tui.model import catalogue
from tui.model.catalogue import ModelInfo
from tui.run import spec
from tui.run.spec import Spec, lowering_of
from tui.text import clean
from tui.toolchain.target import Target

FIRST = "sample:digits"
WIDTHS = [(0, "-narrow"), (76, "-normal"), (110, "-wide")]
TALL = 28
"""Rows from which on the sizes of the NPU stand beside each other."""


class SetupScreen(Screen[None]):
    """Models on the left, everything else on the right, the command below."""

    AUTO_FOCUS = "FigureTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Run", key_display="enter", id="setup.enter"),
        Binding("r", "run", "Run", show=False, id="setup.run"),
        Binding("tab", "app.focus_next", "Next", id="setup.next"),
        Binding("shift+tab", "app.focus_previous", "Previous", show=False, id="setup.previous"),
        Binding("down", "app.focus_next", "Next field", show=False, id="setup.down"),
        Binding("up", "app.focus_previous", "Previous field", show=False, id="setup.up"),
        Binding("slash", "filter", "Filter", key_display="/", id="setup.filter"),
        Binding("e", "edit", "File", tooltip="Type or edit the path of a model file", id="setup.file"),
        Binding("w", "sweep", "Sweep", tooltip="Estimate the model on all NPU sizes", id="setup.sweep"),
        Binding("p", "parameters", "Parameters", tooltip="Set the platform's parameters", id="setup.parameters"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy the command line", id="setup.copy"),
        Binding("d", "defaults", "Defaults", show=False, tooltip="Reset all options", id="setup.reset"),
        Binding("h", "app.history", "History", id="setup.history"),
        Binding("q", "app.leave", "Quit", id="setup.quit"),
    ]

    class Listed(Message):
        """Models of the ExecuTorch package, and files of earlier runs."""

        def __init__(self, models: list[ModelInfo], recent: list[str]) -> None:
            super().__init__()
            self.models = models
            self.recent = recent

    class Counted(Message):
        """Number of samples in a data set."""

        def __init__(self, samples: int) -> None:
            super().__init__()
            self.samples = samples

    def __init__(self, model: str | None = None) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = WIDTHS
        self._forecaster = Forecaster(self)
        self._forecast: Forecast | None = None
        self._wanted = model
        self._models: list[ModelInfo] = []
        self._files: list[str] = []
        """Paths: typed ones first, then those of earlier runs."""
        self._base = remembered.read().spec or spec.DEFAULT
        """The last one that was run here, or that of a run to edit, with what the Parameters screen has set."""
        self._refused = ""
        """Name of the model whose problem is shown."""

    def compose(self) -> ComposeResult:
        """Heading, models, options, command, keys."""
        # The class that a resize would set, before the first layout instead of after it.
        widths = self._get_breakpoint_classes(self.app.size.width, WIDTHS)
        self.set_class(True, *widths, update=False)
        with Horizontal(id="top"):
            yield Static(Content.assemble(("fvp-tui", "bold $accent"), "  Setup"), markup=False)
            yield Static("", id="badge", markup=False)
        with Horizontal(id="body"):
            with Vertical(id="models"):
                yield FilterField("/ filter the models", self._fill, id="filter")
                yield ModelTable()
                yield Static("", id="title", markup=False)
                yield Static("", id="model-problem", classes="problem", markup=False)
            yield SpecForm(self._base, id="options")
        yield Static("", id="command", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the samples at once; what takes longer to list comes when it is there."""
        if not self.children:
            return  # the program is on its way out before it was there
        self._models = catalogue.samples()
        select, problem = self._first_model()
        self._fill(select)
        self._refuse(problem)
        self._refresh_command()
        # The first picture comes first.
        self.call_after_refresh(in_background, "models", self._list)

    def _first_model(self) -> tuple[str, str]:
        """Return the model to begin with, and what is wrong with the one that was asked for."""
        name = self._wanted or self._base.model
        if not name:
            return FIRST, ""
        try:
            # That the last one run here is still there is seen when it is run again.
            is_known = self._wanted is None and name.startswith("executorch:")
            model = name if is_known else catalogue.resolve(name)
        except UserError as error:
            # That the last one is gone since is nothing to complain about.
            return FIRST, str(error) if self._wanted is not None else ""
        if Path(model).is_absolute():
            self._files = [model, *(known for known in self._files if known != model)]
        elif all(known.name != model for known in self._models):
            self._models.append(catalogue.presumed(model))
        return model, ""

    def _list(self) -> None:
        tell(self, self.Listed(catalogue.models(), recent_files()))

    def on_unmount(self) -> None:
        """Stop looking up estimates."""
        self._forecaster.close()

    # -- what comes in

    def on_setup_screen_listed(self, event: Listed) -> None:
        """Show all models."""
        if not self.children:
            return  # the program is on its way out
        self._models = event.models
        self._files += [path for path in event.recent if path not in self._files]
        self._fill()

    def on_forecast(self, event: Forecast) -> None:
        """Show the estimate, if it still is what is asked for."""
        if self.children and event.request == self._forecaster.asked:
            self._forecast = event
            self._show_forecast()

    def on_setup_screen_counted(self, event: Counted) -> None:
        """Infer on a data set as a whole, unless the user changes the number."""
        self.query_one("#inferences", Number).value = event.samples

    def on_screen_resume(self) -> None:
        """Look up the estimate again after a run, which may have lowered the model."""
        self._forecaster.ask(None)
        self._ask_forecast(self.request())

    def on_resize(self) -> None:
        """Show as much of the estimate as fits."""
        self._show_forecast()

    # -- drawing

    def _fill(self, select: str | None = None) -> None:
        wanted = self.query_one(FilterField).value
        self.query_one(ModelTable).fill(self._models, self._files, wanted, select=select)

    def _refresh_command(self) -> None:
        request = self.request()
        form = self.query_one(SpecForm)
        form.offer(is_program=request is not None and catalogue.is_program(request.model))
        show(self.query_one("#badge", Static), Content(form.badge))
        problem, command = "", Content("$ press enter to type the path of a model file")
        if request is not None:
            try:
                spec.check(request)
            except UserError as error:
                problem = str(error)
            words = shlex.join(spec.command_line(request))
            command = Content.assemble(("$ ", "bold $accent"), clean(words))
        show(self.query_one("#command", Static), command)
        self._ask_forecast(None if problem else request)
        self._problem("#option-problem", problem)

    def _ask_forecast(self, request: Spec | None) -> None:
        if request is None or catalogue.is_program(request.model):
            self._forecaster.ask(None)
            show(self.query_one("#expected", Static), Content(""))
            return
        wanted, asked = msgspec.structs.replace(lowering_of(request), target=request.target), self._forecaster.asked
        if wanted == asked:
            return
        if asked is None or wanted.model != asked.model:
            # What is shown is another model's; for another target it is only a moment out of date.
            show(self.query_one("#expected", Static), Content(""))
        self._forecaster.ask(wanted)

    def _show_forecast(self) -> None:
        known = self._forecast
        if known is not None and known.request == self._forecaster.asked:
            from tui.app.widgets.expected import expected_words

            # Where there is little room, the words on the field in focus are worth more than bars.
            bars = self.app.size.height >= TALL
            show(self.query_one("#expected", Static), expected_words(known.request.target, known.expected, bars=bars))

    def _refuse(self, text: str) -> None:
        """Say what is wrong with a model, until the cursor leaves it."""
        row = self.query_one(ModelTable).current
        self._refused = row.key if row is not None and text else ""
        self._problem("#model-problem", text)

    def _problem(self, where: str, text: str) -> None:
        show(self.query_one(where, Static), Content(f"! {clean(text, 300)}" if text else ""))

    # -- what the user does: the model

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        self._fill()

    def action_filter(self) -> None:
        """Type a part of a model's name."""
        self.set_focus(self.query_one(FilterField))  # at once, for those who type fast

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Describe the model under the cursor below the list, and show its command."""
        if event.row is None or event.row.key != self._refused:
            self._refuse("")
        show(self.query_one("#title", Static), Content(self.query_one(ModelTable).about))
        self._refresh_command()

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Run the model under the cursor."""
        self.action_run()

    def action_edit(self) -> None:
        """Type a path, beginning with that of the file under the cursor."""
        from tui.app.screens.path import PathScreen

        row = self.query_one(ModelTable).current
        self.app.push_screen(PathScreen(row.key if row and row.key in self._files else ""), self._take_file)

    def _take_file(self, path: str | None) -> None:
        if path is not None:
            self._files = [path, *(known for known in self._files if known != path)]
            self._choose(path)

    def _choose(self, model: str) -> None:
        """Put the cursor on a model, whatever the filter."""
        with self.prevent(Input.Changed):
            self.query_one(FilterField).value = ""
        self._fill(model)
        self.set_focus(self.query_one(ModelTable))

    def edit(self, request: Spec) -> None:
        """Show the spec of a run, to be changed and run again."""
        self._wanted, self._base = request.model, request
        self.query_one(SpecForm).fill(request)
        model, problem = self._first_model()
        self._choose(model)
        self._refuse(problem)
        self._refresh_command()

    # -- what the user does: the options

    def on_field_changed(self, event: Field.Changed) -> None:
        """Show the command with the new value."""
        self._refresh_command()

    def on_descendant_focus(self) -> None:
        """Explain the field in focus."""
        focused = self.focused
        show(self.query_one("#about", Static), Content(focused.about if isinstance(focused, Field) else ""))

    def request(self) -> Spec | None:
        """Return the spec as it is set; None while no model is chosen."""
        row = self.query_one(ModelTable).current
        if row is None or row.key == FILE:
            return None
        return self.query_one(SpecForm).read(self._base, row.key)

    def on_files_field_wanted(self, event: FilesField.Wanted) -> None:
        """Type the paths of inputs."""
        from tui.app.screens.path import CalibrationScreen, DataScreen

        field = event.field

        def take(files: tuple[str, ...] | None) -> None:
            if files is not None:
                field.value = files
                if field.id == "inputs" and is_data_set(files):
                    in_background("count", lambda: self._count(files[0]))

        screen = DataScreen if field.id == "inputs" else CalibrationScreen
        self.app.push_screen(screen(shlex.join(field.value)), take)

    def _count(self, data_set: str) -> None:
        # Only now: with it comes numpy.
        from tui.model import datasets

        with contextlib.suppress(UserError):  # said where it is run
            tell(self, self.Counted(len(datasets.items(Path(data_set)))))

    def action_defaults(self) -> None:
        """Reset all options, after a question; the model stays."""
        from tui.app.screens.confirm import Confirm

        form = self.query_one(SpecForm)
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
        row = self.query_one(ModelTable).current
        if row is not None and row.key == FILE:
            self.action_edit()
            return
        if (request := self.request()) is None:
            return
        try:
            catalogue.resolve(request.model)
        except UserError as error:
            self._refuse(str(error))
            return
        from tui.run import control

        try:
            directory = control.start(spec.check(request))
        except UserError as error:
            self._problem("#option-problem", str(error))
            return
        remembered.keep(spec=request)
        self.post_message(OpenRun(directory))

    def action_sweep(self) -> None:
        """Estimate the model on all sizes of the NPU and in all memory modes."""
        if (request := self.request()) is None:
            return
        try:
            if catalogue.is_program(request.model):
                raise UserError("it is compiled already", "a sweep needs the model itself")
            catalogue.resolve(request.model)
            spec.check(request)
        except UserError as error:
            self._refuse(str(error))
            return

        def take(target: Target | None) -> None:
            if target is not None:
                self.query_one(SpecForm).fill(msgspec.structs.replace(request, target=target))

        from tui.app.screens.sweep import SweepScreen

        self.app.push_screen(SweepScreen(request), take)

    def action_copy(self) -> None:
        """Put the command line on the clipboard."""
        if (request := self.request()) is not None:
            self.app.copy_to_clipboard(shlex.join(spec.command_line(request)))
            self.notify("Command line copied.", markup=False)
