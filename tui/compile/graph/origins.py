"""Origins of operators on the NPU: the nn.Module and the line of the model's source.

Three names lead there. Vela numbers the operators of the TOSA graph it was given (``ext_key`` in its debug database);
the graph names their outputs; ExecuTorch's ``debug.json`` says which node of the exported program each name stands for.
Needs neither torch nor executorch.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tosa.TosaBasicBlock import TosaBasicBlock

DEBUG_JSON = "debug.json"
TOSA = "model.tosa"
"""A partition's TOSA graph in a run's artifacts."""
OUT_TOSA = "out.tosa"
"""The same graph, as ExecuTorch names it."""

_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_WRAPPERS = "torch.export."
_LIBRARIES = re.compile(r"^<|[/\\](torch|torchao|executorch[/\\](exir|backends|devtools|export))[/\\]")
"""Files that are not the model's: libraries, and generated code (``<eval_with_key>``)."""


@dataclass(frozen=True)
class Origin:
    """A place in the model; None for what is unknown."""

    module: str | None = None
    """Path of the nn.Module; empty for the model itself."""
    node: str | None = None
    """Name of the node in the program that torch.export made: ``conv2d_5``, ``mean``."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""

    @property
    def name(self) -> str | None:
        """Name for an operator that comes from here."""
        return self.module or self.node


def source_line(stack_trace: str | None) -> str | None:
    """``FILE:LINE`` of the innermost frame in the model's own code."""
    frames = [match for match in _FRAME.finditer(stack_trace or "") if not _LIBRARIES.search(match[1])]
    return f"{frames[-1][1]}:{frames[-1][2]}" if frames else None


def module_path(stack: object) -> str | None:
    """Path of the innermost module of a node's ``nn_module_stack``; empty for the model itself."""
    if not isinstance(stack, dict):
        return None
    # A second export puts a wrapper of torch.export at the bottom of the stack, which is no module of the model.
    paths = [path for path, kind in stack.values() if not str(kind).startswith(_WRAPPERS)]
    return next((path for path in reversed(paths) if path), "") if paths else None


def _origin(info: dict[str, Any]) -> Origin:
    trace = info.get("node_trace")
    node = trace[-1].get("name") if isinstance(trace, list) and trace else None
    line = source_line("\n".join(info.get("stack_trace") or ()))
    # Without a line in the model, a pass of the compiler made up the name.
    return Origin(module=module_path(info.get("nn_module_stack")), node=node if line else None, line=line)


def by_node(path: Path) -> dict[str, Origin]:
    """Origins by name of the TOSA node, from ExecuTorch's ``debug.json``; empty without that file."""
    if not path.exists():
        return {}
    origins: dict[str, Origin] = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        node = (entry.get("tosa_info") or {}).get("node_name")
        if node:
            origins[node] = _origin(entry.get("torch_info") or {})
    return origins


def _block(graph: bytes) -> "TosaBasicBlock":
    from tosa.TosaGraph import TosaGraph

    return TosaGraph.GetRootAs(graph, 0).Regions(0).Blocks(0)


def output_names(graph: bytes) -> list[str]:
    """Name of the first output of each operator of a TOSA flatbuffer, in the order Vela numbers them."""
    block = _block(graph)
    operators = (block.Operators(i) for i in range(block.OperatorsLength()))
    return [operator.Outputs(0).decode() if operator.OutputsLength() else "" for operator in operators]


def input_shapes(graph: bytes) -> list[tuple[int, ...]]:
    """Shape of each input of a TOSA flatbuffer, in the order the graph takes them."""
    block = _block(graph)
    tensors = (block.Tensors(i) for i in range(block.TensorsLength()))
    shapes = {t.Name(): tuple(t.Shape(k) for k in range(t.ShapeLength())) for t in tensors}
    return [shapes[block.Inputs(i)] for i in range(block.InputsLength())]
