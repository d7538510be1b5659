"""``fvp-tui run --dry-run``: the platform's command line, without a run."""

import shlex
from pathlib import Path

import click

from tui.errors import Exit, UserError, one_line
from tui.model import bundled, catalogue, pte
from tui.platform import command, parameters, selection
from tui.run.spec import Spec


def print_command_line(spec: Spec) -> int:
    """Print the command that a run would start, and why it takes that platform."""
    choice = selection.choose(spec)
    if choice.kind == "serial":
        return _print_board(spec, choice)
    names = parameters.check(spec, choice)
    inputs, size = 1, 0
    try:
        if catalogue.is_program(spec.model):
            signature = pte.signature(bundled.program_of(Path(spec.model).read_bytes()))
            inputs, size = len(signature.inputs), sum(info.nbytes for info in signature.outputs)
        else:
            click.echo("the model is not compiled yet: one input is assumed", err=True)
    except (pte.PteError, OSError) as error:
        raise UserError(f"{spec.model}: {one_line(error)}") from error
    # Without a run, the files would lie in the current folder.
    server = spec.inferences > 1 or spec.serve
    argv = command.build(spec, choice, Path.cwd(), inputs=inputs, output_bytes=size, server=server, listed=names)
    click.echo(shlex.join(argv))
    click.echo(choice.why, err=True)
    return Exit.OK


def _print_board(spec: Spec, choice: selection.Choice) -> int:
    """Print the commands that a run on a board would start; the program lies in its folder."""
    from tui.platform import board_choice  # with pyserial

    plan = board_choice.plan(spec, Path(command.PROGRAM))
    for hook in (plan.flash, plan.reset):
        if hook is not None:
            click.echo(f"{hook.name}: {hook}")
    click.echo(choice.why, err=True)
    return Exit.OK
