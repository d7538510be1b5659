"""Where lowering first changes a result: the model up to one operator is lowered by itself, by bisection.

Slow, as it lowers the model some times over, without Vela: only for a model whose lowered program gives other results.
"""

import copy
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torch.fx.graph import CodeGen
from torch.utils import _pytree

from tui.compile import lowering
from tui.compile.graph.places import Place, place_of
from tui.compile.links import layers, rounding, tosa_reference
from tui.compile.models import Inputs, copied
from tui.model import tensors

MOST_SAMPLES = 4


def find(
    quantized: Any, spec: Any, samples: Sequence[Inputs], said: Callable[[str], None] = lambda text: None
) -> Place | None:
    """The first operator whose lowered result is not the quantized model's; None where no part of the model shows it.

    `quantized` is the model's graph, `spec` ExecuTorch's compile spec; `said` is told how far it is.
    """
    wanted = [_flat(inputs) for inputs in samples[:MOST_SAMPLES]]
    ends = _ends(quantized)
    low, high = -1, len(ends)
    while high - low > 1:
        middle = (low + high) // 2
        said(f"lowering the model up to {_place(ends[middle]).name} by itself")
        if _changed(quantized, ends[middle], spec, wanted):
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


def _ends(quantized: Any) -> list[Node]:
    """Where the model can be cut: one dequantized value of each operator, in the order they run."""
    found: dict[str, Node] = {}
    for node in quantized.graph.nodes:
        made_by = layers.quantized_by(node)
        if made_by is not None and made_by.op == "call_function":
            found.setdefault(made_by.name, node)
    return list(found.values())


def _cut(quantized: Any, end: Node) -> GraphModule:
    """The model up to a node, with flat inputs."""
    graph = copy.deepcopy(quantized.graph)
    # Nodes of the copy have the names of the original's.
    by_name = {node.name: node for node in graph.nodes}
    output = graph.output_node()
    output.args = ((by_name[end.name],),)
    graph.set_codegen(CodeGen())
    graph.eliminate_dead_code()
    return GraphModule(quantized, graph)


def _changed(quantized: Any, end: Node, spec: Any, samples: Sequence[Inputs]) -> bool:
    part = _cut(quantized, end)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        lowered = lowering.lower_to_tosa(torch.export.export(part, samples[0]), spec, Path(folder))
        places = [partition.folder for partition in lowered.partitions]
        try:
            found = tosa_reference.outputs(lowered, places, samples)
        except tosa_reference.Unavailable:
            return False
        exact = [part(*copied(inputs))[0] for inputs in samples]
    scale = end.args[1]
    (allowed,) = rounding.allowed(part, samples, [scale if isinstance(scale, float) else None])
    return any(tensors.largest_difference(a.numpy(), b.numpy()) > allowed for a, (b,) in zip(exact, found, strict=True))
