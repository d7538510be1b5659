"""The link from a quantized model to its lowered program: what is beyond rounding, and which fault explains it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree

from tests.differential.lowering import Lowered
from tui.compile.links import known_faults, rounding
from tui.model import tensors

Arrays = list[tensors.NDArray]


@dataclass(frozen=True)
class Finding:
    """An output that lowering changed."""

    output: int
    error: float
    allowed: float
    float_db: float | None
    """Signal to noise of the quantized model's output."""
    lowered_db: float | None
    faults: tuple[str, ...] = ()
    """Names of the known faults that explain it."""

    def __str__(self) -> str:
        where = f"output {self.output} is off by {self.error:.4g}, allowed is {self.allowed:.4g}"
        known = " and ".join(self.faults) or "UNKNOWN"
        return f"{where}; {_db(self.float_db)} -> {_db(self.lowered_db)}: {known}"


def _db(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f} dB"


def _all(values: Any) -> Arrays:
    return [leaf.detach().numpy() for leaf in _pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def _outputs(module: Any, samples: Sequence[Any]) -> list[Arrays]:
    with torch.no_grad():
        return [_all(module(*sample)) for sample in samples]


def _ratio(signal: Sequence[tensors.NDArray], other: Sequence[tensors.NDArray]) -> float | None:
    return tensors.sqnr_db(np.stack(signal), np.stack(other))


def _error(outputs: list[Arrays], lowered: list[Arrays], j: int) -> float:
    return max(tensors.largest_difference(one[j], other[j]) for one, other in zip(outputs, lowered, strict=True))


def findings(lowered: Lowered) -> list[Finding]:
    """The outputs on which a lowered program differs from its quantized model by more than rounding explains."""
    samples, steps = lowered.samples, lowered.steps
    quantized, ends = _outputs(lowered.quantized, samples), lowered.outputs()
    allowed = rounding.allowed(lowered.quantized, samples, steps)
    # Whole numbers and truth values have no step: what is next to a threshold may fall on either side.
    floats = [j for j, one in enumerate(quantized[0]) if one.dtype.kind == "f"]
    wrong = [j for j in floats if _error(quantized, ends, j) > allowed[j]]
    if not wrong:
        return []
    exact = _outputs(lowered.float_model, samples)
    return [
        Finding(
            output=j,
            error=_error(quantized, ends, j),
            allowed=allowed[j],
            float_db=_ratio([one[j] for one in exact], [one[j] for one in quantized]),
            lowered_db=_ratio([one[j] for one in exact], [one[j] for one in ends]),
            faults=tuple(fault.name for fault in known_faults.explain(lowered.quantized, samples, steps, ends, j)),
        )
        for j in wrong
    ]
