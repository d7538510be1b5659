"""Names and neighbours of a graph's nodes. Needs neither torch nor executorch."""

import operator
from collections.abc import Iterator
from typing import Any


def operator_name(node: Any) -> str:
    """``aten.topk`` for a node that calls ``aten::topk`` in any of its overloads."""
    target = node.target
    schema = getattr(target, "_schema", None) or getattr(getattr(target, "_op", None), "_schema", None)
    name = schema.name if schema is not None else getattr(target, "__name__", str(target))
    return str(name).replace("::", ".")


def overload_name(target: Any) -> str:
    """``aten.max.other`` for an operator's overload, ``aten.relu6`` for its default one."""
    name = str(target)
    return str(target.__name__) if name.startswith("<") else name.removesuffix(".default")


def exported_name(node: Any) -> str:
    """Name of the node in the program that was exported: ``roll``, where a pass has taken it apart since."""
    return str(_first_source(node).name)


def exported_operator(node: Any) -> str:
    """The operator of that node: ``aten.roll``."""
    return overload_name(_first_source(node).target)


def _first_source(node: Any) -> Any:
    source, sources = node, node.meta.get("from_node") or ()
    while sources:
        source = sources[-1]
        sources = source.from_node
    return source


def is_getitem(node: Any) -> bool:
    """Whether it picks one of several values, which is no work."""
    return node.target is operator.getitem


def calls(graph_module: Any) -> Iterator[Any]:
    """The nodes of a graph that call an operator."""
    return (node for node in graph_module.graph.nodes if node.op == "call_function" and not is_getitem(node))


def around(node: Any) -> list[Any]:
    """Nodes before and after, through getitem."""
    found: list[Any] = []
    for other in (*node.all_input_nodes, *node.users):
        found += [*other.all_input_nodes, *other.users] if is_getitem(other) else [other]
    return [other for other in dict.fromkeys(found) if other is not node]
