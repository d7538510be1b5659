"""Reading logs as runs, one or many, and what is printed of them."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from tui.cli.follow import POLL_S, follow
from tui.cli.output import print_json, print_run
from tui.cli.signals import LeftRunning, Signals
from tui.errors import Exit
from tui.reports import state_json
from tui.reports.format import UNKNOWN, number, table
from tui.reports.text import OUTCOMES
from tui.run import control, state, store
from tui.run.derived import badge, outcome
from tui.run.spec import Spec
from tui.run.state import State
from tui.text import clean

WORST_FIRST = (Exit.INTERRUPTED, Exit.FAILED, Exit.LIMIT, Exit.USAGE, Exit.UNKNOWN, Exit.OK)
AT_ONCE = 4
"""Logs that are read at the same time."""
HEADINGS = ("log", "outcome", "inferences", "NPU cycles", "platform", "run")


def read_one(spec: Spec, console: bytes | None, *, as_json: bool) -> int:
    """Read a log, or what a pipe gave, print the run and return its exit status."""
    signals = Signals(interruptible=True).hear()
    directory = control.start(spec, {} if console is None else {store.CONSOLE: console})
    click.echo(f"run {directory.name}", err=True)
    status = follow(directory, verbose=False, signals=signals)
    print_run(directory, as_json=as_json)
    return status


def read_all(specs: Sequence[Spec], *, as_json: bool) -> int:
    """Read many logs, print a line of each, and return the exit status of the worst."""
    signals = Signals(interruptible=True).hear()
    started: list[Path] = []
    states: list[State] = []
    for number_of, spec in enumerate(specs):
        if number_of >= AT_ONCE:
            states.append(_ended(started[number_of - AT_ONCE], signals))
        started.append(control.start(spec))
    states += [_ended(directory, signals) for directory in started[len(states) :]]
    if as_json:
        print_json({"schema_version": state.SCHEMA_VERSION, "runs": [state_json.to_json(one) for one in states]})
    else:
        rows = [_row(Path(spec.log.path if spec.log else ""), one) for spec, one in zip(specs, states, strict=True)]
        click.echo("\n".join(table([list(HEADINGS), *rows], right=(2, 3))))
    statuses = {one.run.exit_status if one.run.exit_status is not None else Exit.FAILED for one in states}
    return next((status for status in WORST_FIRST if status in statuses), Exit.FAILED)


def _ended(directory: Path, signals: Signals) -> State:
    """The state of a run once it has ended.

    Raises:
        LeftRunning: a signal ended the command.
    """
    live = store.Live(directory)
    while (current := live.state()).run.status == "running":
        if signals.leave or signals.stop:
            raise LeftRunning(directory.name)
        time.sleep(POLL_S)
    return current


def _row(log: Path, one: State) -> list[str]:
    cycles = [number(inference.npu_cycles) for inference in one.inferences if inference.npu_cycles is not None]
    return [
        clean(log.name, 60),
        OUTCOMES[outcome(one)].lower(),
        str(len(one.inferences)),
        ", ".join(cycles[:2]) + (" ..." if len(cycles) > 2 else "") if cycles else UNKNOWN,
        badge(one) or UNKNOWN,
        one.run.id,
    ]
