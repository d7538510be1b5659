"""Detect outputs of a partition that Vela drops, without which the program cannot run.

Vela 5.1 cancels a transposition with its inverse, and forgets that the tensor between them leaves the graph:
``r = relu(conv1(x)); return r, conv2(r)``. The same happens where the tensor goes to an operator on the CPU.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tosa.TosaGraph import TosaGraph

from tui.compile.graph import origins
from tui.compile.graph.origins import DEBUG_JSON, OUT_TOSA, Origin
from tui.errors import UserError

MOST = 10_000
"""Combinations of outputs to try: beyond, all outputs that are read inside are named."""

PROGRAM = "*_vela.npz"
REWRITE = "adding 0 to the tensor avoids it: r = torch.relu(self.conv(x)) + 0"
LAYOUT = "--channels-last avoids it, or adding 0 to the tensor: r = torch.relu(self.conv(x)) + 0"


@dataclass(frozen=True)
class _Output:
    """An output of a graph: name and number of elements of its tensor, and whether the graph also reads it."""

    name: str
    elements: int
    read: bool


def _outputs(graph: bytes) -> list[_Output]:
    block = TosaGraph.GetRootAs(graph, 0).Regions(0).Blocks(0)
    operators = [block.Operators(i) for i in range(block.OperatorsLength())]
    read = {operator.Inputs(i) for operator in operators for i in range(operator.InputsLength())}
    tensors = [block.Tensors(i) for i in range(block.TensorsLength())]
    elements = {t.Name(): int(np.prod([t.Shape(i) for i in range(t.ShapeLength())], dtype=np.int64)) for t in tensors}
    names = [block.Outputs(i) for i in range(block.OutputsLength())]
    return [_Output(name.decode(), elements.get(name, 0), name in read) for name in names]


def _compiled(folder: Path) -> list[int] | None:
    """Number of elements of each output that Vela compiled, in their order; None if it left no program."""
    program = next(folder.rglob(PROGRAM), None)
    if program is None:
        return None
    with np.load(program, allow_pickle=False) as content:
        return [int(np.prod(shape, dtype=np.int64)) for shape in content["output_shape"]]


def dropped(graph: bytes, compiled: Sequence[int]) -> tuple[list[str], bool]:
    """Names of the outputs of a graph that are not among the compiled ones, and whether they are certain.

    Vela keeps the order, and drops only outputs that are also read inside. In doubt, all possible ones are named.
    """
    outputs = _outputs(graph)
    lost = len(outputs) - len(compiled)
    if lost <= 0:
        return [], True
    candidates = [at for at, output in enumerate(outputs) if output.read] or list(range(len(outputs)))
    possible = [
        chosen
        for chosen in itertools.islice(itertools.combinations(candidates, min(lost, len(candidates))), MOST)
        if [output.elements for at, output in enumerate(outputs) if at not in chosen] == list(compiled)
    ]
    suspects = sorted(set(itertools.chain(*possible))) or candidates
    return [outputs[at].name for at in suspects], len(possible) == 1


def check(folder: Path, partition: int, vela: str | None, *, free_layout: bool) -> None:
    """Check that Vela kept all outputs of the partition whose graph and compiled program are in `folder`.

    Raises:
        UserError: it dropped some. `vela` is its version; with `free_layout` the hint is to change the layout.
    """
    compiled = _compiled(folder)
    names, certain = ([], True) if compiled is None else dropped((folder / OUT_TOSA).read_bytes(), compiled)
    if not names:
        return
    by_node = origins.by_node(folder / DEBUG_JSON)
    described = " and ".join(_described(name, by_node.get(name, Origin())) for name in names)
    if len(names) == 1:
        lost = f"an output of partition {partition} that is"
    else:
        lost = f"outputs of partition {partition} that are"
    raise UserError(
        f"a fault of Vela {vela or ''}: it dropped {lost} also read inside,"
        f" {described if certain else f'some of {described}'}; the program could not run",
        LAYOUT if free_layout else REWRITE,
    )


def _described(name: str, origin: Origin) -> str:
    made = f"made by {origin.name}" if origin.name else ""
    place = f"at {origin.line}" if origin.line else ""
    return " ".join(filter(None, (name, made, place)))
