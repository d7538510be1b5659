"""``fvp-tui history``."""

import contextlib
import functools
import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import click

from tui.analysis.changes import Changes, with_references
from tui.cli.command import command, json_option
from tui.cli.output import print_json
from tui.reports import state_json
from tui.reports.format import UNKNOWN, change, ms, table, times
from tui.reports.when import moment
from tui.run import index, names, state, store
from tui.run.index import Row
from tui.text import clean

HEADINGS = ("run", "status", "model", "target", "memory mode", "when", "latency", "change", "check", "time")
FIGURES = (6, 7, 9)
"""Columns of figures, which are aligned on the right."""
AGAINST_BASELINE = "b"


@command("fvp-tui history -n 10", "fvp-tui history --json", "fvp-tui history --campaign last")
@json_option("Print the states of the runs as JSON.")
@click.option("-n", "count", type=int, default=0, metavar="N", help="List only the newest N runs.")
@click.option("--campaign", metavar="CAMPAIGN", help="List only the runs of a campaign.")
def history(as_json: bool, count: int, campaign: str | None) -> None:
    """List all runs, newest first.

    The change of a latency is against the run before of the same model and target; with a b, against the baseline,
    which the screen's b key marks.
    """
    only = None if campaign is None else _runs_of(campaign)
    if as_json:
        states = itertools.islice((one for one in store.history() if only is None or one.run.id in only), count or None)
        print_json({"schema_version": state.SCHEMA_VERSION, "runs": [state_json.to_json(one) for one in states]})
        return
    # Closed at once: what was read is kept in the index then.
    with contextlib.closing(index.history()) as found:
        read = list(with_references(found, count) if count and only is None else found)
    listed = [run for run in read if only is None or run.name in only]
    runs, changes = listed[: count or None], Changes(read)
    if not runs:
        click.echo("no runs yet: fvp-tui run sample:digits")
        return
    # At once: ten thousand lines, each flushed, take as long as finding them.
    all_names = [name for name, _ in store.directories()] if count else [run.name for run in runs]
    rows = _rows(runs, changes, names.short(all_names))
    click.echo("\n".join(table([list(HEADINGS), *rows], right=FIGURES)))


def _runs_of(campaign: str) -> set[str]:
    """The runs of a campaign's cells, those that it took over from others included."""
    from tui.campaign import store as campaigns

    state = campaigns.load(campaigns.resolve(campaign))
    return {cell.run for cell in state.cells.values() if cell.run is not None}


def _rows(runs: Sequence[Row], changes: Changes, short: Mapping[str, str]) -> list[list[str]]:
    now = time.time()
    took = times([run.seconds for run in runs])
    # Networks of any size: each latency in the unit that fits.
    return [
        _cells(run, short, moment(run.name, run.created, now), _latency(run.latency_ms), _change(run, changes), seconds)
        for run, seconds in zip(runs, took, strict=True)
    ]


def _cells(run: Row, short: Mapping[str, str], when: str, latency: str, changed: str, took: str) -> list[str]:
    return [
        clean(short.get(run.name, run.name)),
        run.outcome,
        UNKNOWN if run.model is None else _model_name(run.model),
        run.accelerator or UNKNOWN,
        run.memory_mode or UNKNOWN,
        when,
        latency,
        changed,
        run.check or UNKNOWN,
        took,
    ]


def _change(run: Row, changes: Changes) -> str:
    if changes.is_baseline(run):
        return "baseline"
    reference = changes.reference(run)
    percent = None if reference is None else reference.change_pct(run)
    if reference is None or percent is None:
        return ""
    return f"{change(percent)} {AGAINST_BASELINE}" if reference.baseline else change(percent)


_latency = functools.lru_cache(maxsize=4096)(ms)


@functools.cache
def _model_name(model: str) -> str:
    """Name or file name of a model, of which there are few."""
    return clean(PurePath(model).name, 30)
