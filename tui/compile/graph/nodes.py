"""Names and neighbours of a graph's nodes. Needs neither torch nor executorch."""

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node
    from torch.fx.node import Target


def operator_name(node: "Node") -> str:
    """The operator that a node calls, without its overload: ``aten.topk``."""
    target = node.target
    schema = getattr(target, "_schema", None) or getattr(getattr(target, "_op", None), "_schema", None)
    name = schema.name if schema is not None else getattr(target, "__name__", str(target))
    return str(name).replace("::", ".")


def overload_name(target: "Target") -> str:
    """An operator with its overload, ``aten.max.other``, or without the default one, ``aten.relu6``."""
    name = str(target)
    return str(getattr(target, "__name__", name)) if name.startswith("<") else name.removesuffix(".default")


def exported_name(node: "Node") -> str:
    """Name of the node of the exported program that a node comes from: ``roll``, if a pass took it apart."""
    return str(_first_source(node).name)


def exported_operator(node: "Node") -> str:
    """Operator of the node of the exported program that a node comes from: ``aten.roll``."""
    return overload_name(_first_source(node).target)


def _first_source(node: "Node") -> "Node":
    source, sources = node, node.meta.get("from_node") or ()
    while sources:
        source = sources[-1]
        sources = source.from_node
    return source


def is_getitem(node: "Node") -> bool:
    """True if a node picks one of several values, which takes no time."""
    return node.target is operator.getitem


def calls(graph_module: "GraphModule") -> Iterator["Node"]:
    """The nodes of a graph that call an operator."""
    return (node for node in graph_module.graph.nodes if node.op == "call_function" and not is_getitem(node))


def around(node: "Node") -> list["Node"]:
    """Neighbours of a node: its inputs, then its users; those behind a getitem in its place."""
    neighbours: list[Node] = []
    for near in (*node.all_input_nodes, *node.users):
        neighbours += [*near.all_input_nodes, *near.users] if is_getitem(near) else [near]
    return [near for near in dict.fromkeys(neighbours) if near is not node]
