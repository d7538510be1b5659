"""An option of the command line, its help, and its field on the Setup screen.

Options are declared in `tui.run.options`, those of a spec beside the field that they set.
"""

from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

Kind = Literal[
    "text", "choice", "flag", "integer", "number", "address", "file", "program", "port", "toolchain", "setting", "names"
]
"""Kind of a typed value. A flag has none; a program may be on PATH; a port is a device; a toolchain is a Python, its
folder or its name in config.toml; a setting is NAME=VALUE; names are A,B."""

Value = TypeVar("Value")


def _unchanged(name: str) -> str:
    return name


class Form(msgspec.Struct, frozen=True):
    """A field of the Setup screen: its label, and a sentence about it while it has the focus."""

    label: str
    about: str
    text: Callable[[str], str] = _unchanged
    """Shortens a choice to the width of the field."""
    unit: str = ""
    off_on: tuple[str, str] = ("no", "yes")
    """The texts of a flag."""
    without: str = "none"
    """The text for no files."""


class Option(msgspec.Struct, frozen=True):
    """An option of the command line."""

    name: str
    help: str
    group: str
    commands: tuple[str, ...] = ("run",)
    kind: Kind = "text"
    """Derived from the type of the spec's field; declared only where text has a special meaning."""
    short: str = ""
    metavar: str = ""
    unset: str = ""
    """Meaning of no value, in words."""
    vela: str = ""
    """The list of `tui.toolchain.vela.VelaLists` that holds its values."""
    form: Form | None = None
    always_shown: bool = False
    """Shown in command lines even at its default: a result means nothing without it."""
    rank: int = 0
    """Position in the group: after all options of a lower rank."""
    part: str = ""
    """Attribute of the field that it sets; empty for the field as a whole."""

    # Derived from the field of the spec.
    path: tuple[str, ...] = ()
    default: Any = None
    choices: tuple[str, ...] = ()
    repeatable: bool = False

    @property
    def key(self) -> str:
        """Name of its value in code."""
        return self.path[-1] if self.path else self.name.lstrip("-").replace("-", "_")

    @property
    def default_text(self) -> str:
        """Default value, in words; empty where there is none."""
        if self.unset or self.kind == "flag" or self.default in (None, ()):
            return self.unset
        return ",".join(self.default) if self.kind == "names" else _text(self.default, self.kind)

    def value_in(self, values: Any) -> Any:
        """Return the value that it has in a spec."""
        for name in self.path:
            values = getattr(values, name)
        return values

    def words(self, values: Any) -> list[str]:
        """Return the words of a command line that set it as in a spec; none for the default."""
        value = self.value_in(values)
        if value is None or (value == self.default and not self.always_shown):
            return []
        if self.kind == "flag":
            return [self.name]
        every = value if self.repeatable else (value,)
        return [word for one in every for word in (self.name, _text(one, self.kind))]


def _text(value: Any, kind: Kind) -> str:
    if kind == "address":
        return f"{value:#x}"
    if kind == "setting":
        return "=".join(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


_KINDS: Mapping[Any, Kind] = {bool: "flag", int: "integer", float: "number", Literal: "choice", tuple: "setting"}
"""Kinds by the type of one value."""


def declared(kind: type[msgspec.Struct], above: tuple[str, ...] = ()) -> Iterator[Option]:
    """Yield the options declared beside the fields of a struct, and beside those of structs within it."""
    hints = get_type_hints(kind, include_extras=True)
    defaults = {field.name: field.default for field in msgspec.structs.fields(kind)}
    for name, hint in hints.items():
        path = (*above, name)
        if get_origin(hint) is Annotated:
            hint, *metadata = get_args(hint)
            for option in metadata:
                yield _completed(option, path, hint, defaults[name])
        elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from declared(hint, path)


def _completed(option: Option, path: tuple[str, ...], hint: Any, default: Any) -> Option:
    """Return an option with what its field's type and default determine."""
    if option.part:
        path, hint, default = (*path, option.part), get_type_hints(hint)[option.part], getattr(default, option.part)
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    repeatable = get_origin(hint) is tuple
    if repeatable:
        hint = get_args(hint)[0]
    kind = _KINDS.get(get_origin(hint) or hint, "text")
    choices = get_args(hint) if kind == "choice" else ()
    return msgspec.structs.replace(
        option,
        kind=kind if option.kind == "text" else option.kind,
        path=path,
        default=default,
        choices=choices,
        repeatable=repeatable,
    )


def replaced(values: Value, changes: Mapping[tuple[str, ...], Any]) -> Value:
    """Return a struct with new values at the given paths."""
    own: dict[str, Any] = {}
    for (name, *rest), value in changes.items():
        own[name] = replaced(own.get(name, getattr(values, name)), {tuple(rest): value}) if rest else value
    return msgspec.structs.replace(values, **own) if own else values  # type: ignore[type-var]
