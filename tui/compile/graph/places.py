"""Places in the model as messages name them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.compile.graph.nodes import operator_name
from tui.compile.graph.origins import module_path, source_line

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class Place:
    """An operator of the model."""

    name: str
    """Path of the nn.Module, or the exported node, and the operator: ``features.3 (aten.relu)``."""
    line: str | None
    """``FILE:LINE`` in the model's source."""


def place_of(node: "Node") -> Place:
    """The place of a node of an exported graph."""
    module = module_path(node.meta.get("nn_module_stack"))
    return Place(f"{module or node.name} ({operator_name(node)})", source_line(node.meta.get("stack_trace")))
