"""The lowered program on Arm's TOSA reference model: the exact result that an NPU must give.

Delegates are executed as the TOSA graphs they were compiled from, CPU operators by PyTorch. PyTorch's quantized model
computes in floating point and may be a few quantization steps away from it; the compiled program may not.
"""

import itertools
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from executorch.exir import EdgeProgramManager
from torch.fx import GraphModule, Interpreter, Node

from tui.compile import mutation, spread
from tui.compile.graph.origins import input_shapes
from tui.compile.inputs import Inputs
from tui.errors import one_line
from tui.model.tensors import NDArray

Order = tuple[int, ...]
"""Dimensions from the outermost to the innermost in memory."""


class Unavailable(Exception):
    """The reference model cannot be run; one line says why."""


class Undefined(Unavailable):
    """The lowered program has no defined result for its inputs; one line says so."""


class _Program(Interpreter):  # type: ignore[misc]
    """Interpret an edge program, with TOSA graphs in place of delegates."""

    def __init__(self, module: GraphModule, graphs: Mapping[bytes, bytes], reference_model: ModuleType) -> None:
        super().__init__(module)
        self._graphs = graphs
        self._reference_model = reference_model

    def run_node(self, n: Node) -> Any:
        """Compute a delegate by the reference model, any other node by PyTorch."""
        if n.target is not torch.ops.higher_order.executorch_call_delegate:
            return super().run_node(n)
        (delegate, *inputs), _ = self.fetch_args_kwargs_from_env(n)
        graph = self._graphs.get(bytes(delegate.processed_bytes))
        if graph is None:
            raise Unavailable("a delegate is not one of the compiled partitions")
        orders: list[Order] = [argument.meta["val"].dim_order() for argument in n.args[1:]]
        arrays = [
            np.ascontiguousarray(tensor.detach().numpy().transpose(order))
            for tensor, order in zip(inputs, orders, strict=True)
        ]
        results = self._run(graph, arrays)
        taken = [value.dim_order() for value in n.meta["val"]]
        return [torch.from_numpy(r.transpose(np.argsort(order))) for r, order in zip(results, taken, strict=True)]

    def _run(self, graph: bytes, arrays: list[NDArray]) -> list[NDArray]:
        """A TOSA graph's outputs. A delegate sees only memory, so all dimensions are in memory order."""
        # The reference model looks at sizes only: data in another layout would give another result, and no error.
        for at, (array, shape) in enumerate(zip(arrays, input_shapes(graph), strict=True)):
            if [n for n in array.shape if n > 1] != [n for n in shape if n > 1]:
                raise Unavailable(f"input {at} of a partition has the layout {array.shape}, its TOSA graph {shape}")
        results, status = self._reference_model.run(graph, arrays, verbosity="NONE")
        if status == self._reference_model.GraphStatus.TOSA_UNPREDICTABLE:
            raise Undefined("for these inputs the lowered program's result is undefined, says the TOSA reference model")
        if status != self._reference_model.GraphStatus.TOSA_VALID:
            raise Unavailable(f"the TOSA reference model says {status.name}")
        return list(results)


def outputs(edge: EdgeProgramManager, graphs: Mapping[bytes, bytes], samples: Sequence[Inputs]) -> list[list[NDArray]]:
    """The outputs of a lowered program for each of `samples`; `graphs` are the TOSA graphs by delegate.

    Raises:
        Undefined: the program's result for one of the inputs is not defined.
        Unavailable: the reference model is not installed, or cannot execute the program.
    """
    try:
        import tosa_reference_model
    except ImportError as error:
        raise Unavailable("the TOSA reference model (tosa-tools) is not installed") from error
    lowered = edge.exported_program()
    module = lowered.module(check_guards=False)
    program = _Program(module, graphs, tosa_reference_model)
    changes, returned = mutation.of_module(module), mutation.returned(lowered)

    def of_part(part: Sequence[Inputs]) -> list[list[NDArray]]:
        with mutation.undone(module, changes):
            results = mutation.run(program.run, part, (), returned=returned)
            return [[np.asarray(tensor.cpu().numpy()) for tensor in one] for one in results]

    try:
        parts = spread.over(samples, of_part, apart=not changes)
        return list(itertools.chain.from_iterable(parts))
    except Unavailable as error:
        # Torch's interpreter has added the node and a traceback to the text.
        raise type(error)(str(error).partition("\n")[0]) from error
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise Unavailable(f"the lowered program cannot be run: {one_line(error, 160)}") from error
