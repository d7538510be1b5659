"""The compile worker: takes a spec through load, export, quantize, lower, vela and emit, and says so in events."""

import contextlib
import gc
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from tui import __version__, files
from tui.errors import Exit, UserError, one_line
from tui.model import catalogue
from tui.run import events, store
from tui.run.events import Event, Stage
from tui.run.figures import Estimate, Operator, TensorPlace, Versions, whole
from tui.run.spec import Spec

if TYPE_CHECKING:
    from tui.compile.progress import Report

FAILURE = "failure.txt"
VELA = "vela"
DROPPED = "dropped_output.tosa"
"""A graph with an output that Vela dropped."""
NOTICED_S = 0.1
YOUNG = 100_000
"""Objects that Python allocates before it looks for garbage: a compilation makes millions, and most stay. With this
a compilation of the digits sample takes 12 % less CPU time than with Python's own threshold."""
ONES = "--ones"
"""The inputs are ones: what a runner gives a program that cannot be given any."""


def prepare() -> None:
    """What a process that compiles sets before it imports anything: few threads, and little looking for garbage.

    Cores are left to the machine's other work; some libraries look at these variables on import, and only then.
    """
    gc.set_threshold(YOUNG)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class StageFailed(Exception):
    """A stage failed and has said so in an event."""

    def __init__(self, status: Exit) -> None:
        super().__init__(status)
        self.status = status


class Worker:
    """One compilation: where its files go and where its events."""

    def __init__(
        self, directory: Path, spec: Spec, out: BinaryIO, *, ones: bool = False, waited_s: float = 0.0
    ) -> None:
        self.directory = directory
        self.ones = ones
        self.spent: dict[Stage, float] = {"load": waited_s}
        """Seconds that stages have had: a worker that was waited for was loading its libraries."""
        self.artifacts = directory / store.ARTIFACTS
        self.spec = spec
        self.emitted: list[Event] = []
        """All that was sent but progress, which is of no use to another run."""
        self.exported: Any = None
        """The exported program, which is asked for what ExecuTorch is known to fail on."""
        self._out = out

    def emit(self, event: Event) -> None:
        """Send an event to the run process."""
        event = msgspec.structs.replace(event, t=time.time())
        if not isinstance(event, events.StageProgressed):
            self.emitted.append(event)
        self._out.write(events.encode(event) + b"\n")

    def note(self, text: str) -> None:
        """Send a sentence for the state's notes."""
        self.emit(events.Noted(text=text))

    def telling(self, stage: Stage) -> "Report":
        """Report the progress of a stage that begins now."""
        from tui.compile import progress

        return progress.teller(self.emit, stage)

    def warn(self, text: str) -> None:
        """Say it in the log, and in the state's notes."""
        self.emit(events.Logged(source="compile", text=text, level="warning"))
        self.note(text)

    def keep(self, path: Path) -> None:
        """Announce a finished file."""
        self.emit(events.ArtifactWritten(artifact=store.artifact(self.directory, path)))

    @contextlib.contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """A stage around a block: announced, timed, and explained if the block fails."""
        begun = time.monotonic() - self.spent.get(name, 0.0)
        self.emit(events.StageStarted(stage=name))
        try:
            yield
        except Exception as error:
            raise self._failed(name, error, time.monotonic() - begun) from error
        self.spent[name] = time.monotonic() - begun
        self.finish(name, self.spent[name])

    def finish(self, name: Stage, seconds: float) -> None:
        """Announce the good end of a stage."""
        self.emit(events.StageFinished(stage=name, status="ok", seconds=seconds))

    def _failed(self, name: Stage, error: Exception, seconds: float) -> StageFailed:
        from tui.compile.diagnostics import failures

        if full := files.no_room(error, self.directory):
            # Nothing about the model, and nowhere to write it.
            self.emit(events.StageFinished(stage=name, status="failed", seconds=seconds, reason=full))
            return StageFailed(Exit.FAILED)
        if self.exported is not None and name in ("quantize", "lower"):
            from tui.compile.diagnostics import kv_caches

            if (sentence := kv_caches.suspect(self.exported)) is not None:
                error.add_note(sentence)
        path = self.artifacts / FAILURE
        path.write_text(failures.full_text(error), encoding="utf-8", errors="replace")
        self.keep(path)
        for level, text in failures.lines(error):
            self.emit(events.Logged(source="compile", text=text, level=level))
        file = catalogue.source_file(self.spec.model)
        reason, line = failures.describe(error, name, file), failures.where(error, file)
        self.emit(events.StageFinished(stage=name, status="failed", seconds=seconds, reason=reason, line=line))
        return StageFailed(error.exit if isinstance(error, UserError) else Exit.FAILED)


def versions() -> Versions:
    """Versions of what decides the compiled program, from package metadata."""

    def of(package: str) -> str | None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    return Versions(
        fvp_tui=__version__,
        python=platform.python_version(),
        torch=of("torch"),
        executorch=of("executorch"),
        vela=of("ethos-u-vela"),
    )


@contextlib.contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    """A folder for intermediate files, in the run's: what a killed compiler leaves there goes with the run.

    ExecuTorch joins Vela's flags with blanks, so its path may have none.
    """
    with tempfile.TemporaryDirectory(prefix="compile-", dir="/tmp" if " " in str(directory) else directory) as folder:
        yield Path(folder)


def _keep_vela(work: Worker, lowering: Any) -> None:
    """Move what Vela and ExecuTorch left for each partition into the run, and send the estimates."""
    from tui.compile import vela_report
    from tui.compile.graph import origins

    estimates: list[Estimate] = []
    operators: list[Operator] = []
    tensors: list[TensorPlace] = []
    for index, partition in enumerate(lowering.partitions):
        place = work.artifacts / VELA / partition.folder.name
        place.mkdir(parents=True)
        for file in sorted(partition.folder.rglob("*")):
            # The .npz is the delegate itself, which the .pte holds.
            if file.is_file() and file.suffix != ".npz":
                work.keep(
                    Path(shutil.copy(file, place / (origins.TOSA if file.name == origins.OUT_TOSA else file.name)))
                )
        estimates.append(vela_report.estimate(place))
        found = vela_report.read(place, index, work.spec.target.macs, len(operators))
        operators += found.operators
        tensors += found.tensors
    total = whole(estimates)
    if work.spec.target.is_cpu:
        work.note(f"no estimate: Vela knows no {work.spec.target.accelerator}, and nothing here counts its cycles")
    elif total is None:
        work.note("no Vela estimate: nothing was delegated to the NPU")
    else:
        work.emit(
            events.Estimated(
                estimate=total, partitions=tuple(estimates), operators=tuple(operators), tensors=tuple(tensors)
            )
        )


def _compile(work: Worker) -> None:
    spec = work.spec
    with work.stage("load"):
        # These imports take ten seconds and more: they are the greater part of this stage.
        from tui.compile import cache, carried, models, mutation

        model = models.load(spec.model, spec.folder)
        models.check(model, spec)
        # The Cortex-M kernels know no other layout.
        if spec.channels_last or spec.target.is_cpu:
            model = models.channels_last(model)
        samples = models.ones(model) if work.ones else models.samples(spec, model)
        calibration = models.calibration(spec, model)
    with work.stage("export"):
        program = models.export(model)
        with model.at_home():
            plain = () if model.program is not None else mutation.unregistered(model.module, model.example)
        state = carried.Carried(program, work.warn, plain)
        if state.changes.state:
            samples = models.each_inference(samples, spec.inferences)
            calibration = state.steps(calibration, spec.inferences)
        name = cache.key(spec, program, calibration, samples) if spec.cache else None
    if name is not None and (known := cache.restore(name, work.artifacts)) is not None:
        for event in cache.as_cached(known):
            work.emit(event)
        return
    work.exported = program
    _load_compilers(work)
    before = len(work.emitted)
    _lowered(work, model, program, calibration, samples, state)
    if name is not None:
        try:
            cache.keep(name, work.artifacts, work.emitted[before:])
        except OSError as error:
            work.note(f"not kept for the next compilation: {error.strerror}")


def _load_compilers(work: Worker) -> None:
    """Import what exporting has no need of. It counts as time of the stage load; a server has all of it."""
    begun = time.monotonic()
    from tui.compile import lowering, references  # noqa: F401
    from tui.compile.diagnostics import delegation  # noqa: F401

    spent = time.monotonic() - begun
    if spent > NOTICED_S:
        work.finish("load", work.spent["load"] + spent)


def _lowered(work: Worker, model: Any, program: Any, calibration: Any, samples: Any, state: Any) -> None:
    """The stages from quantize on."""
    from tui.compile import exporting, mutation, references
    from tui.compile import lowering as flow
    from tui.compile.diagnostics import delegation
    from tui.compile.links import chain, preparation, rounding

    spec = work.spec
    with _scratch(work.directory) as scratch:
        target = None if spec.target.is_cpu else flow.compile_spec(spec.target, scratch)
        made, changed = None, None
        if spec.quantize == "none":
            work.emit(events.StageFinished(stage="quantize", status="skipped", seconds=0.0))
        else:
            with work.stage("quantize"):
                try:
                    made = _quantized(work, model, program, target, calibration)
                except Exception:
                    with model.at_home():
                        exporting.run(model.module, model.example)
                    raise
                changed = preparation.change(program, made.float_module, samples.inputs)
                program = made.program
                for sentence in made.unrolled:
                    work.note(sentence)
                _compare_layers(work, made, samples)
            state.quantized(made.module, made.program)
        lowering = _lower(work, program, target, scratch)
        lowered = lowering.edge.exported_program()
        state.lowered(lowered)
        with work.stage("emit"):
            report = delegation.analyse(
                lowering.edge, lowering.rejected, made and made.in_float, has_npu=not spec.target.is_cpu
            )
            steps = references.output_steps(lowering.edge)
            _keep_vela(work, lowering)
            # Before emission, which turns the lowered graph's operators into forms that only the runtime has.
            exact = _exact(work, lowering, samples) if lowering.partitions else None
            emitted = flow.emit(lowering)
            work.emit(
                events.DelegationKnown(delegation=msgspec.structs.replace(report, kernels=delegation.kernels(emitted)))
            )
            path = work.artifacts / store.MODEL
            path.write_bytes(emitted.buffer)
            work.keep(path)
            inputs, outputs = references.signature(emitted, steps)
            quantized = None if made is None else made.module
            if quantized is not None:
                outputs = rounding.measured(quantized, samples.inputs, outputs)
            with model.at_home():
                written = references.write(
                    work.artifacts,
                    samples,
                    spec.inferences,
                    inputs,
                    outputs,
                    model.module,
                    quantized,
                    exact,
                    buffers=[change.name for change in state.changes.buffers],
                    returned=mutation.returned(lowered),
                    state=state.state(model.module, samples, outputs),
                    unchecked=references.unchecked(work.exported),
                )
            for file in written:
                work.keep(file)
            chain.judge(work, made, changed, target, samples)


def _quantized(work: Worker, model: Any, program: Any, target: Any, calibration: Any) -> Any:
    from tui.compile import lowering as flow

    telling = work.telling("quantize")
    if target is not None:
        return flow.quantize(program, target, work.spec.quantize, calibration, model.example, telling)
    from tui.compile import cortex_m

    return cortex_m.quantize(program, calibration, model.example, telling)


def _compare_layers(work: Worker, made: Any, samples: Any) -> None:
    from tui.compile.links import layers

    try:
        work.emit(events.LayersCompared(layers=layers.compare(made.float_module, made.module, samples.inputs)))
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        work.note(f"layers are not compared with the float model's: {one_line(error, 160)}")


def _exact(work: Worker, lowering: Any, samples: Any) -> Any:
    """The lowered program's exact outputs; None, and a note why, where they cannot be had."""
    from tui.compile.links import tosa_reference

    folders = [partition.folder for partition in lowering.partitions]
    try:
        return tosa_reference.outputs(lowering, folders, samples.inputs)
    except tosa_reference.Unavailable as error:
        work.note(f"outputs are compared with PyTorch's quantized model only: {error}")
        return None


def _lower(work: Worker, program: Any, target: Any, scratch: Path) -> Any:
    """The stages lower and vela, which alternate when there are several partitions."""
    from tui.compile import lowering as flow

    begun = time.monotonic()
    in_vela = False

    def on_vela() -> None:
        nonlocal in_vela
        if not in_vela:
            work.emit(events.StageStarted(stage="vela"))
        in_vela = True

    work.emit(events.StageStarted(stage="lower"))
    try:
        if target is not None:
            lowering = flow.lower(program, target, scratch, on_vela, work.telling("lower"))
        else:
            from tui.compile import cortex_m

            lowering = cortex_m.lower(program, work.spec.target.accelerator)
    except Exception as error:
        from ethosu.vela.errors import VelaError

        at_fault: Stage = "vela" if isinstance(error, VelaError) else "lower"
        raise work._failed(at_fault, error, time.monotonic() - begun) from error
    work.finish("lower", time.monotonic() - begun - lowering.vela_seconds)
    if in_vela:
        _check_outputs(work, lowering)
        work.finish("vela", lowering.vela_seconds)
    else:
        work.emit(events.StageFinished(stage="vela", status="skipped", seconds=0.0))
    return lowering


def _check_outputs(work: Worker, lowering: Any) -> None:
    """See that Vela dropped no output; of a partition that lost one, the graph is kept for whoever reports it."""
    from tui.compile.diagnostics import dropped_outputs
    from tui.compile.graph import origins

    for number, partition in enumerate(lowering.partitions):
        try:
            free_layout = not work.spec.channels_last and not work.spec.model.endswith(".pt2")
            dropped_outputs.check(partition.folder, number, versions().vela, free_layout=free_layout)
        except UserError as error:
            work.keep(Path(shutil.copy(partition.folder / origins.OUT_TOSA, work.artifacts / DROPPED)))
            raise work._failed("vela", error, lowering.vela_seconds) from error


def main(directory: Path, out: BinaryIO, *, ones: bool = False, waited_s: float = 0.0) -> int:
    """Compile the spec of the run in `directory`, writing events to `out`; the exit status the run would have.

    With `ones` the run's inputs are ones, whatever the spec says. `waited_s` counts as time of the first stage.
    """
    spec = store.load_spec(directory)
    if spec is None:
        sys.stderr.write(f"no spec in {directory}\n")
        return Exit.USAGE
    work = Worker(directory, spec, out, ones=ones, waited_s=waited_s)
    work.emit(events.VersionsKnown(versions=versions()))
    try:
        _compile(work)
    except StageFailed as failed:
        return failed.status
    except OSError as error:
        # Of what is written between the stages.
        if not (full := files.no_room(error, directory)):
            raise
        sys.stderr.write(f"{full}\n")
        return Exit.FAILED
    return Exit.OK
