"""How far rounding alone may take a quantized model's outputs: the tolerance of the lowered program.

PyTorch computes a quantized model in floating point between its roundings; TOSA computes in integers and looks up
tables. Both may round each value to a neighbour, and what one step in the middle comes to at an output depends on the
graph. So the quantized model itself is disturbed by a step everywhere: what that does to an output, rounding can do.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch.fx import Interpreter

from tui.compile import mutation
from tui.compile.inputs import Inputs
from tui.model import tensors
from tui.model.tensors import TensorInfo

RUNS = 4
"""Disturbed runs of each input: in half of them each element is off by itself, in half all elements of a node alike."""

MARGIN = 2.0
"""Of what a lowered program may be off, to what the disturbed runs were off at most."""

TABLES = 0.03
"""Of an output's largest value: what a program with 16-bit values may be off because TOSA's tables for them have 512
segments, and a segment in which a function leaves the range of its output ends where the range ends."""

QUANTIZE = "quantize_per_tensor"


def quantizes(node: Any) -> bool:
    """Whether a node quantizes a value."""
    return node.op == "call_function" and QUANTIZE in str(node.target) and "dequantize" not in str(node.target)


class _Disturbed(Interpreter):  # type: ignore[misc]
    """Interprets a quantized model with each quantized value off by a step, by none, or by one the other way.

    Not the inputs': both programs quantize those by the same operator.
    """

    def __init__(self, module: Any, seed: int) -> None:
        super().__init__(module)
        self._random = torch.Generator().manual_seed(seed)
        self._alike = seed % 2 == 1

    def run_node(self, n: Any) -> Any:
        """A node's value, disturbed where it is a quantized one."""
        value = super().run_node(n)
        if not quantizes(n) or n.args[0].op == "placeholder":
            return value
        if self._alike:
            off = 2 * torch.randint(0, 2, (1,), generator=self._random) - 1
        else:
            off = torch.randint(-1, 2, value.shape, generator=self._random)
        least, most = n.args[3], n.args[4]
        return (value.to(torch.int32) + off).clamp(least, most).to(value.dtype)


def _has_16_bits(module: Any) -> bool:
    return any(quantizes(node) and torch.int16 in node.args for node in module.graph.nodes)


def allowed(module: Any, samples: Sequence[Inputs], steps: Sequence[float | None]) -> list[float]:
    """The largest difference of each output that rounding explains, in the output's units.

    `module` is the quantized model, `steps` are its outputs' quantization steps.
    """
    least = TABLES if _has_16_bits(module) else 0.0
    found = [step or 0.0 for step in steps]
    # All inferences of one kind first: where the model has state, what they are off by adds up.
    exact = _in_turn(module, module, samples)
    for outputs in exact:
        for j, one in enumerate(outputs):
            if one.dtype.kind == "f":
                found[j] = max(found[j], least * float(np.max(np.abs(one), initial=0.0)))
    for seed in range(RUNS):
        disturbed = _in_turn(module, lambda *sample, seed=seed: _Disturbed(module, seed).run(*sample), samples)
        for before, after in zip(exact, disturbed, strict=True):
            for j, (one, other) in enumerate(zip(before, after, strict=True)):
                difference = np.abs(one.astype(np.float64) - other.astype(np.float64))
                found[j] = max(found[j], MARGIN * float(np.max(difference, initial=0.0)))
    return found


def measured(module: Any, samples: Sequence[Inputs], outputs: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """The outputs of a program with what rounding explains of each."""
    found = allowed(module, samples, [info.step for info in outputs])
    return tuple(msgspec.structs.replace(info, rounding=most) for info, most in zip(outputs, found, strict=True))


def outputs(module: Any, samples: Sequence[Inputs]) -> list[list[tensors.NDArray]]:
    """The model's outputs of each sample, one after the other."""
    return _in_turn(module, module, samples)


def _in_turn(module: Any, call: Callable[..., Any], samples: Sequence[Inputs]) -> list[list[tensors.NDArray]]:
    """Outputs of each inference of `call`, which runs `module`."""
    with mutation.undone(module, mutation.of_module(module)):
        return [[value.numpy() for value in outputs] for outputs in mutation.run(call, samples, ())]
