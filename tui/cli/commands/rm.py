"""``fvp-tui rm``."""

import click

from tui.cli.command import command, run_argument
from tui.run import store


@command("fvp-tui rm last", "fvp-tui rm last~1 last~2")
@run_argument("names", many=True)
def rm(names: tuple[str, ...]) -> None:
    """Delete runs and all their files."""
    # Resolve all names before the first deletion, which changes what last~N means.
    for directory in dict.fromkeys(store.resolve(name) for name in names):
        store.remove(directory)
        click.echo(directory.name)
