"""The form of a spec: a field for each option of `tui.run.options` that has one, and one for what to do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from tui.app.widgets.card import Card
from tui.app.widgets.choice import Choice, Field, Number
from tui.app.widgets.field_group import FieldGroup
from tui.app.widgets.files_field import FilesField, ParametersField
from tui.app.widgets.mac_picker import MacPicker, Prospect
from tui.app.widgets.target_fields import TargetFields
from tui.errors import UserError
from tui.reports.format import kib_words, ms
from tui.run import options, spec
from tui.run.board_options import NO_BOARD
from tui.run.option import Option, replaced
from tui.run.option_groups import BOARD, GROUPS, INFERENCE, PLATFORM, PROGRAM, TARGET
from tui.run.spec import Spec
from tui.text import clean
from tui.toolchain import ports, toolchains

FORM = tuple(option for option in options.TABLE if option.form is not None)
"""The options that the form asks for, in its order."""
PICKED = ("target", "accelerator")
"""The option whose field is the chart."""
ON = "on"
COMPILE, RUN, SERVE = "emit", "check", "serve"
"""Choices of "Do": compile only, run, or run and keep the platform."""
SERIAL = "serial"
"""The platform that is a board: offered where there is a port."""


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
    if option.kind in ("toolchain", "port"):
        return value or ""
    if option.path == ("platform",) and values.is_on_board:
        return SERIAL
    return (ON if value else "") if option.kind == "flag" else value


def _from_field(option: Option, value: Any) -> Any:
    """Return the value of an option for the value of its field."""
    if option.kind == "file" and not option.repeatable:
        return value[0] if value else None
    if option.kind in ("toolchain", "port"):
        return value or None
    return value == ON if option.kind == "flag" else value


def _to_do(values: Spec) -> str:
    return COMPILE if values.until == "emit" else SERVE if values.serve else RUN


def _has_choices(option: Option, values: Spec) -> bool:
    """Return False for an option whose values are found on this machine where none is found."""
    match option.kind:
        case "toolchain":
            return bool(toolchain_choices(values))
        case "port":
            return bool(port_choices(values))
    return True


def _new_field(option: Option, values: Spec) -> Field:
    form, value = option.form, _to_field(option, values)
    assert form is not None
    match option.kind:
        case "file":
            return FilesField(form.label, form.without, form.about, id=_id(option), value=value)
        case "integer":
            return Number(form.label, form.about, id=_id(option), value=value, unit=form.unit)
        case "flag":
            choices = list(zip(("", ON), form.off_on, strict=True))
        case "choice":
            offered = [name for name in option.choices if name != SERIAL or port_choices(values)]
            choices = [(name, form.text(name)) for name in offered]
        case "port":
            choices = port_choices(values)
        case "toolchain":
            choices = [("", form.without), *toolchain_choices(values)]
        case "text" if option.vela:
            choices = []  # the fields of the target know them
        case _:
            raise TypeError(f"no field of the form takes the value of {option.name}")
    kind = MacPicker if option.path == PICKED else Choice
    return kind(form.label, choices, form.about, id=_id(option), value=value, unit=form.unit)


def toolchain_choices(values: Spec) -> list[tuple[str, str]]:
    """Interpreters and what they are called: those that config.toml names, and that of a spec; empty for none."""
    try:
        found = toolchains.named()
    except UserError:
        found = {}  # what is wrong with config.toml is said where something depends on it
    if values.toolchain is not None:
        found.setdefault(values.toolchain, values.toolchain)
    return [(python, clean(name, 40)) for python, name in found.items()]


def port_choices(values: Spec) -> list[tuple[str, str]]:
    """Serial ports and what they are called: those that are plugged in, and that of a spec; empty for none."""
    found = dict.fromkeys([*filter(None, [values.serial.port]), *ports.plugged()])
    return [(port, clean(Path(port).name, 24)) for port in found]


def _choice_of(fields: Mapping[tuple[str, ...], Field], part: str) -> Choice:
    field = fields[PICKED[0], part]
    assert isinstance(field, Choice)
    return field


class SpecForm(Vertical):
    """Target, program and platform, named as Vela and ExecuTorch name their values."""

    def __init__(self, values: Spec, *, id: str) -> None:
        super().__init__(id=id)
        self._offered = tuple(option for option in FORM if _has_choices(option, values))
        fields = {option.path: _new_field(option, values) for option in self._offered}
        picker = fields[PICKED]
        assert isinstance(picker, MacPicker)
        self.picker = picker
        self.target_fields = TargetFields(
            values.target, lambda part: _choice_of(fields, part), toolchains.known_ethosu(values.toolchain)
        )
        self.parameters = ParametersField(id="parameters")
        until = Choice(
            "Do",
            [(RUN, "run"), (COMPILE, "compile"), (SERVE, "run and stay")],
            "compile ends with the .pte; run and stay keeps the platform for inferences.",
            id="until",
            value=_to_do(values),
        )
        of_group = {name: [fields[o.path] for o in self._offered if o.group == name] for name in GROUPS}
        parts = {
            TARGET: [self.target_fields.family, *of_group[TARGET]],
            PROGRAM: [*of_group[PROGRAM], until],
            # Rows are few: the fields of the inference follow the platform's.
            PLATFORM: [*of_group[PLATFORM], *of_group[BOARD], *of_group[INFERENCE], self.parameters],
        }
        self.groups = {title: FieldGroup(part, id=f"{title.lower()}-fields") for title, part in parts.items()}
        self.target_fields.listen()
        self._fields = {field.id: field for part in parts.values() for field in part}

    def compose(self) -> ComposeResult:
        """The groups in their frames."""
        for title, group in self.groups.items():
            with Card(id=title.lower()) as card:
                card.caption(title=title)
                yield group

    # -- fields

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields, in their order."""
        return tuple(self._fields.values())

    def field(self, id: str) -> Any:
        """The field of an option, by the option's name with dashes."""
        return self._fields[id]

    def stops(self) -> list[Field]:
        """The fields that keys can go to, in their order."""
        return [field for field in self.fields if field.shown]

    @property
    def current(self) -> Field | None:
        """The field that keys go to; None while the focus is elsewhere."""
        return next((group.current for group in self.groups.values() if group.has_focus), None)

    def go(self, step: int, before: Sequence[Widget]) -> None:
        """Go to the next or the previous of the widgets before the form and its fields that matter, in a circle."""
        stops: list[Widget | Field] = [*before, *self.stops()]
        here = self.current or self.screen.focused
        at = stops.index(here) if here in stops else len(before) - 1
        stop = stops[(at + step) % len(stops)]
        if isinstance(stop, Field):
            self.enter(stop)
        else:
            self.screen.set_focus(stop)

    def enter(self, field: Field) -> None:
        """Have keys go to a field."""
        group = next(group for group in self.groups.values() if field in group.fields)
        group.enter(field)
        self.screen.set_focus(group, scroll_visible=False)
        line = group.line_of(field)
        assert group.parent is not None
        top = group.virtual_region.y + line + (group.parent.virtual_region.y if isinstance(group.parent, Card) else 0)
        # The first field of a group is shown with the title above it.
        above = 1 if line == 0 else 0
        self.scroll_to_region(Region(0, top - above, 1, field.lines + above), animate=False)

    def foresee(self, found: Prospect, sweep_key: str, *, framed: bool) -> None:
        """Show what is expected of the model on each size of the NPU; a key estimates what is not known.

        Where there is no frame, its foot has no room, and the source stands beside the figure.
        """
        chosen = self.picker.value
        refused = clean(found.refused.get(chosen, ""), 60)
        unknown = f"not known: {sweep_key} sweeps" if sweep_key else "not known"
        source = refused or ((found.source if framed else found.brief) if chosen in found.ms else unknown)
        time = ms(found.ms[chosen]) if chosen in found.ms else ""
        sram = f"  {kib_words(found.sram_kib[chosen])} SRAM" if framed and chosen in found.sram_kib else ""
        beside = "" if framed else f"  {source}" if time else source
        self.picker.prospect = found
        card = self.query_one(f"#{TARGET.lower()}", Card)
        card.caption(
            figure=Content.assemble((time, "bold $strong"), (sram, "$muted"), (beside, "$faint")),
            foot=source if framed else "",
        )
        self.groups[TARGET].draw()

    # -- values

    def fill(self, values: Spec) -> None:
        """Show the values of a spec."""
        self.target_fields.fill(values.target, toolchains.known_ethosu(values.toolchain))
        for option in self._offered:
            self.field(_id(option)).value = _to_field(option, values)
        self.field("until").value = _to_do(values)

    def follow_toolchain(self) -> None:
        """Offer the targets of the toolchain's own Vela, once it is known."""
        if self.toolchain is not None:
            self.target_fields.fill(self.target_fields.target, toolchains.known_ethosu(self.toolchain))

    def own_parameters(self, base: Spec) -> tuple[tuple[str, str], ...]:
        """Return the platform's parameters of a spec, without those of another board than the target's."""
        return spec.own_parameters(base.parameters, self.target_fields.target.board)

    def replaced(self, base: Spec) -> str:
        """Tell once what the last change replaced in other fields, and how many parameters of `base` it took away."""
        return self.target_fields.taken(len(base.parameters) - len(self.own_parameters(base)))

    def read(self, base: Spec, model: str) -> Spec:
        """Return `base` with the values of the fields and a model."""
        changes = {option.path: _from_field(option, self.field(_id(option)).value) for option in self._offered}
        to_do, inputs = self.field("until").value, changes["inputs",]
        if is_data_set(inputs):
            changes |= {("inputs",): (), ("dataset",): inputs[0]}
        else:
            changes |= {("dataset",): None}
        if changes["platform",] == SERIAL:
            changes |= {option.path: option.default for option in map(options.of_field, spec.ELSEWHERE)}
        else:
            changes |= {("serial",): NO_BOARD}
        if changes["platform",] == "fvp":
            changes |= {("engine",): spec.DEFAULT.engine}
        # A model that was run in another folder runs there again.
        folder = base.folder if base.model == model and is_folder(base.folder) else spec.folder_for(model)
        changes |= {
            ("model",): model,
            ("folder",): folder,
            ("until",): COMPILE if to_do == COMPILE else RUN,
            ("serve",): to_do == SERVE,
            ("parameters",): () if changes["platform",] == SERIAL else self.own_parameters(base),
        }
        return replaced(base, changes)

    def offer(self, *, is_lowered: bool) -> None:
        """Let keys go only to fields that matter for the other values; `is_lowered`: nothing but Vela compiles it."""
        for option in self._offered:
            is_moot = is_lowered if option.group == PROGRAM else self.compiles and option.group in (PLATFORM, INFERENCE)
            self.field(_id(option)).shown = not is_moot
        on_board = self.platform == SERIAL
        for name in ("engine", "inputs") if on_board else ("engine",) if self.platform == "fvp" else ():
            self.field(name).shown = False
        if "port" in self._fields:
            self.field("port").shown = on_board and not self.compiles
        self.parameters.shown = not self.compiles and not on_board
        for group in self.groups.values():
            group.draw()

    @property
    def compiles(self) -> bool:
        """True if nothing is to be run."""
        return bool(self.field("until").value == COMPILE)

    @property
    def toolchain(self) -> str | None:
        """The interpreter that compiles; None for this one."""
        return self.field("toolchain").value or None if "toolchain" in self._fields else None

    @property
    def platform(self) -> str:
        """The platform that is asked for."""
        return str(self.field("platform").value)
