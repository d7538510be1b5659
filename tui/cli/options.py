"""The options of `tui.run.options`, as click takes them. A value that was not typed is None, empty or false."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tui.cli import candidates
from tui.run import options
from tui.run.option import Option
from tui.run.spec import parameter

Function = TypeVar("Function", bound=Callable[..., Any])


class TableOption(click.Option):
    """An option that the help lists in the group of its entry."""

    def __init__(self, *args: Any, group: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.group = group


def _address(text: str) -> int:
    """Parse an address in memory: hexadecimal after 0x, else decimal."""
    try:
        address = int(text, 0)
    except ValueError:
        address = -1
    if not 0 <= address < 1 << 32:
        raise click.BadParameter(f"{text!r} is not an address of 32 bits")
    return address


def _names(text: str) -> tuple[str, ...]:
    """Parse names with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


_TYPES = {
    "integer": click.INT,
    "number": click.FLOAT,
    "address": _address,
    "names": _names,
    "setting": parameter,
    "flag": None,
}
"""Types of click for kinds that are not plain text."""


def table_options(command: str) -> Callable[[Function], Function]:
    """Add the options of a command, in the order of the table."""

    def decorate(function: Function) -> Function:
        for option in reversed(options.of(command)):
            # The target of a log is not one that is chosen.
            of_program = command == "read" and option.path[:1] == ("target",)
            function = _click_option(option, "the program's" if of_program else option.default_text)(function)
        return function

    return decorate


def _click_option(option: Option, default_text: str) -> Callable[[Function], Function]:
    names = [option.short, option.name] if option.short else [option.name]
    return click.option(
        *names,
        option.key,
        cls=TableOption,
        group=option.group,
        type=click.Choice(option.choices) if option.choices else _TYPES.get(option.kind, click.STRING),
        is_flag=option.kind == "flag",
        multiple=option.repeatable,
        default=",".join(option.default) if option.kind == "names" else None,
        metavar=option.metavar or None,
        help=f"{option.help} [default: {default_text}]" if default_text else option.help,
        shell_complete=_candidates(option),
    )


def _candidates(option: Option) -> candidates.Complete | None:
    if option.vela:
        complete = candidates.of_vela(option.vela)
        return candidates.several(complete) if option.kind == "names" else complete
    if option.kind == "setting":
        return candidates.settings
    if option.name == "--preset":
        return candidates.presets
    if option.kind == "port":
        return candidates.ports
    return candidates.files if option.kind in ("file", "program", "toolchain") else None
