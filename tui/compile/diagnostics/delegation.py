"""What went to the NPU and what stayed on the CPU, and why."""

import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from executorch.devtools.backend_debug import get_delegation_info
from executorch.exir.backend.utils import get_delegates
from executorch.exir.schema import KernelCall

from tui.compile.diagnostics import hints
from tui.compile.diagnostics.causes import Cause, nearest
from tui.compile.graph.nodes import around, calls, exported_name, exported_operator, operator_name, overload_name
from tui.compile.graph.origins import module_path, source_line
from tui.run.delegation import AT_BOUNDARY, WHOLE_MODEL, CpuOperator, Delegation, Kernel, OperatorDelegation

_SCHEMA = re.compile(r"<EdgeOpOverload: ([^>]+)>: schema = .*? -> [^:]*")
"""How ExecuTorch prints an operator: all but its name is noise."""

NO_REASON = "ExecuTorch gives no reason"
NOT_QUANTIZED = "the model is not quantized: it runs in float, and the NPU computes in integers"
NO_NPU = "the target has no NPU"


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
    """The nodes of one graph that stayed on the CPU, told apart by why they did."""

    def __init__(
        self, module: Any, caller: Any, rejected: Mapping[Any, str], in_float: Mapping[str, Cause] | None
    ) -> None:
        """`caller` runs the graph, which then is a branch or the body of a loop; None of the program's own graph."""
        self._module = module
        self._caller = caller
        self._in_float = in_float
        self.nodes = [node for node in calls(module) if _is_cpu_kernel(node)]
        self._own = {node for node in self.nodes if not _is_conversion(node)}
        self._rejected: dict[tuple[str, str], list[tuple[Any, str]]] = {}
        for node, reason in rejected.items():
            if node.op == "call_function":
                self._rejected.setdefault(_origin(node), []).append((node, _SCHEMA.sub(r"\1", reason)))

    def describe(self, node: Any) -> CpuOperator:
        """A node with its cause, and its place in the model."""
        converts = _is_conversion(node)
        at, reason = self._conversion(node) if converts else self._kept(node)
        cause = None if converts else self._first_cause(node, reason)
        return CpuOperator(
            op=operator_name(node),
            node=node.name,
            reason=cause.reason if cause else reason,
            hint=None if converts else self._hint(at, node, reason, cause),
            root=cause.op if cause else None,
            root_line=cause.line if cause else None,
            inputs=tuple(text for given in node.all_input_nodes for text in _types(given.meta.get("val"))),
            outputs=_types(node.meta.get("val")),
            module=module_path(at.meta.get("nn_module_stack")),
            line=source_line(at.meta.get("stack_trace")),
            conversion=converts,
            conversions=0 if converts else sum(map(_is_conversion, around(node))),
        )

    def _hint(self, at: Any, node: Any, reason: str, cause: Cause | None) -> str | None:
        if cause is None:
            return hints.hint(exported_operator(at), operator_name(node), exported_name(at), reason=reason)
        if cause.reason == NOT_QUANTIZED:
            return hints.QUANTIZE
        return hints.of_float(cause.exported, cause.op)

    def _first_cause(self, node: Any, reason: str) -> Cause | None:
        """Why a node is in float; None of one that is kept from the NPU for another reason."""
        if not hints.IN_FLOAT.search(reason):
            return None
        if self._in_float is None:
            return None if any(map(_is_conversion, self.nodes)) else Cause(WHOLE_MODEL, NOT_QUANTIZED)
        if self._caller is not None:
            ran_by = overload_name(self._caller.target)
            line = source_line(self._caller.meta.get("stack_trace"))
            return Cause(ran_by, f"the quantizer leaves in float what {ran_by} runs", line, ran_by)
        begun = nearest(node, self._is_first, self._own.__contains__, around)
        if begun is None:
            return None
        if (known := self._in_float.get(exported_name(begun))) is not None:
            return known
        at, _ = self._kept(begun)
        op = exported_operator(at)
        return Cause(op, f"in float beside {op}, which is on the CPU", source_line(at.meta.get("stack_trace")))

    def _is_first(self, node: Any) -> bool:
        """Whether the quantizer said why this node is in float, or this node is on the CPU for a reason of its own."""
        assert self._in_float is not None
        return exported_name(node) in self._in_float or not hints.IN_FLOAT.search(self._kept(node)[1])

    def _kept(self, node: Any) -> tuple[Any, str]:
        # Nodes were rejected before those beside them were lowered, and are numbered anew since; of several that were
        # made from the same one, that of the same number is more likely. Two branches number theirs alike.
        same = self._rejected.get(_origin(node), [])
        here = source_line(node.meta.get("stack_trace"))
        before, reason = max(
            same,
            key=lambda one: (source_line(one[0].meta.get("stack_trace")) == here, one[0].name == node.name),
            default=(None, NO_REASON),
        )
        return _placed(node, *([before] if before is not None else []), *self._inside(node)), reason

    def _conversion(self, node: Any) -> tuple[Any, str]:
        """The node a conversion is there for, and why; the boundary counts before a neighbour."""
        # One may follow another: what was quantized is an output, and a float one.
        beside = around(node)
        near = [*beside, *(far for other in beside if _is_conversion(other) for far in around(other))]
        cause = next((n for n in near if n in self._own), None)
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
    candidates = [*nodes, *(other for node in nodes for other in around(node))]
    return next((n for n in candidates if source_line(n.meta.get("stack_trace"))), nodes[0])


def _origin(node: Any) -> tuple[str, str]:
    """What a node computes, and what it was made from: passes and lowering leave both."""
    return operator_name(node), exported_name(node)


def _graphs(module: Any, caller: Any = None) -> Iterator[tuple[Any, Any]]:
    """A graph, then those of its branches and loops, each with the node of the first graph that runs it."""
    yield module, caller
    for node in module.graph.find_nodes(op="get_attr"):
        inner = getattr(module, str(node.target), None)
        if isinstance(inner, torch.fx.GraphModule):
            yield from _graphs(inner, caller or next(iter(node.users), node))


def analyse(
    edge: Any, rejected: Mapping[Any, str], in_float: Mapping[str, Cause] | None = None, *, has_npu: bool = True
) -> Delegation:
    """Counts by operator, before emission. Node counts are ExecuTorch's own (`get_delegation_info`).

    `in_float` is what the quantizer left in float (`lowering.Quantized`), None of a model that was not quantized. Where
    there is no NPU, no operator has been left behind.
    """
    module = edge.exported_program().graph_module
    info = get_delegation_info(module)
    delegated: Counter[str] = Counter()
    described: list[CpuOperator] = []
    for graph, caller in _graphs(module):
        for lowered in get_delegates(graph.graph):
            original = getattr(graph, lowered.name).original_module.graph_module
            delegated.update(operator_name(node) for inside, _ in _graphs(original) for node in calls(inside))
        left = _Left(graph, caller, rejected, in_float)
        described += map(left.describe, left.nodes)
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
        left=tuple(described) if has_npu else (),
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
