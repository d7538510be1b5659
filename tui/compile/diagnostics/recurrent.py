"""Recurrent layers, which the compiler takes apart into one step after another: that is what makes them long."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch.export import ExportedProgram

from tui.compile.graph.nodes import exported_name, operator_name
from tui.compile.graph.origins import module_path, source_line

RECURRENT = {"aten.gru": "GRU", "aten.lstm": "LSTM", "aten.rnn_tanh": "RNN", "aten.rnn_relu": "RNN"}

_BATCH_FIRST = 8
"""Place of the argument in ``aten.gru.input`` and its like."""


def unrolled(program: ExportedProgram, prepared: Any) -> Iterator[str]:
    """A sentence for each recurrent layer of a program that preparing it for quantization has taken apart."""
    made = Counter(exported_name(node) for node in prepared.graph.nodes if node.op == "call_function")
    for node in program.graph.nodes:
        if node.op != "call_function" or operator_name(node) not in RECURRENT:
            continue
        if made[node.name] < 2 or (steps := _steps(node)) < 2:
            continue
        where = source_line(node.meta.get("stack_trace"))
        name = module_path(node.meta.get("nn_module_stack")) or node.name
        yield (
            f"{name} ({RECURRENT[operator_name(node)]}) is unrolled into {steps} steps of"
            f" {made[node.name]:,} operators in all: time to compile grows with the steps"
            + (f", {where}" if where else "")
        )


def _steps(node: Any) -> int:
    sequence = node.args[0].meta["val"]
    first = len(node.args) > _BATCH_FIRST and node.args[_BATCH_FIRST]
    return int(sequence.shape[1 if first and sequence.dim() == 3 else 0])
