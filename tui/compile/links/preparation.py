"""Check that preparing a model for quantization does not change its outputs.

Nothing is rounded yet at that point, so the prepared model must compute the same. It does not always: PyTorch folds a
BatchNorm into the convolution before it, even if other operators read the convolution, too.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, GraphModule, Node

from tui.compile.graph.origins import module_path
from tui.compile.graph.places import Place, place_of
from tui.compile.inputs import Inputs
from tui.compile.links import layers
from tui.model import tensors

TOLERANCE = 1e-3
"""Allowed difference relative to an output's largest value: folded weights are rounded in float32."""

MOST_SAMPLES = 4


@dataclass(frozen=True)
class Change:
    """An output that preparation changed."""

    output: int
    error: float
    """Largest difference over the samples, in units of the output."""
    allowed: float
    place: Place | None
    """The first operator whose result differs, if it can be told."""
    hint: str | None


def change(program: ExportedProgram, prepared: GraphModule, samples: Sequence[Inputs]) -> Change | None:
    """The output that preparation changed the most; None if it changed none.

    `prepared` is the graph with or without its observers (`tui.compile.quantization.Quantized.float_module`).
    """
    # Running a model changes the buffers that it mutates.
    original, prepared = copy.deepcopy(program.module(check_guards=False)), copy.deepcopy(prepared)
    changes: list[Change] = []
    for inputs in samples[:MOST_SAMPLES]:
        before, after = layers.run(original, inputs), layers.run(prepared, inputs)
        for j, (a, b) in enumerate(zip(before.outputs, after.outputs, strict=True)):
            if a.is_floating_point() and _differs(a, b):
                place = next(_places(original.graph, before.values, after.values), None)
                changes.append(Change(j, _error(a, b), _allowed(a), place, _folded(original.graph, after.values)))
    return max(changes, key=lambda change: change.error / change.allowed, default=None)


def _error(a: torch.Tensor, b: torch.Tensor) -> float:
    return tensors.largest_difference(a.double().numpy(), b.double().numpy()) if a.shape == b.shape else math.inf


def _allowed(a: torch.Tensor) -> float:
    peak = a[a.isfinite()].abs().amax() if a.isfinite().any() else 0.0
    return TOLERANCE * (1 + float(peak))


def _differs(a: torch.Tensor, b: torch.Tensor) -> bool:
    return _error(a, b) > _allowed(a)


def _places(graph: Graph, before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> Iterator[Place]:
    """The operators of both graphs whose results differ, except those that another was folded into."""
    names = before.keys() & after.keys()
    for node in graph.nodes:
        if node.name in names and not _absorbs(node, after) and _differs(before[node.name], after[node.name]):
            yield place_of(node)


def _folded(graph: Graph, after: dict[str, torch.Tensor]) -> str | None:
    """The hint for a normalization that was folded into weights with other uses; None without one."""
    folded = [node for node in graph.nodes if "batch_norm" in str(node.target) and node.name not in after]
    for norm in folded:
        layer = norm.all_input_nodes[0]
        weights = [node for node in layer.all_input_nodes if node.op == "get_attr"]
        if len(layer.users) > 1 or any(len(weight.users) > 1 for weight in weights):
            names = f"{place_of(norm).name} into {place_of(layer).name}"
            called = (module_path(norm.meta.get("nn_module_stack")) or "norm").rpartition(".")[2]
            return f"PyTorch folds {names}, which is also used without it: write {called}(x.clone()), not {called}(x)"
    return None


def _absorbs(node: Node, after: dict[str, torch.Tensor]) -> bool:
    return any(user.op == "call_function" and user.name not in after for user in node.users)
