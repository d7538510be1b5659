"""Recurrent layers, which the compiler unrolls into one step after another, and which so take long to compile."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui.compile.graph.nodes import exported_name, operator_name
from tui.compile.graph.origins import module_path, source_line

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node

RECURRENT = {"aten.gru": "GRU", "aten.lstm": "LSTM", "aten.rnn_tanh": "RNN", "aten.rnn_relu": "RNN"}

_BATCH_FIRST = 8
"""Position of the argument in ``aten.gru.input`` and similar operators."""


def unrolled(program: "ExportedProgram", prepared: "GraphModule") -> Iterator[str]:
    """A sentence for each recurrent layer of a program that preparing it for quantization unrolled."""
    operators = Counter(exported_name(node) for node in prepared.graph.nodes if node.op == "call_function")
    for node in program.graph.nodes:
        if node.op != "call_function" or operator_name(node) not in RECURRENT:
            continue
        if operators[node.name] < 2 or (steps := _steps(node)) < 2:
            continue
        where = source_line(node.meta.get("stack_trace"))
        name = module_path(node.meta.get("nn_module_stack")) or node.name
        yield (
            f"{name} ({RECURRENT[operator_name(node)]}) is unrolled into {steps} steps of"
            f" {operators[node.name]:,} operators in all: the time to compile grows with the steps"
            + (f", {where}" if where else "")
        )


def _steps(node: "Node") -> int:
    sequence = node.args[0].meta["val"]
    batch_first = len(node.args) > _BATCH_FIRST and node.args[_BATCH_FIRST]
    return int(sequence.shape[1 if batch_first and sequence.dim() == 3 else 0])
