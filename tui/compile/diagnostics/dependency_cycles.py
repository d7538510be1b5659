"""Find partitions that cannot be cut out of a program, before the long part of lowering begins.

ExecuTorch asserts the same when it cuts, one partition after another, and names no operator.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from tui.compile.diagnostics import hints
from tui.compile.graph.nodes import exported_operator, operator_name
from tui.compile.graph.origins import source_line
from tui.errors import UserError

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

TAG = "delegation_tag"
"""Key of a node's metadata under which a partitioner names its partition."""


def partitions(graph_module: "GraphModule") -> Iterator[set["Node"]]:
    """The nodes of each partition of a graph, its branches and its loops."""
    for module in graph_module.modules():
        by_tag: dict[str, set[Node]] = {}
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            if tag := node.meta.get(TAG):
                by_tag.setdefault(tag, set()).add(node)
        yield from by_tag.values()


def check(graph_module: "GraphModule", rejected: Mapping["Node", str], *, u55: bool = False) -> None:
    """Check that each partition can be cut out; `rejected` says why nodes are in none, `u55` is the smaller set.

    Raises:
        UserError: one cannot.
    """
    for nodes in partitions(graph_module):
        if way := detour(nodes):
            raise _uncuttable(way, rejected, u55)


def _uncuttable(way: list["Node"], rejected: Mapping["Node", str], u55: bool) -> UserError:
    at = next((node for node in way if node in rejected), way[0])
    exported, reason = exported_operator(at), rejected.get(at, "")
    line = source_line(at.meta.get("stack_trace"))
    if exported in hints.INTO_BUFFER:
        hint = hints.CACHE
    else:
        named = hints.hint(exported, operator_name(at), reason=reason, u55=u55)
        hint = named or f"move {exported} to the NPU, or leave it out"
    return UserError(
        f"ExecuTorch makes a partition with a dependency cycle through {exported}"
        + (f" at {line}" if line else "")
        + (f", which is on the CPU: {reason.rstrip('.')}" if reason else "")
        + "; this is a fault of ExecuTorch, similar to pytorch/executorch#18191",
        hint,
    )


def detour(nodes: Collection["Node"]) -> list["Node"]:
    """The nodes on a shortest path out of a partition and back into it; empty without one.

    Such a partition depends on its own results.
    """
    outside = [user for node in nodes for user in node.users if user not in nodes]
    came_from: dict[Node, Node | None] = dict.fromkeys(outside)
    queue = deque(came_from)
    while queue:
        at = queue.popleft()
        for user in at.users:
            if user in nodes:
                return list(reversed(list(_back(at, came_from))))
            if user not in came_from:
                came_from[user] = at
                queue.append(user)
    return []


def _back(node: "Node | None", came_from: Mapping["Node", "Node | None"]) -> Iterator["Node"]:
    while node is not None:
        yield node
        node = came_from[node]
