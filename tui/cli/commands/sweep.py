"""``fvp-tui sweep``."""

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from tui.analysis import sweep as sweeping
from tui.cli import candidates
from tui.cli.command import command
from tui.cli.errors import fail
from tui.cli.follow import follow
from tui.cli.options import table_options
from tui.cli.output import print_json
from tui.cli.request import check_parent, chosen_toolchain, folder_of, was_typed, with_typed
from tui.cli.signals import Signals, interrupt
from tui.errors import Exit, UsageError, UserError
from tui.model import catalogue
from tui.reports import sweep as report
from tui.run import control, spec, store
from tui.run.option_groups import PROGRAM
from tui.run.options import OF_SPECS
from tui.run.spec import Limits, Spec
from tui.toolchain import toolchains
from tui.toolchain.target import Target


@command(
    "fvp-tui sweep my_model.py --max-inference-ms 2",
    "fvp-tui sweep my_model.py --targets ethos-u85-256,ethos-u85-512 --memory-modes Sram_Only --csv points.csv",
    "fvp-tui sweep my_model.py --targets ethos-u55,ethos-u85-128",
    "fvp-tui sweep my_model.py --targets ethos-u85-256 --vela 5.0.0,5.1.0,5.2.0",
    "fvp-tui sweep last",
)
@click.argument("model", metavar="MODEL|RUN", shell_complete=candidates.models)
@table_options("sweep")
def sweep(model: str, **typed: Any) -> int:
    """Estimate a model on many configurations.

    The model is lowered once for NPUs that take the same graphs, then Vela runs for each combination of target,
    memory mode and system config. Of a run, the graphs are taken that it lowered, which needs no compiler.
    """
    check_parent(typed["csv"])
    compilers = _compilers(typed)
    run = _run_of(model)
    work = _lowered(model, compilers, typed) if run is None else _of_run(run, compilers, typed)
    interrupt()
    points: list[sweeping.Point] = []
    try:
        for compiler, runs in zip(compilers, work.runs, strict=True):
            one = compiler if len(compilers) > 1 or compiler.vela is not None else None
            points += _points(work, runs, one, before=len(points), total=len(work.targets) * len(compilers))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    result = sweeping.result(work.model, points)
    if (csv_file := typed["csv"]) is not None:
        Path(csv_file).write_text(report.to_csv(result), encoding="utf-8")
    if typed["json"]:
        print_json(result)
    else:
        click.echo(report.summary(result, work.limits))
    return Exit.OK if result.best is not None else Exit.LIMIT if work.limits != Limits() else Exit.FAILED


Runs = Sequence[tuple[Path, Sequence[int]]]
"""Runs that lowered a model, each with the places of the targets it is for."""


@dataclass(frozen=True)
class Work:
    """Targets to estimate, and for each compiler the runs whose graphs are taken."""

    model: str
    targets: Sequence[Target]
    limits: Limits
    runs: Sequence[Runs]
    vela: str | None = None
    """The version of Vela where a compiler names none; None is the toolchain's."""


def _run_of(name: str) -> Path | None:
    """The run of that name; None where it is a model's."""
    if ":" in name or Path(name).suffix in catalogue.SUFFIXES:
        return None
    with contextlib.suppress(UsageError):  # what is neither is no model
        return store.resolve(name)
    return None


def _of_run(run: Path, compilers: Sequence[sweeping.Compiler], typed: Mapping[str, Any]) -> Work:
    """Take the graphs that a run lowered.

    Raises:
        UsageError: it has none, or options were typed that need the model.
    """
    found = store.load_spec(run)
    if found is None or not sweeping.graphs(run):
        raise UsageError(f"{run.name} has no lowered graphs", "name the model, or a run that compiled it")
    needless = [o for o in OF_SPECS if o.group == PROGRAM and o.path != ("vela",)]
    named = [o.name for o in needless if o.key in typed and was_typed(o.key)]
    if named:
        raise UsageError(f"{run.name} is lowered already, without {' and '.join(named)}", "name the model instead")
    npu = found.target.board.npu
    names = typed["targets"] if was_typed("targets") else npu.accelerators
    ethosu = toolchains.known_ethosu(found.toolchain)
    targets = sweeping.grid(names, typed["memory_modes"], typed["system_configs"], ethosu)
    for target in targets:
        if target.board.npu.profile != npu.profile:
            raise UsageError(f"{run.name} is lowered for {npu.name}, not for {target.accelerator}", "name the model")
    limits = with_typed(Spec(model=found.model), {**typed, "vela": None}).limits
    return Work(found.model, targets, limits, [[(run, range(len(targets)))]] * len(compilers), found.vela)


def _lowered(model: str, compilers: Sequence[sweeping.Compiler], typed: Mapping[str, Any]) -> Work:
    """Lower a model by each compiler, for each kind of NPU.

    Raises:
        click.exceptions.Exit: a run failed, or the user stopped it.
    """
    ethosu = toolchains.of(chosen_toolchain(compilers[0].toolchain)).ethosu
    targets = sweeping.grid(typed["targets"], typed["memory_modes"], typed["system_configs"], ethosu)
    requests = [_request(model, targets[0], {**typed, "toolchain": compiler.toolchain}) for compiler in compilers]
    signals = Signals(interruptible=True).hear()
    groups = sweeping.lowered_alike(targets)
    lowered: dict[tuple[Spec, int], Path] = {}
    for request, (number, places) in itertools.product(requests, enumerate(groups)):
        if (request, number) in lowered:
            continue
        directory = control.start(sweeping.lowering(request, [targets[at] for at in places]))
        click.echo(f"run {directory.name}", err=True)
        status = follow(directory, verbose=typed["verbose"], signals=signals)
        if status != Exit.OK:
            ended = store.load(directory).run
            if ended.status == "failed":
                fail(UserError(ended.reason or ended.status, ended.hint or ""))
            raise click.exceptions.Exit(status)
        lowered[request, number] = directory
    runs = [[(lowered[request, number], places) for number, places in enumerate(groups)] for request in requests]
    return Work(requests[0].model, targets, requests[0].limits, runs)


def _compilers(typed: Mapping[str, Any]) -> list[sweeping.Compiler]:
    """Each toolchain with each version of Vela that was typed.

    Raises:
        UsageError: what is named is no version.
    """
    names = [name.strip() for name in (typed["toolchain"] or "").split(",") if name.strip()]
    for version in typed["vela"]:
        spec.check_vela(version)
    return list(itertools.starmap(sweeping.Compiler, itertools.product(names or [None], typed["vela"] or [None])))


def _request(model: str, target: Target, typed: Mapping[str, Any]) -> Spec:
    """The spec of the run that lowers the model, with the limits of the points."""
    python = chosen_toolchain(typed["toolchain"])
    name = catalogue.resolve(model, toolchains.of(python))
    if catalogue.is_program(name):
        raise UsageError(f"{name} is compiled already", "a sweep needs the model itself")
    request = with_typed(Spec(model=name, until="emit", target=target, toolchain=python), {**typed, "vela": None})
    return msgspec.structs.replace(request, folder=folder_of(typed["folder"], name))


def _points(
    work: Work, runs: Runs, compiler: sweeping.Compiler | None, *, before: int, total: int
) -> list[sweeping.Point]:
    """Estimate targets, with a line on stderr as each becomes known, counted after those `before`; in their order."""
    points: dict[int, sweeping.Point] = {}
    for directory, places in runs:
        for at, found in sweeping.points(directory, [work.targets[place] for place in places], compiler, work.vela):
            point = points[places[at]] = sweeping.weighed(found, work.limits)
            click.echo(f"  {before + len(points)}/{total} {report.point_words(point)}", err=True)
    return [points[at] for at in sorted(points)]
