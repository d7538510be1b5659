"""Export, quantization, lowering and emission through ExecuTorch 1.5, keeping what its own flow throws away.

Not all of ExecuTorch's Arm surface is public. What is not - the hook on Vela's call and the recorder of rejected
nodes - is touched here and nowhere else.
"""

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import executorch.backends.arm.ethosu.backend as ethosu_backend
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

from tui.compile import mutation, provenance
from tui.compile.models import Inputs
from tui.compile.origins import DEBUG_JSON
from tui.spec import Quantization, Target

VELA_FLAGS = ("--verbose-performance", "--enable-debug-db")
"""Per-layer figures and the debug database that joins them to the graph; neither is on in aot_arm_compiler."""

DEBUG_SPECS = ("debug_artifact_path", "dump_debug_info")
"""What of a delegate's compile specs says where debug information was written, and how."""

TOSA = "out.tosa"


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
    rejected: list[tuple[Any, str]] = field(default_factory=list)
    """(node, reason) of each node that was kept from the NPU, in ExecuTorch's words."""
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


def quantize(
    program: ExportedProgram, spec: Any, how: Quantization, calibration: Sequence[Inputs], example: Inputs
) -> Quantized:
    """Post-training quantization.

    `how` is "int8" or "a16w8" (16-bit activations, 8-bit weights), both symmetric and per channel.
    """
    quantizer = EthosUQuantizer(spec)
    config = get_symmetric_quantization_config if how == "int8" else get_symmetric_a16w8_quantization_config
    quantizer.set_global(config(is_per_channel=True))
    return convert(program, quantizer, calibration, example)


def convert(program: ExportedProgram, quantizer: Any, calibration: Sequence[Inputs], example: Inputs) -> Quantized:
    """What `quantizer` makes of a program."""
    buffers = [change.name for change in mutation.of_program(program).buffers]
    # With guards, torch 2.13 adds a call_module that ExecuTorch's decomposition passes refuse.
    module = program.module(check_guards=False)
    # It shares its buffers with the model, and what can be computed without inputs is computed here: counters count.
    with provenance.kept(), mutation.undone(module, buffers):
        prepared = prepare_pt2e(module, quantizer)
    # In turn, as inferences follow each other: what they leave in buffers is calibrated, and is gone afterwards.
    for _ in mutation.run(prepared, calibration, buffers):
        pass
    # Conversion changes the graph in place; the weights are shared.
    float_module = GraphModule(prepared, copy.deepcopy(prepared.graph))
    mutation.separate(float_module, buffers)
    with mutation.undone(prepared, buffers):
        quantized = convert_pt2e(prepared)
    return Quantized(quantized, torch.export.export(quantized, example), float_module)


def _without_vela(tosa: bytes, _flags: list[str], **options: Any) -> Any:
    """Keep a TOSA graph where Vela would; its folder's name stands for the delegate."""
    folder = Path(options["intermediate_path"])
    (folder / TOSA).write_bytes(tosa)
    return VelaCompileResult(folder.name.encode(), ())


@contextlib.contextmanager
def _recording(
    lowering: Lowering, folder: Path, on_vela: Callable[[], None], compiler: Callable[..., Any]
) -> Iterator[None]:
    """Give each call of Vela a folder of its own (the stock flow overwrites them) and record rejected nodes.

    `compiler` is called in the place of Vela.
    """
    stock_compile, stock_reporter = ethosu_backend.vela_compile, tosa_partitioner.WhyNoPartitionReporter

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
            if all(known is not node for known, _ in lowering.rejected):
                lowering.rejected.append((node, reason))
            super().report_reject(node, reason)

    ethosu_backend.vela_compile, tosa_partitioner.WhyNoPartitionReporter = vela_compile, Reporter
    try:
        yield
    finally:
        ethosu_backend.vela_compile, tosa_partitioner.WhyNoPartitionReporter = stock_compile, stock_reporter


def lower(program: ExportedProgram, spec: Any, folder: Path, on_vela: Callable[[], None]) -> Lowering:
    """Partition, lower to TOSA and compile each partition with Vela; `on_vela` is called at each start of Vela."""
    return _lower(program, spec, folder, on_vela, ethosu_backend.vela_compile)


def lower_to_tosa(program: ExportedProgram, spec: Any, folder: Path) -> Lowering:
    """Partition and lower to TOSA, which decides all that a program computes; its delegates are stand-ins."""
    return _lower(program, spec, folder, lambda: None, _without_vela)


def _lower(
    program: ExportedProgram, spec: Any, folder: Path, on_vela: Callable[[], None], compiler: Callable[..., Any]
) -> Lowering:
    lowering = Lowering()
    with provenance.kept(), _recording(lowering, folder, on_vela, compiler):
        edge = to_edge_transform_and_lower(
            program,
            partitioner=[EthosUPartitioner(spec)],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
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
