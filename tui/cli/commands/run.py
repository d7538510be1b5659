"""``fvp-tui run``."""

from typing import Any

import click

from tui.cli import candidates
from tui.cli.command import command
from tui.cli.follow import start
from tui.cli.options import table_options
from tui.cli.request import make_spec


@command(
    "fvp-tui run sample:digits",
    "fvp-tui run my_model.py --target ethos-u85-512 --memory-mode Shared_Sram",
    "fvp-tui run my_model.pte --input image.npy --json",
    "fvp-tui run net.tflite --target ethos-u55-128",
)
@click.argument("model", required=False, shell_complete=candidates.models)
@table_options("run")
def run(**typed: Any) -> int:
    """Compile a model and run it.

    Progress goes to stderr, the figures go to stdout. fvp-tui models lists the models that have a name; a .py, .pt2,
    .tflite, .tosa, .pte or .bpte file is a model, too.
    """
    spec = make_spec(typed, "check")
    if typed["dry_run"]:
        from tui.cli.dry_run import print_command_line  # with numpy

        return print_command_line(spec)
    return start(spec, typed)
