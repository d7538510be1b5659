"""``fvp-tui completion``."""

import click

from tui.cli.command import command
from tui.cli.completion import SHELLS, Shell, script


@command(
    "source <(fvp-tui completion bash)      # in ~/.bashrc",
    "source <(fvp-tui completion zsh)       # in ~/.zshrc, after compinit",
    "fvp-tui completion fish | source       # in ~/.config/fish/config.fish",
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: Shell) -> None:
    """Print a shell's completion script."""
    click.echo(script(context.find_root().command, shell), nl=False)
