"""The execution plan of a program, instruction by instruction, as ExecuTorch's runtime executes it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tui.model import pte
from tui.model.pte import BoxedIntList, Plan, Program, TensorList
from tui.model.tflite.compiled import NAMESPACE
from tui.simulator import cpu_kernels, tflite_kernels
from tui.simulator.cpu_kernels import Kernel, KernelError
from tui.simulator.delegate import DelegateError, EthosU
from tui.simulator.ethosu.memory import Bytes, NDArray
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.swd import Decoder
from tui.toolchain import boards

INSTRUCTION_LIMIT = 10_000_000
"""Instructions of one execution: a loop that does not end is an error, not a hang."""


WRONG_ARGUMENTS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""Errors of a kernel on arguments it is not for: a program may call anything with anything."""


class LoadError(Exception):
    """A method that cannot be loaded; one line."""


class ExecutionError(Exception):
    """A method that failed while it ran; one line."""


def _int64(value: Any) -> Any:
    """A result of the plan's own arithmetic: an integer has 64 bits there."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise OverflowError(f"{value:.3e} does not fit 64 bits")
    return value


class Tensor:
    """A tensor while the program runs: its bytes in memory order, and the same as an array in logical order."""

    def __init__(self, meta: pte.Tensor, memory: Bytes) -> None:
        """`memory` is the tensor's own bytes, which it may share with others."""
        self.meta = meta
        self.bytes: Bytes = memory
        stored = tuple(meta.shape[d] for d in meta.dim_order)
        # Planned memory need not be aligned for numpy to view it as the tensor's type.
        array: NDArray = np.ndarray(stored, meta.dtype, memory.data)
        self.array: NDArray = array.transpose(np.argsort(meta.dim_order).tolist())


class Method:
    """A loaded method. Its tensors keep their memory from one execution to the next."""

    def __init__(
        self,
        program: Program,
        observe: Callable[[EthosU, Command], None] | None = None,
        memory_bytes: int = boards.DEFAULT.memory.ddr_bytes,
    ) -> None:
        """Load the method that is run. `observe` is told the delegate and each NPU operation it has executed.

        `memory_bytes` is the board's DDR: a plan that needs more could not be loaded there either.

        Raises:
            LoadError: an operator, a backend or memory that there is not.
        """
        self.plan: Plan = program.main
        self._observe = observe
        self.values: list[Any] = self._allocate(memory_bytes)
        if any(tensor is not None and tensor.meta.data is not None for tensor in self.inputs):
            raise LoadError("an input is a constant of the program")
        self._kernels = [self._resolve(name) for name in self.plan.operators]
        decoder = Decoder()
        try:
            self.delegates = [EthosU(delegate, program.named_data, decoder) for delegate in self.plan.delegates]
        except DelegateError as error:
            raise LoadError(str(error)) from error

    def _allocate(self, available: int) -> list[Any]:
        """The plan's values, with tensors in the memory that was planned for them."""
        tensors = [v for v in self.plan.values if isinstance(v, pte.Tensor)]
        sizes = self.plan.buffer_sizes
        needed = sum(sizes) + sum(v.nbytes for v in tensors if v.data is None and v.place is None)
        if any(size < 0 for size in sizes) or needed > available:
            raise LoadError(f"Memory allocation failed: {needed}B requested, {available}B available")
        buffers = self._buffers = [np.zeros(size, np.uint8) for size in sizes]

        def memory(tensor: pte.Tensor) -> Bytes:
            if tensor.data is not None:
                return np.frombuffer(tensor.data, np.uint8)
            if tensor.place is None:
                return np.zeros(tensor.nbytes, np.uint8)
            place = planned(tensor)
            if tensor.initial is not None:
                place[:] = np.frombuffer(tensor.initial, np.uint8)
            return place

        def planned(tensor: pte.Tensor) -> Bytes:
            assert tensor.place is not None
            number, offset = tensor.place
            end = offset + tensor.nbytes
            if number >= len(buffers) or end > len(buffers[number]):
                raise LoadError(f"a tensor of {tensor.nbytes} bytes lies outside planned buffer {number}")
            return buffers[number][offset:end]

        return [Tensor(v, memory(v)) if isinstance(v, pte.Tensor) else v for v in self.plan.values]

    @staticmethod
    def _resolve(name: str) -> Kernel | None:
        if cpu_kernels.primitive(name) or name == cpu_kernels.VIEW:
            return None
        if name.startswith(f"{NAMESPACE}::"):
            kernel, lacking = tflite_kernels.find(name), f"the simulator has no kernel for {name}"
        else:
            kernel, lacking = cpu_kernels.find(name), ""
        if kernel is None:
            raise LoadError(lacking or cpu_kernels.lacking(name))
        return kernel

    @property
    def inputs(self) -> list[Tensor | None]:
        """The tensors among the inputs, in order; None for an input that is no tensor."""
        return [v if isinstance(v := self.values[i], Tensor) else None for i in self.plan.inputs]

    @property
    def outputs(self) -> list[Tensor]:
        """The tensors among the outputs, in order."""
        return [v for i in self.plan.outputs if isinstance(v := self.values[i], Tensor)]

    def execute(self) -> None:
        """Run the plan once on what the inputs hold.

        Raises:
            ExecutionError: an instruction failed.
        """
        at = 0
        for _ in range(INSTRUCTION_LIMIT):
            if at >= len(self.plan.instructions):
                return
            match self.plan.instructions[at]:
                case pte.KernelCall(op, args):
                    self._call(op, args)
                case pte.DelegateCall(delegate, args):
                    self._delegate(delegate, args)
                case pte.Move(source, target):
                    self.values[target] = self.values[source]
                case pte.JumpIfFalse(condition, target):
                    if not self._true(condition):
                        at = target
                        continue
            at += 1
        raise ExecutionError(f"more than {INSTRUCTION_LIMIT:,} instructions: the plan does not end")

    def _true(self, index: int) -> bool:
        value = self.values[index]
        return bool(value.array.any()) if isinstance(value, Tensor) else bool(value)

    def _argument(self, index: int) -> Any:
        """A value as kernels take it: an array, a number, or a tuple of either."""
        value = self.values[index]
        if isinstance(value, Tensor):
            return value.array
        if isinstance(value, TensorList):
            return tuple(None if item < 0 else self._argument(item) for item in value.items)
        if isinstance(value, BoxedIntList):
            return tuple(self.values[item] for item in value.items)
        return value

    def _call(self, op: int, args: Sequence[int]) -> None:
        name, kernel = self.plan.operators[op], self._kernels[op]
        arguments = [self._argument(index) for index in args]
        try:
            if kernel is not None and kernel.same_layout:
                self._check_layouts(name, args)
            if kernel is not None:
                self._compute(name, kernel, arguments)
            elif name == cpu_kernels.VIEW:
                cpu_kernels.store(arguments[0], arguments[2], name)
            elif (combine := cpu_kernels.primitive(name)) is not None:
                self.values[args[-1]] = _int64(combine(arguments[0], arguments[1]))
        except KernelError as error:
            raise ExecutionError(str(error)) from error
        except WRONG_ARGUMENTS as error:
            raise ExecutionError(f"{name}: {error}".splitlines()[0]) from error

    def _check_layouts(self, name: str, args: Sequence[int]) -> None:
        orders = {v.meta.dim_order for i in args if isinstance(v := self.values[i], Tensor) and v.array.ndim}
        if len(orders) > 1:
            raise KernelError(f"{name}: its tensors lie in memory in different orders of dimensions")

    @staticmethod
    def _compute(name: str, kernel: Kernel, arguments: Sequence[Any]) -> None:
        targets = arguments[kernel.arity : kernel.arity + kernel.outputs]
        if kernel.listed and targets and isinstance(targets[0], tuple):
            targets = targets[0]
        if len(targets) < kernel.outputs or not all(isinstance(t, np.ndarray) for t in targets):
            raise KernelError(f"{name}: the call has {len(arguments)} arguments, more are expected")
        if kernel.size is not None and kernel.size(*arguments[: kernel.arity]) != targets[0].size:
            raise KernelError(f"{name}: the result is not of its output's size")
        extra = {"targets": targets} if kernel.needs_targets else {}
        results = kernel.compute(*arguments[: kernel.arity], **extra)
        several = kernel.listed or kernel.outputs > 1
        for result, target in zip(results if several else (results,), targets, strict=True):
            cpu_kernels.store(result, target, name)

    def _delegate(self, number: int, args: Sequence[int]) -> None:
        delegate = self.delegates[number]
        tensors = [v for i in args if isinstance(v := self.values[i], Tensor)]
        count = len(delegate.inputs)
        if any(t.meta.data is not None for t in tensors[count:]):
            raise ExecutionError("an output of a delegate is a constant of the program")
        observe = self._observe
        try:
            delegate.execute(
                [t.bytes for t in tensors[:count]],
                [t.bytes for t in tensors[count:]],
                None if observe is None else lambda command: observe(delegate, command),
                None if self.plan.arena is None else self._buffers[self.plan.arena],
            )
        except DelegateError as error:
            raise ExecutionError(str(error)) from error
