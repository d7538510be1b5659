"""What went to the NPU and what stayed on the CPU, and why."""

import operator
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from executorch.devtools.backend_debug import get_delegation_info
from executorch.exir.backend.utils import get_delegates
from executorch.exir.schema import KernelCall

from tui.compile import hints
from tui.compile.lowering import Lowering
from tui.compile.origins import module_path, source_line
from tui.figures import AT_BOUNDARY, CpuOperator, Delegation, Kernel, OperatorDelegation

_SCHEMA = re.compile(r"<EdgeOpOverload: ([^>]+)>: schema = .*? -> [^:]*")
"""How ExecuTorch prints an operator: all but its name is noise."""

NO_REASON = "ExecuTorch gives no reason"
NO_NPU = "the target has no NPU"


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


def _is_delegate(node: Any) -> bool:
    return node.target is torch.ops.higher_order.executorch_call_delegate


def _is_cpu_kernel(node: Any) -> bool:
    return not _is_delegate(node) and "alloc" not in operator_name(node)


def _is_conversion(node: Any) -> bool:
    return node.op == "call_function" and "quantize_per_" in operator_name(node)


def _types(values: Any) -> tuple[str, ...]:
    """Type and shape of tensors, without those of no element type."""
    found = values if isinstance(values, list | tuple) else [values]
    return tuple(
        f"{str(value.dtype).removeprefix('torch.')}[{','.join(map(str, value.shape))}]"
        for value in found
        if isinstance(value, torch.Tensor)
    )


class _Left:
    """The nodes that stayed on the CPU, told apart by why they did."""

    def __init__(self, module: Any, rejected: list[tuple[Any, str]]) -> None:
        self._module = module
        self.nodes = [node for node in _calls(module) if _is_cpu_kernel(node)]
        self._rejected: dict[tuple[str, str], list[tuple[Any, str]]] = {}
        for node, reason in rejected:
            if node.op == "call_function":
                self._rejected.setdefault(_origin(node), []).append((node, _SCHEMA.sub(r"\1", reason)))

    def describe(self, node: Any) -> CpuOperator:
        """A node with its cause, and its place in the model."""
        at, reason = self._conversion(node) if _is_conversion(node) else self._kept(node)
        return CpuOperator(
            op=operator_name(node),
            node=node.name,
            reason=reason,
            hint=None if _is_conversion(node) else self._hint(node, at, reason),
            inputs=tuple(text for given in node.all_input_nodes for text in _types(given.meta.get("val"))),
            outputs=_types(node.meta.get("val")),
            module=module_path(at.meta.get("nn_module_stack")),
            line=source_line(at.meta.get("stack_trace")),
            conversion=_is_conversion(node),
            conversions=0 if _is_conversion(node) else sum(map(_is_conversion, _around(node))),
        )

    def _hint(self, node: Any, at: Any, reason: str) -> str | None:
        beside_cpu = any(near in self.nodes and not _is_conversion(near) for near in _around(node))
        return hints.hint(f"{_exported_name(at)} {operator_name(node)}", reason, beside_cpu=beside_cpu)

    def _kept(self, node: Any) -> tuple[Any, str]:
        # Nodes were rejected before those beside them were lowered, and are numbered anew since; of several that were
        # made from the same one, that of the same number is more likely.
        same = self._rejected.get(_origin(node), [])
        before, reason = next((one for one in same if one[0].name == node.name), same[0] if same else (None, NO_REASON))
        return _placed(node, *([before] if before is not None else []), *self._inside(node)), reason

    def _conversion(self, node: Any) -> tuple[Any, str]:
        """The node a conversion is there for, and why; the boundary counts before a neighbour."""
        # One may follow another: what was quantized is an output, and a float one.
        beside = _around(node)
        around = [*beside, *(far for near in beside if _is_conversion(near) for far in _around(near))]
        cause = next((n for n in around if n in self.nodes and not _is_conversion(n)), None)
        if cause is not None:
            return cause, f"float around {operator_name(cause)} on the CPU: converted on the CPU"
        return _placed(node, *self._inside(node)), AT_BOUNDARY

    def _inside(self, node: Any) -> Iterator[Any]:
        """The nodes inside delegates that make what `node` takes, then those that take what it makes."""
        for given in node.all_input_nodes:
            if given.target is operator.getitem and _is_delegate(given.args[0]):
                call, place = given.args
                (outputs,) = self._delegate(call).graph_module.graph.output_node().args
                yield outputs[place]
        for call in filter(_is_delegate, node.users):
            program = self._delegate(call)
            _, *given = call.args
            names = {name for name, one in zip(program.graph_signature.user_inputs, given, strict=True) if one is node}
            for inside in program.graph_module.graph.find_nodes(op="placeholder"):
                if inside.name in names:
                    yield from inside.users

    def _delegate(self, call: Any) -> Any:
        """The program that became the delegate of a call."""
        return getattr(self._module, call.args[0].target).original_module


def _placed(*nodes: Any) -> Any:
    """The first of some nodes that has a place in the model, else the first beside them, else the first."""
    candidates = [*nodes, *(other for node in nodes for other in _around(node))]
    return next((n for n in candidates if source_line(n.meta.get("stack_trace"))), nodes[0])


def _exported_name(node: Any) -> str:
    """Name of the node in the program that was exported: ``roll``, where a pass has taken it apart since."""
    sources = node.meta.get("from_node") or ()
    name = node.name
    while sources:
        source = sources[-1]
        name, sources = source.name, source.from_node
    return str(name)


def _origin(node: Any) -> tuple[str, str]:
    """What a node computes, and what it was made from: passes and lowering leave both."""
    return operator_name(node), _exported_name(node)


def _around(node: Any) -> list[Any]:
    """Nodes before and after, through getitem."""
    found: list[Any] = []
    for other in (*node.all_input_nodes, *node.users):
        through = other.target is operator.getitem
        found += [*other.all_input_nodes, *other.users] if through else [other]
    return [other for other in dict.fromkeys(found) if other is not node]


def analyse(lowering: Lowering, *, has_npu: bool = True) -> Delegation:
    """Counts by operator, before emission. Node counts are ExecuTorch's own (`get_delegation_info`).

    Where there is no NPU, no operator has been left behind.
    """
    module = lowering.edge.exported_program().graph_module
    info = get_delegation_info(module)
    delegated: Counter[str] = Counter()
    for lowered in get_delegates(module.graph):
        original = getattr(module, lowered.name).original_module.graph_module
        delegated.update(operator_name(node) for node in _calls(original))
    left = _Left(module, lowering.rejected)
    described = tuple(map(left.describe, left.nodes))
    cpu = Counter(found.op for found in described)
    first = {found.op: found for found in reversed(described)}
    rows = [
        OperatorDelegation(
            op=op,
            npu=delegated[op],
            cpu=cpu[op],
            reason=(first[op].reason if has_npu else NO_NPU) if cpu[op] else None,
            line=first[op].line if cpu[op] else None,
        )
        for op in sorted(delegated.keys() | cpu.keys(), key=lambda op: (-cpu[op], -delegated[op], op))
    ]
    return Delegation(
        subgraphs=info.num_delegated_subgraphs,
        delegated_nodes=info.num_delegated_nodes,
        non_delegated_nodes=info.num_non_delegated_nodes,
        operators=tuple(rows),
        left=described if has_npu else (),
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
