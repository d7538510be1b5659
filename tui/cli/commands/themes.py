"""``fvp-tui themes``."""

import click

from tui import resources
from tui.cli.command import command
from tui.reports.format import table
from tui.themes import ROLES, user_folder


@command("fvp-tui themes", "TEXTUAL_THEME=light fvp-tui")
def themes() -> None:
    """List the colour themes.

    They are the themes of fvp-tui and your own, one TOML file each, and the roles whose colours a theme may set in
    its table [roles]. In the full-screen program, ctrl+p changes the theme.
    """
    for folder in (resources.folder("themes"), user_folder()):
        for file in sorted(folder.glob("*.toml")):
            click.echo(f"{file.stem}  {file}")
    click.echo("\nroles of colour:")
    for line in table([[f"  {role}", meaning] for role, meaning in ROLES.items()]):
        click.echo(line)
