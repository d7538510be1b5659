"""The stages quantize, lower, vela and emit: from an exported program to the .pte and all that reports say of it."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from ethosu.vela.errors import VelaError
from executorch.backends.arm.ethosu import EthosUCompileSpec
from executorch.exir import ExecutorchProgramManager
from torch.export import ExportedProgram

from tui.compile import (
    executorch_api,
    exporting,
    lowering,
    mutation,
    progress,
    quantization,
    references,
    vela_report,
)
from tui.compile.compilation import Compilation, versions
from tui.compile.diagnostics import delegation, dropped_outputs
from tui.compile.frontend import Exported
from tui.compile.graph import origins
from tui.compile.links import chain, layers, preparation, rounding, tosa_reference
from tui.compile.links.preparation import Change
from tui.compile.lowering import Lowering, Partition
from tui.compile.quantization import Quantized
from tui.errors import UserError, one_line
from tui.model.tensors import Manifest, NDArray
from tui.run import events, store
from tui.run.events import Event, Stage
from tui.run.figures import Estimate, Operator, TensorPlace, whole

VELA = "vela"
DROPPED = "dropped_output.tosa"
"""A graph with an output that Vela dropped."""


def run(work: Compilation, exported: Exported) -> None:
    """Take an exported program through the stages that remain."""
    with _scratch(work.directory) as scratch:
        target = None if work.spec.target.is_cpu else lowering.compile_spec(work.spec.target, scratch)
        quantized, change = None, None
        if work.spec.quantize == "none":
            work.skip("quantize")
        else:
            quantized, change = _quantize(work, exported, target)
        program = exported.program if quantized is None else quantized.program
        lowered = _lower(work, program, target, scratch)
        exported.state.lowered(lowered.edge.exported_program())
        with work.stage("emit"):
            _emit(work, exported, quantized, lowered)
            chain.judge(work, quantized, change, target, exported.samples)


def run_again(work: Compilation, earlier: Sequence[Event]) -> None:
    """Compile what was lowered for another NPU of the same operators, or for another of its memory systems.

    `earlier` are the events of that compilation, whose files are those of this one so far. The graphs, and what is said
    of them, are the same: only Vela runs, and the program gets its delegates.
    """
    folder = work.artifacts / VELA
    graphs = sorted(folder.glob(f"*/{origins.TOSA}"), key=lambda graph: int(graph.parent.name.rpartition("-")[2]))
    for event in earlier:
        if not _of_target(event):
            work.emit(event)
    if not graphs:
        work.skip("vela")
        work.keep(work.artifacts / store.MODEL)
        work.finish("emit", 0.0)
        return
    with _scratch(work.directory) as scratch:
        spec = lowering.compile_spec(work.spec.target, scratch)
        begun = time.monotonic()
        with work.stage("vela"):
            partitions = [lowering.compile_again(graph.parent, spec, scratch) for graph in graphs]
            _check_outputs(work, partitions, time.monotonic() - begun)
        with work.stage("emit"):
            shutil.rmtree(folder)
            _keep_vela(work, partitions)
            path = work.artifacts / store.MODEL
            delegates = [partition.delegate for partition in partitions]
            path.write_bytes(executorch_api.with_delegates(path.read_bytes(), delegates, spec))
            work.keep(path)


def _of_target(event: Event) -> bool:
    """True if an event is of the target that something was compiled for: it is told anew."""
    match event:
        case events.StageFinished():
            return event.stage in ("vela", "emit")
        case events.ArtifactWritten():
            return event.artifact.name == store.MODEL or Path(event.artifact.path).parts[1:2] == (VELA,)
        case events.Estimated():
            return True
    return False


@contextlib.contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    """A folder for intermediate files inside the run's, so that what a killed compiler leaves is removed with the run.

    ExecuTorch joins Vela's flags with blanks, so the path must have none.
    """
    with tempfile.TemporaryDirectory(prefix="compile-", dir="/tmp" if " " in str(directory) else directory) as folder:
        yield Path(folder)


# -- quantize


def _quantize(
    work: Compilation, exported: Exported, target: EthosUCompileSpec | None
) -> tuple[Quantized, Change | None]:
    """Quantize a program, and compare what that did to it."""
    samples = exported.samples.inputs
    with work.stage("quantize"):
        try:
            quantized = _quantized(work, exported, target)
        except Exception:
            with exported.model.at_home():
                exporting.run(exported.model.module, exported.model.example)
            raise
        change = preparation.change(exported.program, quantized.float_module, samples)
        for sentence in quantized.unrolled:
            work.note(sentence)
        try:
            compared = layers.compare(quantized.float_module, quantized.module, samples)
            work.emit(events.LayersCompared(layers=compared))
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            work.note(f"no comparison with the float model by layer: {one_line(error, 160)}")
    exported.state.quantized(quantized.module, quantized.program)
    return quantized, change


def _quantized(work: Compilation, exported: Exported, target: EthosUCompileSpec | None) -> Quantized:
    program, calibration, example = exported.program, exported.calibration, exported.model.example
    report = progress.reporter(work.emit, "quantize")
    if target is not None:
        return quantization.quantize(program, target, work.spec.quantize, calibration, example, report)
    from tui.compile import cortex_m  # for the few that compile for a CPU

    return cortex_m.quantize(program, calibration, example, report)


# -- lower, vela


def _lower(work: Compilation, program: ExportedProgram, target: EthosUCompileSpec | None, scratch: Path) -> Lowering:
    """Run the stages lower and vela, which alternate when there are several partitions."""
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
            report = progress.reporter(work.emit, "lower")
            lowered = lowering.lower(program, target, scratch, on_vela, report)
        else:
            from tui.compile import cortex_m  # for the few that compile for a CPU

            lowered = cortex_m.lower(program, work.spec.target.accelerator)
    except Exception as error:
        at_fault: Stage = "vela" if isinstance(error, VelaError) else "lower"
        raise work.failed(at_fault, error, time.monotonic() - begun) from error
    work.finish("lower", time.monotonic() - begun - lowered.vela_seconds)
    if in_vela:
        _check_outputs(work, lowered.partitions, lowered.vela_seconds)
        work.finish("vela", lowered.vela_seconds)
    else:
        work.skip("vela")
    return lowered


def _check_outputs(work: Compilation, partitions: Sequence[Partition], seconds: float) -> None:
    """Fail if Vela dropped an output, and keep the graph of that partition for a bug report."""
    for number, partition in enumerate(partitions):
        try:
            free_layout = not work.spec.channels_last and not work.spec.model.endswith(".pt2")
            dropped_outputs.check(partition.folder, number, versions().vela, free_layout=free_layout)
        except UserError as error:
            work.keep(Path(shutil.copy(partition.folder / origins.OUT_TOSA, work.artifacts / DROPPED)))
            raise work.failed("vela", error, seconds) from error


# -- emit


def _emit(work: Compilation, exported: Exported, quantized: Quantized | None, lowered: Lowering) -> None:
    """Write the .pte, Vela's files and the references, and send what reports say of them."""
    report = delegation.analyse(
        lowered.edge,
        lowered.rejected,
        None if quantized is None else quantized.in_float,
        has_npu=not work.spec.target.is_cpu,
        u55=lowered.u55,
    )
    steps = references.output_steps(lowered.edge)
    returned = mutation.returned(lowered.edge.exported_program())
    _keep_vela(work, lowered.partitions)
    # Before emission, which turns the lowered graph's operators into forms that only the runtime has.
    exact, undefined = _exact(work, exported, lowered) if lowered.partitions else (None, None)
    emitted = lowering.emit(lowered.edge)
    kernels = delegation.kernels(emitted)
    work.emit(events.DelegationKnown(delegation=msgspec.structs.replace(report, kernels=kernels)))
    path = work.artifacts / store.MODEL
    path.write_bytes(emitted.buffer)
    work.keep(path)
    with exported.model.at_home():
        manifest = _manifest(work, exported, quantized, emitted, steps, undefined)
        written = references.write(
            work.artifacts,
            exported.samples,
            manifest,
            exported.model.module,
            None if quantized is None else quantized.module,
            exact,
            buffers=[change.name for change in exported.state.changes.buffers],
            returned=returned,
        )
    for file in written:
        work.keep(file)


def _manifest(
    work: Compilation,
    exported: Exported,
    quantized: Quantized | None,
    emitted: ExecutorchProgramManager,
    steps: list[float | None],
    undefined: str | None,
) -> Manifest:
    """The signature of the emitted program, and the inferences prepared for it."""
    samples = exported.samples
    inputs, outputs = references.signature(emitted, steps)
    if quantized is not None:
        outputs = rounding.measured(quantized.module, samples.inputs, outputs)
    return Manifest(
        inputs=inputs,
        outputs=outputs,
        inferences=work.spec.inferences,
        samples=len(samples.inputs),
        first=samples.first,
        labels=samples.labels,
        source=samples.source,
        state=exported.state.state(exported.model.module, samples, outputs),
        unchecked=references.unchecked(exported.program),
        undefined=undefined,
    )


def _exact(work: Compilation, exported: Exported, lowered: Lowering) -> tuple[list[list[NDArray]] | None, str | None]:
    """The lowered program's exact outputs, and the reason where they are not defined.

    None, with a note, where the reference model cannot compute them.
    """
    try:
        return tosa_reference.outputs(lowered.edge, lowering.tosa_graphs(lowered), exported.samples.inputs), None
    except tosa_reference.Undefined as error:
        return None, str(error)
    except tosa_reference.Unavailable as error:
        work.note(f"outputs are compared with PyTorch's quantized model only: {error}")
        return None, None


def _keep_vela(work: Compilation, partitions: Sequence[Partition]) -> None:
    """Copy the files of Vela and ExecuTorch for each partition into the run, and send the estimates."""
    estimates: list[Estimate] = []
    operators: list[Operator] = []
    tensors: list[TensorPlace] = []
    for index, partition in enumerate(partitions):
        folder = work.artifacts / VELA / partition.folder.name
        folder.mkdir(parents=True)
        for file in sorted(partition.folder.rglob("*")):
            # The .npz is the delegate itself, which the .pte holds.
            if file.is_file() and file.suffix != ".npz":
                name = origins.TOSA if file.name == origins.OUT_TOSA else file.name
                work.keep(Path(shutil.copy(file, folder / name)))
        estimates.append(vela_report.estimate(folder))
        figures = vela_report.read(folder, index, work.spec.target.macs, len(operators))
        operators += figures.operators
        tensors += figures.tensors
    total = whole(estimates)
    if work.spec.target.is_cpu:
        work.note(
            f"no estimate: Vela does not support {work.spec.target.accelerator}, and nothing here counts its cycles"
        )
    elif total is None:
        work.note("no Vela estimate: nothing was delegated to the NPU")
    else:
        work.emit(
            events.Estimated(
                estimate=total, partitions=tuple(estimates), operators=tuple(operators), tensors=tuple(tensors)
            )
        )
