"""The Setup screen: what to run, on what, and the command that does it."""

import contextlib
import shlex
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.app import remembered
from tui.app.screens.messages import OpenRun
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.choice import Field, Number
from tui.app.widgets.files_field import FilesField
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.spec_form import SpecForm, is_data_set
from tui.app.widgets.table import Column, FigureTable, Row
from tui.app.widgets.words import model_name
from tui.errors import UserError
from tui.model import catalogue
from tui.model.catalogue import ModelInfo
from tui.run import spec
from tui.run.spec import Spec, lowering_of
from tui.text import clean
from tui.toolchain import vela
from tui.toolchain.target import Target

if TYPE_CHECKING:
    from tui.analysis.prediction import Expected, Predictor

FIRST = "sample:digits"
FILE = "file..."
RECENT = 6
"""Files of earlier runs that are offered."""
RECENT_RUNS = 200
WIDTHS = [(0, "-narrow"), (76, "-normal"), (110, "-wide")]
TALL = 28
"""Rows from which on the sizes of the NPU stand beside each other."""


class ModelTable(FigureTable):
    """The models; enter runs the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Run", key_display="enter", id="setup.choose")]


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
        Binding("w", "sweep", "Sweep", tooltip="The model on all sizes of the NPU", id="setup.sweep"),
        Binding("p", "parameters", "Parameters", tooltip="The platform's parameters", id="setup.parameters"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy the command line", id="setup.copy"),
        Binding("d", "defaults", "Defaults", show=False, tooltip="All options as at the first start", id="setup.reset"),
        Binding("h", "app.history", "History", id="setup.history"),
        Binding("q", "app.leave", "Quit", id="setup.quit"),
    ]

    class Listed(Message):
        """Models of the ExecuTorch package, and files of earlier runs."""

        def __init__(self, models: list[ModelInfo], recent: list[str]) -> None:
            super().__init__()
            self.models = models
            self.recent = recent

    class Expects(Message):
        """What the model of a spec would take; None where it was not lowered yet."""

        def __init__(self, request: Spec, expected: "Expected | None") -> None:
            super().__init__()
            self.request = request
            self.expected = expected

    class Counted(Message):
        """How many samples a data set has."""

        def __init__(self, samples: int) -> None:
            super().__init__()
            self.samples = samples

    def __init__(self, model: str | None = None) -> None:
        super().__init__()
        self._predictor: Predictor | None = None
        self._asked: Spec | None = None
        """What an estimate is wanted for: one at a time is looked up, and only the newest is shown."""
        self._answer: SetupScreen.Expects | None = None
        self._looking_up = threading.Lock()
        self.HORIZONTAL_BREAKPOINTS = WIDTHS
        self._wanted = model
        self._models: list[ModelInfo] = []
        self._files: list[str] = []
        """Paths: typed ones first, then those of earlier runs."""
        self._base = remembered.read().spec or spec.DEFAULT
        """The last one that was run here, and what the Parameters screen has set."""
        self._refused = ""
        """Name of the model whose problem is shown."""

    def compose(self) -> ComposeResult:
        """The screen."""
        # The class that a resize would set, before the first layout instead of after it.
        widths = self._get_breakpoint_classes(self.app.size.width, WIDTHS)
        self.set_class(True, *widths, update=False)
        with Horizontal(id="top"):
            yield Static(Content.assemble(("fvp-tui", "bold $accent"), "  Setup"), markup=False)
            yield Static("", id="badge", markup=False)
        with Horizontal(id="body"):
            with Vertical(id="models"):
                yield FilterField("/ filter the models", self._fill, id="filter")
                yield ModelTable((Column("model", most=18), Column("title", flex=True, width=4)), header=False)
                yield Static("", id="title", markup=False)
                yield Static("", id="model-problem", classes="problem", markup=False)
            yield SpecForm(self._base, id="options")
        yield Static("", id="command", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Samples at once; what takes longer to list comes when it is there."""
        if not self.children:
            return  # the program is on its way out before it was there
        self._models = catalogue.samples()
        select, problem = FIRST, ""
        wanted = self._wanted or self._base.model
        if wanted:
            try:
                select = self._resolve(wanted)
            except UserError as error:
                # That the last one is gone since is nothing to complain about.
                problem = str(error) if self._wanted is not None else ""
            else:
                if Path(select).is_absolute():
                    self._files.insert(0, select)
                elif not select.startswith("sample:"):
                    self._models.append(catalogue.presumed(select))
        self._fill(select)
        self._refuse(problem)
        self._refresh_command()
        # The first picture comes first.
        self.call_after_refresh(in_background, "models", self._list)

    def _resolve(self, name: str) -> str:
        """The canonical name of the first model. That the last one run here is there is seen when it is run again."""
        is_known = self._wanted is None and name.startswith("executorch:")
        return name if is_known else catalogue.resolve(name)

    def _list(self) -> None:
        # Only now, and in the functions below: what the first picture needs not, it does not wait for.
        from tui.run import store

        recent: list[str] = []
        for _, request in store.specs(RECENT_RUNS):
            if request.model.startswith("/") and request.model not in recent:
                recent.append(request.model)
            if len(recent) == RECENT:
                break
        tell(self, self.Listed(catalogue.models(), recent))

    def on_setup_screen_listed(self, event: Listed) -> None:
        """All models are known now."""
        if not self.children:
            return  # the program is on its way out
        self._models = event.models
        self._files += [path for path in event.recent if path not in self._files]
        self._fill()

    def on_unmount(self) -> None:
        """Nobody asks any more."""
        if self._predictor is not None:
            self._predictor.close()

    def on_screen_resume(self) -> None:
        """Back from a run, which may have lowered the model."""
        self._asked = None
        self._expect(self.request())

    # -- what is expected

    def _expect(self, request: Spec | None) -> None:
        """Look up what a spec would take, beside the event loop."""
        if request is None or catalogue.is_program(request.model):
            self._asked = None
            self.query_one("#expected", Static).update(Content(""))
            return
        wanted = msgspec.structs.replace(lowering_of(request), target=request.target)
        if wanted == self._asked:
            return
        if self._asked is None or wanted.model != self._asked.model:
            # What is shown is another model's; for another target it is only a moment out of date.
            self.query_one("#expected", Static).update(Content(""))
        self._asked = wanted

        def look_up() -> None:
            with self._looking_up:
                # Whoever holds a key down wants only what he stops at.
                if wanted == self._asked:
                    with contextlib.suppress(UserError, vela.VelaMissing):
                        if self._predictor is None:
                            from tui.analysis.prediction import Predictor

                            self._predictor = Predictor()
                        tell(self, self.Expects(wanted, self._predictor.expect(wanted)))

        in_background("expected", look_up)

    def on_setup_screen_expects(self, event: Expects) -> None:
        """Show it, if it still is what is asked for."""
        if self.children and event.request == self._asked:
            self._answer = event
            self._show_expected()

    def _show_expected(self) -> None:
        if self._answer is not None and self._answer.request == self._asked:
            from tui.app.widgets.expected import expected_words

            # Where there is little room, the words on the field in focus are worth more than bars.
            bars = self.app.size.height >= TALL
            words = expected_words(self._answer.request.target, self._answer.expected, bars=bars)
            self.query_one("#expected", Static).update(words)

    def on_resize(self) -> None:
        """More or less of what is expected fits."""
        self._show_expected()

    # -- models

    def _fill(self, select: str | None = None) -> None:
        wanted = self.query_one(FilterField).value.lower().split()

        def matches(text: str) -> bool:
            return all(word in text.lower() for word in wanted)

        rows: list[Row] = []
        for group in ("samples", "executorch"):
            found = [m for m in self._models if m.group == group and matches(f"{m.name} {m.title}")]
            if found:
                rows.append(Row(f"group:{group}", (group,), tone="heading"))
            rows += [_row(m) for m in found]
            if group == "samples":
                rows += self._file_rows(matches)
        if not rows:
            rows.append(Row("group:none", ("no model matches: escape shows all",), tone="heading"))
        self.query_one(FigureTable).set_rows(rows, select=select)

    def _file_rows(self, matches: Callable[[str], bool]) -> Iterable[Row]:
        found = [path for path in self._files if matches(path)]
        if not found and not matches(FILE):
            return
        yield Row("group:files", ("files",), tone="heading")
        for path in found:
            yield Row(path, (model_name(path, 30), clean(str(Path(path).parent), 200)))
        yield Row(FILE, (FILE, "type a path"))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        self._fill()

    def action_filter(self) -> None:
        """Type a part of a model's name."""
        self.set_focus(self.query_one(FilterField))  # at once, for those who type fast

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Another model: what it is, in full, below the list."""
        row = event.row
        if row is None or row.key != self._refused:
            self._refuse("")
        words = f"{row.cells[0]}: {row.cells[1]}" if row is not None and row.cells[1] and row.key != FILE else ""
        self.query_one("#title", Static).update(Content(words))
        self._refresh_command()

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Enter on a model runs it."""
        self.action_run()

    def action_edit(self) -> None:
        """Type a path, beginning with that of the file under the cursor."""
        row = self.query_one(FigureTable).current
        from tui.app.screens.path import PathScreen

        self.app.push_screen(PathScreen(row.key if row and row.key in self._files else ""), self._take_file)

    def _take_file(self, path: str | None) -> None:
        if path is not None:
            self._files = [path, *(known for known in self._files if known != path)]
            with self.prevent(Input.Changed):
                self.query_one(FilterField).value = ""
            self._fill(path)
            self.set_focus(self.query_one(FigureTable))

    # -- the spec

    def on_field_changed(self, event: Field.Changed) -> None:
        """A value is another."""
        self._refresh_command()

    def on_descendant_focus(self) -> None:
        """Explain the field."""
        focused = self.focused
        self.query_one("#about", Static).update(Content(focused.about if isinstance(focused, Field) else ""))

    def request(self) -> Spec | None:
        """The spec as it is set; None while no model is chosen."""
        row = self.query_one(FigureTable).current
        if row is None or row.key == FILE:
            return None
        return self.query_one(SpecForm).read(self._base, row.key)

    def _refresh_command(self) -> None:
        request = self.request()
        form = self.query_one(SpecForm)
        form.offer(is_program=request is not None and catalogue.is_program(request.model))
        self.query_one("#badge", Static).update(Content(form.badge))
        problem = ""
        if request is not None:
            try:
                spec.check(request)
            except UserError as error:
                problem = str(error)
            words = shlex.join(spec.command_line(request))
            self.query_one("#command", Static).update(Content.assemble(("$ ", "bold $accent"), clean(words)))
            self._expect(None if problem else request)
        else:
            self._expect(None)
            self.query_one("#command", Static).update(Content("$ enter types the path of a model file"))
        self._problem("#option-problem", problem)

    def _refuse(self, text: str) -> None:
        """Say what is wrong with a model, until the cursor leaves it."""
        row = self.query_one(FigureTable).current
        self._refused = row.key if row is not None and text else ""
        self._problem("#model-problem", text)

    def _problem(self, where: str, text: str) -> None:
        self.query_one(where, Static).update(Content(f"! {clean(text, 300)}" if text else ""))

    # -- actions

    def action_run(self) -> None:
        """Start the run and go to it."""
        row = self.query_one(FigureTable).current
        if row is not None and row.key == FILE:
            self.action_edit()
            return
        request = self.request()
        if request is None:
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

    def on_setup_screen_counted(self, event: Counted) -> None:
        """A data set is inferred on as a whole, unless somebody says otherwise."""
        self.query_one("#inferences", Number).value = event.samples

    def action_defaults(self) -> None:
        """All options as at the first start, if that is meant; the model stays."""
        from tui.app.screens.confirm import Confirm

        form = self.query_one(SpecForm)
        if form.read(self._base, spec.DEFAULT.model) == spec.DEFAULT:
            self.notify("All options are as at the first start.", markup=False)
            return

        def forget(confirmed: bool | None) -> None:
            if confirmed:
                self._base = spec.DEFAULT
                form.fill(self._base)
                self._refresh_command()

        words = "Target, files, platform parameters and all others are as at the first start then; the model stays."
        self.app.push_screen(Confirm("Forget all options?", "Forget them", words), forget)

    def action_parameters(self) -> None:
        """What the platform can be told beside all this."""
        # Only now: with the platform comes numpy, which the screens before have no use for.
        from tui.app.screens.parameters import ParametersScreen

        def take(request: Spec | None) -> None:
            if request is not None:
                self._base = request
                self._refresh_command()

        self.app.push_screen(ParametersScreen(self.request() or self._base), take)

    def action_sweep(self) -> None:
        """What the model takes on all sizes of the NPU, and in all memory modes."""
        request = self.request()
        if request is None:
            return
        if catalogue.is_program(request.model):
            self._refuse("it is compiled already: a sweep needs the model itself")
            return
        try:
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
        request = self.request()
        if request is not None:
            self.app.copy_to_clipboard(shlex.join(spec.command_line(request)))
            self.notify("Command line copied.", markup=False)


def _row(model: ModelInfo) -> Row:
    name = model.name.partition(":")[2]
    if model.missing:
        return Row(model.name, (name, f"needs {', '.join(model.missing)}"), tone="dim", enabled=False)
    return Row(model.name, (name, clean(model.title, 120)))
