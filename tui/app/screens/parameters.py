"""The Parameters screen: the platform's parameters as it lists them itself, with presets and favourites."""

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from tui.app.screens.value import ValueScreen
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.card import Card
from tui.app.widgets.cells import Ending
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.masthead import Masthead
from tui.app.widgets.table import Column, FigureTable, Row
from tui.errors import UserError
from tui.platform import command, parameters, presets, selection
from tui.platform.parameters import Parameter
from tui.run import options, spec
from tui.run.option import Option, replaced
from tui.run.spec import Spec
from tui.text import clean, printable_name

COLUMNS = (
    Column("parameter", flex=True, width=20),
    Column("value", most=20),
    Column("type", drop=2, most=8),
    Column("default", drop=3, most=16),
    Column("range", drop=4, most=24),
)


def _shown(option: Option, value: float) -> str:
    return str(int(value)) if option.kind == "flag" else f"{value:g}"


OPTIONS = {
    Parameter(
        option.name, "", "bool" if option.kind == "flag" else "seconds", "", _shown(option, option.default), option.help
    ): option
    for option in map(options.of_field, ("fast", "pmu_trace", "timeout_s"))
}
"""Options of a run that are no parameters of the platform, but decide how it works."""


class ParameterTable(FigureTable):
    """The parameters; enter changes the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Change", key_display="enter", id="parameters.change")
    ]


class PresetScreen(ModalScreen[str | None]):
    """The presets; closes with the name of one."""

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel", "Cancel", id="preset.leave")]

    def compose(self) -> ComposeResult:
        """A table."""
        with Vertical(classes="box"):
            yield Static(Content.assemble(("Presets", "bold"), f"  your own are in {presets.folder()}"), markup=False)
            yield ParameterTable((Column("preset", most=20), Column("sets", flex=True, width=20)), header=False)
            keys = Content.assemble(("enter", "bold $accent"), " Apply   ", ("esc", "bold $accent"), " Cancel")
            yield Static(keys, markup=False, classes="keys")

    def on_mount(self) -> None:
        """List them; one that cannot be read says why."""
        rows = []
        for name in presets.names():
            try:
                rows.append(Row(name, (printable_name(name), clean(presets.load(name).about, 200))))
            except UserError as error:
                rows.append(Row(name, (printable_name(name), clean(str(error), 200)), tone="bad"))
        self.query_one(FigureTable).set_rows(rows)
        self.set_focus(self.query_one(FigureTable))

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Apply the preset under the cursor."""
        event.stop()
        if event.row is not None:
            self.dismiss(event.row.key)

    def action_cancel(self) -> None:
        """Close the list without a choice."""
        self.dismiss(None)


class ParametersScreen(Screen[Spec]):
    """A searchable list; closes with the spec as it was changed here."""

    CSS_PATH = "parameters.tcss"
    AUTO_FOCUS = "FigureTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", id="parameters.filter"),
        Binding(
            "f",
            "favourite",
            "Favourite",
            tooltip="Add to the favourites, or remove from them",
            id="parameters.favourite",
        ),
        Binding("d", "reset", "Default", tooltip="Restore the default", id="parameters.reset"),
        Binding("p", "preset", "Preset", tooltip="Apply a preset", id="parameters.preset"),
        Binding("w", "save", "Save", tooltip="Save the settings as a preset", id="parameters.save"),
        Binding("y", "copy", "Copy", tooltip="Copy the platform's command line", id="parameters.copy"),
        Binding("q,escape", "back", "Back", id="parameters.back"),
    ]

    class Listed(Message):
        """The platform, its parameters and the first words of its command line; or why there is none."""

        def __init__(self, name: str, known: list[Parameter], choice: "selection.Choice | None", why: str) -> None:
            super().__init__()
            self.name = name
            self.known = known
            self.choice = choice
            self.why = why

    def __init__(self, request: Spec) -> None:
        super().__init__()
        self.request = request
        self._known: list[Parameter] = []
        self._choice: selection.Choice | None = None
        self._favourites = presets.favourites()
        self._effective: dict[str, str] = {}
        """Values that the platform will be given, by parameter."""

    def compose(self) -> ComposeResult:
        """The screen."""
        yield Masthead("Parameters", id="top")
        with Card(id="listed"):
            yield FilterField("/ filter the parameters", self._fill, id="filter")
            yield ParameterTable(COLUMNS)
        with Card(id="described"):
            yield Static("", id="about", markup=False)
        yield Static("", id="problem", classes="problem", markup=False)
        yield Static("", id="command", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Ask the platform for its parameters: an FVP takes a second or two."""
        self.query_one(Masthead).show(end=[("asking the platform...", "muted", False)])
        self.query_one("#listed", Card).caption(title="Parameters")
        self._fill()
        request = self.request

        def ask() -> None:
            try:
                choice = selection.platform_only(request)
                known = parameters.of(choice)
            except UserError as error:
                tell(self, self.Listed("", [], None, str(error)))
                return
            why = "" if known else f"{choice.name} lists no parameters"
            tell(self, self.Listed(f"{choice.name} {choice.version or ''}".strip(), known, choice, why))

        in_background("parameters", ask)

    def on_parameters_screen_listed(self, event: Listed) -> None:
        """Show the parameters."""
        if not self.children:
            return  # the program is on its way out
        self._known, self._choice = event.known, event.choice
        count = f"  {len(event.known)} parameters" if event.known else ""
        self.query_one(Masthead).show(end=[(clean(event.name, 60), "accent", True), (count, "muted", False)])
        self._say(event.why)
        self._fill()

    # -- rows

    def _set(self) -> dict[str, str]:
        return dict(self.request.parameters)

    def _value(self, parameter: Parameter) -> str:
        if option := OPTIONS.get(parameter):
            return _shown(option, option.value_in(self.request))
        return self._effective.get(parameter.name, parameter.default)

    def _changed(self, parameter: Parameter) -> bool:
        if parameter in OPTIONS:
            return self._value(parameter) != parameter.default
        return parameter.name in self._set()

    def _fill(self, select: str | None = None) -> None:
        self._effective = self._given()
        words = self.query_one(FilterField).value.split()
        found = parameters.matching([*OPTIONS, *self._known], words)
        listed = {parameter.name for parameter in self._known}
        # What an earlier platform had stays visible: it would be refused at the start.
        lost = [Parameter(n, "", "?", "", "", "not listed by this platform") for n in self._set() if n not in listed]
        groups = (
            ("favourites", [p for p in found if p.name in self._favourites]),
            ("set", [p for p in (*found, *(lost if self._known else ())) if self._changed(p)]),
            ("options", [p for p in found if p in OPTIONS]),
            ("parameters", [p for p in found if p not in OPTIONS]),
        )
        rows: list[Row] = []
        taken: set[str] = set()
        for title, members in groups:
            new = [p for p in members if p.name not in taken]
            if new:
                rows.append(Row(f"group:{title}", (title, str(len(new))), tone="heading"))
            rows += [self._row(p) for p in new]
            taken |= {p.name for p in new}
        if not rows:
            rows.append(Row("group:none", ("no parameter matches: escape shows all",), tone="heading"))
        self.query_one(FigureTable).set_rows(rows, select=select)
        changed = sum(self._changed(parameter) for parameter in (*OPTIONS, *self._known))
        self.query_one("#listed", Card).caption(figure=f"{changed} changed" if changed else "defaults")
        self._show_command()

    def _row(self, parameter: Parameter) -> Row:
        bounds = f"{parameter.low} to {parameter.high}" if parameter.low is not None else ""
        cells = (
            Ending(printable_name(parameter.name, 100)),
            printable_name(self._value(parameter), 60),
            printable_name(parameter.type),
            printable_name(parameter.default),
            printable_name(bounds),
        )
        return Row(parameter.name, cells, tone="good" if self._changed(parameter) else "")

    def _current(self) -> Parameter | None:
        row = self.query_one(FigureTable).current
        known = (*OPTIONS, *self._known)
        if row is None:
            return None
        return next((p for p in known if p.name == row.key), Parameter(row.key, "", "?", "", "", ""))

    def on_figure_table_highlighted(self, event: FigureTable.Highlighted) -> None:
        """Describe the parameter under the cursor."""
        parameter = self._current()
        self.query_one("#about", Static).update(Content(clean(_about(parameter), 400) if parameter else ""))
        title = printable_name(parameter.name, 100) if parameter else ""
        self.query_one("#described", Card).caption(title=title)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        self._fill()

    def action_filter(self) -> None:
        """Type a part of a name or description."""
        self.set_focus(self.query_one(FilterField))

    # -- values

    def on_figure_table_chosen(self, event: FigureTable.Chosen) -> None:
        """Turn a switch; let any other value be typed."""
        parameter = self._current()
        if parameter is None:
            return
        value = self._value(parameter)
        if parameter.type == "bool":
            self._take(parameter, "0" if value.strip("'\"").lower() in ("1", "true") else "1")
            return
        screen = ValueScreen(parameter.name, value, _about(parameter), lambda typed: _problem(parameter, typed))
        self.app.push_screen(screen, lambda typed: self._take(parameter, typed))

    def _take(self, parameter: Parameter, value: str | None) -> None:
        if value is None:
            return
        if option := OPTIONS.get(parameter):
            number = value == "1" if option.kind == "flag" else float(value)
            self._become(replaced(self.request, {option.path: number}))
            return
        settings = tuple({**self._set(), parameter.name: value}.items())
        self._become(msgspec.structs.replace(self.request, parameters=settings))

    def action_reset(self) -> None:
        """Restore the default of the parameter under the cursor."""
        parameter = self._current()
        if parameter is None:
            return
        if parameter in OPTIONS:
            self._take(parameter, parameter.default)
            return
        left = tuple((name, value) for name, value in self.request.parameters if name != parameter.name)
        self._become(msgspec.structs.replace(self.request, parameters=left))

    def _become(self, request: Spec) -> None:
        """Take the spec, if a run of it could be started."""
        try:
            self.request = spec.check(request)
        except UserError as error:
            self._say(str(error))
            return
        self._say("")
        self._fill()

    def _say(self, text: str) -> None:
        self.query_one("#problem", Static).update(Content(f"! {clean(text, 300)}" if text else ""))

    # -- favourites and presets

    def action_favourite(self) -> None:
        """Make the parameter under the cursor a favourite, or no longer."""
        parameter = self._current()
        if parameter is None:
            return
        self._favourites ^= {parameter.name}
        try:
            presets.keep_favourites(self._favourites)
        except UserError as error:
            self._say(str(error))
        self._fill(parameter.name)

    def action_preset(self) -> None:
        """Choose a preset."""

        def apply(name: str | None) -> None:
            if name is None:
                return
            try:
                self._become(presets.apply(self.request, presets.load(name, self.request.target.board)))
            except UserError as error:
                self._say(str(error))

        self.app.push_screen(PresetScreen(), apply)

    def action_save(self) -> None:
        """Save the settings as a preset, under a name to be typed."""

        def save(name: str | None) -> None:
            if name is None:
                return
            try:
                path = presets.save(name, self.request)
            except UserError as error:
                self._say(str(error))
                return
            self.notify(clean(f"Saved as {path}", 300), markup=False)

        self.app.push_screen(ValueScreen("Preset name", "", f"It is saved in {presets.folder()}"), save)

    # -- the command line

    def _argv(self) -> Sequence[str]:
        if self._choice is None:
            return ()
        known = {parameter.name for parameter in self._known} or None
        server = self.request.serve or self.request.inferences > 1
        return command.build(self.request, self._choice, Path("RUN"), inputs=1, server=server, listed=known)

    def _given(self) -> dict[str, str]:
        try:
            argv = self._argv()
        except UserError:
            return self._set()
        return dict(value.split("=", 1) for option, value in pairwise(argv) if option == "-C")

    def _show_command(self) -> None:
        try:
            words = shlex.join(self._argv())
        except UserError as error:
            words = str(error)
        self.query_one("#command", Static).update(Content.assemble(("$ ", "bold $accent"), clean(words, 4000)))

    def action_copy(self) -> None:
        """Put the platform's command line on the clipboard."""
        if argv := self._argv():
            self.app.copy_to_clipboard(shlex.join(argv))
            self.notify("Command line copied.", markup=False)

    def action_back(self) -> None:
        """Close the screen with the spec as it was changed."""
        self.dismiss(self.request)


def _about(parameter: Parameter) -> str:
    bounds = f"  {parameter.low} to {parameter.high}" if parameter.low is not None else ""
    return f"{parameter.type}{bounds}  {parameter.text}"


def _problem(parameter: Parameter, value: str) -> str | None:
    if parameter not in OPTIONS:
        return parameters.problem(parameter, value)
    try:
        return None if float(value) > 0 else f"{value} is not positive"
    except ValueError:
        return f"{value!r} is not a number"
