"""Export, quantization, lowering and emission through ExecuTorch 1.5, keeping what its own flow throws away.

Not all of ExecuTorch's Arm surface is public. What is not - the hooks on Vela's call and on the writing of TOSA, the
recorder of rejected nodes, the quantizer's own reasons - is touched here and nowhere else.
"""

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import executorch.backends.arm.ethosu.backend as ethosu_backend
import executorch.backends.arm.tosa.backend as tosa_backend
import executorch.backends.arm.tosa.partitioner as tosa_partitioner
import torch
from executorch.backends.arm.arm_vela import VelaCompileResult
from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
from executorch.backends.arm.quantizer import (
    EthosUQuantizer,
    get_symmetric_a16w8_quantization_config,
    get_symmetric_quantization_config,
)
from executorch.backends.cortex_m.passes.replace_quant_nodes_pass import ReplaceQuantNodesPass
from executorch.exir import EdgeCompileConfig, ExecutorchBackendConfig, to_edge_transform_and_lower
from executorch.exir.backend.utils import WhyNoPartitionReporter
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from tui.compile import mutation, progress
from tui.compile.diagnostics import causes, dependency_cycles, recurrent
from tui.compile.diagnostics.causes import Cause
from tui.compile.graph import provenance
from tui.compile.graph.origins import DEBUG_JSON, OUT_TOSA
from tui.compile.models import Inputs
from tui.compile.progress import Report, replaced, silent
from tui.run.spec import Quantization
from tui.toolchain.target import Target

VELA_FLAGS = ("--verbose-performance", "--enable-debug-db")
"""Per-layer figures and the debug database that joins them to the graph; neither is on in aot_arm_compiler."""

DEBUG_SPECS = ("debug_artifact_path", "dump_debug_info")
"""What of a delegate's compile specs says where debug information was written, and how."""


@dataclass(frozen=True)
class Partition:
    """One call of Vela: where its files are and the bytes of the delegate it made."""

    folder: Path
    delegate: bytes


@dataclass
class Lowering:
    """What lowering leaves behind beside the program."""

    edge: Any = None
    partitions: list[Partition] = field(default_factory=list)
    rejected: dict[Any, str] = field(default_factory=dict)
    """Reason by node that was kept from the NPU, in ExecuTorch's words."""
    vela_seconds: float = 0.0


def compile_spec(target: Target, folder: Path) -> Any:
    """ExecuTorch's compile spec for a target; intermediate files go to `folder`, whose path must have no blanks."""
    spec = EthosUCompileSpec(
        target.accelerator,
        system_config=target.system_config,
        memory_mode=target.memory_mode,
        extra_flags=list(VELA_FLAGS),
    )
    return spec.dump_intermediate_artifacts_to(str(folder)).dump_debug_info(EthosUCompileSpec.DebugMode.JSON)


@dataclass(frozen=True)
class Quantized:
    """A quantized model."""

    module: Any
    """Computes the reference."""
    program: ExportedProgram
    float_module: Any
    """The float model with the same layers; where the quantizer looked at values, it still has its observers."""
    in_float: Mapping[str, Cause]
    """Why operators were left in float, by their names in the exported program."""
    unrolled: tuple[str, ...]
    """A sentence for each recurrent layer that has become a step after another."""


def quantize(
    program: ExportedProgram,
    spec: Any,
    how: Quantization,
    calibration: Sequence[Inputs],
    example: Inputs,
    report: Report = silent,
) -> Quantized:
    """Post-training quantization.

    `how` is "int8" or "a16w8" (16-bit activations, 8-bit weights), both symmetric and per channel.
    """
    return convert(program, quantizer_of(spec, how), calibration, example, report)


def quantizer_of(spec: Any, how: Quantization) -> Any:
    """ExecuTorch's quantizer."""
    quantizer = EthosUQuantizer(spec)
    config = get_symmetric_quantization_config if how == "int8" else get_symmetric_a16w8_quantization_config
    quantizer.set_global(config(is_per_channel=True))
    return quantizer


def prepare(program: ExportedProgram, quantizer: Any) -> tuple[GraphModule, dict[str, Cause]]:
    """The model with its observers, and why operators have none, by their names in the exported program."""
    # With guards, torch 2.13 adds a call_module that ExecuTorch's decomposition passes refuse.
    module = program.module(check_guards=False)
    # It shares its buffers with the model, and what can be computed without inputs is computed here: counters count.
    with provenance.kept(), mutation.undone(module, mutation.of_module(module)):
        prepared = prepare_pt2e(module, quantizer)
    refused = _refused(quantizer)
    return prepared, {} if refused is None else causes.left_in_float(prepared, refused)


def convert(
    program: ExportedProgram,
    quantizer: Any,
    calibration: Sequence[Inputs],
    example: Inputs,
    report: Report = silent,
) -> Quantized:
    """What `quantizer` makes of a program."""
    buffers = [change.name for change in mutation.of_program(program).buffers]
    with provenance.shared(), progress.watching(report):
        prepared, in_float = prepare(program, quantizer)
        # In turn, as inferences follow each other: what they leave in buffers is calibrated, and is gone afterwards.
        for done, _ in enumerate(mutation.run(prepared, calibration, buffers)):
            report("calibration inputs", done, len(calibration))
        # Conversion changes the graph in place; the weights are shared.
        float_module = GraphModule(prepared, copy.deepcopy(prepared.graph))
        mutation.separate(float_module, buffers)
        unrolled = tuple(recurrent.unrolled(program, prepared))
        _tell_of_scales(prepared, report)
        with mutation.undone(prepared, buffers):
            quantized = convert_pt2e(prepared)
        return Quantized(quantized, torch.export.export(quantized, example), float_module, in_float, unrolled)


def _tell_of_scales(prepared: GraphModule, report: Report) -> None:
    """Have each observer report when its scale is computed, which takes the greater part of a conversion."""
    observers = [module for module in prepared.modules() if hasattr(module, "calculate_qparams")]
    for done, observer in enumerate(observers):
        observer.calculate_qparams = _telling(observer.calculate_qparams, report, done, len(observers))


def _telling(stock: Callable[..., Any], report: Report, done: int, total: int) -> Callable[..., Any]:
    def calculate(*arguments: Any, **options: Any) -> Any:
        report("scales", done, total)
        return stock(*arguments, **options)

    return calculate


def _refused(quantizer: Any) -> dict[str, str] | None:
    """The quantizer's own reasons, by name of the node; None where it keeps no record of them."""
    parts = getattr(getattr(quantizer, "quantizer", None), "quantizers", ())
    reporters = [reporter for part in parts if (reporter := getattr(part, "reporter", None)) is not None]
    if not reporters:
        return None
    return {
        name: pattern.rejection_reason
        for reporter in reporters
        for report in reporter.quantizers.values()
        for pattern in report.rejected_patterns
        for name in pattern.node_names
    }


def _without_vela(tosa: bytes, _flags: list[str], **options: Any) -> Any:
    """Keep a TOSA graph where Vela would; its folder's name stands for the delegate."""
    folder = Path(options["intermediate_path"])
    (folder / OUT_TOSA).write_bytes(tosa)
    return VelaCompileResult(folder.name.encode(), ())


@contextlib.contextmanager
def _recording(
    lowering: Lowering, folder: Path, on_vela: Callable[[], None], compiler: Callable[..., Any]
) -> Iterator[None]:
    """Give each call of Vela a folder of its own (the stock flow overwrites them) and record rejected nodes.

    `compiler` is called in the place of Vela.
    """

    def vela_compile(tosa: bytes, flags: list[str], **options: Any) -> Any:
        on_vela()
        place = folder / f"partition-{len(lowering.partitions)}"
        place.mkdir()
        # Written just before this call, and overwritten before the next.
        debug = folder / DEBUG_JSON
        if debug.exists():
            debug.rename(place / DEBUG_JSON)
        begun = time.monotonic()
        result = compiler(tosa, flags, **{**options, "intermediate_path": str(place)})
        lowering.vela_seconds += time.monotonic() - begun
        lowering.partitions.append(Partition(place, result.processed_bytes))
        return result

    class Reporter(WhyNoPartitionReporter):  # type: ignore[misc, unused-ignore]
        def report_reject(self, node: Any, reason: str) -> None:
            lowering.rejected.setdefault(node, reason)
            super().report_reject(node, reason)

    with (
        replaced(ethosu_backend, "vela_compile", lambda _: vela_compile),
        replaced(tosa_partitioner, "WhyNoPartitionReporter", lambda _: Reporter),
    ):
        yield


@contextlib.contextmanager
def _reporting(lowering: Lowering, partitioner: Any, report: Report) -> Iterator[None]:
    """Report passes and nodes, by partition once there are some, which is when they are checked."""
    partitions = 0
    stock_partition = partitioner.partition

    def partition(program: ExportedProgram) -> Any:
        nonlocal partitions
        report("choosing what goes to the NPU", 0, None)
        result = stock_partition(program)
        partitions = len(result.partition_tags)
        dependency_cycles.check(result.tagged_exported_program.graph_module, lowering.rejected)
        return result

    def in_partition(what: str, done: int, total: int | None) -> None:
        at = len(lowering.partitions) + 1
        report(f"partition {at} of {partitions}, {what}" if at <= partitions > 1 else what, done, total)

    def counted(stock: Callable[..., None]) -> Callable[..., None]:
        graph, written, nodes = None, 0, 0

        def process(node: Any, *others: Any) -> None:
            nonlocal graph, written, nodes
            if node.graph is not graph:
                graph, written, nodes = node.graph, 0, sum(n.op == "call_function" for n in node.graph.nodes)
            in_partition("operators written", written, nodes)
            written += 1
            stock(node, *others)

        return process

    partitioner.partition = partition
    with progress.watching(in_partition), replaced(tosa_backend, "process_call_function", counted):
        yield


def lower(
    program: ExportedProgram, spec: Any, folder: Path, on_vela: Callable[[], None], report: Report = silent
) -> Lowering:
    """Partition, lower to TOSA and compile each partition with Vela; `on_vela` is called at each start of Vela.

    Raises:
        UserError: ExecuTorch's partitions cannot be cut out of the program.
    """
    return _lower(program, spec, folder, on_vela, ethosu_backend.vela_compile, report)


def lower_to_tosa(program: ExportedProgram, spec: Any, folder: Path) -> Lowering:
    """Partition and lower to TOSA, which decides all that a program computes; its delegates are stand-ins."""
    return _lower(program, spec, folder, lambda: None, _without_vela, silent)


def _lower(
    program: ExportedProgram,
    spec: Any,
    folder: Path,
    on_vela: Callable[[], None],
    compiler: Callable[..., Any],
    report: Report,
) -> Lowering:
    lowering = Lowering()
    partitioner = EthosUPartitioner(spec)
    with (
        provenance.shared(),
        provenance.kept(),
        _recording(lowering, folder, on_vela, compiler),
        _reporting(lowering, partitioner, report),
    ):
        edge = to_edge_transform_and_lower(
            program, partitioner=[partitioner], compile_config=EdgeCompileConfig(_check_ir_validity=False)
        )
    # As aot_arm_compiler does: quantize and dequantize outside the delegates become cortex_m kernels.
    lowering.edge = edge.transform([ReplaceQuantNodesPass()])
    return lowering


def emit(lowering: Lowering) -> Any:
    """The ExecuTorch program of a lowering, its delegates inside the flatbuffer as aot_arm_compiler leaves them.

    Where we had debug information written is none of the program's business: the same spec is to give the same bytes.
    """
    for name in lowering.edge.methods:
        for module in lowering.edge.exported_program(name).graph_module.modules():
            if isinstance(module, LoweredBackendModule):
                specs = module.compile_specs
                specs[:] = [spec for spec in specs if spec.key not in DEBUG_SPECS]
    return lowering.edge.to_executorch(config=ExecutorchBackendConfig(extract_delegate_segments=False))
