"""Give nodes that a pass of the compiler adds the origin of the node they are added for.

Many of ExecuTorch's passes take an operator apart and forget where it came from. But all of them say where in the graph
they insert: before or after the node they work on. A node inserted there without a line of the model's source inherits
that node's.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch.fx import Graph, Node
from torch.fx.graph import _InsertPoint as _InsertPointOfTorch
from torch.fx.traceback import NodeSource

from tui.compile.graph.origins import source_line

Inserting = Callable[..., Any]
"""`Graph.inserting_before` or `Graph.inserting_after`."""

KEPT = ("nn_module_stack", "from_node", "torch_fn")


class _InsertPoint:
    """A stand-in for torch's own insert point that sees what is inserted."""

    def __init__(self, stock: _InsertPointOfTorch, graph: Graph, at: Node) -> None:
        self._stock = stock
        self._at = at
        self._inserted: list[Node] = []
        insert = graph._insert

        def watch(node: Node) -> None:
            self._inserted.append(node)
            insert(node)

        graph._insert = watch

    def __enter__(self) -> None:
        self._stock.__enter__()

    def __exit__(self, *error: object) -> None:
        self._stock.__exit__(*error)
        for node in self._inserted:
            _inherit(node.meta, self._at.meta)


def _inherit(meta: dict[str, Any], source: dict[str, Any]) -> None:
    trace = source.get("stack_trace")
    # A node without metadata is about to get another's: PyTorch's `replace_all_uses_with` insists on finding none.
    if not meta or source_line(trace) is None or source_line(meta.get("stack_trace")) is not None:
        return
    meta["stack_trace"] = f"{trace}\n{meta.get('stack_trace') or ''}"
    for key in KEPT:
        if not meta.get(key) and source.get(key):
            meta[key] = source[key]


def _watched(stock: Inserting) -> Inserting:
    def inserting(graph: Graph, at: Node | None = None) -> _InsertPointOfTorch | _InsertPoint:
        point = stock(graph, at)
        return point if at is None else _InsertPoint(point, graph, at)

    return inserting


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Let nodes inherit their place in the model from those they are inserted at, within a block."""
    stock = Graph.inserting_before, Graph.inserting_after
    Graph.inserting_before, Graph.inserting_after = map(_watched, stock)
    try:
        yield
    finally:
        Graph.inserting_before, Graph.inserting_after = stock


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Let nodes share their histories within a block.

    A history grows with each pass, and PyTorch copies it for each node in each pass: a quarter of the time to lower.
    Nothing changes a history.
    """

    def uncopied(source: NodeSource, memo: dict[int, object]) -> NodeSource:
        return source

    NodeSource.__deepcopy__ = uncopied
    try:
        yield
    finally:
        del NodeSource.__deepcopy__
