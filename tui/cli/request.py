"""The spec that a command line asks for (`tui.request`), and checks of what was typed."""

from pathlib import Path

import click

from tui.errors import UsageError
from tui.request import absolute, chosen_toolchain, folder_of, make_spec, program_path, whole, with_typed

__all__ = [
    "absolute",
    "check_parent",
    "chosen_toolchain",
    "folder_of",
    "make_spec",
    "program_path",
    "was_typed",
    "whole",
    "with_typed",
]


def check_parent(file: str | None) -> None:
    """Refuse an output file whose folder does not exist.

    Raises:
        UsageError: it does not.
    """
    if file is not None and not Path(file).absolute().parent.is_dir():
        raise UsageError(f"no folder {Path(file).absolute().parent}")


def was_typed(parameter: str) -> bool:
    """Return True if the user has typed a parameter of the present command, rather than left it at its default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not click.core.ParameterSource.DEFAULT
