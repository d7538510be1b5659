"""``fvp-tui themes``."""

import click

from tui import resources
from tui.app.themes import user_folder
from tui.cli.command import command


@command("fvp-tui themes", "TEXTUAL_THEME=light fvp-tui")
def themes() -> None:
    """List the colour themes.

    They are the themes of fvp-tui and your own, one TOML file each. In the full-screen program, ctrl+p changes the
    theme.
    """
    for folder in (resources.folder("themes"), user_folder()):
        for file in sorted(folder.glob("*.toml")):
            click.echo(f"{file.stem}  {file}")
