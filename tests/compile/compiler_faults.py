"""The smallest case of each of `tui.compile.links.known_faults`, and the same written so that the fault is not met."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from tui.compile.links import known_faults
from tui.compile.links.known_faults import Fault


@dataclass(frozen=True)
class Case:
    """A model that meets a fault."""

    fault: Fault
    section: str
    """Of docs/compiler-faults.md."""
    model: Callable[[], nn.Module]
    """The smallest case."""
    inputs: tuple[tuple[int, ...], ...]
    quantization: Literal["int8", "a16w8"]
    sound: Callable[[], nn.Module]
    """The same model written in a way that the fault does not meet."""


class LostActivation(nn.Module):
    """A relu between a convolution and a concatenation with what is below zero."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate."""
        return torch.cat((x, torch.relu(self.convolution(x))), 1)


class Clamped(LostActivation):
    """The same with an activation that ExecuTorch does not fuse."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate."""
        return torch.cat((x, torch.clamp(self.convolution(x), min=0)), 1)


class Negated(nn.Module):
    """A negated relu, whose scale is its input's: its output's is another."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Negate."""
        return -torch.relu(x)


class Multiplied(nn.Module):
    """The same by a multiplication."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply."""
        return torch.relu(x) * -1.0


class CoarseTable(nn.Module):
    """The logarithm of probabilities, most of which lie in the first segments of its table."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute."""
        return torch.log_softmax(x, -1)


class Softmax(nn.Module):
    """The probabilities alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute."""
        return torch.softmax(x, -1)


CASES = (
    Case(
        fault=known_faults.LOST_ACTIVATION,
        section="An activation that shares its scale is lost",
        model=LostActivation,
        inputs=((1, 8, 8, 8),),
        quantization="int8",
        sound=Clamped,
    ),
    Case(
        fault=known_faults.UNSCALED_NEGATION,
        section="Negation does not rescale",
        model=Negated,
        inputs=((1, 8, 8, 8),),
        quantization="int8",
        sound=Multiplied,
    ),
    Case(
        fault=known_faults.COARSE_TABLE,
        section="Tables of 16-bit values are too coarse",
        model=CoarseTable,
        inputs=((1, 32),),
        quantization="a16w8",
        sound=Softmax,
    ),
)
