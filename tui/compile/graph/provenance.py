"""Nodes that a pass of the compiler adds come from the node they are added for.

Many of ExecuTorch's passes take an operator apart and forget where it came from. But all of them say where in the graph
they insert: before or after the node they work on. What is inserted there without a line of the model's source gets
that node's.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch.fx import Graph
from torch.fx.traceback import NodeSource

from tui.compile.graph.origins import source_line

KEPT = ("nn_module_stack", "from_node", "torch_fn")


class _InsertPoint:
    """Stands in for torch's own, and sees what is inserted."""

    def __init__(self, stock: Any, graph: Any, at: Any) -> None:
        self._stock = stock
        self._at = at
        self._inserted: list[Any] = []
        insert = graph._insert

        def watch(node: Any) -> None:
            self._inserted.append(node)
            insert(node)

        graph._insert = watch

    def __enter__(self) -> None:
        self._stock.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._stock.__exit__(*error)
        for node in self._inserted:
            _inherit(node.meta, self._at.meta)


def _inherit(meta: dict[str, Any], given: dict[str, Any]) -> None:
    trace = given.get("stack_trace")
    # One without any is about to be given another's: PyTorch's `replace_all_uses_with` insists on finding none.
    if not meta or source_line(trace) is None or source_line(meta.get("stack_trace")) is not None:
        return
    meta["stack_trace"] = f"{trace}\n{meta.get('stack_trace') or ''}"
    for key in KEPT:
        if not meta.get(key) and given.get(key):
            meta[key] = given[key]


def _watched(stock: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def inserting(graph: Any, at: Any = None) -> Any:
        point = stock(graph, at)
        return point if at is None else _InsertPoint(point, graph, at)

    return inserting


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """While this lasts, nodes inherit their place in the model from those they are inserted at."""
    stock = Graph.inserting_before, Graph.inserting_after
    Graph.inserting_before, Graph.inserting_after = map(_watched, stock)
    try:
        yield
    finally:
        Graph.inserting_before, Graph.inserting_after = stock


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """While this lasts, nodes share the history of where they come from.

    PyTorch copies it, which grows with each pass, for each node in each pass: a quarter of the time to lower. Nobody
    changes it.
    """

    def itself(source: NodeSource, memo: dict[int, Any]) -> NodeSource:
        return source

    NodeSource.__deepcopy__ = itself
    try:
        yield
    finally:
        del NodeSource.__deepcopy__
