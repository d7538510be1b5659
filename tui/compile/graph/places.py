"""An operator of the model, as messages name it."""

from dataclasses import dataclass
from typing import Any

from tui.compile.graph.nodes import operator_name
from tui.compile.graph.origins import module_path, source_line


@dataclass(frozen=True)
class Place:
    """An operator of the model."""

    name: str
    """Path of the nn.Module, or the exported node, and the operator: ``features.3 (aten.relu)``."""
    line: str | None
    """``FILE:LINE`` in the model's source."""


def place_of(node: Any) -> Place:
    """The operator that a node of an exported graph is, or comes from."""
    module = module_path(node.meta.get("nn_module_stack"))
    return Place(f"{module or node.name} ({operator_name(node)})", source_line(node.meta.get("stack_trace")))
