"""``fvp-tui sweep``."""

from collections.abc import Mapping, Sequence
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
from tui.cli.request import check_parent, folder_of, with_typed
from tui.cli.signals import Signals, interrupt
from tui.errors import Exit, UsageError, UserError
from tui.model import catalogue
from tui.reports import sweep as report
from tui.run import control, spec, store
from tui.run.spec import Limits, Spec
from tui.toolchain.target import Target


@command(
    "fvp-tui sweep my_model.py --max-inference-ms 2",
    "fvp-tui sweep my_model.py --targets ethos-u85-256,ethos-u85-512 --memory-modes Sram_Only --csv points.csv",
)
@click.argument("model", shell_complete=candidates.models)
@table_options("sweep")
def sweep(model: str, **typed: Any) -> int:
    """Estimate a model on many configurations.

    The model is lowered once, then Vela runs for each combination of target, memory mode and system config.
    """
    targets = sweeping.grid(typed["targets"], typed["memory_modes"], typed["system_configs"])
    check_parent(typed["csv"])
    first = next((target for target in targets if spec.contradiction_in(target) is None), targets[0])
    request = _request(model, first, typed)
    limits = request.limits
    signals = Signals(interruptible=True).hear()
    # The limits are for the points: what the run itself estimates is only the first of them.
    directory = control.start(spec.check(msgspec.structs.replace(request, limits=Limits())))
    click.echo(f"run {directory.name}", err=True)
    status = follow(directory, verbose=typed["verbose"], signals=signals)
    if status != Exit.OK:
        ended = store.load(directory).run
        if ended.status == "failed":
            fail(UserError(ended.reason or ended.status, ended.hint or ""))
        return status
    interrupt()
    try:
        result = sweeping.result(request.model, _points(directory, targets, limits))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    if (csv_file := typed["csv"]) is not None:
        Path(csv_file).write_text(report.to_csv(result), encoding="utf-8")
    if typed["json"]:
        print_json(result)
    else:
        click.echo(report.summary(result, limits))
    return Exit.OK if result.best is not None else Exit.LIMIT if limits != Limits() else Exit.FAILED


def _request(model: str, target: Target, typed: Mapping[str, Any]) -> Spec:
    """The spec of the run that lowers the model, with the limits of the points."""
    name = catalogue.resolve(model)
    if catalogue.is_program(name):
        raise UsageError(f"{name} is compiled already", "a sweep needs the model itself")
    request = with_typed(Spec(model=name, until="emit", target=target), typed)
    return msgspec.structs.replace(request, folder=folder_of(typed["folder"], name))


def _points(directory: Path, targets: Sequence[Target], limits: Limits) -> list[sweeping.Point]:
    """Estimate each target, with a line on stderr as each becomes known; in the order of the targets."""
    points: dict[int, sweeping.Point] = {}
    for at, point in sweeping.points(sweeping.graphs(directory), targets):
        points[at] = sweeping.weighed(point, limits)
        click.echo(f"  {len(points)}/{len(targets)} {report.point_words(point)}", err=True)
    return [points[at] for at in sorted(points)]
