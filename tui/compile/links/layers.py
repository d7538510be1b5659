"""Compare the quantized model with the float model, layer by layer, to find where quantization adds noise.

Both run on the same inputs, and each layer on the values of its own model, so that errors add up as on the NPU.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import GraphModule, Interpreter, Node
from torch.utils import _pytree

from tui.compile import mutation
from tui.compile.graph.nodes import operator_name
from tui.compile.graph.origins import module_path, source_line
from tui.compile.inputs import Inputs, copied
from tui.model.tensors import decibel
from tui.run.check import Layer

MOST_SAMPLES = 8
"""Inputs to compare on: the average over a few is stable."""


class _Recorder(Interpreter):  # type: ignore[misc]
    """Run a graph and keep the values of its inputs and operators as later operators see them."""

    def __init__(self, module: GraphModule) -> None:
        super().__init__(module)
        self.values: dict[str, torch.Tensor] = {}

    def run_node(self, node: Node) -> Any:
        """Compute a node; an observer passes its input through."""
        if node.op == "call_module":
            (value,), _ = self.fetch_args_kwargs_from_env(node)
            return value
        value = super().run_node(node)
        producer = quantized_by(node)
        name = node.name if producer is None else producer.name
        if isinstance(value, torch.Tensor) and value.is_floating_point() and (producer or _is_layer(node)):
            self.values[name] = value.detach()
        return value


def _is_layer(node: Node) -> bool:
    return node.op in ("placeholder", "call_function")


def quantized_by(node: Node) -> Node | None:
    """The node whose value passes through a quantize and dequantize pair that ends with `node`; None for others."""
    if node.op != "call_function" or "dequantize" not in str(node.target) or not node.all_input_nodes:
        return None
    before = node.all_input_nodes[0]
    return before.all_input_nodes[0] if "quantize" in str(before.target) and before.all_input_nodes else None


@dataclass(frozen=True)
class Ran:
    """Results of one run of a graph."""

    outputs: list[torch.Tensor]
    values: dict[str, torch.Tensor]
    """The value of each layer, by the name of its node, as later layers see it."""


def run(model: GraphModule, inputs: Inputs) -> Ran:
    """Run a graph without its observers."""
    recorder = _Recorder(model)
    with torch.no_grad():
        leaves = _pytree.tree_leaves(recorder.run(*copied(inputs)))
    return Ran([leaf for leaf in leaves if isinstance(leaf, torch.Tensor)], recorder.values)


class _Sums:
    """Powers of signal and noise of a layer, over all samples."""

    def __init__(self) -> None:
        self.signal = self.noise = self.error = self.largest = 0.0

    def add(self, exact: torch.Tensor, quantized: torch.Tensor) -> None:
        """Add a sample."""
        if not exact.numel():
            return
        a, b = exact.double(), quantized.double()
        self.signal += float((a * a).sum())
        self.noise += float(((a - b) ** 2).sum())
        self.error = max(self.error, float((a - b).abs().max()))
        self.largest = max(self.largest, float(a.abs().max()))


def compare(float_model: GraphModule, quantized: GraphModule, samples: Sequence[Inputs]) -> tuple[Layer, ...]:
    """Compare the layers that both models have, in the order they run."""
    with (
        mutation.undone(float_model, mutation.of_module(float_model)),
        mutation.undone(quantized, mutation.of_module(quantized)),
    ):
        return tuple(_layers(float_model, _summed(float_model, quantized, samples)))


def _summed(float_model: GraphModule, quantized: GraphModule, samples: Sequence[Inputs]) -> dict[str, _Sums]:
    sums: dict[str, _Sums] = {}
    for inputs in samples[:MOST_SAMPLES]:
        exact, rounded = run(float_model, inputs).values, run(quantized, inputs).values
        for name in exact.keys() & rounded.keys():
            if exact[name].shape == rounded[name].shape:
                sums.setdefault(name, _Sums()).add(exact[name], rounded[name])
    return sums


def _layers(float_model: GraphModule, sums: dict[str, _Sums]) -> Iterator[Layer]:
    levels: dict[str, float] = {}
    for node in float_model.graph.nodes:
        if (powers := sums.get(node.name)) is None:
            continue
        level = decibel(powers.signal, powers.noise)
        before = [levels[name] for name in _inputs(node, set(sums)) if name in levels]
        if level is not None:
            levels[node.name] = level
        yield Layer(
            name=module_path(node.meta.get("nn_module_stack")) or node.name,
            op="input" if node.op == "placeholder" else operator_name(node),
            sqnr_db=level,
            drop_db=min(before) - level if before and level is not None else None,
            max_abs_error=powers.error,
            max_abs=powers.largest,
            line=source_line(node.meta.get("stack_trace")),
        )


def _inputs(node: Node, compared: set[str]) -> Iterator[str]:
    """The nearest nodes before one that are compared."""
    for source in node.all_input_nodes:
        if source.name in compared:
            yield source.name
        else:
            yield from _inputs(source, compared)
