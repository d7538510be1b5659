"""A line of a file in the user's editor, or in a pager where there is none."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from tui.errors import UserError

GOES_TO = {"code": "-g", "codium": "-g"}
"""Editors that take ``FILE:LINE`` after an option; all others take ``+LINE FILE``, as vi does."""


def command(line: str) -> list[str]:
    """Build the command that shows ``FILE:LINE``, with $VISUAL, $EDITOR, else $PAGER or less.

    Raises:
        UserError: the file is not there, or no such program is.
    """
    file, _, number = line.rpartition(":")
    if not Path(file).is_file():
        raise UserError(f"no file {file}", "it existed when the model was compiled")
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or os.environ.get("PAGER") or "less"
    words = shlex.split(wanted)
    if not words or shutil.which(words[0]) is None:
        raise UserError(f"{wanted} not found", "set EDITOR or PAGER to an installed program")
    option = GOES_TO.get(Path(words[0]).name)
    return [*words, option, f"{file}:{number}"] if option else [*words, f"+{number}", file]


def show(line: str) -> None:
    """Show ``FILE:LINE`` on this terminal, until the user leaves it.

    Raises:
        UserError: as of `command`.
    """
    subprocess.run(command(line), check=False)
