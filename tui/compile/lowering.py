"""Lowering and emission through ExecuTorch, keeping what its own flow throws away."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
from executorch.exir import (
    EdgeCompileConfig,
    EdgeProgramManager,
    ExecutorchBackendConfig,
    ExecutorchProgramManager,
    to_edge_transform_and_lower,
)
from torch.export import ExportedProgram
from torch.fx import Node

from tui.compile import executorch_api, progress
from tui.compile.diagnostics import dependency_cycles
from tui.compile.graph import provenance
from tui.compile.graph.origins import DEBUG_JSON, OUT_TOSA, TOSA
from tui.compile.progress import Report, silent
from tui.toolchain import vela
from tui.toolchain.target import Target

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
        extra_flags=list(vela.FLAGS),
    )
    return spec.dump_intermediate_artifacts_to(str(folder)).dump_debug_info(EthosUCompileSpec.DebugMode.JSON)


def _without_vela(tosa: bytes, _flags: list[str], **options: Any) -> Any:
    """Keep a TOSA graph in the folder meant for Vela; the folder's name stands in for the delegate."""
    folder = Path(options["intermediate_path"])
    (folder / OUT_TOSA).write_bytes(tosa)
    return executorch_api.as_result(folder.name.encode())


@contextlib.contextmanager
def _recording(
    recording: _Recording, folder: Path, on_vela: Callable[[], None], compiler: executorch_api.Vela
) -> Iterator[None]:
    """Give each call of Vela a folder of its own (the stock flow overwrites them) and record rejected nodes.

    `compiler` is called instead of Vela.
    """

    def vela_compile(tosa: bytes, flags: list[str], **options: Any) -> Any:
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
        recording.partitions.append(Partition(place, executorch_api.delegate(result)))
        return result

    def rejected(node: Node, reason: str) -> None:
        recording.rejected.setdefault(node, reason)

    with executorch_api.compiling_with(vela_compile), executorch_api.rejecting(rejected):
        yield


@contextlib.contextmanager
def _reporting(recording: _Recording, partitioner: EthosUPartitioner, report: Report, *, u55: bool) -> Iterator[None]:
    """Report passes and nodes, by partition as soon as partitions are chosen, and check that those can be cut out."""
    partitions = 0
    stock_partition = partitioner.partition

    def partition(program: ExportedProgram) -> Any:
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
    with progress.watching(in_partition), executorch_api.writing(counted):
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
    return _lower(program, spec, folder, on_vela, executorch_api.vela_compile, report)


def lower_to_tosa(program: ExportedProgram, spec: EthosUCompileSpec, folder: Path) -> Lowering:
    """Partition and lower to TOSA, which decides all that a program computes; a delegate is the name of its folder."""
    return _lower(program, spec, folder, lambda: None, _without_vela, silent)


def compile_again(earlier: Path, spec: EthosUCompileSpec, folder: Path) -> Partition:
    """Compile a partition's graph anew, with the files of an `earlier` compilation; its own go below `folder`."""
    place = folder / earlier.name
    place.mkdir()
    shutil.copyfile(earlier / DEBUG_JSON, place / DEBUG_JSON)
    return Partition(place, executorch_api.compiled((earlier / TOSA).read_bytes(), spec, place))


def _lower(
    program: ExportedProgram,
    spec: EthosUCompileSpec,
    folder: Path,
    on_vela: Callable[[], None],
    compiler: executorch_api.Vela,
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
    edge = executorch_api.quantize_nodes_as_kernels(edge)
    return Lowering(edge, recording.partitions, recording.rejected, recording.vela_seconds, u55)


def tosa_graphs(lowered: Lowering) -> dict[bytes, bytes]:
    """The TOSA graph of each delegate, while the folder of intermediate files exists."""
    return {partition.delegate: (partition.folder / OUT_TOSA).read_bytes() for partition in lowered.partitions}


def emit(edge: EdgeProgramManager) -> ExecutorchProgramManager:
    """Emit the ExecuTorch program, with delegates inside the flatbuffer as in aot_arm_compiler's.

    Paths of debug information are removed from it, so that the same spec gives the same bytes.
    """
    for module in executorch_api.lowered_modules(edge):
        module.compile_specs[:] = [spec for spec in module.compile_specs if spec.key not in DEBUG_SPECS]
    return edge.to_executorch(config=ExecutorchBackendConfig(extract_delegate_segments=False))
