"""What went to the NPU and what stayed on the CPU, and why."""

import operator
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from executorch.devtools.backend_debug import get_delegation_info
from executorch.exir.backend.utils import get_delegates
from executorch.exir.schema import KernelCall

from tui.compile.lowering import Lowering
from tui.compile.origins import source_line
from tui.figures import Delegation, Kernel, OperatorDelegation

AT_BOUNDARY = "float at the program's boundary: converted on the CPU"
AROUND_CPU = "float around an operator on the CPU: converted on the CPU"


def operator_name(node: Any) -> str:
    """``aten.topk`` for a node that calls ``aten::topk`` in any of its overloads."""
    target = node.target
    schema = getattr(target, "_schema", None) or getattr(getattr(target, "_op", None), "_schema", None)
    name = schema.name if schema is not None else getattr(target, "__name__", str(target))
    return str(name).replace("::", ".")


def _calls(graph_module: Any) -> Iterator[Any]:
    for node in graph_module.graph.nodes:
        if node.op == "call_function" and node.target is not operator.getitem:
            yield node


def _is_cpu_kernel(node: Any) -> bool:
    return node.target is not torch.ops.higher_order.executorch_call_delegate and "alloc" not in operator_name(node)


def _conversion_reason(node: Any) -> str | None:
    """Why a quantize or dequantize is on the CPU; None for another operator."""
    if "quantize_per_tensor" not in operator_name(node):
        return None
    ends = {other.op for other in (*node.all_input_nodes, *node.users)}
    return AT_BOUNDARY if ends & {"placeholder", "output"} else AROUND_CPU


def analyse(lowering: Lowering) -> Delegation:
    """Counts by operator, before emission. Node counts are ExecuTorch's own (`get_delegation_info`)."""
    module = lowering.edge.exported_program().graph_module
    info = get_delegation_info(module)
    delegated: Counter[str] = Counter()
    for lowered in get_delegates(module.graph):
        original = getattr(module, lowered.name).original_module.graph_module
        delegated.update(operator_name(node) for node in _calls(original))
    left = [node for node in _calls(module) if _is_cpu_kernel(node)]
    reasons: dict[str, tuple[str, str | None]] = {}
    for node, reason in lowering.rejected:
        if node.op == "call_function" and node.target is not operator.getitem:
            reasons.setdefault(operator_name(node), (reason, source_line(node.meta.get("stack_trace"))))
    cpu = Counter(operator_name(node) for node in left)
    for node in left:
        if found := _conversion_reason(node):
            reasons.setdefault(operator_name(node), (found, None))
    rows = [
        OperatorDelegation(
            op=op,
            npu=delegated[op],
            cpu=cpu[op],
            reason=reasons.get(op, (None, None))[0] if cpu[op] else None,
            line=reasons.get(op, (None, None))[1] if cpu[op] else None,
        )
        for op in sorted(delegated.keys() | cpu.keys(), key=lambda op: (-cpu[op], -delegated[op], op))
    ]
    return Delegation(
        subgraphs=info.num_delegated_subgraphs,
        delegated_nodes=info.num_delegated_nodes,
        non_delegated_nodes=info.num_non_delegated_nodes,
        operators=tuple(rows),
    )


def kernels(program: Any) -> tuple[Kernel, ...]:
    """The CPU kernels an emitted program calls, and how often: the truth, where node counts include ``getitem``."""
    plan = program.executorch_program.execution_plan[0]
    calls: Counter[str] = Counter()
    for chain in plan.chains:
        for instruction in chain.instructions:
            if isinstance(instruction.instr_args, KernelCall):
                kernel = plan.operators[instruction.instr_args.op_index]
                calls[f"{kernel.name}.{kernel.overload}" if kernel.overload else kernel.name] += 1
    return tuple(Kernel(op=op, calls=count) for op, count in calls.most_common())
