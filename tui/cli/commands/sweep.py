"""``fvp-tui sweep``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tui.analysis import sweep as sweeping
from tui.cli import candidates
from tui.cli.command import command, json_option
from tui.cli.errors import fail
from tui.cli.follow import follow
from tui.cli.output import print_json
from tui.cli.request import absolute, check_parent, folder_of, replace_typed
from tui.cli.signals import Signals, interrupt
from tui.errors import Exit, UsageError, UserError
from tui.model import catalogue
from tui.reports import sweep as report
from tui.run import control, spec, store
from tui.run.spec import QUANTIZATIONS, Limits, Spec
from tui.toolchain import boards
from tui.toolchain.target import Target


def _names(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Split names at commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip())


@command(
    "fvp-tui sweep my_model.py --max-inference-ms 2",
    "fvp-tui sweep my_model.py --targets ethos-u85-256,ethos-u85-512 --memory-modes Sram_Only --csv points.csv",
)
@click.argument("model", shell_complete=candidates.models)
@click.option(
    "--targets",
    callback=_names,
    default=",".join(boards.DEFAULT.npu.accelerators),
    metavar="A,B",
    shell_complete=candidates.several(candidates.targets),
    help="Accelerators [all of Ethos-U85].",
)
@click.option(
    "--memory-modes",
    callback=_names,
    shell_complete=candidates.several(candidates.memory_modes),
    default=",".join(boards.DEFAULT.npu.memory_modes),
    show_default=True,
    metavar="X,Y",
    help="Vela's memory modes.",
)
@click.option(
    "--system-configs",
    callback=_names,
    shell_complete=candidates.several(candidates.system_configs),
    default=boards.DEFAULT.npu.default_system_config,
    show_default=True,
    metavar="X,Y",
    help="Vela's system configs.",
)
@click.option("--quantize", type=click.Choice(QUANTIZATIONS), help="[int8]")
@click.option("--folder", metavar="PATH", help="Where the code of a .py model runs [the current folder].")
@click.option("--channels-last", is_flag=True, help="Export in the NPU's layout; inputs are then NHWC in memory.")
@click.option(
    "--calibration",
    metavar="PATH",
    shell_complete=candidates.files,
    help="Calibration inputs: .pt, .npy, .npz, or a folder.",
)
@click.option("--no-cache", is_flag=True, help="Use no artifact of an earlier run.")
@click.option("--max-npu-cycles", type=int, metavar="N", help="Limit: cycles of an inference.")
@click.option("--max-inference-ms", type=float, metavar="X", help="Limit: the same at the NPU's clock.")
@click.option("--max-sram-kib", type=float, metavar="N", help="Limit: SRAM by Vela's account.")
@click.option("--csv", "csv_file", metavar="FILE", shell_complete=candidates.files, help="Write all points there, too.")
@json_option("Print the points as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show the compiler's log on stderr.")
def sweep(model: str, **options: Any) -> int:
    """Estimate a model on many configurations.

    The model is lowered once, then Vela runs for each combination of target, memory mode and system config.
    """
    targets = sweeping.grid(options["targets"], options["memory_modes"], options["system_configs"])
    check_parent(options["csv_file"])
    request = _request(model, targets[0], options)
    signals = Signals(interruptible=True).hear()
    directory = control.start(request)
    click.echo(f"run {directory.name}", err=True)
    status = follow(directory, verbose=options["verbose"], signals=signals)
    if status != Exit.OK:
        ended = store.load(directory).run
        if ended.status == "failed":
            fail(UserError(ended.reason or ended.status, ended.hint or ""))
        return status
    limits = Limits(
        npu_cycles=options["max_npu_cycles"],
        inference_ms=options["max_inference_ms"],
        sram_kib=options["max_sram_kib"],
    )
    interrupt()
    try:
        result = sweeping.result(request.model, _points(directory, targets, limits))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    if (csv_file := options["csv_file"]) is not None:
        Path(csv_file).write_text(report.to_csv(result), encoding="utf-8")
    if options["as_json"]:
        print_json(result)
    else:
        click.echo(report.summary(result))
    return Exit.OK if result.best is not None else Exit.LIMIT if limits != Limits() else Exit.FAILED


def _request(model: str, target: Target, options: dict[str, Any]) -> Spec:
    """The checked spec of the run that lowers the model."""
    name = catalogue.resolve(model)
    if catalogue.is_program(name):
        raise UsageError(f"{name} is compiled already", "a sweep needs the model itself")
    request: Spec = replace_typed(
        Spec(model=name, folder=folder_of(options["folder"], name), until="emit", target=target),
        quantize=options["quantize"],
        channels_last=options["channels_last"] or None,
        calibration=absolute(options["calibration"]),
        cache=False if options["no_cache"] else None,
    )
    return spec.check(request)


def _points(directory: Path, targets: Sequence[Target], limits: Limits) -> list[sweeping.Point]:
    """Estimate each target, with a line on stderr as each becomes known; in the order of the targets."""
    points: dict[int, sweeping.Point] = {}
    for at, point in sweeping.points(sweeping.graphs(directory), targets):
        points[at] = sweeping.weighed(point, limits)
        click.echo(f"  {len(points)}/{len(targets)} {report.point_words(point)}", err=True)
    return [points[at] for at in sorted(points)]
