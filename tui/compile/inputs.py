"""Inputs of a model: one value for each argument of forward."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree

Inputs = tuple[Any, ...]
"""Mostly tensors, or tuples of them; a number is part of the exported program."""


def leaves(inputs: Inputs) -> list[torch.Tensor]:
    """The tensors of inputs, also those inside of tuples, in the order in which the program takes them."""
    return [leaf for leaf in _pytree.tree_leaves(inputs) if isinstance(leaf, torch.Tensor)]


def mapped(change: Callable[[torch.Tensor], torch.Tensor], inputs: Inputs) -> Inputs:
    """Inputs of the same structure, each tensor replaced by what `change` makes of it."""
    changed: Inputs = _pytree.tree_map_only(torch.Tensor, change, inputs)
    return changed


def copied(inputs: Inputs) -> Inputs:
    """A copy of inputs, for a model that may write to them."""
    return mapped(torch.clone, inputs)


def channels_last(inputs: Inputs) -> Inputs:
    """Inputs whose tensors of four dimensions have their channels last in memory."""
    return mapped(lambda t: t.to(memory_format=torch.channels_last) if t.dim() == 4 else t, inputs)
