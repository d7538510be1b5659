"""``fvp-tui compile``."""

import shutil
from pathlib import Path
from typing import Any

import click

from tui.cli import candidates
from tui.cli.command import command
from tui.cli.follow import start
from tui.cli.options import table_options
from tui.cli.request import check_parent, make_spec
from tui.errors import UsageError
from tui.model import catalogue
from tui.run import store


@command(
    "fvp-tui compile my_model.py -o my_model.pte",
    "fvp-tui compile sample:digits --target cortex-m85",
)
@click.argument("model", required=False, shell_complete=candidates.models)
@table_options("compile")
def compile(output: str | None, **typed: Any) -> int:
    """Compile a model without running it.

    Stops after the .pte and its analysis: delegation, Vela's estimate, memory. A .tflite or .tosa becomes a .tflite for
    the NPU.
    """
    spec = make_spec(typed, "emit")
    if catalogue.is_program(spec.model):
        raise UsageError(f"{spec.model} is compiled already", "fvp-tui run takes it as it is")
    check_parent(output)

    def copy(directory: Path) -> None:
        if output is not None:
            shutil.copyfile(store.program(directory / store.ARTIFACTS), output)

    return start(spec, typed, on_success=copy)
