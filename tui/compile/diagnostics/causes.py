"""First causes of operators in float: which the quantizer left out itself, and which because of a neighbour."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tui.compile.graph.nodes import exported_name, exported_operator, is_getitem, overload_name
from tui.compile.graph.origins import source_line

ANNOTATION = "quantization_annotation"
"""Where a quantizer of pt2e leaves in a node how it is to be quantized."""
NEIGHBOURS = "are non-quantized"
"""In the quantizer's words: it would have quantized an operator as its neighbours are, and none of them is."""


@dataclass(frozen=True)
class Cause:
    """The operator that a chain of operators in float begins with, and why that one is in float."""

    op: str
    """With its overload: ``aten.max.other``."""
    reason: str
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    exported: str = ""
    """The operator of the exported program it was made from."""


def left_in_float(graph_module: Any, refused: Mapping[str, str]) -> dict[str, Cause]:
    """Causes by name in the exported program, of each operator that a quantizer left without annotation.

    `refused` has the quantizer's reasons by name of the node; one that it does not know, it does not mention.
    """
    left = {
        node: refused.get(node.name)
        for node in graph_module.graph.nodes
        if node.op == "call_function" and ANNOTATION not in node.meta
    }
    first = {
        node: _cause(node, reason)
        for node, reason in left.items()
        if not is_getitem(node) and not _counts(node) and (reason is None or NEIGHBOURS not in reason)
    }
    found: dict[str, Cause] = {}
    for node in left:
        begun = nearest(node, first.__contains__, left.__contains__)
        if begun is not None:
            found.setdefault(exported_name(node), first[begun])
    return found


def _cause(node: Any, reason: str | None) -> Cause:
    op, exported = overload_name(node.target), exported_operator(node)
    if reason is None:
        words = f"the quantizer does not know {op}" + (f", a part of {exported}" if exported != op else "")
    else:
        kinds = dict.fromkeys(kind for given in node.all_input_nodes if (kind := _kind(given)))
        words = f"the quantizer refuses {op}" + (f" of {' and '.join(kinds)}" if kinds else "")
    return Cause(op, words, source_line(node.meta.get("stack_trace")), exported)


def _counts(node: Any) -> bool:
    """Whether it computes with integers alone, which need no quantizing: places in a tensor, most often."""
    kinds = {_kind(one) for one in (node, *node.all_input_nodes)} - {""}
    return bool(kinds) and all("int" in kind for kind in kinds)


def _kind(node: Any) -> str:
    return str(getattr(node.meta.get("val"), "dtype", "")).removeprefix("torch.")


def nearest(
    node: Any,
    wanted: Callable[[Any], bool],
    passable: Callable[[Any], bool],
    around: Callable[[Any], Iterable[Any]] = lambda node: (*node.all_input_nodes, *node.users),
) -> Any:
    """The wanted node that is the fewest steps away over passable ones, itself first, then what is before it."""
    seen, queue = {node}, deque([node])
    while queue:
        at = queue.popleft()
        if wanted(at):
            return at
        further = [other for other in around(at) if other not in seen and passable(other)]
        seen.update(further)
        queue.extend(further)
    return None
