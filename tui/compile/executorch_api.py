"""Uses of ExecuTorch beyond its public surface, and differences between the releases that are supported.

ExecuTorch keeps the entry points of `exir`, the Arm backend's compile spec, partitioner and quantizers, and torchao's
pt2e: those are imported where they are used. All else is touched here and nowhere else, and what a release lacks is
asked for by what it can, not by its number. docs/executorch-releases.md says how the next release is taken up.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import executorch.backends.arm.ethosu.backend as ethosu_backend
import executorch.backends.arm.tosa.backend as tosa_backend
import executorch.backends.arm.tosa.partitioner as tosa_partitioner
from executorch.backends.arm import arm_vela
from executorch.backends.cortex_m.passes.replace_quant_nodes_pass import ReplaceQuantNodesPass
from executorch.devtools.backend_debug import get_delegation_info
from executorch.exir._serialize._program import deserialize_pte_binary, serialize_pte_binary
from executorch.exir.backend.utils import WhyNoPartitionReporter, get_delegates
from executorch.exir.lowered_backend_module import LoweredBackendModule
from executorch.exir.pass_manager import ExportedProgramPassManager
from executorch.exir.schema import DataLocation, KernelCall
from torch.fx import Interpreter, Node
from torch.fx.passes.infra.pass_manager import PassManager

from tui.errors import UserError

if TYPE_CHECKING:
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.exir import EdgeProgramManager, ExecutorchProgramManager
    from torch.export import ExportedProgram
    from torch.fx import Graph, GraphModule

Wrap = Callable[[Any], Any]
"""Makes of a function of the libraries the one that is called in its place."""

CORTEX_M = "executorch.backends.cortex_m.edge_compile_config"
"""The module by which a release has the flow for the CPU alone: 1.5 and later."""

# -- hooks, each within a block


@contextlib.contextmanager
def replaced(owner: object, name: str, make: Wrap) -> Iterator[None]:
    """Replace an attribute of `owner` by what `make` makes of it within a block; ignore one that does not exist."""
    stock = getattr(owner, name, None)
    if stock is None:
        yield
        return
    setattr(owner, name, make(stock))
    try:
        yield
    finally:
        setattr(owner, name, stock)


Vela = Callable[..., Any]
"""`vela_compile`: (TOSA flatbuffer, flags, options) -> what `delegate` takes."""

vela_compile: Vela = arm_vela.vela_compile


def delegate(result: Any) -> bytes:
    """The delegate that `vela_compile` made: ExecuTorch 1.4 returns it alone, 1.5 with what is kept outside of it."""
    return result if isinstance(result, bytes) else result.processed_bytes


def as_result(delegate_bytes: bytes) -> Any:
    """A delegate in the form that `vela_compile` returns."""
    kind = getattr(arm_vela, "VelaCompileResult", None)
    return delegate_bytes if kind is None else kind(delegate_bytes, ())


def compiling_with(vela: Vela) -> contextlib.AbstractContextManager[None]:
    """Have `vela` called in Vela's place."""
    return replaced(ethosu_backend, "vela_compile", lambda _: vela)


def rejecting(on_rejected: Callable[[Node, str], None]) -> contextlib.AbstractContextManager[None]:
    """Have `on_rejected` told of each node that is kept from the NPU, and why."""

    class Reporter(WhyNoPartitionReporter):  # type: ignore[misc, unused-ignore]
        def report_reject(self, node: Node, reason: str) -> None:
            on_rejected(node, reason)
            super().report_reject(node, reason)

    return replaced(tosa_partitioner, "WhyNoPartitionReporter", lambda _: Reporter)


def writing(make: Wrap) -> contextlib.AbstractContextManager[None]:
    """Wrap what writes a node as TOSA: (node, arguments...) -> None."""
    return replaced(tosa_backend, "process_call_function", make)


@contextlib.contextmanager
def running_passes(manager: Wrap, node: Wrap) -> Iterator[None]:
    """Wrap the call of a pass manager, and an interpreter's run of a node."""
    with contextlib.ExitStack() as stack:
        for kind in (PassManager, ExportedProgramPassManager):
            stack.enter_context(replaced(kind, "__call__", manager))
        stack.enter_context(replaced(Interpreter, "run_node", node))
        yield


# -- programs


def quantize_nodes_as_kernels(edge: "EdgeProgramManager") -> "EdgeProgramManager":
    """Have quantize and dequantize outside the delegates become cortex_m kernels, as aot_arm_compiler does."""
    return edge.transform([ReplaceQuantNodesPass()])


def lowered_modules(edge: "EdgeProgramManager") -> Iterator[Any]:
    """The delegates in a program's methods."""
    for name in edge.methods:
        for module in edge.exported_program(name).graph_module.modules():
            if isinstance(module, LoweredBackendModule):
                yield module


def delegates_in(graph: "Graph") -> list[Any]:
    """The nodes of a graph that stand for its delegates."""
    return list(get_delegates(graph))


def node_counts(module: "GraphModule") -> tuple[int, int, int]:
    """(subgraphs delegated, nodes delegated, nodes left), as ExecuTorch counts them."""
    info = get_delegation_info(module)
    return info.num_delegated_subgraphs, info.num_delegated_nodes, info.num_non_delegated_nodes


def kernel_calls(program: "ExecutorchProgramManager") -> Iterator[tuple[str, str]]:
    """(name, overload) of each kernel that an emitted program calls, in order."""
    plan = program.executorch_program.execution_plan[0]
    for chain in plan.chains:
        for instruction in chain.instructions:
            if isinstance(instruction.instr_args, KernelCall):
                kernel = plan.operators[instruction.instr_args.op_index]
                yield kernel.name, kernel.overload


def compiled(tosa: bytes, spec: "EthosUCompileSpec", folder: Path) -> bytes:
    """Compile a TOSA graph with Vela, whose files go to `folder`, as ExecuTorch does; the delegate."""
    return delegate(vela_compile(tosa, list(spec.compiler_flags), intermediate_path=str(folder)))


def with_delegates(program: bytes, delegates: Sequence[bytes], spec: "EthosUCompileSpec") -> bytes:
    """A .pte with other delegates, in the order of its own, compiled by `spec` for another NPU of the same operators.

    Raises:
        ValueError: it has another number of delegates, or keeps them outside of the flatbuffer.
    """
    file = deserialize_pte_binary(program)
    now = {one.key: one for one in spec._to_list()}
    (plan,) = file.program.execution_plan
    inside = [one for one in plan.delegates if one.processed.location == DataLocation.INLINE]
    if not len(inside) == len(plan.delegates) == len(delegates):
        raise ValueError(f"{len(inside)} of {len(plan.delegates)} delegates are inside, and {len(delegates)} are given")
    for one, data in zip(plan.delegates, delegates, strict=True):
        # Those that lowering has added to what it was given stay.
        one.compile_specs = [now.get(each.key, each) for each in one.compile_specs]
        file.program.backend_delegate_data[one.processed.index].data = data
    return bytes(serialize_pte_binary(file))


# -- the quantizer's own reasons


def rejected_patterns(quantizer: Any) -> dict[str, str] | None:
    """Why a quantizer left nodes alone, by their names; None where it keeps no record of them."""
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


# -- the CPU alone


def check_cortex_m() -> None:
    """Raises:
    UserError: this release cannot compile for a CPU alone.
    """
    if find_spec(CORTEX_M) is None:
        raise UserError("this ExecuTorch does not compile for a Cortex-M alone", "1.5 and later do")


def cortex_m_quantizer() -> Any:
    """The quantizer for CMSIS-NN's kernels.

    Raises:
        UserError: this release has none.
    """
    check_cortex_m()
    from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer

    return CortexMQuantizer()


def lower_for_cortex_m(program: "ExportedProgram", cpu: str) -> "EdgeProgramManager":
    """Replace operators by Cortex-M kernels where they exist.

    Raises:
        UserError: this release has none.
    """
    check_cortex_m()
    import torch
    from executorch.backends.cortex_m.edge_compile_config import cortex_m_edge_compile_config
    from executorch.backends.cortex_m.passes.cortex_m_pass_manager import CortexMPassManager
    from executorch.backends.cortex_m.target_config import CortexMTargetConfig
    from executorch.exir import to_edge_transform_and_lower

    edge = to_edge_transform_and_lower(program, compile_config=cortex_m_edge_compile_config())
    config = CortexMTargetConfig.from_target_string(cpu)
    passes = CortexMPassManager(edge.exported_program(), target_config=config)
    with torch.no_grad():
        edge._edge_programs["forward"] = passes.transform()
    return edge
