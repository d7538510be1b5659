"""Where lowering first changes a result: the model up to one operator is lowered by itself, by bisection.

Slow, as it lowers the model some times over, without Vela: only for a model whose lowered program gives other results.
"""

import copy
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.fx import GraphModule, Node
from torch.fx.graph import CodeGen
from torch.utils import _pytree

from tui.compile import layers, links, lowering, tosa_reference
from tui.compile.models import Inputs
from tui.compile.places import Place, place_of
from tui.tensors import NDArray

MOST_SAMPLES = 4


def find(
    float_model: Any,
    quantized: Any,
    spec: Any,
    samples: Sequence[Inputs],
    said: Callable[[str], None] = lambda text: None,
) -> Place | None:
    """The first operator whose lowered result is not the quantized model's; None where no part of the model shows it.

    `float_model` and `quantized` are graphs with the same names (`tui.compile.lowering.Quantized`), `spec` is
    ExecuTorch's compile spec, `said` is told how far it is.
    """
    wanted = [_flat(inputs) for inputs in samples[:MOST_SAMPLES]]
    exact = [layers.run(float_model, inputs).values for inputs in samples[:MOST_SAMPLES]]
    ends = _ends(quantized, exact[0].keys())
    low, high = -1, len(ends)
    while high - low > 1:
        middle = (low + high) // 2
        said(f"lowering the model up to {_place(ends[middle]).name} by itself")
        if _changed(quantized, ends[middle], spec, wanted, exact):
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


def _ends(quantized: Any, known: Any) -> list[Node]:
    """Where the model can be cut: one dequantized value of each operator, in the order they run."""
    found: dict[str, Node] = {}
    for node in quantized.graph.nodes:
        made_by = layers.quantized_by(node)
        if made_by is not None and made_by.op == "call_function" and made_by.name in known:
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


def _changed(quantized: Any, end: Node, spec: Any, samples: Sequence[Inputs], exact: Sequence[Any]) -> bool:
    part = _cut(quantized, end)
    made_by = layers.quantized_by(end)
    assert made_by is not None
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        lowered = lowering.lower_to_tosa(torch.export.export(part, samples[0]), spec, Path(folder))
        places = [partition.folder for partition in lowered.partitions]
        try:
            ends = tosa_reference.outputs(lowered, places, samples)
        except tosa_reference.Unavailable:
            return False
        starts = [part(*inputs)[0] for inputs in samples]
    scale = end.args[1]
    return links.lowering_changes(
        _stacked(values[made_by.name] for values in exact),
        _stacked(starts),
        _stacked(end[0] for end in ends),
        scale if isinstance(scale, float) else None,
    )


def _stacked(values: Iterable[torch.Tensor]) -> NDArray:
    return np.asarray(torch.stack([value.detach() for value in values]).numpy())
