"""The lowered program on Arm's TOSA reference model: the exact result that an NPU has to give.

Delegates are executed as the TOSA graphs they were compiled from, CPU operators by PyTorch. PyTorch's quantized model
computes in floating point and may be a few quantization steps away from it; the compiled program may not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.fx import Interpreter

from tui.compile import mutation
from tui.compile.graph.origins import OUT_TOSA, input_shapes
from tui.compile.lowering import Lowering
from tui.compile.models import Inputs
from tui.errors import one_line

Order = tuple[int, ...]
"""Dimensions from the outermost to the innermost in memory."""


class Unavailable(Exception):
    """The reference model cannot be run; one line says why."""


class _Program(Interpreter):  # type: ignore[misc]
    """Interprets an edge program, with TOSA graphs in the place of delegates."""

    def __init__(self, module: Any, graphs: dict[bytes, bytes]) -> None:
        super().__init__(module)
        self._graphs = graphs

    def run_node(self, n: Any) -> Any:
        """A node: a delegate by the reference model, all else as it is."""
        if n.target is not torch.ops.higher_order.executorch_call_delegate:
            return super().run_node(n)
        (delegate, *inputs), _ = self.fetch_args_kwargs_from_env(n)
        graph = self._graphs.get(bytes(delegate.processed_bytes))
        if graph is None:
            raise Unavailable("a delegate is none of the partitions that were compiled")
        orders = [argument.meta["val"].dim_order() for argument in n.args[1:]]
        return _run(graph, inputs, orders, [value.dim_order() for value in n.meta["val"]])


def _run(
    graph: bytes, inputs: Sequence[torch.Tensor], orders: Sequence[Order], taken: Sequence[Order]
) -> list[torch.Tensor]:
    """A TOSA graph's outputs. A delegate sees memory only, so that its graph has the dimensions in memory order."""
    import tosa_reference_model

    arrays = [
        np.ascontiguousarray(tensor.detach().numpy().transpose(order))
        for tensor, order in zip(inputs, orders, strict=True)
    ]
    # The reference model looks at sizes only: data in another layout would give another result, and no error.
    for at, (array, shape) in enumerate(zip(arrays, input_shapes(graph), strict=True)):
        if [n for n in array.shape if n > 1] != [n for n in shape if n > 1]:
            raise Unavailable(f"input {at} of a partition has the layout {array.shape}, its TOSA graph {shape}")
    results, status = tosa_reference_model.run(graph, arrays, verbosity="NONE")
    if status != tosa_reference_model.GraphStatus.TOSA_VALID:
        raise Unavailable(f"the TOSA reference model says {status.name}")
    return [torch.from_numpy(result.transpose(np.argsort(order))) for result, order in zip(results, taken, strict=True)]


def outputs(lowering: Lowering, folders: Sequence[Path], samples: Sequence[Inputs]) -> list[list[torch.Tensor]]:
    """The outputs of the lowered program for each of `samples`. `folders` hold the partitions' TOSA graphs.

    Raises:
        Unavailable: the reference model is not installed, or cannot execute the program.
    """
    try:
        import tosa_reference_model  # noqa: F401 - asked for here, so that its absence is one clear line
    except ImportError as error:
        raise Unavailable("the TOSA reference model (tosa-tools) is not installed") from error
    graphs = {
        bytes(partition.delegate): (folder / OUT_TOSA).read_bytes()
        for partition, folder in zip(lowering.partitions, folders, strict=True)
    }
    lowered = lowering.edge.exported_program()
    module = lowered.module(check_guards=False)
    program = _Program(module, graphs)
    try:
        with mutation.undone(module, mutation.of_module(module)):
            return list(mutation.run(program.run, samples, (), returned=mutation.returned(lowered)))
    except Unavailable:
        raise
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise Unavailable(f"the lowered program cannot be run: {one_line(error, 160)}") from error
