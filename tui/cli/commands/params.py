"""``fvp-tui params``."""

from typing import Any

import click

from tui.cli import candidates
from tui.cli.command import command, json_option
from tui.cli.options import table_options
from tui.cli.output import print_json
from tui.cli.request import with_typed
from tui.errors import Exit, UserError
from tui.platform import command as command_line
from tui.platform import parameters, presets, selection
from tui.reports.format import table
from tui.run import spec
from tui.text import clean
from tui.toolchain.boards import Board

HEADINGS = ("parameter", "type", "default", "range", "", "")


@command(
    "fvp-tui params uart0",
    "fvp-tui params ethosu --platform simulator --target ethos-u55-128",
    "fvp-tui params --presets",
)
@click.argument("words", metavar="[PATTERN]...", nargs=-1, shell_complete=candidates.parameters)
@table_options("params")
@click.option("--presets", "list_presets", is_flag=True, help="List the presets instead.")
@json_option()
def params(words: tuple[str, ...], list_presets: bool, as_json: bool, **typed: Any) -> int:
    """List the platform's parameters.

    The platform of the target's board lists them itself. With several PATTERNs, a parameter must contain all of them.
    """
    request = with_typed(spec.DEFAULT, typed)
    spec.check_target(request.target)
    if list_presets:
        return _list_presets(request.target.board, as_json=as_json)
    choice = selection.platform_only(request)
    matches = parameters.matching(parameters.of(choice), words)
    if as_json:
        print_json(matches)
        return Exit.OK
    if not matches:
        raise UserError(f"{choice.name} has no parameter" + (f" that contains {' and '.join(words)}" if words else "s"))
    set_by_run = {name for name, _ in command_line.defaults(request)}
    rows = [
        [
            p.name,
            p.type,
            p.default,
            f"{p.low} to {p.high}" if p.low else "",
            "set by run" if p.name in set_by_run else "",
            p.text,
        ]
        for p in matches
    ]
    for line in table([list(HEADINGS), *rows]):
        click.echo(line)
    click.echo(f"{len(matches)} parameters of {choice.name} {choice.version or ''}".rstrip(), err=True)
    return Exit.OK


def _list_presets(board: Board, *, as_json: bool) -> int:
    by_name = {name: presets.load(name, board) for name in presets.names()}
    if as_json:
        print_json(by_name)
        return Exit.OK
    for line in table([[name, clean(preset.about)] for name, preset in by_name.items()]):
        click.echo(line)
    click.echo(f"your own presets: TOML files in {presets.folder()}", err=True)
    return Exit.OK
