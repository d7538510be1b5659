"""The lowered program on Arm's TOSA reference model: the exact result that an NPU has to give.

Delegates are executed as the TOSA graphs they were compiled from, CPU operators by PyTorch. PyTorch's quantized model
computes in floating point and may be a few quantization steps away from it; the compiled program may not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.fx import Interpreter

from tui.compile.lowering import TOSA, Lowering
from tui.compile.models import Inputs
from tui.errors import one_line


class Unavailable(Exception):
    """The reference model cannot be run; one line says why."""


class _Program(Interpreter):  # type: ignore[misc]
    """Interprets an edge program, with TOSA graphs in the place of delegates."""

    def __init__(self, module: Any, graphs: dict[bytes, bytes]) -> None:
        super().__init__(module)
        self._graphs = graphs

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """A node: a delegate by the reference model, all else as it is."""
        if target is not torch.ops.higher_order.executorch_call_delegate:
            return super().call_function(target, args, kwargs)
        import tosa_reference_model

        delegate, *inputs = args
        graph = self._graphs.get(bytes(delegate.processed_bytes))
        if graph is None:
            raise Unavailable("a delegate is none of the partitions that were compiled")
        arrays = [tensor.detach().numpy() for tensor in inputs]
        results, status = tosa_reference_model.run(graph, arrays, verbosity="NONE")
        if status != tosa_reference_model.GraphStatus.TOSA_VALID:
            raise Unavailable(f"the TOSA reference model says {status.name}")
        return [torch.from_numpy(result) for result in results]


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
        bytes(partition.delegate): (folder / TOSA).read_bytes()
        for partition, folder in zip(lowering.partitions, folders, strict=True)
    }
    program = _Program(lowering.edge.exported_program().module(check_guards=False), graphs)
    try:
        with torch.no_grad():
            results = [torch.utils._pytree.tree_leaves(program.run(*sample)) for sample in samples]
    except Unavailable:
        raise
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise Unavailable(f"the lowered program cannot be run: {one_line(error, 160)}") from error
    return [[leaf for leaf in leaves if isinstance(leaf, torch.Tensor)] for leaves in results]
