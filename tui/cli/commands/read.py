"""``fvp-tui read``."""

from pathlib import Path
from typing import Any

import click

from tui.cli import candidates
from tui.cli.command import command, json_option
from tui.cli.log_request import logs_in, make_log_spec, piped
from tui.cli.options import table_options
from tui.cli.reading import read_all, read_one
from tui.run.options import STANDARD_INPUT


@command(
    "fvp-tui read console.log",
    "fvp-tui read board.log --from board --model model.pte",
    "gh run view --log | fvp-tui read - --json",
    "fvp-tui read logs/",
)
@click.argument("log", metavar="LOG", shell_complete=candidates.files)
@click.option(
    "--model", metavar="PROGRAM", help="Program that the log is of, a .pte or .bpte.", shell_complete=candidates.files
)
@click.option(
    "--from", "origin", type=click.Choice(("fvp", "board")), help="Platform that the log is of [default: as it says]."
)
@table_options("read")
@json_option("Print the state of the run as JSON; of a folder, those of all its logs.")
def read(log: str, model: str | None, origin: Any, as_json: bool, **typed: Any) -> int:
    """Read a console log as a run.

    LOG is what an FVP or a board has printed, captured anywhere: by a terminal, a CI system, a colleague. - reads
    standard input; of a folder, each .log, .txt or .out file becomes a run. Time stamps, colours and bytes that are no
    text do not matter. An excerpt is judged by what it shows: of the rest nothing is known.
    """
    path = Path(log).expanduser()
    if log != STANDARD_INPUT and path.is_dir():
        return read_all([make_log_spec(str(file), model, origin, typed) for file in logs_in(path)], as_json=as_json)
    console = piped(log)
    spec = make_log_spec(log if console is None else STANDARD_INPUT, model, origin, typed, console)
    return read_one(spec, console, as_json=as_json)
