"""``fvp-tui pin``."""

import click

from tui.cli import candidates
from tui.cli.command import command, run_argument
from tui.run import store


@command("fvp-tui pin last", "fvp-tui pin last last~1 --off")
@run_argument("names", candidates.pinnable_runs, many=True)
@click.option("--off", is_flag=True, help="Remove the protection.")
def pin(names: tuple[str, ...], off: bool) -> None:
    """Protect runs from deletion."""
    for directory in [store.resolve(name) for name in names]:
        store.pin(directory, not off)
        click.echo(directory.name)
