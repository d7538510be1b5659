"""Whether partitions can be cut out of a program, found before the long part of lowering begins.

ExecuTorch asserts the same when it cuts, one partition after the other, and names no operator.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tui.compile.diagnostics import hints
from tui.compile.graph.nodes import exported_operator, operator_name
from tui.compile.graph.origins import source_line
from tui.errors import UserError

TAG = "delegation_tag"
"""Where a partitioner leaves in a node to which partition it belongs."""


def partitions(graph_module: Any) -> Iterator[set[Any]]:
    """The nodes of each partition of a graph, and of those of its branches and loops."""
    for module in graph_module.modules():
        found: dict[str, set[Any]] = {}
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            if tag := node.meta.get(TAG):
                found.setdefault(tag, set()).add(node)
        yield from found.values()


def check(graph_module: Any, rejected: Mapping[Any, str]) -> None:
    """Make sure that each partition can be cut out; `rejected` says why nodes are in none.

    Raises:
        UserError: one cannot.
    """
    for nodes in partitions(graph_module):
        if way := detour(nodes):
            raise _uncuttable(way, rejected)


def _uncuttable(way: list[Any], rejected: Mapping[Any, str]) -> UserError:
    at = next((node for node in way if node in rejected), way[0])
    exported, reason = exported_operator(at), rejected.get(at, "")
    line = source_line(at.meta.get("stack_trace"))
    if exported in hints.INTO_BUFFER:
        hint = hints.CACHE
    else:
        hint = hints.hint(exported, operator_name(at), reason=reason) or f"bring {exported} to the NPU, or leave it out"
    return UserError(
        f"ExecuTorch makes a partition with a dependency cycle through {exported}"
        + (f" at {line}" if line else "")
        + (f", which is on the CPU: {reason.rstrip('.')}" if reason else "")
        + "; a fault of its own, of the kind of pytorch/executorch#18191",
        hint,
    )


def detour(nodes: Collection[Any]) -> list[Any]:
    """The nodes on a shortest way out of a partition and back into it; empty where there is none.

    Such a partition waits for what waits for it.
    """
    begun = [user for node in nodes for user in node.users if user not in nodes]
    came_from: dict[Any, Any] = dict.fromkeys(begun)
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


def _back(node: Any, came_from: dict[Any, Any]) -> Iterator[Any]:
    while node is not None:
        yield node
        node = came_from[node]
