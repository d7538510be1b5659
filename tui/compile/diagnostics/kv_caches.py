"""Name buffers that a model writes to at given indices, such as a KV cache, on which ExecuTorch 1.5 often fails.

It fails in the quantizer, in choosing partitions or in lowering them, and never names the buffer.
"""

from typing import TYPE_CHECKING

from tui.compile.diagnostics import hints
from tui.compile.graph.nodes import overload_name
from tui.compile.graph.origins import source_line

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node


def suspect(program: "ExportedProgram") -> str | None:
    """A sentence on the buffers of an exported program that are written to like a KV cache; None without any."""
    buffers = program.graph_signature.inputs_to_buffers
    operator, names, lines = "", list[str](), list[str]()
    for node in program.graph.nodes:
        called = overload_name(node.target) if node.op == "call_function" else ""
        if called in hints.INTO_BUFFER and (name := buffers.get(_written(node).name)) is not None:
            operator = operator or called
            names.append(name)
            lines += [line] if (line := source_line(node.meta.get("stack_trace"))) else []
    if not names:
        return None
    written = "the buffers" if len(set(names)) > 1 else "the buffer"
    at = f" at {lines[0]}" if lines else ""
    return f"ExecuTorch often fails on {operator} into {written} {', '.join(dict.fromkeys(names))}{at}: {hints.CACHE}"


def _written(node: "Node") -> "Node":
    """The node that an in-place operator writes to, behind views and earlier writes."""
    while node.op == "call_function" and node.all_input_nodes:
        node = node.args[0]
    return node
