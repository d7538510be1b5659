"""Lower a spec through ExecuTorch to TOSA, and compile that with Vela for any configuration, as tui.compile does.

Nine tenths of a graph's time are PyTorch's own bookkeeping; `in_haste` omits all that has no influence on the result.
"""

import copy
import gc
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch._export.utils as export_utils
import torch.fx.traceback as traceback
from executorch.backends.arm.arm_vela import vela_compile
from executorch.backends.arm.ethosu import EthosUCompileSpec
from torch.export import ExportedProgram
from torch.fx._lazy_graph_module import _use_lazy_graph_module

from tests.differential.specs import Configuration, Given, Graph, Quantization, Spec, content, generator
from tests.simulator.programs import Part
from tui.compile import references
from tui.compile.links import preparation, tosa_reference
from tui.compile.links.preparation import Change
from tui.compile.lowering import lower_to_tosa, tosa_graphs
from tui.compile.quantization import quantize
from tui.compile.worker import GARBAGE_THRESHOLD
from tui.model import pte
from tui.model.tensors import NDArray
from tui.simulator.delegate import BACKEND
from tui.toolchain.target import Target

CALIBRATIONS = 2
"""Samples a graph is calibrated with."""

CODES = {
    torch.uint8: 0, torch.int8: 1, torch.int16: 2, torch.int32: 3, torch.int64: 4, torch.float32: 6, torch.bool: 11,
}  # fmt: skip
"""ExecuTorch's numbers of element types."""


@dataclass(frozen=True)
class Partition:
    """A part of a graph that was delegated: TOSA, its tensors, and which input of the graph each of its inputs is."""

    tosa: bytes
    inputs: tuple[pte.Tensor, ...]
    outputs: tuple[pte.Tensor, ...]
    given: tuple[Given | None, ...]


@dataclass(frozen=True)
class Lowered:
    """A graph's partitions, how many operators were left for the CPU, and the models it went through."""

    partitions: tuple[Partition, ...]
    left: int
    float_model: Any
    quantized: Any
    edge: Any
    changed: Change | None
    """The output that preparing for quantization changed."""
    graphs: Mapping[bytes, bytes]
    """TOSA graphs by delegate."""
    samples: tuple[tuple[torch.Tensor, ...], ...]
    """The inputs it was calibrated with."""

    @property
    def steps(self) -> list[float | None]:
        """The quantization step of each output that has one."""
        return references.output_steps(self.edge)

    def outputs(self) -> list[list[NDArray]]:
        """The lowered program's outputs for each sample: its partitions by the reference model, the rest by PyTorch."""
        return tosa_reference.outputs(self.edge, self.graphs, self.samples)


class _Unsubscripted(type):
    """Metaclass of a class that ignores its subscript."""

    def __getitem__(cls, _: object) -> type:
        return cls

    def __instancecheck__(cls, value: object) -> bool:
        return callable(value)


class _Callable(metaclass=_Unsubscripted):
    """``collections.abc.Callable`` for annotations that nobody reads."""


@contextmanager
def in_haste(*, lazy: bool = True) -> Iterator[None]:
    """Leave out: asking for all of PyTorch's operators again, histories of nodes, annotations of kernels, most of the
    looking for garbage, and code of graphs nobody runs.

    That last, `lazy`, is not for models exported strictly: PyTorch runs their graphs.
    """
    young = gc.get_threshold()
    gc.set_threshold(GARBAGE_THRESHOLD)
    kept = export_utils._materialize_cpp_cia_ops, traceback.copy, torch._ops.Callable
    # No operator is registered while graphs are lowered; the first call has asked for all there are.
    export_utils._materialize_cpp_cia_ops()
    export_utils._materialize_cpp_cia_ops = lambda: None
    traceback.copy = SimpleNamespace(deepcopy=lambda value: value, copy=copy.copy)
    # Each of thousands of kernels is registered, for each graph, by a function that is defined, with its annotations.
    torch._ops.Callable = _Callable
    try:
        with _use_lazy_graph_module(lazy):
            yield
    finally:
        export_utils._materialize_cpp_cia_ops, traceback.copy, torch._ops.Callable = kept
        gc.set_threshold(*young)


def _tensor(value: torch.Tensor) -> pte.Tensor:
    return pte.layout(CODES[value.dtype], tuple(value.shape), tuple(value.dim_order()))


def lower(spec: Spec) -> Lowered:
    """The TOSA graphs of a spec. Raises whatever ExecuTorch raises of a graph it cannot lower."""
    random = generator(spec.seed, spec.index, 2)
    samples = tuple(tuple(content(one, random) for one in spec.inputs) for _ in range(CALIBRATIONS))
    accelerator = spec.configurations[0].accelerator
    return lower_module(Graph(spec), samples, spec.quantization, spec.inputs, accelerator)


def lower_module(
    module: torch.nn.Module,
    samples: tuple[tuple[torch.Tensor, ...], ...],
    quantization: Quantization,
    given: Sequence[Given] = (),
    accelerator: str = "ethos-u85-256",
) -> Lowered:
    """The TOSA graphs of a module that is calibrated with `samples`; `given` are its inputs if it is of a spec.

    What is delegated is a matter of the accelerator's family.
    """
    program = torch.export.export(module.eval(), samples[0])
    target = EthosUCompileSpec(accelerator)
    quantized = quantize(program, target, quantization, samples, samples[0])
    with tempfile.TemporaryDirectory() as folder:
        lowering = lower_to_tosa(quantized.program, target, Path(folder))
        graphs = tosa_graphs(lowering)
    partitions, left = _partitions(lowering.edge.exported_program(), given, graphs)
    changed = preparation.change(program, quantized.float_module, samples)
    return Lowered(partitions, left, module, quantized.module, lowering.edge, changed, graphs, samples)


def _partitions(
    program: ExportedProgram, inputs: Sequence[Given], graphs: Mapping[bytes, bytes]
) -> tuple[tuple[Partition, ...], int]:
    given = dict(zip(program.graph_signature.user_inputs, inputs, strict=False))
    partitions = []
    left = 0
    for node in program.graph_module.graph.nodes:
        if node.op != "call_function":
            continue
        if node.target is not torch.ops.higher_order.executorch_call_delegate:
            name = str(node.target)
            left += "getitem" not in name and "quantize_per" not in name
            continue
        lowered = getattr(program.graph_module, node.args[0].target)
        partitions.append(
            Partition(
                tosa=graphs[bytes(lowered.processed_bytes)],
                inputs=tuple(_tensor(arg.meta["val"]) for arg in node.args[1:]),
                outputs=tuple(_tensor(value) for value in node.meta["val"]),
                given=tuple(given.get(arg.name) for arg in node.args[1:]),
            )
        )
    return tuple(partitions), left


def compiled(partition: Partition, configuration: Configuration) -> Part:
    """The partition as Vela compiles it. Raises whatever Vela raises of a graph it cannot compile."""
    target = Target(configuration.accelerator, configuration.system, configuration.mode)
    with tempfile.TemporaryDirectory() as folder:
        spec = EthosUCompileSpec(
            target.accelerator,
            system_config=target.system_config,
            memory_mode=target.memory_mode,
            extra_flags=configuration.flags,
        )
        result = vela_compile(partition.tosa, list(spec.compiler_flags), intermediate_path=str(Path(folder)))
    delegate = pte.Delegate(BACKEND, memoryview(result.processed_bytes), ())
    return Part(delegate, {}, partition.inputs, partition.outputs, partition.tosa)
