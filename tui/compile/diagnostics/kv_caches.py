"""Buffers that a model writes to at places it is given, as a KV cache: ExecuTorch 1.5 often fails on them.

It fails in the quantizer, in choosing partitions or in lowering them, and names anything but the buffer.
"""

from typing import Any

from torch.export import ExportedProgram

from tui.compile.diagnostics import hints
from tui.compile.graph.nodes import overload_name
from tui.compile.graph.origins import source_line


def suspect(program: ExportedProgram) -> str | None:
    """The buffers of an exported program that are written to in that way, where, and what works; None without any."""
    buffers = program.graph_signature.inputs_to_buffers
    operator, names, lines = "", list[str](), list[str]()
    for node in program.graph.nodes:
        used = overload_name(node.target) if node.op == "call_function" else ""
        if used in hints.INTO_BUFFER and (name := buffers.get(_written(node).name)) is not None:
            operator = operator or used
            names.append(name)
            lines += [line] if (line := source_line(node.meta.get("stack_trace"))) else []
    if not names:
        return None
    several = "the buffers" if len(set(names)) > 1 else "the buffer"
    at = f" at {lines[0]}" if lines else ""
    return f"ExecuTorch often fails on {operator} into {several} {', '.join(dict.fromkeys(names))}{at}: {hints.CACHE}"


def _written(node: Any) -> Any:
    """What an operator in place writes to, which may be a view of it, or what was written to it before."""
    while node.op == "call_function" and node.all_input_nodes:
        node = node.args[0]
    return node
