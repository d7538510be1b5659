"""Root causes of operators in float: some the quantizer left out itself, others only because of a neighbour."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.compile.graph.nodes import exported_name, exported_operator, is_getitem, overload_name
from tui.compile.graph.origins import source_line

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

ANNOTATION = "quantization_annotation"
"""Key of a node's metadata under which a pt2e quantizer says how to quantize it."""
NEIGHBOURS = "are non-quantized"
"""In the quantizer's words: it quantizes the operator like its neighbours, none of which is quantized."""


@dataclass(frozen=True)
class Cause:
    """The operator at which a chain of operators in float begins, and why that one is in float."""

    op: str
    """With its overload: ``aten.max.other``."""
    reason: str
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    exported: str = ""
    """The operator of the exported program that it comes from."""


def left_in_float(graph_module: "GraphModule", rejections: Mapping[str, str]) -> dict[str, Cause]:
    """Causes of operators that a quantizer left without annotation, by their names in the exported program.

    `rejections` are the quantizer's reasons by name of the node; it has none for an operator it does not support.
    """
    unquantized = {
        node: rejections.get(node.name)
        for node in graph_module.graph.nodes
        if node.op == "call_function" and ANNOTATION not in node.meta
    }
    roots = {
        node: _cause(node, reason)
        for node, reason in unquantized.items()
        if not is_getitem(node) and not _has_only_integers(node) and (reason is None or NEIGHBOURS not in reason)
    }
    causes: dict[str, Cause] = {}
    for node in unquantized:
        root = nearest(node, roots.__contains__, unquantized.__contains__)
        if root is not None:
            causes.setdefault(exported_name(node), roots[root])
    return causes


def _cause(node: "Node", reason: str | None) -> Cause:
    op, exported = overload_name(node.target), exported_operator(node)
    if reason is None:
        words = f"the quantizer does not know {op}" + (f", a part of {exported}" if exported != op else "")
    else:
        types = dict.fromkeys(dtype for source in node.all_input_nodes if (dtype := _dtype(source)))
        words = f"the quantizer rejects {op}" + (f" of {' and '.join(types)}" if types else "")
    return Cause(op, words, source_line(node.meta.get("stack_trace")), exported)


def _has_only_integers(node: "Node") -> bool:
    """True if a node computes with integers only, mostly indices, which need no quantization."""
    types = {_dtype(operand) for operand in (node, *node.all_input_nodes)} - {""}
    return bool(types) and all("int" in dtype for dtype in types)


def _dtype(node: "Node") -> str:
    return str(getattr(node.meta.get("val"), "dtype", "")).removeprefix("torch.")


def nearest(
    node: "Node",
    is_goal: Callable[["Node"], bool],
    is_passable: Callable[["Node"], bool],
    around: Callable[["Node"], Iterable["Node"]] = lambda node: (*node.all_input_nodes, *node.users),
) -> "Node | None":
    """The goal that is the fewest steps away over passable nodes: `node` itself first, inputs before users."""
    seen, queue = {node}, deque([node])
    while queue:
        at = queue.popleft()
        if is_goal(at):
            return at
        further = [near for near in around(at) if near not in seen and is_passable(near)]
        seen.update(further)
        queue.extend(further)
    return None
