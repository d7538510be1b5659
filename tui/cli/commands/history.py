"""``fvp-tui history``."""

import functools
import itertools
from pathlib import PurePath

import click

from tui.cli.command import command, json_option
from tui.cli.output import print_json
from tui.reports import state_json
from tui.reports.format import UNKNOWN, number, table, times
from tui.run import index, state, store
from tui.run.index import Row
from tui.text import clean

HEADINGS = ("run", "status", "model", "target", "memory mode", "Vela cycles", "NPU cycles", "check", "time")
FIGURES = (5, 6, 8)
"""Columns of figures, which are aligned on the right."""


@command("fvp-tui history -n 10", "fvp-tui history --json")
@json_option("Print the states of the runs as JSON.")
@click.option("-n", "count", type=int, default=0, metavar="N", help="List only the newest N runs.")
def history(as_json: bool, count: int) -> None:
    """List all runs, newest first."""
    if as_json:
        states = itertools.islice(store.history(), count or None)
        print_json({"schema_version": state.SCHEMA_VERSION, "runs": [state_json.to_json(one) for one in states]})
        return
    runs = list(index.history(count or None))
    took = times([run.seconds for run in runs])
    rows = [_cells(run, time) for run, time in zip(runs, took, strict=True)]
    if not rows:
        click.echo("no runs yet: fvp-tui run sample:digits")
        return
    # At once: ten thousand lines, each flushed, take as long as finding them.
    click.echo("\n".join(table([list(HEADINGS), *rows], right=FIGURES)))


def _cells(run: Row, took: str) -> list[str]:
    return [
        run.id,
        run.outcome,
        UNKNOWN if run.model is None else _model_name(run.model),
        run.accelerator or UNKNOWN,
        run.memory_mode or UNKNOWN,
        number(run.total_cycles),
        number(run.npu_cycles),
        run.check or UNKNOWN,
        took,
    ]


@functools.cache
def _model_name(model: str) -> str:
    """Name or file name of a model, of which there are few."""
    return clean(PurePath(model).name, 30)
