"""An execution plan: values, instructions, delegates. It is ExecuTorch's (executorch/schema/program.fbs)."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Tensor:
    """A tensor of the plan. `data` is its constant content in memory order, or None for one that is computed."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    dim_order: tuple[int, ...]
    data: memoryview | None = None
    initial: memoryview | None = None
    """Initial content of planned memory, in memory order; None where that has no meaning."""
    place: tuple[int, int] | None = None
    """(memory id, byte offset) in planned memory. Tensors may share a place: a view is another tensor at the same."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True)
class TensorList:
    """A list of tensors: indices of values, -1 for none."""

    items: tuple[int, ...]


@dataclass(frozen=True)
class BoxedIntList:
    """A list of integers: indices of the values that hold them."""

    items: tuple[int, ...]


@dataclass(frozen=True)
class KernelCall:
    """Call operator `op` with the values `args`: the schema's arguments, the out tensors, the returned values."""

    op: int
    args: tuple[int, ...]


@dataclass(frozen=True)
class DelegateCall:
    """Call delegate `delegate` with the values `args`: its inputs, then its outputs."""

    delegate: int
    args: tuple[int, ...]


@dataclass(frozen=True)
class Move:
    """Assign value `source` to value `target`."""

    source: int
    target: int


@dataclass(frozen=True)
class JumpIfFalse:
    """Continue at instruction `target` if value `condition` is false."""

    condition: int
    target: int


@dataclass(frozen=True)
class Free:
    """Free value `value`."""

    value: int


Instruction = KernelCall | DelegateCall | Move | JumpIfFalse | Free


@dataclass(frozen=True)
class Delegate:
    """A part of the program that a backend executes: its blob, and the specs it was compiled with."""

    backend: str
    data: memoryview
    compile_specs: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Plan:
    """One method of a program."""

    name: str
    values: tuple[Any, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    instructions: tuple[Instruction, ...]
    operators: tuple[str, ...]
    """``aten::add.out``: names with their overload."""
    delegates: tuple[Delegate, ...]
    buffer_sizes: tuple[int, ...]
    """Planned memory in bytes, by memory id; the first is unused."""
    arena: int | None = None
    """Memory id of the planned memory that delegates work in; None where each is given memory of its own."""

    @property
    def state(self) -> tuple[int, ...]:
        """The values that the plan keeps from one execution to the next: it changes them, but does not compute them."""
        computed: set[int] = set()
        kept: list[int] = []
        for instruction in self.instructions:
            if isinstance(instruction, DelegateCall):
                computed.update(instruction.args)
            if not isinstance(instruction, KernelCall) or not instruction.args:
                continue
            name, changed = self.operators[instruction.op], instruction.args[0]
            # ExecuTorch uses `copy_` only to write back values that are kept.
            if name == "aten::copy_" or (name.endswith("_") and changed not in computed):
                kept.append(changed)
            computed.add(instruction.args[-1])
        return tuple(at for at in dict.fromkeys(kept) if at not in self.inputs)

    @property
    def calls(self) -> tuple[int, ...]:
        """Numbers of the delegates in the order of their calls; empty if the data decides which are called."""
        if any(isinstance(instruction, JumpIfFalse) for instruction in self.instructions):
            return ()
        return tuple(i.delegate for i in self.instructions if isinstance(i, DelegateCall))


@dataclass(frozen=True)
class Program:
    """A parsed program."""

    plans: tuple[Plan, ...]
    named_data: dict[str, memoryview]
    nbytes: int

    @property
    def main(self) -> Plan:
        """The method to run: the first, as in ExecuTorch's runner."""
        return self.plans[0]
