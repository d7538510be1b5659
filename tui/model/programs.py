"""Programs of any format: ExecuTorch's .pte, and networks that Vela compiled to .tflite."""

from tui.model import pte
from tui.model.pte import Program, PteError, Signature
from tui.model.tensors import TensorInfo
from tui.model.tflite import compiled, reader
from tui.toolchain.target import Target

__all__ = ["Program", "PteError", "is_program", "is_tflite", "parse", "signature"]

is_tflite = reader.is_tflite


def is_program(data: bytes) -> bool:
    """True if `data` begins as a program does."""
    return is_tflite(data) or pte.identifier(data) in pte.IDENTIFIERS


def parse(data: bytes, target: Target | None = None) -> Program:
    """Read the program in `data`. `target` is what it was compiled for, which a .tflite does not say.

    Raises:
        PteError: it is none, is cut short or damaged.
    """
    return compiled.program(data, target) if is_tflite(data) else pte.parse(data)


def signature(data: bytes) -> Signature:
    """The tensors that a program takes and returns.

    Raises:
        PteError: as `parse`.
    """
    plan = parse(data).main

    def infos(numbers: tuple[int, ...]) -> tuple[TensorInfo, ...]:
        found = (plan.values[at] for at in numbers)
        return tuple(
            TensorInfo(dtype=t.dtype.name, shape=t.shape, dim_order=t.dim_order)
            for t in found
            if isinstance(t, pte.Tensor)
        )

    return Signature(infos(plan.inputs), infos(plan.outputs))
