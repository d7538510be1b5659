"""Operators delegated to the NPU, operators left to the CPU, and why."""

import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping

import torch
from executorch.exir import EdgeProgramManager, ExecutorchProgramManager
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from tui.compile import executorch_api
from tui.compile.diagnostics import hints
from tui.compile.diagnostics.causes import Cause, nearest
from tui.compile.graph.nodes import around, calls, exported_name, exported_operator, operator_name, overload_name
from tui.compile.graph.origins import module_path, source_line
from tui.run.delegation import AT_BOUNDARY, WHOLE_MODEL, CpuOperator, Delegation, Kernel, OperatorDelegation

_RETURNS = r"(?:\((?:[^()]|\([^()]*\))*\)|\w+(?:\([^()]*\))?(?:\[\])?)"
_SCHEMA = re.compile(rf"<EdgeOpOverload: ([^>]+)>: schema = .*? -> {_RETURNS}")
"""An operator as ExecuTorch prints it, of which only the name is kept."""
_NODE = re.compile(r"(Had torch\.\w+ input|^Input) \w+ (?=that is|has unsupported)")
"""The name of a node in a reason: it says nothing to its reader, and makes one reason many."""
_DTYPES = re.compile(r"torch\.\w+(?:, torch\.\w+)+")
"""A list of types in a reason: a set's, in an order that differs from run to run."""

NO_REASON = "ExecuTorch gives no reason"
NOT_QUANTIZED = "the model is not quantized: it runs in float, and the NPU computes in integers"
NO_NPU = "the target has no NPU"


def _is_delegate(node: Node) -> bool:
    return node.target is torch.ops.higher_order.executorch_call_delegate


def _is_cpu_kernel(node: Node) -> bool:
    return not _is_delegate(node) and "alloc" not in operator_name(node)


def _is_conversion(node: Node) -> bool:
    return node.op == "call_function" and "quantize_per_" in operator_name(node)


def _types(values: object) -> tuple[str, ...]:
    """Type and shape of each tensor among some values: ``float32[1,8]``."""
    sequence = values if isinstance(values, list | tuple) else [values]
    return tuple(
        f"{str(value.dtype).removeprefix('torch.')}[{','.join(map(str, value.shape))}]"
        for value in sequence
        if isinstance(value, torch.Tensor)
    )


class _CpuNodes:
    """The nodes of one graph that stayed on the CPU, and their causes."""

    def __init__(
        self,
        module: GraphModule,
        caller: Node | None,
        rejected: Mapping[Node, str],
        in_float: Mapping[str, Cause] | None,
        *,
        u55: bool,
    ) -> None:
        """Take the nodes of a graph. `caller` runs it if it is a branch or the body of a loop, else None."""
        self._u55 = u55
        self._module = module
        self._caller = caller
        self._in_float = in_float
        self.nodes = [node for node in calls(module) if _is_cpu_kernel(node)]
        self._own = {node for node in self.nodes if not _is_conversion(node)}
        self._rejected: dict[tuple[str, str], list[tuple[Node, str]]] = {}
        for node, reason in rejected.items():
            if node.op == "call_function":
                self._rejected.setdefault(_identity(node), []).append((node, _words(reason)))

    def describe(self, node: Node) -> CpuOperator:
        """Describe a node, with its cause and its place in the model."""
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
            inputs=tuple(text for source in node.all_input_nodes for text in _types(source.meta.get("val"))),
            outputs=_types(node.meta.get("val")),
            module=module_path(at.meta.get("nn_module_stack")),
            line=source_line(at.meta.get("stack_trace")),
            conversion=converts,
            conversions=0 if converts else sum(map(_is_conversion, around(node))),
        )

    def _hint(self, at: Node, node: Node, reason: str, cause: Cause | None) -> str | None:
        if cause is None:
            names = exported_operator(at), operator_name(node), exported_name(at)
            return hints.hint(*names, reason=reason, u55=self._u55)
        if cause.reason == NOT_QUANTIZED:
            return hints.QUANTIZE
        return hints.of_float(cause.exported, cause.op, u55=self._u55)

    def _first_cause(self, node: Node, reason: str) -> Cause | None:
        """The root cause of a node in float; None for a node that is kept from the NPU for another reason."""
        if not hints.IN_FLOAT.search(reason):
            return None
        if self._in_float is None:
            return None if any(map(_is_conversion, self.nodes)) else Cause(WHOLE_MODEL, NOT_QUANTIZED)
        if self._caller is not None:
            caller = overload_name(self._caller.target)
            line = source_line(self._caller.meta.get("stack_trace"))
            return Cause(caller, f"the quantizer leaves in float what {caller} runs", line, caller)
        root = nearest(node, self._is_root, self._own.__contains__, around)
        if root is None:
            return None
        if (cause := self._in_float.get(exported_name(root))) is not None:
            return cause
        at, _ = self._kept(root)
        op = exported_operator(at)
        return Cause(op, f"in float beside {op}, which is on the CPU", source_line(at.meta.get("stack_trace")))

    def _is_root(self, node: Node) -> bool:
        """True if the quantizer said why a node is in float, or the node is on the CPU for a reason of its own."""
        assert self._in_float is not None
        return exported_name(node) in self._in_float or not hints.IN_FLOAT.search(self._kept(node)[1])

    def _kept(self, node: Node) -> tuple[Node, str]:
        """The place of a node, and the reason for which it was rejected."""
        # Nodes were rejected before their neighbours were lowered, and have been renumbered since: of several with the
        # same origin, the one of the same number is more likely. Two branches number their nodes alike.
        same = self._rejected.get(_identity(node), [])
        here = source_line(node.meta.get("stack_trace"))
        before, reason = max(
            same,
            key=lambda pair: (source_line(pair[0].meta.get("stack_trace")) == here, pair[0].name == node.name),
            default=(None, NO_REASON),
        )
        return _placed(node, *([before] if before is not None else []), *self._inside(node)), reason

    def _conversion(self, node: Node) -> tuple[Node, str]:
        """The node that a conversion is for, and the reason: an operator on the CPU, else the graph's boundary."""
        # Conversions may follow each other: a quantized value is also an output, in float.
        beside = around(node)
        near = [*beside, *(far for near in beside if _is_conversion(near) for far in around(near))]
        cause = next((n for n in near if n in self._own), None)
        if cause is not None:
            return cause, f"float around {operator_name(cause)} on the CPU: converted on the CPU"
        return _placed(node, *self._inside(node)), AT_BOUNDARY

    def _inside(self, node: Node) -> Iterator[Node]:
        """The nodes inside delegates whose values `node` takes, then those that take its value."""
        for source in node.all_input_nodes:
            if source.target is operator.getitem and _is_delegate(source.args[0]):
                call, place = source.args
                (outputs,) = self._delegate(call).graph_module.graph.output_node().args
                yield outputs[place]
        for call in filter(_is_delegate, node.users):
            program = self._delegate(call)
            _, *inputs = call.args
            names = {
                name for name, value in zip(program.graph_signature.user_inputs, inputs, strict=True) if value is node
            }
            for inside in program.graph_module.graph.find_nodes(op="placeholder"):
                if inside.name in names:
                    yield from inside.users

    def _delegate(self, call: Node) -> ExportedProgram:
        """The program that became the delegate in a call."""
        return getattr(self._module, call.args[0].target).original_module


def _words(reason: str) -> str:
    """A reason of ExecuTorch's without what only it understands; the same each time."""
    return _DTYPES.sub(_in_order, _NODE.sub(r"\1 ", _SCHEMA.sub(r"\1", reason)))


def _in_order(dtypes: re.Match[str]) -> str:
    return ", ".join(sorted(dtypes[0].split(", ")))


def _placed(*nodes: Node) -> Node:
    """The first node that has a place in the model, else the first neighbour that has, else the first node."""
    candidates = [*nodes, *(near for node in nodes for near in around(node))]
    return next((n for n in candidates if source_line(n.meta.get("stack_trace"))), nodes[0])


def _identity(node: Node) -> tuple[str, str]:
    """A node's operator and exported name, which passes and lowering preserve."""
    return operator_name(node), exported_name(node)


def _graphs(module: GraphModule, caller: Node | None = None) -> Iterator[tuple[GraphModule, Node | None]]:
    """A graph, then the graphs of its branches and loops, each with the node of the first graph that runs it."""
    yield module, caller
    for node in module.graph.find_nodes(op="get_attr"):
        inner = getattr(module, str(node.target), None)
        if isinstance(inner, GraphModule):
            yield from _graphs(inner, caller or next(iter(node.users), node))


def analyse(
    edge: EdgeProgramManager,
    rejected: Mapping[Node, str],
    in_float: Mapping[str, Cause] | None = None,
    *,
    has_npu: bool = True,
    u55: bool = False,
) -> Delegation:
    """Count operators on NPU and CPU, before emission. Node counts are ExecuTorch's own.

    `in_float` are the operators that the quantizer left in float (`quantization.Quantized`), None for a model that is
    not quantized. Without an NPU, operators on the CPU need no explanation; `u55` is the smaller set of operators.
    """
    module = edge.exported_program().graph_module
    subgraphs, delegated_nodes, left = executorch_api.node_counts(module)
    delegated: Counter[str] = Counter()
    described: list[CpuOperator] = []
    for graph, caller in _graphs(module):
        for lowered in executorch_api.delegates_in(graph.graph):
            original = getattr(graph, lowered.name).original_module.graph_module
            delegated.update(operator_name(node) for inside, _ in _graphs(original) for node in calls(inside))
        cpu_nodes = _CpuNodes(graph, caller, rejected, in_float, u55=u55)
        described += map(cpu_nodes.describe, cpu_nodes.nodes)
    cpu = Counter(each.op for each in described)
    first = {each.op: each for each in reversed(described)}
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
        subgraphs=subgraphs,
        delegated_nodes=delegated_nodes,
        non_delegated_nodes=left,
        operators=tuple(rows),
        left=tuple(described) if has_npu else (),
    )


def kernels(program: ExecutorchProgramManager) -> tuple[Kernel, ...]:
    """The CPU kernels an emitted program calls, and how often; node counts, in contrast, include ``getitem``."""
    calls = Counter(
        f"{name}.{overload}" if overload else name for name, overload in executorch_api.kernel_calls(program)
    )
    return tuple(Kernel(op=op, calls=count) for op, count in calls.most_common())
