"""The command line. Imports lazily, so that ``--help`` is instant."""

import contextlib
import errno
import functools
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from tui import COMPLETION, __version__
from tui.cli import candidates
from tui.cli.signals import GoesOn, Signals, interrupt
from tui.errors import Exit, UsageError, UserError, one_line
from tui.run.spec import ENGINES, PLATFORMS, QUANTIZATIONS, RUNNER_KINDS, Spec
from tui.toolchain import boards

if TYPE_CHECKING:
    from tui.reports.operators import Detail
    from tui.run.state import State

POLL_S = 0.1
TOLD_S = 10.0
"""Between two lines about the same stage, where none can be written over."""
HINT_WIDTH = 100

Command = Callable[..., int | None]


def _address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """An address in memory: hexadecimal after 0x, else decimal."""
    try:
        address = None if value is None else int(value, 0)
    except ValueError:
        address = -1
    if address is not None and not 0 <= address < 1 << 32:
        raise click.BadParameter(f"{value!r} is not an address of 32 bits")
    return address


def fail(error: Exception) -> int:
    """Print an error as one line; its exit status. One that is not the user's is ours, and says so."""
    from tui.text import clean

    if not isinstance(error, UserError):
        error = UserError(f"internal error: {type(error).__name__}: {one_line(error)}", "again with --debug")

    hint = f" ({clean(error.hint)})" if error.hint else ""
    # After a hangup there is nobody to tell.
    with contextlib.suppress(OSError):
        click.echo(f"fvp-tui: {clean(error.what)}{hint}", err=True)
    return int(error.exit)


def _print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HINT_WIDTH},
)
@click.version_option(__version__, prog_name="fvp-tui")
@click.option("--debug", is_flag=True, expose_value=False, help="On an internal error, print the traceback.")
@click.option("--mouse/--no-mouse", help="Whether the full-screen program takes the mouse [--no-mouse].")
@click.pass_context
def cli(context: click.Context, mouse: bool) -> int | None:
    """PyTorch models on Arm Ethos-U85, before there is silicon.

    Without a command: the full-screen program.
    """
    if context.invoked_subcommand is None:
        from tui.app.start import run_app

        return run_app(mouse=mouse)
    return None


def _spec_options(command: Command) -> Command:
    """The options of run and compile that make up a spec. None stands for "not typed"."""
    options = [
        click.argument("model", required=False, shell_complete=candidates.models),
        click.option(
            "--target",
            metavar="NAME",
            shell_complete=candidates.targets,
            help="ethos-u85-128 to -2048 [ethos-u85-256]; compile: cortex-m85, too.",
        ),
        click.option(
            "--system-config",
            metavar="NAME",
            shell_complete=candidates.system_configs,
            help="Vela's system config [Ethos_U85_SYS_DRAM_Mid].",
        ),
        click.option(
            "--memory-mode",
            metavar="NAME",
            shell_complete=candidates.memory_modes,
            help="Vela's memory mode [Sram_Only].",
        ),
        click.option("--quantize", type=click.Choice(QUANTIZATIONS), help="[int8]"),
        click.option("--folder", metavar="PATH", help="Where the code of a .py model runs [the current folder]."),
        click.option(
            "--channels-last", is_flag=True, help="Export in the NPU's layout; inputs are then NHWC in memory."
        ),
        click.option(
            "--calibration",
            metavar="PATH",
            shell_complete=candidates.files,
            help="Calibration inputs: .pt, .npy, .npz, or a folder.",
        ),
        click.option(
            "--input",
            "inputs",
            multiple=True,
            metavar="FILE",
            shell_complete=candidates.files,
            help="One for each input: .npy, .pt or raw.",
        ),
        click.option(
            "--dataset",
            metavar="PATH",
            shell_complete=candidates.files,
            help="Inputs to infer on, with labels or without: a folder or .npz.",
        ),
        click.option(
            "--inferences", type=int, metavar="N", help="How many inferences to run [1, or the whole data set]."
        ),
        click.option("--no-cache", is_flag=True, help="Use no artifact of an earlier run."),
        click.option("--max-sram-kib", type=float, metavar="N", help="Limit: SRAM by Vela's account."),
        click.option("--min-delegated", type=float, metavar="PERCENT", help="Limit: nodes on the NPU."),
        click.option(
            "--spec",
            "spec_file",
            metavar="FILE",
            shell_complete=candidates.files,
            help="Take everything not typed from a spec.json.",
        ),
        click.option("--detach", is_flag=True, help="Start the run, print its id, do not wait."),
        click.option("--json", "as_json", is_flag=True, help="Print the state as JSON on stdout, once, at the end."),
        click.option("--events", "as_events", is_flag=True, help="Print the journal as JSON lines on stdout, live."),
        click.option("-v", "--verbose", is_flag=True, help="Show the log on stderr."),
    ]
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


def _platform_options(command: Command) -> Command:
    """The options of run that concern the platform."""
    options = [
        click.option("--platform", type=click.Choice(PLATFORMS), help="Where to run [auto]."),
        click.option("--engine", type=click.Choice(ENGINES), help="CPU side of the simulator [auto]."),
        click.option("--fvp", metavar="PATH", shell_complete=candidates.files, help="The FVP's binary."),
        click.option("--runner", metavar="ELF", shell_complete=candidates.files, help="The firmware for the FVP."),
        click.option("--runner-kind", type=click.Choice(RUNNER_KINDS), help="How that firmware was built [auto]."),
        click.option(
            "--pte-address", callback=_address, metavar="ADDR", help="Where it looks for the program in memory."
        ),
        click.option(
            "-C",
            "parameters",
            multiple=True,
            metavar="NAME=VALUE",
            shell_complete=candidates.settings,
            help="An FVP parameter.",
        ),
        click.option(
            "--preset",
            "presets",
            multiple=True,
            metavar="NAME",
            shell_complete=candidates.presets,
            help="A preset: fvp-tui params --presets.",
        ),
        click.option("--dry-run", is_flag=True, help="Print the platform's command line; run nothing."),
        click.option("--serve", is_flag=True, help="Keep the platform for further inferences: fvp-tui infer."),
        click.option("--fast", is_flag=True, help="Fast NPU mode; its counters are not representative."),
        click.option("--pmu-trace", is_flag=True, help="Have the FVP trace its NPU: cycles of each operator."),
        click.option("--timeout", type=float, metavar="S", help="Wall-clock limit of the platform [600]."),
        click.option("--max-npu-cycles", type=int, metavar="N", help="Limit: cycles of the slowest inference."),
        click.option("--max-inference-ms", type=float, metavar="X", help="Limit: the same at the NPU's clock."),
        click.option("--require-match", is_flag=True, help="Limit: outputs match the quantized model."),
    ]
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


def _typed(base: Any, **values: Any) -> Any:
    """`base` with those fields replaced that the user typed (None and empty: not typed)."""
    import msgspec

    given = {name: value for name, value in values.items() if value is not None and value != ()}
    return msgspec.structs.replace(base, **given) if given else base


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().resolve())


def _program(path: str | None) -> str | None:
    """A program's path, of which no link is followed: one behind several links may go by the name it was called by.

    A bare name that is no file here is left as it is: it is looked for on PATH.
    """
    if path is None or (not Path(path).exists() and Path(path).name == path):
        return path
    return str(Path(path).expanduser().absolute())


def _make_spec(options: dict[str, Any], until: Literal["emit", "check"]) -> Spec:
    """The spec of the options typed, on top of ``--spec FILE`` or the defaults; checked. `until` is its last stage."""
    from tui.model import catalogue
    from tui.platform import presets
    from tui.run import spec

    base = Spec(model="")
    if file := options["spec_file"]:
        try:
            base = spec.decode(Path(file).read_bytes(), file)
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}") from error
    for preset in options.get("presets", ()):
        base = presets.apply(base, presets.load(preset))
    name = options["model"] or base.model
    if not name:
        raise UsageError("which model?", "such as sample:digits; see: fvp-tui models")
    model = catalogue.resolve(name)
    target = _typed(
        _compiled_target(model, base.target),
        accelerator=options["target"],
        system_config=options["system_config"],
        memory_mode=options["memory_mode"],
    )
    limits = _typed(
        base.limits,
        npu_cycles=options.get("max_npu_cycles"),
        inference_ms=options.get("max_inference_ms"),
        sram_kib=options["max_sram_kib"],
        delegated_percent=options["min_delegated"],
        match=options.get("require_match") or None,
    )
    dataset, inferences = _absolute(options["dataset"]), options["inferences"]
    if dataset is not None and catalogue.is_program(model):
        raise UsageError("--dataset needs the model itself", "a ready program takes --input FILE")
    if dataset is not None and inferences is None:
        inferences = _samples(Path(dataset))
    made = _typed(
        base,
        model=model,
        folder=_folder(options["folder"], model, base if options["model"] is None else None),
        until=until,
        target=target,
        limits=limits,
        quantize=options["quantize"],
        channels_last=options["channels_last"] or None,
        calibration=_absolute(options["calibration"]),
        inputs=tuple(str(_absolute(path)) for path in options["inputs"]),
        dataset=dataset,
        inferences=inferences,
        cache=False if options["no_cache"] else None,
        platform=options.get("platform"),
        engine=options.get("engine"),
        fvp=_program(options.get("fvp")),
        runner=_absolute(options.get("runner")),
        runner_kind=options.get("runner_kind"),
        pte_address=options.get("pte_address"),
        parameters=_merged(base.parameters, [spec.parameter(text) for text in options.get("parameters", ())]),
        serve=options.get("serve") or None,
        fast=options.get("fast") or None,
        pmu_trace=options.get("pmu_trace") or None,
        timeout_s=options.get("timeout"),
    )
    return spec.check(made)


def _folder(typed: str | None, model: str, known: Spec | None = None) -> str | None:
    """The folder that a model's code runs in: the one typed, else that of a spec that is `known`, else this one."""
    from tui.run import spec

    here = spec.folder_for(model)
    if here is None:
        return None
    return _absolute(typed) or (here if known is None else known.folder or str(Path(model).parent))


def _samples(path: Path) -> int | None:
    """How many there are in a data set; None where there is no such file, which the spec's check says better."""
    from tui.model import datasets

    return len(datasets.items(path)) if path.exists() else None


def _merged(base: tuple[tuple[str, str], ...], typed: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The parameters of a preset or a spec file, and those typed, which take their place."""
    return tuple({**dict(base), **dict(typed)}.items())


def _compiled_target(model: str, default: Any) -> Any:
    """A ready program runs on what it was compiled for. A damaged one is left for the run to refuse."""
    from tui.model import bundled, catalogue, pte

    if not catalogue.is_program(model):
        return default

    try:
        return pte.compiled_for(bundled.program_of(Path(model).read_bytes()), default)
    except (pte.PteError, OSError):
        return default


@cli.command()
@_spec_options
@_platform_options
def run(**options: Any) -> int:
    """Compile MODEL and run it; progress on stderr, results on stdout."""
    spec = _make_spec(options, "check")
    if options["dry_run"]:
        return _dry_run(spec)
    return _start(spec, options)


def _dry_run(spec: Spec) -> int:
    """Print what `run` would start, with the files it would write."""
    import shlex

    from tui.model import bundled, catalogue, pte
    from tui.platform import command, discovery

    choice = discovery.choose(spec)
    known = discovery.check_parameters(spec, choice)
    inputs, size = 1, 0
    try:
        if catalogue.is_program(spec.model):
            signature = pte.signature(bundled.program_of(Path(spec.model).read_bytes()))
            inputs, size = len(signature.inputs), sum(info.nbytes for info in signature.outputs)
        else:
            click.echo("before compiling, one input is assumed", err=True)
    except (pte.PteError, OSError) as error:
        raise UserError(f"{spec.model}: {one_line(error)}") from error
    # Where no run is, its folder is the one we are in.
    argv = command.build(
        spec,
        choice,
        Path.cwd(),
        inputs=inputs,
        output_bytes=size,
        server=spec.inferences > 1 or spec.serve,
        known=known,
    )
    click.echo(shlex.join(argv))
    click.echo(choice.why, err=True)
    return Exit.OK


@cli.command(name="compile")
@_spec_options
@click.option("-o", "--output", metavar="FILE", shell_complete=candidates.files, help="Copy the .pte there.")
def compile_(output: str | None, **options: Any) -> int:
    """Stop after the .pte and its analysis."""
    import shutil

    from tui.model import catalogue
    from tui.run import store

    spec = _make_spec(options, "emit")
    if catalogue.is_program(spec.model):
        raise UsageError(f"{spec.model} is compiled already", "fvp-tui run takes it as it is")
    if output is not None and not Path(output).absolute().parent.is_dir():
        raise UsageError(f"no folder {Path(output).absolute().parent}")

    def copy(directory: Path) -> None:
        if output is not None:
            shutil.copyfile(directory / store.ARTIFACTS / store.MODEL, output)

    return _start(spec, options, on_success=copy)


def _names(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(name.strip() for name in value.split(",") if name.strip())


@cli.command()
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
@click.option("--json", "as_json", is_flag=True, help="Print the points as JSON on stdout.")
@click.option("-v", "--verbose", is_flag=True, help="Show the compiler's log on stderr.")
def sweep(model: str, **options: Any) -> int:
    """Estimate MODEL on many configurations: it is lowered once, then Vela runs for each."""
    from tui.analysis import sweep as sweeping
    from tui.model import catalogue
    from tui.reports import sweep as report
    from tui.run import control, spec, store

    targets = sweeping.grid(options["targets"], options["memory_modes"], options["system_configs"])
    name = catalogue.resolve(model)
    if catalogue.is_program(name):
        raise UsageError(f"{name} is compiled already", "a sweep needs the model itself")
    csv_file = options["csv_file"]
    if csv_file is not None and not Path(csv_file).absolute().parent.is_dir():
        raise UsageError(f"no folder {Path(csv_file).absolute().parent}")
    request = _typed(
        Spec(model=name, folder=_folder(options["folder"], name), until="emit", target=targets[0]),
        quantize=options["quantize"],
        channels_last=options["channels_last"] or None,
        calibration=_absolute(options["calibration"]),
        cache=False if options["no_cache"] else None,
    )
    signals = Signals(interruptible=True).hear()
    directory = control.start(spec.check(request))
    click.echo(f"run {directory.name}", err=True)
    status = _follow(directory, verbose=options["verbose"], signals=signals)
    if status != Exit.OK:
        ended = store.load(directory).run
        if ended.status == "failed":
            fail(UserError(ended.reason or ended.status, ended.hint or ""))
        return status
    limits = spec.Limits(
        npu_cycles=options["max_npu_cycles"],
        inference_ms=options["max_inference_ms"],
        sram_kib=options["max_sram_kib"],
    )
    found: dict[int, sweeping.Point] = {}
    interrupt()
    try:
        for at, point in sweeping.points(sweeping.graphs(directory), targets):
            found[at] = sweeping.weighed(point, limits)
            click.echo(f"  {len(found)}/{len(targets)} {report.point_words(point)}", err=True)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    made = sweeping.result(name, [found[at] for at in sorted(found)])
    if csv_file is not None:
        Path(csv_file).write_text(report.to_csv(made), encoding="utf-8")
    if options["as_json"]:
        _print_json(made)
    else:
        click.echo(report.summary(made))
    return Exit.OK if made.best is not None else Exit.LIMIT if limits != spec.Limits() else Exit.FAILED


def _start(spec: Spec, options: dict[str, Any], on_success: Callable[[Path], None] = lambda _: None) -> int:
    """Start a run and show it."""
    from tui.run import control

    # From before there is a run: one whose command is gone without a word would not be found again.
    signals = Signals(interruptible=True).hear()
    directory = control.start(spec)
    try:
        return _shown(directory, signals, options, on_success)
    except OSError as error:
        # Under nohup no signal tells of a terminal that is gone.
        if not signals.hung_up and error.errno != errno.EIO:
            raise
        # There is nothing to print on any more.
        raise GoesOn(directory.name) from error


def _shown(directory: Path, signals: Signals, options: dict[str, Any], on_success: Callable[[Path], None]) -> int:
    """Show a run that has just begun, to its end if that is wanted."""
    if options["detach"]:
        click.echo(directory.name)
        return Exit.OK
    if not options["as_events"]:
        click.echo(f"run {directory.name}", err=True)
    status = _follow(directory, verbose=options["verbose"], as_events=options["as_events"], signals=signals)
    if status == Exit.OK:
        on_success(directory)
    if not options["as_events"]:
        _show(directory, as_json=options["as_json"])
    return status


class _Progress:
    """What the user sees on stderr while a run goes on: stages, errors, and the log if wanted.

    The progress of a long stage has one line that is written over on a terminal, and elsewhere a line now and then.
    """

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self._over = sys.stderr.isatty()
        self._wide = shutil.get_terminal_size().columns - 1
        self._told = 0.0
        self._open = False
        """Whether the line that is written over is there."""

    def tell(self, event: Any) -> None:
        """Write what an event has to say."""
        from tui.run import events
        from tui.run.state import progress_words
        from tui.text import clean

        if isinstance(event, events.StageProgressed):
            words = f"  {event.stage:9} {clean(progress_words(event), 120)}"
            if self._over:
                click.echo(f"\r{words[: self._wide]:{self._wide}}\r", err=True, nl=False)
                self._open = True
            elif event.t - self._told >= TOLD_S:
                self._told = event.t
                click.echo(words, err=True)
        elif isinstance(event, events.StageStarted):
            self._told = event.t
        elif (line := self.line(event)) is not None:
            blank, self._open = (f"\r{' ' * self._wide}\r" if self._open else ""), False
            click.echo(f"{blank}{line}", err=True)

    def line(self, event: Any) -> str | None:
        """One line for an event, or None for one that needs none."""
        from tui.run import events
        from tui.text import clean

        match event:
            case events.StageFinished(status="failed"):
                return f"  {event.stage:9} FAILED"
            case events.StageFinished(status="stopped"):
                return f"  {event.stage:9} stopped"
            case events.StageFinished(status="ok"):
                return f"  {event.stage:9} {event.seconds:6.1f} s{' (cached)' if event.cached else ''}"
            case events.PhaseChanged(phase="waiting"):
                return "  waiting for: fvp-tui infer last; Ctrl-C or fvp-tui stop ends the session"
            case events.PlatformStarted():
                return f"  {event.platform.name}: {clean(event.platform.why or '')}"
            case events.Logged() if self.verbose or event.level == "error":
                return f"  {event.source:9} | {clean(event.text, 400)}" if event.level != "debug" else None
        return None


def _follow(directory: Path, *, verbose: bool, signals: Signals, as_events: bool = False) -> int:
    """Follow a run to its end; its exit status.

    Raises:
        GoesOn: a signal ended the following, but not the run.
        UserError: the run's process is gone without a result.
    """
    from tui.run import control, events, journal, state, store

    follower, progress, folded = journal.Follower(directory / journal.FILE), _Progress(verbose), state.EMPTY
    asked = False
    checked = time.monotonic()
    while True:
        # First of all: after a hangup there is nothing to print on.
        if signals.leave:
            raise GoesOn(directory.name)
        batch = follower.poll()
        for event in batch:
            folded = state.fold(folded, event)
            if as_events:
                click.echo(events.encode(event).decode())
            else:
                progress.tell(event)
        if folded.run.status != "running":
            return folded.run.exit_status or Exit.OK
        if signals.stop and not asked:
            asked = True
            _stop_for(signals.last, directory)
        if batch:
            continue
        # Whether the process still lives need not be asked ten times a second.
        if time.monotonic() - checked > 1:
            checked = time.monotonic()
            # Its last events may have come just now.
            if (control.died(directory) or not store.lives(directory, folded.process)) and not follower.behind():
                reason = state.lost(folded, store.last_words(directory)).run.reason
                raise UserError(reason or "", f"fvp-tui show {directory.name}")
        time.sleep(POLL_S)


def _stop_for(signal_name: str, directory: Path) -> None:
    """Ask a run to stop, as a signal wants it."""
    from tui.run import control

    try:
        control.stop(directory)
    except UserError as error:
        # It may be over: what comes of it is to be seen.
        fail(error)
    else:
        click.echo("  stopping ..." if signal_name == "SIGINT" else f"  {signal_name}: stopping the run ...", err=True)


def _show(directory: Path, *, as_json: bool, detail: "Detail" = "top") -> None:
    from tui.reports import state_json, text
    from tui.run import store

    found = store.load(directory)
    if as_json:
        _print_json(state_json.to_json(found))
    else:
        click.echo(text.summary(found, detail))


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.any_run)
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
@click.option("--operators", "detail", flag_value="all", help="List all operators, not only those of most cycles.")
@click.option("--modules", "detail", flag_value="modules", help="List all operators below the model's modules.")
@click.option("--memory", is_flag=True, help="Show where the NPU's tensors lie, and when.")
@click.option("--layers", is_flag=True, help="Show where quantization hurts: each layer against the float model's.")
def show(name: str, as_json: bool, detail: "Detail | None", memory: bool, layers: bool) -> None:
    """Show a run's figures. RUN is an id, a unique prefix, last or last~N."""
    from tui.reports.check import layers_table
    from tui.reports.memory import memory_map
    from tui.run import store

    if (memory or layers) and not as_json:
        state = store.load(store.resolve(name))
        if memory:
            click.echo(memory_map(state))
        if layers:
            click.echo(layers_table(state))
        return
    _show(store.resolve(name), as_json=as_json, detail=detail or "top")


@cli.command()
@click.argument("a", metavar="RUN", shell_complete=candidates.any_run)
@click.argument("b", metavar="RUN", shell_complete=candidates.any_run)
@click.option(
    "--profile",
    metavar="FILE",
    shell_complete=candidates.files,
    help="How much worse figures may get: a TOML file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(a: str, b: str, profile: str | None, as_json: bool) -> int:
    """Compare two runs: what differs, figures, operators by module. Something worse is exit status 3."""
    from tui.analysis import compare as comparing
    from tui.reports import compare as report
    from tui.run import store

    allowed = comparing.Profile() if profile is None else comparing.read_profile(Path(profile))
    found = comparing.compare(store.load(store.resolve(a)), store.load(store.resolve(b)), allowed)
    if as_json:
        _print_json(found)
    else:
        click.echo(report.summary(found))
    if not found.comparable:
        return Exit.FAILED
    return Exit.LIMIT if found.regressions else Exit.OK


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.any_run)
@click.option(
    "--try", "try_out", is_flag=True, help="Compile and run what a changed spec can try; show what it came to."
)
@click.option("--json", "as_json", is_flag=True, help="Print the advice as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show the log of what is tried on stderr.")
def advise(name: str, try_out: bool, as_json: bool, verbose: bool) -> int:
    """Say what to change in a run's model or options, with the evidence the run has for it."""
    import msgspec

    from tui.analysis import advice, prediction
    from tui.reports import advice as report
    from tui.run import control, store

    directory = store.resolve(name)
    state = store.load(directory)
    if state.spec is None or state.run.status != "ok":
        raise UserError(f"{directory.name} is {state.run.status}", "advice needs a run that went well")
    found = advice.of(state, prediction.estimates(directory, state))
    tried = list(found.advice)
    status = Exit.OK
    for at, one in enumerate(found.advice):
        if not (try_out and one.change):
            continue
        click.echo(f"trying {' '.join(one.options)}", err=True)
        signals = Signals(interruptible=True).hear()
        variant = control.start(advice.changed(state.spec, one.change))
        click.echo(f"run {variant.name}", err=True)
        status = Exit(_follow(variant, verbose=verbose, signals=signals))
        tried[at] = msgspec.structs.replace(one, tried=prediction.outcome(state, variant))
        if status == Exit.INTERRUPTED:
            break
    found = msgspec.structs.replace(found, advice=tuple(tried))
    if as_json:
        _print_json(found)
    else:
        click.echo(report.summary(found))
    return status if status == Exit.INTERRUPTED else Exit.OK


SHELLS = ("bash", "zsh", "fish")
"""`tui.cli.completion.SHELLS`, without its imports."""
EXPORTS = ("json", "csv", "html", "perfetto", "svg")
"""`tui.reports.export.FORMATS`, without its imports."""


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.any_run)
@click.option(
    "--format",
    "form",
    type=click.Choice(EXPORTS),
    required=True,
    help="The state; operators as a table; a page; a trace for ui.perfetto.dev; a picture of the screen.",
)
@click.option("-o", "--output", metavar="FILE", shell_complete=candidates.files, help="Write it there [stdout].")
@click.option(
    "--size", metavar="COLUMNSxLINES", shell_complete=candidates.sizes, help="Of the screen in the picture [120x40]."
)
def export(name: str, form: Any, output: str | None, size: str | None) -> None:
    """Put a run into a file for other programs, or for people: a report, a table, a trace."""
    from tui.reports import export as exporting
    from tui.run import store

    directory = store.resolve(name)
    if output is not None:
        exporting.check_path(Path(output))
    if size is not None and form != "svg":
        raise UsageError("--size is of the picture", "it goes with --format svg")
    if form == "svg":
        from tui.app import picture

        content = picture.of_run(directory, picture.size(size) if size else picture.SIZE).encode()
    else:
        content = exporting.document(directory, form)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    click.echo(exporting.write(Path(output), content), err=True)


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.any_run)
@click.option("--json", "as_json", is_flag=True, help="Do not open the screen; print the state at the end.")
@click.option("--events", "as_events", is_flag=True, help="Do not open the screen; print the journal, live.")
def attach(name: str, as_json: bool, as_events: bool) -> int:
    """Watch a run, from its beginning: on the full screen, or as lines where there is no terminal."""
    from tui.run import store

    directory = store.resolve(name)
    if _has_terminal() and not (as_json or as_events):
        from tui.app.start import run_app

        return run_app(attach=directory)
    signals = Signals(interruptible=False).hear()
    status = _follow(directory, verbose=True, as_events=as_events, signals=signals)
    if not as_events:
        _show(directory, as_json=as_json)
    return status


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.any_run)
@click.option("--speed", type=click.FloatRange(1 / 16, 1024), default=1.0, metavar="N", help="Times its own [1].")
@click.option("--max-gap", type=click.FloatRange(min=0), metavar="S", help="Shorten waits between events to that.")
@click.option("--plain", is_flag=True, help="Do not open the screen; print lines as run does.")
def replay(name: str, speed: float, max_gap: float | None, plain: bool) -> None:
    """Play a run that is over once more: on the full screen, or as lines where there is no terminal."""
    from tui.run import events, journal, store
    from tui.run import replay as replaying

    directory = store.resolve(name)
    replaying.check(directory)
    player = replaying.Player(directory / journal.FILE, speed, max_gap)
    if _has_terminal() and not plain:
        from tui.app.start import run_app

        run_app(replay=(directory, player))
        return
    click.echo(f"replay of {directory.name}, {player.words}", err=True)
    progress = _Progress(verbose=True)

    def echo(lines: list[bytes]) -> None:
        for line in lines:
            if (event := events.decode(line)) is not None and (words := progress.line(event)):
                click.echo(words, err=True)

    player.play(echo)
    _show(directory, as_json=False)


def _has_terminal() -> bool:
    from tui.app import terminal

    known = os.environ.get("TERM", "dumb") != "dumb"
    return terminal.served() or (sys.stdin.isatty() and sys.stderr.isatty() and known)


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.live_runs)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="FILE",
    shell_complete=candidates.files,
    help="One for each input [the next sample].",
)
@click.option("--json", "as_json", is_flag=True, help="Print the inference and the check so far as JSON.")
def infer(name: str, inputs: tuple[str, ...], as_json: bool) -> int:
    """Ask the platform of a run that was started with --serve for one more inference."""
    import msgspec

    from tui.reports.check import check_line
    from tui.reports.execution import inference_line
    from tui.run import control, state, store

    directory = store.resolve(name)
    number = control.infer(directory, [str(_absolute(path)) for path in inputs])
    found = _until_inferred(directory, number)
    inference = next((one for one in found.inferences if one.index == number), None)
    if inference is None:
        why = found.run.reason or f"it is {found.run.status}"
        raise UserError(f"{directory.name} ended before the inference: {why}", f"fvp-tui show {directory.name}")
    outputs = directory / store.ARTIFACTS / f"outputs_{number}.npz"
    if as_json:
        _print_json(
            {
                "schema_version": state.SCHEMA_VERSION,
                "run": directory.name,
                "inference": msgspec.to_builtins(inference),
                "check": msgspec.to_builtins(found.check),
                "outputs": str(outputs) if outputs.exists() else None,
            }
        )
        return Exit.OK
    click.echo(inference_line(found, inference))
    click.echo("check     not of inputs from files" if inputs else f"check     so far {check_line(found.check)}")
    click.echo(f"outputs   {outputs if outputs.exists() else 'none were written'}")
    click.echo(f"more      fvp-tui show {directory.name}", err=True)
    return Exit.OK


def _until_inferred(directory: Path, number: int | None) -> "State":
    """Follow a run until an inference has ended, with what is said of it then, or until the run has; its state."""
    from tui.run import events, journal, state, store

    follower, folded, ended = journal.Follower(directory / journal.FILE), state.EMPTY, False
    while True:
        for event in follower.poll():
            folded = state.fold(folded, event)
            # After its figures come its outputs and the check, and only then does the platform wait, or go on.
            if ended and isinstance(event, events.PhaseChanged | events.InferenceStarted):
                return folded
            ended = ended or (isinstance(event, events.InferenceFinished) and event.inference.index == number)
        folded = folded if follower.behind() else store.settled(directory, folded)
        if folded.run.status != "running":
            return folded
        time.sleep(POLL_S)


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.live_runs)
def stop(name: str) -> None:
    """Stop a run; what it has yielded so far is kept."""
    from tui.run import control, store

    control.stop(store.resolve(name))


@cli.command()
@click.argument("names", metavar="RUN...", nargs=-1, required=True, shell_complete=candidates.pinnable_runs)
@click.option("--off", is_flag=True, help="Let them go again.")
def pin(names: tuple[str, ...], off: bool) -> None:
    """Keep runs from being deleted."""
    from tui.run import store

    for directory in [store.resolve(name) for name in names]:
        store.pin(directory, not off)
        click.echo(directory.name)


@cli.command()
@click.argument("names", metavar="RUN...", nargs=-1, required=True, shell_complete=candidates.any_run)
def rm(names: tuple[str, ...]) -> None:
    """Delete runs with all their files."""
    from tui.run import store

    # All names are resolved before the first is deleted: deleting changes what last~N means.
    for directory in dict.fromkeys(store.resolve(name) for name in names):
        store.remove(directory)
        click.echo(directory.name)


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=candidates.any_run)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--raw", is_flag=True, help="The console's very bytes, control characters included.")
def log(name: str, follow: bool, raw: bool) -> int | None:
    """Print a run's log."""
    from tui.run import events, journal, store
    from tui.text import clean

    directory = store.resolve(name)
    if raw:
        console = directory / store.CONSOLE
        if console.exists():
            sys.stdout.buffer.write(console.read_bytes())
        return None

    def echo(event: Any) -> None:
        if isinstance(event, events.Logged):
            click.echo(f"{event.level[0].upper()} {event.source:9} {clean(event.text)}")

    follower = journal.Follower(directory / journal.FILE)
    done = False
    while not done:
        # The state is asked for before the journal is read: what the last events said is then not missed.
        done = not follow or store.load(directory).run.status != "running"
        for event in follower.drain():
            echo(event)
        if not done:
            time.sleep(POLL_S)
    return None


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("-n", "count", type=int, default=0, help="Only the newest N.")
def history(as_json: bool, count: int) -> None:
    """List the runs, newest first."""
    import itertools

    from tui.reports import state_json
    from tui.reports.format import UNKNOWN, duration, number, table
    from tui.run import state, store
    from tui.text import clean

    found = itertools.islice(store.history(), count or None)
    if as_json:
        _print_json({"schema_version": state.SCHEMA_VERSION, "runs": [state_json.to_json(s) for s in found]})
        return
    rows = [["run", "status", "model", "target", "memory mode", "Vela cycles", "NPU cycles", "check", "time"]]
    for s in found:
        cycles = [i.npu_cycles for i in s.inferences if i.npu_cycles is not None]
        rows.append(
            [
                s.run.id,
                state.outcome(s),
                clean(Path(s.spec.model).name if s.spec else UNKNOWN, 30),
                s.spec.target.accelerator if s.spec else UNKNOWN,
                s.spec.target.memory_mode if s.spec else UNKNOWN,
                number(s.estimate.total_cycles if s.estimate else None),
                number(max(cycles) if cycles else None),
                verdict.status if (verdict := state.checked(s)) else UNKNOWN,
                duration(s.run.seconds),
            ]
        )
    for line in table(rows, right=(5, 6, 8)) if len(rows) > 1 else ["no runs yet: fvp-tui run sample:digits"]:
        click.echo(line)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def models(as_json: bool) -> None:
    """List the models that have a name; a file (.py, .pt2, .pte, .bpte) is a model too."""
    from tui.model import catalogue
    from tui.reports.format import table

    found = catalogue.models()
    if as_json:
        keys = ("name", "title", "group", "missing")
        _print_json({"models": [{key: getattr(m, key) for key in keys} for m in found]})
        return
    rows = [[m.name, f"needs {', '.join(m.missing)}" if m.missing else m.title] for m in found]
    for model, line in zip(found, table(rows), strict=True):
        click.echo(click.style(line, dim=True) if model.missing else line)


def _because(lacks: Sequence[str]) -> str:
    return f": see {' and '.join(lacks)}" if lacks else ""


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doctor(as_json: bool) -> int:
    """What is installed, which platform a run would take and why."""
    from tui.doctor import examine
    from tui.reports.format import table

    found = examine()
    if as_json:
        _print_json(found)
        return Exit.OK if found.ready else Exit.FAILED
    marks = {"ok": "ok", "missing": "MISSING", "warning": "note"}
    rows = [[f.name, marks[f.status], f.detail + (f" - {f.hint}" if f.hint else "")] for f in found.findings]
    for line in table(rows):
        click.echo(line)
    click.echo("\nwhat will work:")
    for ability in found.works:
        click.echo(f"  {'yes' if ability.works else 'no ':3}  {ability.name}" + _because(ability.lacks))
    if found.platform:
        click.echo(f"a run would take {found.why}")
    else:
        click.echo(f"no platform: {found.why}")
    return Exit.OK if found.ready else Exit.FAILED


def _list_presets(*, as_json: bool) -> int:
    from tui.platform import presets
    from tui.reports.format import table
    from tui.text import clean

    found = {name: presets.load(name) for name in presets.names()}
    if as_json:
        _print_json(found)
        return Exit.OK
    for line in table([[name, clean(preset.about)] for name, preset in found.items()]):
        click.echo(line)
    click.echo(f"your own: TOML files in {presets.folder()}", err=True)
    return Exit.OK


@cli.command()
@click.argument("words", metavar="[PATTERN]...", nargs=-1, shell_complete=candidates.parameters)
@click.option("--platform", type=click.Choice(PLATFORMS), default="auto", help="Whose parameters [auto].")
@click.option("--fvp", metavar="PATH", shell_complete=candidates.files, help="The FVP's binary.")
@click.option("--presets", "list_presets", is_flag=True, help="List the presets instead.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def params(words: tuple[str, ...], platform: Any, fvp: str | None, list_presets: bool, as_json: bool) -> int:
    """List the platform's parameters, as it lists them itself: those that have all words of PATTERN in them."""
    if list_presets:
        return _list_presets(as_json=as_json)
    from tui.platform import command, discovery, parameters
    from tui.reports.format import table

    choice = discovery.platform_only(Spec(model="", platform=platform, fvp=_program(fvp)))
    found = parameters.matching(discovery.list_parameters(choice), words)
    if as_json:
        _print_json(found)
        return Exit.OK
    if not found:
        what = f"with {' and '.join(words)} in it" if words else "at all"
        raise UserError(f"{choice.name} lists no parameter {what}")
    ours = {name for name, _ in command.defaults(Spec(model=""))}
    rows = [
        [
            p.name,
            p.type,
            p.default,
            f"{p.low} to {p.high}" if p.low else "",
            "set by run" if p.name in ours else "",
            p.text,
        ]
        for p in found
    ]
    for line in table([["parameter", "type", "default", "range", "", ""], *rows]):
        click.echo(line)
    click.echo(f"{len(found)} parameters of {choice.name} {choice.version or ''}".rstrip(), err=True)
    return Exit.OK


@cli.group()
def firmware() -> None:
    """What an FVP runs: Arm's prebuilt ExecuTorch firmware, or a runner built from a checkout."""


@firmware.command()
@click.option(
    "--from",
    "source",
    metavar="FILE",
    shell_complete=candidates.files,
    help="A wheel of mlia-ethos-u or an image, instead of fetching it.",
)
def install(source: str | None) -> None:
    """Fetch the firmware from the package index (10 MB), check it, keep it in the data folder."""
    from tui.platform import firmware_store

    for path in firmware_store.install(None if source is None else Path(source)):
        click.echo(path)
    click.echo(f"licences: {firmware_store.folder() / 'LICENSES'}")


@firmware.command()
@click.argument("checkout", metavar="CHECKOUT", shell_complete=candidates.folders)
@click.option("--etdump", is_flag=True, help="Trace its kernels: an ETDump of each inference.")
@click.option("--bundleio", is_flag=True, help="Take bundled programs, and check their outputs.")
@click.option("--kernel", "kernels", multiple=True, metavar="OP", help="Another CPU kernel, such as aten::add.out.")
@click.option("-v", "--verbose", is_flag=True, help="Show what the build prints.")
def build(checkout: str, etdump: bool, bundleio: bool, kernels: tuple[str, ...], verbose: bool) -> None:
    """Build the semihosting runner from an ExecuTorch CHECKOUT, once, for every model."""
    from tui.platform import runner_build

    shown = -1

    def progress(found: runner_build.Progress) -> None:
        nonlocal shown
        if verbose:
            click.echo(found.line, err=True)
        elif found.percent is not None and found.percent != shown:
            shown = found.percent
            click.echo(f"\rbuilding {shown:3} %", nl=False, err=True)

    path = runner_build.build(
        Path(checkout).expanduser().absolute(), etdump=etdump, bundles=bundleio, kernels=kernels, progress=progress
    )
    if shown >= 0:
        click.echo(err=True)
    click.echo(path)


@firmware.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_(as_json: bool) -> None:
    """List the firmware that is known, and where it is."""
    from tui.platform import firmware_store
    from tui.reports.format import table
    from tui.toolchain.firmware_images import IMAGES

    found = [(image, firmware_store.installed(image)) for image in IMAGES]
    if as_json:
        _print_json(
            [{"name": i.name, "what": i.what, "sha256": i.sha256, "path": path and str(path)} for i, path in found]
        )
        return
    rows = [[i.name, i.what, str(path or "not installed")] for i, path in found]
    made = firmware_store.built()
    rows.append(["built", "the semihosting runner of an ExecuTorch checkout", str(made or "not built")])
    for line in table(rows):
        click.echo(line)


@cli.command()
def themes() -> None:
    """List the colour themes: ours, and the user's own."""
    from tui import resources
    from tui.app import themes as known

    for folder in (resources.folder("themes"), known.user_folder()):
        for file in sorted(folder.glob("*.toml")):
            click.echo(f"{file.stem}  {file}")


@cli.command()
def keys() -> int:
    """List the actions of the full-screen program and their keys: names for keys.toml."""
    from tui import config
    from tui.app import keys as own
    from tui.app.screens.help import all_bindings

    path, known = config.folder() / own.NAME, all_bindings()
    wanted: dict[str, str] = {}
    try:
        wanted = own.read()
        wrong = [f"{path}: {one}" for one in own.problems(wanted, {str(b.id): b.key for b in known})]
    except UsageError as error:
        wrong = [str(error)]
    for binding in known:
        name = str(binding.id)
        if binding.description:  # digits of a number need no other keys
            click.echo(f"{name:24} {wanted.get(name, binding.key):28} {binding.description}")
    if not wrong:
        click.echo(f"{'' if path.exists() else 'no '}{path}", err=True)
    for one in wrong:
        fail(UsageError(one))
    return Exit.USAGE if wrong else Exit.OK


@cli.command(name="completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion_(shell: Any) -> None:
    """Print the script that completes this command's lines in a shell: source <(fvp-tui completion bash)."""
    from tui.cli import completion

    click.echo(completion.script(cli, shell), nl=False)


def main() -> None:
    """Entry point: parse, run, and turn every error into one line and the right exit status."""
    status = _main(sys.argv[1:])
    # All is said: a signal while the interpreter ends would only spoil the exit status.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


def _main(arguments: list[str]) -> int:
    # Anywhere on the line, not only in front of the command.
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if COMPLETION in os.environ:
        from tui.cli import completion

        completion.register()
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        result = cli.main(arguments, prog_name="fvp-tui", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "fvp-tui"
        return fail(UsageError(error.format_message(), f"see: {command} --help"))
    except click.ClickException as error:
        return fail(UserError(error.format_message()))
    except BrokenPipeError:
        # The reader of a pipe has had enough; say nothing, and let the interpreter not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        if debug and not isinstance(error, UserError):
            raise
        return fail(error)
    return int(result) if isinstance(result, int) else Exit.OK
