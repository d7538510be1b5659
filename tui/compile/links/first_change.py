"""Find the operator at which lowering first changes a result, by bisection: the model up to an operator is lowered.

Slow, since it lowers the model several times, if without Vela: only for a broken link.
"""

import copy
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from executorch.backends.arm.ethosu import EthosUCompileSpec
from torch.fx import GraphModule, Node
from torch.fx.graph import CodeGen
from torch.utils import _pytree

from tui.compile import lowering
from tui.compile.graph.places import Place, place_of
from tui.compile.inputs import Inputs, copied
from tui.compile.links import layers, rounding, tosa_reference
from tui.model import tensors

MOST_SAMPLES = 4


def find(
    quantized: GraphModule, spec: EthosUCompileSpec, samples: Sequence[Inputs], report: Callable[[str], None]
) -> Place | None:
    """The first operator whose lowered result is not the quantized model's; None where no part of the model shows it.

    `report` gets a sentence before each step.
    """
    flat_samples = [_flat(inputs) for inputs in samples[:MOST_SAMPLES]]
    ends = _ends(quantized)
    low, high = -1, len(ends)
    while high - low > 1:
        middle = (low + high) // 2
        report(f"lowering the model up to {_place(ends[middle]).name} by itself")
        if _changed(quantized, ends[middle], spec, flat_samples):
            high = middle
        else:
            low = middle
    if high == len(ends):
        return None
    return _place(ends[high])


def _place(end: Node) -> Place:
    return place_of(layers.quantized_by(end) or end)


def _flat(inputs: Inputs) -> Inputs:
    return tuple(_pytree.tree_leaves(inputs))


def _ends(quantized: GraphModule) -> list[Node]:
    """The nodes where the model can be cut: one dequantized value of each operator, in the order they run."""
    ends: dict[str, Node] = {}
    for node in quantized.graph.nodes:
        made_by = layers.quantized_by(node)
        if made_by is not None and made_by.op == "call_function":
            ends.setdefault(made_by.name, node)
    return list(ends.values())


def _cut(quantized: GraphModule, end: Node) -> GraphModule:
    """The model up to a node, with flat inputs."""
    graph = copy.deepcopy(quantized.graph)
    # Nodes of the copy have the names of the original's.
    by_name = {node.name: node for node in graph.nodes}
    output = graph.output_node()
    output.args = ((by_name[end.name],),)
    graph.set_codegen(CodeGen())
    graph.eliminate_dead_code()
    return GraphModule(quantized, graph)


def _changed(quantized: GraphModule, end: Node, spec: EthosUCompileSpec, samples: Sequence[Inputs]) -> bool:
    """True if lowering the model up to a node changes its result by more than rounding explains."""
    part = _cut(quantized, end)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        lowered = lowering.lower_to_tosa(torch.export.export(part, samples[0]), spec, Path(folder))
        try:
            results = tosa_reference.outputs(lowered.edge, lowering.tosa_graphs(lowered), samples)
        except tosa_reference.Undefined:
            return True
        except tosa_reference.Unavailable:
            return False
        exact = [part(*copied(inputs))[0] for inputs in samples]
    scale = end.args[1]
    (allowed,) = rounding.allowed(part, samples, [scale if isinstance(scale, float) else None])
    return any(tensors.largest_difference(a.numpy(), b) > allowed for a, (b,) in zip(exact, results, strict=True))
