"""``fvp-tui keys``."""

import click

from tui import config
from tui.app import keys as user_keys
from tui.cli.command import command
from tui.cli.errors import fail
from tui.errors import Exit, UsageError


@command("fvp-tui keys", "fvp-tui keys | grep run.")
def keys() -> int:
    """List actions and keys for keys.toml.

    Each line is an action of the full-screen program, its keys and what it does. Mistakes in your keys.toml are
    reported on stderr.
    """
    from tui.app.screens.actions import all_bindings  # with Textual

    path, bindings = config.folder() / user_keys.NAME, all_bindings()
    changed: dict[str, str] = {}
    try:
        changed = user_keys.read()
        defaults = {str(binding.id): binding.key for binding in bindings}
        problems = [f"{path}: {problem}" for problem in user_keys.problems(changed, defaults)]
    except UsageError as error:
        problems = [str(error)]
    for binding in bindings:
        name = str(binding.id)
        if binding.description:  # the digits of a number field have none
            click.echo(f"{name:24} {changed.get(name, binding.key):28} {binding.description}")
    if not problems:
        click.echo(f"{'' if path.exists() else 'no '}{path}", err=True)
    for problem in problems:
        fail(UsageError(problem))
    return Exit.USAGE if problems else Exit.OK
