"""The form of a spec: a field for each option of `tui.run.options` that has one, and one for what to do."""

from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.app.widgets.choice import Choice, Field, Number
from tui.app.widgets.files_field import FilesField
from tui.run import options, spec
from tui.run.badges import ESTIMATED, MEASURED
from tui.run.option import Option, replaced
from tui.run.options import INFERENCE, PLATFORM, PROGRAM
from tui.run.spec import Spec
from tui.toolchain import vela

BADGES = {
    "fvp": MEASURED,
    "simulator": ESTIMATED,
    "auto": "FVP if found, else SIMULATOR",
}

FORM = tuple(option for option in options.TABLE if option.form is not None)
"""The options that the form asks for, in its order."""
ON = "on"
COMPILE, RUN, SERVE = "emit", "check", "serve"
"""Choices of "Do": compile only, run, or run and keep the platform."""

FieldType = TypeVar("FieldType", bound=Field)


def is_data_set(files: tuple[str, ...]) -> bool:
    """Return True for a folder or an archive, instead of a file for each input."""
    return len(files) == 1 and (files[0].endswith(".npz") or Path(files[0]).is_dir())


def is_folder(path: str | None) -> bool:
    """Return True for an existing folder."""
    return path is not None and Path(path).is_dir()


def _id(option: Option) -> str:
    return option.key.replace("_", "-")


def _to_field(option: Option, values: Spec) -> Any:
    """Return the value of an option's field for a spec."""
    value = option.value_in(values)
    if option.path == ("inputs",) and values.dataset:
        return (values.dataset,)
    if option.kind == "file" and not option.repeatable:
        return (value,) if value else ()
    return (ON if value else "") if option.kind == "flag" else value


def _from_field(option: Option, value: Any) -> Any:
    """Return the value of an option for the value of its field."""
    if option.kind == "file" and not option.repeatable:
        return value[0] if value else None
    return value == ON if option.kind == "flag" else value


def _to_do(values: Spec) -> str:
    return COMPILE if values.until == "emit" else SERVE if values.serve else RUN


class SpecForm(Vertical):
    """Target, program and platform, named as Vela and ExecuTorch name their values."""

    def __init__(self, values: Spec, *, id: str) -> None:
        super().__init__(id=id)
        self._first = values

    def compose(self) -> ComposeResult:
        """The fields, with the first values."""
        for group, entries in groupby(FORM, key=lambda option: option.group):
            if group != INFERENCE:  # rows are few: its fields follow the platform's
                yield Static(group, classes="group", markup=False)
            for option in entries:
                yield self._new_field(option)
            if group == PROGRAM:
                yield Choice(
                    "Do",
                    [(RUN, "compile and run"), (COMPILE, "compile only"), (SERVE, "run and stay")],
                    "Compile only stops after the .pte and its analysis; "
                    "run and stay keeps the platform for more inferences.",
                    id="until",
                    value=_to_do(self._first),
                )
        yield Static("", id="option-problem", classes="problem", markup=False)
        yield Static("", id="expected", markup=False)
        yield Static("", id="about", markup=False)

    def _new_field(self, option: Option) -> Field:
        form, value = option.form, _to_field(option, self._first)
        assert form is not None
        match option.kind:
            case "file":
                return FilesField(form.label, form.without, form.about, id=_id(option), value=value)
            case "integer":
                return Number(form.label, form.about, id=_id(option), value=value, unit=form.unit)
            case "flag":
                choices = list(zip(("", ON), form.off_on, strict=True))
            case "choice":
                choices = [(name, form.text(name)) for name in option.choices]
            case "text" if option.vela:
                choices = [(name, form.text(name)) for name in _names_of_vela(option.vela)]
            case _:
                raise TypeError(f"no field of the form takes the value of {option.name}")
        return Choice(form.label, choices, form.about, id=_id(option), value=value, unit=form.unit)

    def _field(self, id: str, kind: type[FieldType]) -> FieldType:
        return self.query_one(f"#{id}", kind)

    def _value(self, id: str) -> Any:
        match field := self._field(id, Field):
            case Choice() | FilesField() | Number():
                return field.value
        raise TypeError(field)

    def fill(self, values: Spec) -> None:
        """Show the values of a spec."""
        shown = {_id(option): _to_field(option, values) for option in FORM} | {"until": _to_do(values)}
        for id, value in shown.items():
            match field := self._field(id, Field):
                case Choice() | FilesField() | Number():
                    field.value = value

    def read(self, base: Spec, model: str) -> Spec:
        """Return `base` with the values of the fields and a model."""
        changes = {option.path: _from_field(option, self._value(_id(option))) for option in FORM}
        to_do, inputs = self._value("until"), changes["inputs",]
        if is_data_set(inputs):
            changes |= {("inputs",): (), ("dataset",): inputs[0]}
        else:
            changes |= {("dataset",): None}
        if changes["platform",] == "fvp":
            changes |= {("engine",): spec.DEFAULT.engine}
        # A model that was run in another folder runs there again.
        folder = base.folder if base.model == model and is_folder(base.folder) else spec.folder_for(model)
        changes |= {
            ("model",): model,
            ("folder",): folder,
            ("until",): COMPILE if to_do == COMPILE else RUN,
            ("serve",): to_do == SERVE,
        }
        return replaced(base, changes)

    def offer(self, *, is_program: bool) -> None:
        """Show only the fields that matter for the other values; `is_program`: the model is compiled already."""
        compiles = self._value("until") == COMPILE
        for option in FORM:
            is_moot = is_program if option.group == PROGRAM else compiles and option.group in (PLATFORM, INFERENCE)
            self._field(_id(option), Field).display = not is_moot
        if self._value("platform") == "fvp":
            self._field("engine", Field).display = False

    @property
    def badge(self) -> str:
        """The place of the run, and the kind of its figures."""
        return "compile only" if self._value("until") == COMPILE else BADGES[self._value("platform")]


def _names_of_vela(names: str) -> tuple[str, ...]:
    try:
        return tuple(getattr(vela.lists(), names))
    except vela.VelaMissing:
        return ()  # the check of the spec reports it where the user sees it
