"""Measure how far rounding alone can move a quantized model's outputs, for the tolerance of the lowered program.

PyTorch computes a quantized model in floating point between its roundings; TOSA computes in integers and looks up
tables. Either may round a value to a neighbour, and how much one step in the middle changes an output depends on the
graph. So the quantized model itself is disturbed by a step everywhere: rounding can do to an output what that does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch.fx import GraphModule, Interpreter, Node

from tui.compile import mutation, spread
from tui.compile.inputs import Inputs
from tui.model import tensors
from tui.model.tensors import TensorInfo

RUNS = 4
"""Disturbed runs of each input: half move each element by itself, half move all elements of a node alike."""

MARGIN = 2.0
"""Factor from the largest error of the disturbed runs to the error that a lowered program may have."""

TABLES = 0.03
"""Share of an output's largest value by which a program with 16-bit values may be off: TOSA's tables for them have 512
segments, and a segment in which a function leaves the range of its output ends where the range ends."""

QUANTIZE = "quantize_per_tensor"


def quantizes(node: Node) -> bool:
    """True if a node quantizes a value."""
    return node.op == "call_function" and QUANTIZE in str(node.target) and "dequantize" not in str(node.target)


class _Disturbed(Interpreter):  # type: ignore[misc]
    """Interpret a quantized model with each quantized value moved by -1, 0 or 1 step.

    Inputs stay, since both programs quantize them by the same operator.
    """

    def __init__(self, module: GraphModule, seed: int) -> None:
        super().__init__(module)
        self._random = torch.Generator().manual_seed(seed)
        self._alike = seed % 2 == 1

    def run_node(self, n: Node) -> Any:
        """Compute a node, and disturb its value if it is quantized."""
        value = super().run_node(n)
        if not quantizes(n) or n.args[0].op == "placeholder":
            return value
        if self._alike:
            off = 2 * torch.randint(0, 2, (1,), generator=self._random) - 1
        else:
            off = torch.randint(-1, 2, value.shape, generator=self._random)
        least, most = n.args[3], n.args[4]
        return (value.to(torch.int32) + off).clamp(least, most).to(value.dtype)


def _has_16_bits(module: GraphModule) -> bool:
    return any(quantizes(node) and torch.int16 in node.args for node in module.graph.nodes)


def allowed(module: GraphModule, samples: Sequence[Inputs], steps: Sequence[float | None]) -> list[float]:
    """The largest difference of each output that rounding explains, in the output's units.

    `module` is the quantized model, `steps` are its outputs' quantization steps.
    """
    least = TABLES if _has_16_bits(module) else 0.0
    largest = [step or 0.0 for step in steps]
    # All inferences of one kind first: where the model has state, errors add up.
    exact = _in_turn(module, module, samples)
    for outputs in exact:
        for j, output in enumerate(outputs):
            if output.dtype.kind == "f":
                largest[j] = max(largest[j], least * float(np.max(np.abs(output), initial=0.0)))
    for seed in range(RUNS):
        disturbed = _in_turn(module, lambda *sample, seed=seed: _Disturbed(module, seed).run(*sample), samples)
        for before, after in zip(exact, disturbed, strict=True):
            for j, (a, b) in enumerate(zip(before, after, strict=True)):
                difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
                largest[j] = max(largest[j], MARGIN * float(np.max(difference, initial=0.0)))
    return largest


def measured(module: GraphModule, samples: Sequence[Inputs], outputs: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """The outputs of a program, each with the largest difference that rounding explains."""
    steps = [info.step for info in outputs]
    parts = spread.over(samples, lambda part: allowed(module, part, steps), apart=not mutation.of_module(module))
    return tuple(
        msgspec.structs.replace(info, rounding=max(differences))
        for info, *differences in zip(outputs, *parts, strict=True)
    )


def outputs(module: GraphModule, samples: Sequence[Inputs]) -> list[list[tensors.NDArray]]:
    """The model's outputs for each sample, one after another."""
    return _in_turn(module, module, samples)


def _in_turn(module: GraphModule, call: Callable[..., Any], samples: Sequence[Inputs]) -> list[list[tensors.NDArray]]:
    """The outputs of each inference by `call`, which runs `module`."""
    with mutation.undone(module, mutation.of_module(module)):
        return [[value.numpy() for value in outputs] for outputs in mutation.run(call, samples, ())]
