"""Values of a program's data flow (`tui.analysis.dataflow`), which need no numpy."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["input", "step", "operator", "output"]


@dataclass(frozen=True, order=True)
class Place:
    """An end of an edge, by number: an input or output of the program, a step of its plan, an operator on the NPU."""

    kind: Kind
    at: int


@dataclass(frozen=True)
class Edge:
    """Data that goes from one place to another; `output` and `input` count those of the places."""

    source: Place
    target: Place
    output: int = 0
    input: int = 0


@dataclass(frozen=True)
class Flow:
    """Edges in the order they are found, and the shapes and types of what steps and inputs give."""

    edges: tuple[Edge, ...]
    shapes: dict[tuple[Place, int], tuple[str, str]]
    """Type and shape (``int8``, ``1x8x8x16``) of an output of an input or a step."""
    ports: dict[tuple[int, int], tuple[Place, ...]]
    """Makers of what a partition is given, by partition and address in its scratch memory."""
    notes: tuple[str, ...]
    """Reasons for edges that are not known."""
