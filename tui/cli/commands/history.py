"""``fvp-tui history``."""

import itertools
from pathlib import Path

import click

from tui.cli.command import command, json_option
from tui.cli.output import print_json
from tui.reports import state_json
from tui.reports.format import UNKNOWN, duration, number, table
from tui.run import derived, state, store
from tui.run.state import State
from tui.text import clean

HEADINGS = ("run", "status", "model", "target", "memory mode", "Vela cycles", "NPU cycles", "check", "time")
FIGURES = (5, 6, 8)
"""Columns of figures, which are aligned on the right."""


@command("fvp-tui history -n 10", "fvp-tui history --json")
@json_option("Print the states of the runs as JSON.")
@click.option("-n", "count", type=int, default=0, metavar="N", help="List only the newest N runs.")
def history(as_json: bool, count: int) -> None:
    """List all runs, newest first."""
    states = itertools.islice(store.history(), count or None)
    if as_json:
        print_json({"schema_version": state.SCHEMA_VERSION, "runs": [state_json.to_json(one) for one in states]})
        return
    rows = [_row(one) for one in states]
    if not rows:
        click.echo("no runs yet: fvp-tui run sample:digits")
        return
    for line in table([list(HEADINGS), *rows], right=FIGURES):
        click.echo(line)


def _row(run: State) -> list[str]:
    cycles = [inference.npu_cycles for inference in run.inferences if inference.npu_cycles is not None]
    verdict = derived.checked(run)
    return [
        run.run.id,
        derived.outcome(run),
        clean(Path(run.spec.model).name if run.spec else UNKNOWN, 30),
        run.spec.target.accelerator if run.spec else UNKNOWN,
        run.spec.target.memory_mode if run.spec else UNKNOWN,
        number(run.estimate.total_cycles if run.estimate else None),
        number(max(cycles) if cycles else None),
        verdict.status if verdict else UNKNOWN,
        duration(run.run.seconds),
    ]
