"""``fvp-tui campaign``."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from tui import processes
from tui.campaign import content, control, plan, result, store
from tui.campaign.batch import Batch
from tui.campaign.events import CampaignWaits, CellFinished
from tui.campaign.plan import Cell, Plan, Request
from tui.cli import candidates, screen
from tui.cli.command import command
from tui.cli.errors import fail
from tui.cli.follow import POLL_S
from tui.cli.options import table_options
from tui.cli.output import print_json
from tui.cli.request import check_parent, chosen_toolchain, was_typed, whole, with_typed
from tui.cli.signals import LeftRunning, Signals
from tui.cli.workers import checked_workers, worker_options
from tui.errors import Exit, UsageError, UserError
from tui.reports import campaign as report
from tui.run import options
from tui.text import clean, counted


@command(
    "fvp-tui campaign examples/mlperf_tiny.toml",
    "fvp-tui campaign my_model.py sample:digits --targets ethos-u55,ethos-u85-256 --quantize int8,a16w8",
    "fvp-tui campaign models/*.py --targets ethos-u55-128 --estimate --max-inference-ms 2",
    "fvp-tui campaign --follow last",
)
@click.argument("models", nargs=-1, metavar="FILE.toml|MODEL...", shell_complete=candidates.models)
@table_options("campaign")
@click.option("--slices", type=int, metavar="N", help="Divide the data set of each cell among N runs.")
@click.option("--accuracy", is_flag=True, help="Print answers to labelled inputs by class, and the worst.")
@click.option("--report", metavar="FOLDER", help="Write a page with links to all runs, JUnit, CSV, JSON and Markdown.")
@worker_options
@click.option("--dry-run", is_flag=True, help="Print the cells; begin nothing.")
@click.option("--detach", is_flag=True, help="Begin the campaign, print its id and do not wait.")
@click.option("--list", "lists", is_flag=True, help="List all campaigns, newest first.")
@click.option("--show", "shown", metavar="CAMPAIGN", help="Print the table of a campaign.")
@click.option("--follow", "followed", metavar="CAMPAIGN", help="Follow a campaign, from where it is.")
@click.option("--board", metavar="CAMPAIGN", help="Open a campaign on the full screen.")
@click.option("--stop", "stopped", metavar="CAMPAIGN", help="Stop a campaign and the runs that are under way.")
def campaign(models: tuple[str, ...], **typed: Any) -> int:
    """Run many models on many configurations.

    A campaign is a matrix of models and configurations, or what a file says. It goes on without this command; the
    same command again goes on with one that was broken off. What was done for the same content - models, data,
    options, versions - is not done again. Each cell is an ordinary run.
    """
    if typed["lists"]:
        return _list(as_json=typed["json"])
    if (name := typed["stopped"]) is not None:
        control.stop(store.resolve(name))
        return Exit.OK
    if (name := typed["board"]) is not None:
        return _board(store.resolve(name))
    if (name := typed["shown"]) is not None:
        return _print(store.resolve(name), typed)
    if (name := typed["followed"]) is not None:
        return _follow(store.resolve(name), typed, Signals(interruptible=True).hear())
    if not models:
        raise UsageError("no model and no file", "fvp-tui campaign --help")
    check_parent(typed["csv"])
    check_parent(typed["report"])
    workers = checked_workers(typed)
    wanted = _plan(models, typed)
    if typed["dry_run"]:
        for cell in wanted.cells:
            target = cell.spec.target
            words = (cell.spec.model, cell.spec.quantize, target.accelerator, target.memory_mode, target.system_config)
            last = cell.spec.first + cell.spec.inferences - 1
            part = (f"inputs {cell.spec.first} to {last}",) if typed["slices"] else ()
            click.echo("  ".join((cell.key[:8], *words, *part)))
        click.echo(counted(len(wanted.cells), "cell"), err=True)
        return Exit.OK
    signals = Signals(interruptible=True).hear()
    directory = store.unfinished(wanted) or store.create(wanted)
    if not store.lives(directory):
        count = typed["jobs"] or min(processes.cores(), len(wanted.cells))
        control.start(directory, workers.jobs if isinstance(workers, Batch) else count, workers)
    if typed["detach"]:
        click.echo(directory.name)
        return Exit.OK
    return _follow(directory, typed, signals)


def _plan(models: Sequence[str], typed: Mapping[str, Any]) -> Plan:
    request = _request(models, typed)
    base = plan.base(request)
    fields = {**typed, "quantize": None}
    common = with_typed(msgspec.structs.replace(base, limits=request.limits), fields)
    common = msgspec.structs.replace(common, toolchain=chosen_toolchain(typed["toolchain"], common))
    if "inferences" not in request.options and typed["inferences"] is None:
        common = whole(common)
    cells = plan.cells(request, common)
    keyed = tuple(Cell(cell.spec, cell.until, content.key(cell.spec, cell.until)) for cell in cells)
    baseline = typed["baseline"] or request.baseline
    return Plan(
        name=request.name,
        cells=tuple({cell.key: cell for cell in keyed}.values()),
        limits=common.limits,
        baseline=None if baseline is None else store.resolve(baseline).name,
    )


def _request(models: Sequence[str], typed: Mapping[str, Any]) -> Request:
    """The file's request, or the matrix of the models named; what was typed goes before the file."""
    files = [name for name in models if name.endswith(".toml")]
    if files and len(models) > 1:
        raise UsageError(f"{files[0]} is a campaign by itself", "name either one file, or models")
    request = plan.read(Path(files[0])) if files else Request(models=tuple(models), name=_name(models))
    names = {name: typed[name] for name in ("targets", "memory_modes", "system_configs", "quantize")}
    given = {name: value for name, value in names.items() if was_typed(name)}
    if typed["estimate"]:
        given["until"] = "estimate"
    if typed["slices"] is not None:
        given["slices"] = typed["slices"]
    unknown = [one for one in given.get("quantize", ()) if one not in options.QUANTIZATIONS]
    if unknown:
        raise UsageError(f"unknown quantization {unknown[0]!r}", f"known: {', '.join(options.QUANTIZATIONS)}")
    return msgspec.structs.replace(request, **given)


def _name(models: Sequence[str]) -> str:
    first = Path(models[0].rpartition(":")[2]).stem
    return first if len(models) == 1 else f"{first}_and_{len(models) - 1}"


def _follow(directory: Path, typed: Mapping[str, Any], signals: Signals) -> int:
    """Print a line for each cell that ends, until all have; then the table.

    Raises:
        LeftRunning: a signal ended the command, but not the campaign.
    """
    wanted, follower, asked = store.plan(directory), store.Follower(directory), False
    names = {cell.key: cell for cell in wanted.cells}
    click.echo(f"campaign {directory.name}: {counted(len(names), 'cell')}", err=True)
    done: set[str] = set()
    while True:
        alive = follower.lives  # before the reading: what it has written before its end is read below
        for event in follower.poll():
            if isinstance(event, CampaignWaits):
                click.echo(f"  {clean(event.reason, 400)}", err=True)
            if isinstance(event, CellFinished) and event.key in names:
                done.add(event.key)
                one = result.of(directory.name, Plan("", (names[event.key],)), follower.state).cells[0]
                click.echo(f"  {len(done)}/{len(names)} {report.line(one)}", err=True)
        if not alive:
            if follower.state.status == "running":
                words = store.last_words(directory)
                what = f"{directory.name} was broken off{f': {words}' if words else ''}"
                fail(UserError(what, "the same command again goes on with it"))
            break
        if signals.leave:
            raise LeftRunning(directory.name)
        if signals.stop and not asked:
            asked = True
            click.echo("  stopping ...", err=True)
            control.stop(directory)
        time.sleep(POLL_S)
    return _print(directory, typed)


def _board(directory: Path) -> int:
    if not screen.available():
        raise UsageError("there is no terminal for the full screen", f"fvp-tui campaign --show {directory.name}")
    from tui.app.start import run_app

    return run_app(attach=directory)


def _print(directory: Path, typed: Mapping[str, Any]) -> int:
    found = result.load(directory)
    if typed["accuracy"] or typed["report"] is not None or typed["json"]:
        found = result.with_confusions(found)
    if typed["accuracy"] and not typed["json"]:
        click.echo(report.accuracy_tables(found))
        return found.exit_status
    if (csv_file := typed["csv"]) is not None:
        Path(csv_file).write_text(report.to_csv(found), encoding="utf-8")
    if (folder := typed["report"]) is not None:
        from tui.reports import campaign_pages

        campaign_pages.write(found, Path(folder))
        click.echo(f"written: {Path(folder) / campaign_pages.INDEX}", err=True)
    if typed["json"]:
        print_json(found)
    else:
        click.echo(report.summary(found))
    return Exit.FAILED if found.status == "interrupted" else found.exit_status


def _list(*, as_json: bool) -> int:
    found = [result.load(store.folder() / name) for name in store.ids()]
    if as_json:
        print_json({"schema_version": result.SCHEMA_VERSION, "campaigns": [_head(one) for one in found]})
    elif not found:
        click.echo("no campaigns yet: fvp-tui campaign --help")
    else:
        click.echo("\n".join(report.overview(found)))
    return Exit.OK


def _head(one: result.Result) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "status": one.status, "cells": dict(one.counts), "seconds": one.seconds}
