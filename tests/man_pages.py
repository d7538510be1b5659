"""``python -m tests.man_pages FOLDER [DATE]``: the manual pages of fvp-tui and its commands, from their help."""

import sys
from pathlib import Path

import click
from click_man.core import write_man_pages

from tui import __version__
from tui.cli.main import cli


def main(folder: Path, date: str | None = None) -> None:
    """Write a page for fvp-tui and for each of its commands."""
    folder.mkdir(parents=True, exist_ok=True)
    context = click.Context(cli, info_name="fvp-tui")
    # The group itself imports a command when it is called, and has only names until then.
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    whole = click.Group("fvp-tui", commands, help=cli.help, params=cli.params)
    write_man_pages("fvp-tui", whole, version=__version__, target_dir=str(folder), date=date)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
