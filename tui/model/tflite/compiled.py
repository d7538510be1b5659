"""A network that Vela compiled, as a program: a plan whose operators are TensorFlow Lite's, in one planned arena.

Vela leaves each part for the NPU as a custom operator. Its inputs are command stream, constants, scratch and fast
scratch, and then the tensors it reads; those, and the ones it writes, lie in the arena where Vela has planned them, and
the command stream finds them there. So the NPU works in the arena itself, as under TensorFlow Lite for
Microcontrollers.
"""

from tui.model import vela_blob
from tui.model.pte.plan import Delegate, DelegateCall, Instruction, KernelCall, Plan, Program, TensorList
from tui.model.pte.plan import Tensor as PlanTensor
from tui.model.tflite import reader
from tui.model.tflite.graph import ETHOS_U, Call, Network, Operator
from tui.model.tflite.reader import TfliteError
from tui.model.vela_blob import Place
from tui.toolchain.target import Target

NAMESPACE = "tflite"
"""Before the name of an operator on the CPU: ``tflite::SOFTMAX``."""

ARENA = 1
"""Memory id of the arena."""
SCRATCH_REGION = 1
COMMANDS, CONSTANTS, SCRATCH, FAST_SCRATCH = range(4)
"""The first inputs of the custom operator."""
OWN_INPUTS = 4


def program(data: bytes, target: Target | None = None) -> Program:
    """The program in a .tflite. `target` is what Vela compiled it for, which the file does not say.

    Raises:
        TfliteError: it is none, or is damaged.
    """
    network = reader.read(data)
    return Program((_Planner(network, target).plan(),), {}, len(data))


def command_streams(data: bytes) -> list[bytes]:
    """The command stream of each part for the NPU, in order.

    Raises:
        TfliteError: it is no network, or is damaged.
    """
    network = reader.read(data)
    firsts = [operator.inputs[COMMANDS] for operator in network.operators if operator.name == ETHOS_U]
    return [bytes(content) for at in firsts if (content := network.tensors[at].data) is not None]


class _Planner:
    """The plan of one network: first its tensors, as values of the same numbers, then what is added to them."""

    def __init__(self, network: Network, target: Target | None) -> None:
        self._network = network
        self._offsets = network.offsets or (-1,) * len(network.tensors)
        self._values: list[object] = [self._value(at) for at in range(len(network.tensors))]
        self._operators: dict[str, int] = {}
        self._delegates: list[Delegate] = []
        self._specs = () if target is None else (("compile_flags", _flags(target)),)

    def plan(self) -> Plan:
        network = self._network
        instructions = tuple(self._instruction(operator) for operator in network.operators)
        return Plan(
            name="main",
            values=tuple(self._values),
            inputs=network.inputs,
            outputs=network.outputs,
            instructions=instructions,
            operators=tuple(self._operators),
            delegates=tuple(self._delegates),
            buffer_sizes=(0, self._arena_bytes()),
            arena=ARENA,
        )

    def _arena_bytes(self) -> int:
        placed = zip(self._offsets, self._network.tensors, strict=True)
        return max((offset + tensor.nbytes for offset, tensor in placed if offset >= 0), default=0)

    def _value(self, at: int) -> PlanTensor:
        tensor, offset = self._network.tensors[at], self._offsets[at]
        return PlanTensor(
            dtype=tensor.dtype,
            shape=tensor.shape,
            dim_order=tuple(range(len(tensor.shape))),
            data=tensor.data,
            place=(ARENA, offset) if offset >= 0 and tensor.data is None else None,
        )

    def _add(self, value: object) -> int:
        self._values.append(value)
        return len(self._values) - 1

    def _instruction(self, operator: Operator) -> Instruction:
        if operator.name == ETHOS_U:
            return self._call_of_npu(operator)
        number = self._operators.setdefault(f"{NAMESPACE}::{operator.name}", len(self._operators))
        inputs, outputs = TensorList(operator.inputs), TensorList(operator.outputs)
        tensors = self._network.tensors
        call = Call(
            options=operator.options,
            inputs=tuple(None if at < 0 else tensors[at] for at in operator.inputs),
            outputs=tuple(tensors[at] for at in operator.outputs),
        )
        return KernelCall(number, (self._add(inputs), self._add(call), self._add(outputs)))

    def _call_of_npu(self, operator: Operator) -> DelegateCall:
        tensors = self._network.tensors
        if len(operator.inputs) < OWN_INPUTS or any(at < 0 for at in operator.inputs):
            raise TfliteError(f"the operator {ETHOS_U} has {len(operator.inputs)} inputs, at least {OWN_INPUTS} belong")
        scratch = operator.inputs[SCRATCH]
        commands, constants = (tensors[operator.inputs[at]].data for at in (COMMANDS, CONSTANTS))
        if commands is None:
            raise TfliteError(f"the operator {ETHOS_U} has no command stream")
        taken, given = operator.inputs[OWN_INPUTS:], operator.outputs
        blob = vela_blob.pack(
            commands,
            constants if constants is not None else b"",
            tensors[scratch].nbytes,
            [self._place(at, scratch) for at in taken],
            [self._place(at, scratch) for at in given],
        )
        self._delegates.append(Delegate(vela_blob.BACKEND, memoryview(blob), self._specs))
        return DelegateCall(len(self._delegates) - 1, (*taken, *given))

    def _place(self, at: int, scratch: int) -> Place:
        tensor, offset = self._network.tensors[at], self._offsets[at]
        if offset < 0 or self._offsets[scratch] < 0:
            kind = "state from one inference to the next" if tensor.variable else "a tensor without a planned place"
            raise TfliteError(f"the NPU reads or writes {tensor.name!r}, {kind}: that is not simulated")
        size = tensor.nbytes // tensor.dtype.itemsize
        return Place(size, tensor.dtype.itemsize, offset - self._offsets[scratch], SCRATCH_REGION)


def _flags(target: Target) -> bytes:
    words = [
        f"--accelerator-config={target.accelerator}",
        f"--system-config={target.system_config}",
        f"--memory-mode={target.memory_mode}",
    ]
    return " ".join(words).encode()
