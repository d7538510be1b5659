"""The NPUs compute a .tflite's operators bit for bit as LiteRT's reference kernels do, and the CPU's as they do."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tests.simulator.tflite_operators import OPERATORS
from tests.tflite_networks import Network, Op, split, unknown
from tui.compile import network
from tui.model import programs
from tui.model.pte import DelegateCall, KernelCall
from tui.model.tflite import compiled, reader
from tui.run import store
from tui.simulator.interpreter import ExecutionError, LoadError, Method
from tui.toolchain.target import Target, on_board_of

NPUS = ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256")
INFERENCES = 4


def by_vela(data: bytes, target: Target, folder: Path) -> bytes:
    source = folder / f"{network.NAME}.tflite"
    source.write_bytes(data)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        network._run_vela(source, target, folder)
    return (folder / store.COMPILED).read_bytes()


def inferences(data: bytes) -> Iterator[tuple[list[Any], list[Any]]]:
    """Inputs drawn at random, and LiteRT's outputs for them."""
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    random = np.random.default_rng(7)
    for _ in range(INFERENCES):
        inputs = [drawn(random, place["shape"], place["dtype"]) for place in interpreter.get_input_details()]
        for place, value in zip(interpreter.get_input_details(), inputs, strict=True):
            interpreter.set_tensor(place["index"], value)
        interpreter.invoke()
        yield inputs, [interpreter.get_tensor(place["index"]).copy() for place in interpreter.get_output_details()]


def drawn(random: np.random.Generator, shape: Any, dtype: Any) -> Any:
    if np.dtype(dtype).kind == "f":
        return random.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, int(limits.max) + 1, shape).astype(dtype)


def simulated(method: Method, inputs: list[Any]) -> list[Any]:
    for tensor, value in zip(method.inputs, inputs, strict=True):
        assert tensor is not None
        tensor.array[...] = value
    method.execute()
    return [tensor.array.copy() for tensor in method.outputs]


@pytest.mark.parametrize("npu", NPUS)
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_on_the_npu_is_exactly_litert_s(name: str, npu: str, tmp_path: Path) -> None:
    data, target = OPERATORS[name](), on_board_of(npu)
    method = Method(programs.parse(by_vela(data, target, tmp_path), target))
    assert len(method.delegates) == 1 and not method.plan.operators, "Vela left it to the CPU"
    different = 0
    for inputs, expected in inferences(data):
        got = simulated(method, inputs)
        for one, other in zip(expected, got, strict=True):
            assert np.array_equal(one, other.reshape(one.shape))
            different += int(one.max() > one.min())
    assert different, "all outputs are constant: nothing was compared"


@pytest.mark.parametrize("npu", NPUS)
def test_parts_on_npu_and_cpu_share_one_arena(npu: str, tmp_path: Path) -> None:
    data, target = split(), on_board_of(npu)
    program = programs.parse(by_vela(data, target, tmp_path), target)
    kinds = [type(step) for step in program.main.instructions]
    assert kinds == [DelegateCall, KernelCall, KernelCall, KernelCall, DelegateCall]
    method = Method(program)
    assert program.main.buffer_sizes[1] > 0
    for inputs, expected in inferences(data):
        assert np.array_equal(simulated(method, inputs)[0], expected[0])


def test_a_stream_that_is_not_the_network_s_is_told_from_it(tmp_path: Path) -> None:
    # The comparison above must be able to fail: one bit of the first channel's bias, and it does.
    data, target = OPERATORS["conv"](), on_board_of("ethos-u85-256")
    sound = by_vela(data, target, tmp_path)
    weights = next(t.data for t in reader.read(sound).tensors if t.name == "read_only" and t.data is not None)
    at, damaged = sound.index(bytes(weights)), bytearray(sound)
    damaged[at + 1] ^= 0x40
    method = Method(programs.parse(bytes(damaged), target))
    assert any(not np.array_equal(simulated(method, given)[0], expected[0]) for given, expected in inferences(data))


def test_what_the_simulator_does_not_know_it_names(tmp_path: Path) -> None:
    target = on_board_of("ethos-u85-256")
    with pytest.raises(LoadError, match=r"^the simulator has no kernel for tflite::SecretSauce$"):
        Method(programs.parse(by_vela(unknown(), target, tmp_path), target))


# -- operators of the CPU


def _alone(code: int, kind: str = "", shape: tuple[int, ...] = (2, 6), count: int = 1, **options: Any) -> bytes:
    net = Network()
    inputs = [net.tensor(f"x{at}", shape, "float32") for at in range(count)]
    y = net.tensor("y", shape, "float32")
    net.operator(code, inputs, (y,), kind, **options)
    return net.build(inputs, [y])


def _with_constant(code: int, values: Any, result: tuple[int, ...], kind: str = "", **options: Any) -> bytes:
    net = Network()
    x = net.tensor("x", (2, 3, 4), "float32")
    values = np.asarray(values)
    given = net.tensor("given", values.shape, "int32", data=values)
    y = net.tensor("y", result, "float32")
    net.operator(code, (x, given), (y,), kind, **options)
    return net.build([x], [y])


def _strided() -> bytes:
    net = Network()
    x = net.tensor("x", (4, 6), "float32")
    lists = ([0, 1], [4, 6], [1, 2])
    given = [net.tensor(f"g{at}", (2,), "int32", data=np.array(one)) for at, one in enumerate(lists)]
    y = net.tensor("y", (4, 3), "float32")
    net.operator(Op.STRIDED_SLICE, (x, *given), (y,), "StridedSliceOptions")
    return net.build([x], [y])


CPU = {
    "add": _alone(Op.ADD, "AddOptions", count=2, fusedActivationFunction=1),
    "sub": _alone(Op.SUB, "SubOptions", count=2),
    "mul": _alone(Op.MUL, "MulOptions", count=2, fusedActivationFunction=3),
    "div": _alone(Op.DIV, "DivOptions", count=2),
    "maximum": _alone(Op.MAXIMUM, "MaximumMinimumOptions", count=2),
    "logistic": _alone(Op.LOGISTIC),
    "tanh": _alone(Op.TANH),
    "relu6": _alone(Op.RELU6),
    "hard_swish": _alone(Op.HARD_SWISH, "HardSwishOptions"),
    "leaky_relu": _alone(Op.LEAKY_RELU, "LeakyReluOptions", alpha=0.3),
    "softmax": _alone(Op.SOFTMAX, "SoftmaxOptions", beta=2.0),
    "log_softmax": _alone(Op.LOG_SOFTMAX, "LogSoftmaxOptions"),
    "exp": _alone(Op.EXP, "ExpOptions"),
    "mean": _with_constant(Op.MEAN, [1], (2, 4), "ReducerOptions"),
    "sum": _with_constant(Op.SUM, [0, 2], (3,), "ReducerOptions"),
    "reduce_max": _with_constant(Op.REDUCE_MAX, [2], (2, 3, 1), "ReducerOptions", keepDims=True),
    "transpose": _with_constant(Op.TRANSPOSE, [2, 0, 1], (4, 2, 3), "TransposeOptions"),
    "pad": _with_constant(Op.PAD, [[0, 0], [1, 2], [0, 1]], (2, 6, 5), "PadOptions"),
    "gather": _with_constant(Op.GATHER, [2, 0], (2, 2, 4), "GatherOptions", axis=1),
    "strided_slice": _strided(),
}


@pytest.mark.parametrize("name", CPU)
def test_an_operator_of_the_cpu_is_litert_s(name: str) -> None:
    method = Method(compiled.program(CPU[name]))
    for inputs, expected in inferences(CPU[name]):
        assert np.allclose(simulated(method, inputs)[0], expected[0], rtol=1e-5, atol=1e-6)


def test_integers_are_refused_by_kernels_that_would_round_otherwise() -> None:
    data = OPERATORS["mul"]()
    method = Method(compiled.program(data))
    inputs, _ = next(iter(inferences(data)))
    with pytest.raises(ExecutionError, match="cannot compute tflite::MUL: it is known on floats only, not on int8"):
        simulated(method, inputs)
