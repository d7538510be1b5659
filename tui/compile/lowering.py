"""Lowering and emission through ExecuTorch 1.5, keeping what its own flow throws away.

Not all of ExecuTorch's Arm surface is public. What is not - the hooks on Vela's call and on the writing of TOSA, the
recorder of rejected nodes - is touched here and nowhere else.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import executorch.backends.arm.ethosu.backend as ethosu_backend
import executorch.backends.arm.tosa.backend as tosa_backend
import executorch.backends.arm.tosa.partitioner as tosa_partitioner
from executorch.backends.arm.arm_vela import VelaCompileResult
from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
from executorch.backends.cortex_m.passes.replace_quant_nodes_pass import ReplaceQuantNodesPass
from executorch.exir import (
    EdgeCompileConfig,
    EdgeProgramManager,
    ExecutorchBackendConfig,
    ExecutorchProgramManager,
    to_edge_transform_and_lower,
)
from executorch.exir.backend.partitioner import PartitionResult
from executorch.exir.backend.utils import WhyNoPartitionReporter
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch.export import ExportedProgram
from torch.fx import Node

from tui.compile import progress
from tui.compile.diagnostics import dependency_cycles
from tui.compile.graph import provenance
from tui.compile.graph.origins import DEBUG_JSON, OUT_TOSA
from tui.compile.progress import Report, replaced, silent
from tui.toolchain.target import Target

VELA_FLAGS = ("--verbose-performance", "--enable-debug-db")
"""Print per-layer figures, and write the debug database that maps them to the graph; aot_arm_compiler does neither."""

DEBUG_SPECS = ("debug_artifact_path", "dump_debug_info")
"""Compile specs of a delegate that say where and how debug information was written."""


@dataclass(frozen=True)
class Partition:
    """One call of Vela: the folder of its files, and the delegate it made."""

    folder: Path
    delegate: bytes


@dataclass(frozen=True)
class Lowering:
    """A lowered program, its partitions, and the nodes that ExecuTorch rejected."""

    edge: EdgeProgramManager
    partitions: Sequence[Partition] = ()
    rejected: Mapping[Node, str] = field(default_factory=dict)
    """Reasons for keeping nodes from the NPU, in ExecuTorch's words."""
    vela_seconds: float = 0.0
    u55: bool = False
    """True if ExecuTorch took the smaller set of operators, that of Ethos-U55 and U65, for the NPU's."""


@dataclass
class _Recording:
    """Partitions and rejected nodes, as they come."""

    partitions: list[Partition] = field(default_factory=list)
    rejected: dict[Node, str] = field(default_factory=dict)
    vela_seconds: float = 0.0


def compile_spec(target: Target, folder: Path) -> EthosUCompileSpec:
    """ExecuTorch's compile spec for a target; intermediate files go to `folder`, whose path must have no blanks."""
    spec = EthosUCompileSpec(
        target.accelerator,
        system_config=target.system_config,
        memory_mode=target.memory_mode,
        extra_flags=list(VELA_FLAGS),
    )
    return spec.dump_intermediate_artifacts_to(str(folder)).dump_debug_info(EthosUCompileSpec.DebugMode.JSON)


def _without_vela(tosa: bytes, _flags: list[str], **options: Any) -> VelaCompileResult:
    """Keep a TOSA graph in the folder meant for Vela; the folder's name stands in for the delegate."""
    folder = Path(options["intermediate_path"])
    (folder / OUT_TOSA).write_bytes(tosa)
    return VelaCompileResult(folder.name.encode(), ())


@contextlib.contextmanager
def _recording(
    recording: _Recording, folder: Path, on_vela: Callable[[], None], compiler: Callable[..., Any]
) -> Iterator[None]:
    """Give each call of Vela a folder of its own (the stock flow overwrites them) and record rejected nodes.

    `compiler` is called instead of Vela.
    """

    def vela_compile(tosa: bytes, flags: list[str], **options: Any) -> VelaCompileResult:
        on_vela()
        place = folder / f"partition-{len(recording.partitions)}"
        place.mkdir()
        # Written just before this call, and overwritten before the next.
        debug = folder / DEBUG_JSON
        if debug.exists():
            debug.rename(place / DEBUG_JSON)
        begun = time.monotonic()
        result = compiler(tosa, flags, **{**options, "intermediate_path": str(place)})
        recording.vela_seconds += time.monotonic() - begun
        recording.partitions.append(Partition(place, result.processed_bytes))
        return result

    class Reporter(WhyNoPartitionReporter):  # type: ignore[misc, unused-ignore]
        def report_reject(self, node: Node, reason: str) -> None:
            recording.rejected.setdefault(node, reason)
            super().report_reject(node, reason)

    with (
        replaced(ethosu_backend, "vela_compile", lambda _: vela_compile),
        replaced(tosa_partitioner, "WhyNoPartitionReporter", lambda _: Reporter),
    ):
        yield


@contextlib.contextmanager
def _reporting(recording: _Recording, partitioner: EthosUPartitioner, report: Report, *, u55: bool) -> Iterator[None]:
    """Report passes and nodes, by partition as soon as partitions are chosen, and check that those can be cut out."""
    partitions = 0
    stock_partition = partitioner.partition

    def partition(program: ExportedProgram) -> PartitionResult:
        nonlocal partitions
        report("choosing what goes to the NPU", 0, None)
        result = stock_partition(program)
        partitions = len(result.partition_tags)
        dependency_cycles.check(result.tagged_exported_program.graph_module, recording.rejected, u55=u55)
        return result

    def in_partition(what: str, done: int, total: int | None) -> None:
        at = len(recording.partitions) + 1
        report(f"partition {at} of {partitions}, {what}" if at <= partitions > 1 else what, done, total)

    def counted(stock: Callable[..., None]) -> Callable[..., None]:
        graph, written, nodes = None, 0, 0

        def process(node: Node, *arguments: Any) -> None:
            nonlocal graph, written, nodes
            if node.graph is not graph:
                graph, written, nodes = node.graph, 0, sum(n.op == "call_function" for n in node.graph.nodes)
            in_partition("operators written", written, nodes)
            written += 1
            stock(node, *arguments)

        return process

    partitioner.partition = partition
    with progress.watching(in_partition), replaced(tosa_backend, "process_call_function", counted):
        yield


def lower(
    program: ExportedProgram,
    spec: EthosUCompileSpec,
    folder: Path,
    on_vela: Callable[[], None],
    report: Report = silent,
) -> Lowering:
    """Partition, lower to TOSA and compile each partition with Vela; `on_vela` is called at each start of Vela.

    Raises:
        UserError: ExecuTorch's partitions cannot be cut out of the program.
    """
    return _lower(program, spec, folder, on_vela, ethosu_backend.vela_compile, report)


def lower_to_tosa(program: ExportedProgram, spec: EthosUCompileSpec, folder: Path) -> Lowering:
    """Partition and lower to TOSA, which decides all that a program computes; a delegate is the name of its folder."""
    return _lower(program, spec, folder, lambda: None, _without_vela, silent)


def _lower(
    program: ExportedProgram,
    spec: EthosUCompileSpec,
    folder: Path,
    on_vela: Callable[[], None],
    compiler: Callable[..., Any],
    report: Report,
) -> Lowering:
    recording = _Recording()
    partitioner = EthosUPartitioner(spec)
    u55 = spec.tosa_spec.is_U55_subset
    with (
        provenance.shared(),
        provenance.kept(),
        _recording(recording, folder, on_vela, compiler),
        _reporting(recording, partitioner, report, u55=u55),
    ):
        edge = to_edge_transform_and_lower(
            program, partitioner=[partitioner], compile_config=EdgeCompileConfig(_check_ir_validity=False)
        )
    # As aot_arm_compiler does: quantize and dequantize outside the delegates become cortex_m kernels.
    edge = edge.transform([ReplaceQuantNodesPass()])
    return Lowering(edge, recording.partitions, recording.rejected, recording.vela_seconds, u55)


def tosa_graphs(lowered: Lowering) -> dict[bytes, bytes]:
    """The TOSA graph of each delegate, while the folder of intermediate files exists."""
    return {partition.delegate: (partition.folder / OUT_TOSA).read_bytes() for partition in lowered.partitions}


def emit(edge: EdgeProgramManager) -> ExecutorchProgramManager:
    """Emit the ExecuTorch program, with delegates inside the flatbuffer as in aot_arm_compiler's.

    Paths of debug information are removed from it, so that the same spec gives the same bytes.
    """
    for name in edge.methods:
        for module in edge.exported_program(name).graph_module.modules():
            if isinstance(module, LoweredBackendModule):
                specs = module.compile_specs
                specs[:] = [spec for spec in specs if spec.key not in DEBUG_SPECS]
    return edge.to_executorch(config=ExecutorchBackendConfig(extract_delegate_segments=False))
