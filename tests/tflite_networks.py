"""Small .tflite files of our own making, and the builder that writes them with LiteRT's schema.

``python -m tests.tflite_networks FOLDER`` writes them all.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Op, Type, Options = schema.BuiltinOperator, schema.TensorType, schema.BuiltinOptions

TYPES = {"int8": Type.INT8, "int16": Type.INT16, "int32": Type.INT32, "uint8": Type.UINT8, "float32": Type.FLOAT32}


class Network:
    """A network under construction: tensors go by number."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[Any] = []

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "int8",
        scale: Any = None,
        zero_point: int = 0,
        data: Any = None,
        axis: int = 0,
    ) -> int:
        """Add a tensor; with `data` a constant."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), TYPES[dtype]
        if scale is not None:
            tensor.quantization = _quantization(np.atleast_1d(np.asarray(scale, np.float32)), zero_point, axis)
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self._buffers.append(buffer)
            tensor.buffer = len(self._buffers) - 1
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def operator(
        self, code: int, inputs: Sequence[int], outputs: Sequence[int], kind: str = "", custom: str = "", **options: Any
    ) -> None:
        """Add an operator with the options of the schema's table `kind`."""
        found = schema.OperatorCodeT()
        found.builtinCode, found.deprecatedBuiltinCode, found.version = code, min(code, 127), 1
        found.customCode = custom or None
        self._codes.append(found)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self._codes) - 1, list(inputs), list(outputs)
        if kind:
            operator.builtinOptionsType = getattr(Options, kind)
            operator.builtinOptions = getattr(schema, f"{kind}T")()
            for name, value in options.items():
                setattr(operator.builtinOptions, name, value)
        self._operators.append(operator)

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = "main", self._tensors, self._operators
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, self._codes, [graph], self._buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    # -- operators

    def weights(
        self, name: str, shape: Sequence[int], channels: int, axis: int, source_scale: float
    ) -> tuple[int, int]:
        """Constant weights with a scale for each channel, and their bias."""
        scales = self.random.uniform(0.004, 0.02, channels).astype(np.float32)
        values = self.random.integers(-127, 128, shape)
        weights = self.tensor(f"{name}/weights", shape, scale=scales, data=values, axis=axis)
        bias = self.random.integers(-2000, 2000, channels)
        return weights, self.tensor(f"{name}/bias", (channels,), "int32", scales * np.float32(source_scale), 0, bias)

    def conv(
        self, name: str, x: int, channels: int, size: int = 3, stride: int = 1, scale: float = 0.1, activation: int = 1
    ) -> int:
        """A convolution with SAME padding."""
        _, rows, columns, depth = self.shape(x)
        weights, bias = self.weights(name, (channels, size, size, depth), channels, 0, self.scale(x))
        y = self.tensor(name, (1, -(-rows // stride), -(-columns // stride), channels), scale=scale, zero_point=-7)
        self.operator(
            Op.CONV_2D, (x, weights, bias), (y,), "Conv2DOptions",
            strideH=stride, strideW=stride, fusedActivationFunction=activation,
        )  # fmt: skip
        return y

    def depthwise(self, name: str, x: int, stride: int = 1, scale: float = 0.1) -> int:
        """A depthwise convolution with SAME padding."""
        _, rows, columns, depth = self.shape(x)
        weights, bias = self.weights(name, (1, 3, 3, depth), depth, 3, self.scale(x))
        y = self.tensor(name, (1, -(-rows // stride), -(-columns // stride), depth), scale=scale, zero_point=3)
        self.operator(
            Op.DEPTHWISE_CONV_2D, (x, weights, bias), (y,), "DepthwiseConv2DOptions",
            strideH=stride, strideW=stride, depthMultiplier=1, fusedActivationFunction=3,
        )  # fmt: skip
        return y

    def dense(self, name: str, x: int, outputs: int, scale: float = 0.3) -> int:
        """A fully connected layer."""
        depth = self.shape(x)[-1]
        weight_scale = 0.01
        values = self.random.integers(-127, 128, (outputs, depth))
        weights = self.tensor(f"{name}/weights", (outputs, depth), scale=weight_scale, data=values)
        bias = self.tensor(
            f"{name}/bias",
            (outputs,),
            "int32",
            weight_scale * self.scale(x),
            0,
            self.random.integers(-2000, 2000, outputs),
        )
        y = self.tensor(name, (1, outputs), scale=scale, zero_point=5)
        self.operator(Op.FULLY_CONNECTED, (x, weights, bias), (y,), "FullyConnectedOptions")
        return y

    def like(
        self, name: str, x: int, scale: float | None = None, zero_point: int = 0, shape: Sequence[int] = ()
    ) -> int:
        """A tensor as another, with a scale of its own."""
        return self.tensor(name, shape or self.shape(x), scale=scale or self.scale(x), zero_point=zero_point)

    def binary(self, code: int, kind: str, name: str, a: int, b: int, scale: float) -> int:
        """An elementwise operator of two tensors."""
        y = self.like(name, a, scale, 4)
        self.operator(code, (a, b), (y,), kind)
        return y

    def unary(
        self, code: int, name: str, x: int, scale: float, zero_point: int = 0, kind: str = "", **options: Any
    ) -> int:
        """An elementwise operator of one tensor."""
        y = self.like(name, x, scale, zero_point)
        self.operator(code, (x,), (y,), kind, **options)
        return y

    def flat(self, name: str, x: int) -> int:
        """A tensor reshaped to a row."""
        size = int(np.prod(self.shape(x)))
        shape = self.tensor(f"{name}/shape", (2,), "int32", data=np.array([1, size]))
        y = self.tensor(name, (1, size), scale=self.scale(x), zero_point=self.zero_point(x))
        self.operator(Op.RESHAPE, (x, shape), (y,), "ReshapeOptions", newShape=[1, size])
        return y

    def floats(self, name: str, x: int) -> int:
        """A tensor dequantized, which is for the CPU."""
        y = self.tensor(name, self.shape(x), "float32")
        self.operator(Op.DEQUANTIZE, (x,), (y,), "DequantizeOptions")
        return y

    # -- what is known of tensors

    def shape(self, x: int) -> tuple[int, ...]:
        return tuple(self._tensors[x].shape)

    def scale(self, x: int) -> float:
        return float(self._tensors[x].quantization.scale[0])

    def zero_point(self, x: int) -> int:
        return int(self._tensors[x].quantization.zeroPoint[0])


def _quantization(scales: np.ndarray[Any, Any], zero_point: int, axis: int) -> Any:
    found = schema.QuantizationParametersT()
    found.scale, found.quantizedDimension = scales, axis
    found.zeroPoint = np.full(len(scales), zero_point, np.int64)
    return found


def classifier() -> bytes:
    """All on the NPU but the end: convolution, depthwise, addition, fully connected; softmax in floats."""
    net = Network()
    x = net.tensor("image", (1, 16, 16, 3), scale=0.02, zero_point=-3)
    first = net.conv("stem", x, 8, stride=2)
    second = net.depthwise("spread", first)
    third = net.conv("mix", second, 8, size=1, scale=0.2, activation=0)
    joined = net.binary(Op.ADD, "AddOptions", "join", first, third, 0.23)
    logits = net.dense("classify", net.flat("row", joined), 10, scale=0.02)
    y = net.tensor("probabilities", (1, 10), "float32")
    net.operator(Op.SOFTMAX, (net.floats("logits", logits),), (y,), "SoftmaxOptions", beta=1.0)
    return net.build([x], [y])


def split() -> bytes:
    """Two parts on the NPU, with float operators of the CPU between them, and one tensor that both parts use."""
    net = Network(1)
    x = net.tensor("x", (1, 8, 8, 8), scale=0.02, zero_point=-3)
    first = net.depthwise("first", x)
    gate = net.tensor("gate", net.shape(first), "float32")
    net.operator(Op.LOGISTIC, (net.floats("float", first),), (gate,))
    back = net.like("back", first, 1 / 256, -128)
    net.operator(Op.QUANTIZE, (gate,), (back,), "QuantizeOptions")
    second = net.depthwise("second", back, scale=0.05)
    return net.build([x], [net.binary(Op.ADD, "AddOptions", "sum", second, first, 0.2)])


def unknown() -> bytes:
    """A convolution, and a custom operator that only its maker knows."""
    net = Network(2)
    x = net.tensor("x", (1, 8, 8, 4), scale=0.02)
    first = net.conv("conv", x, 4)
    y = net.like("y", first)
    net.operator(Op.CUSTOM, (first,), (y,), custom="SecretSauce")
    return net.build([x], [y])


def floats() -> bytes:
    """Nothing for the NPU: a fully connected layer in floats."""
    net = Network(3)
    x = net.tensor("x", (1, 16), "float32")
    weights = net.tensor("weights", (4, 16), "float32", data=net.random.normal(size=(4, 16)))
    bias = net.tensor("bias", (4,), "float32", data=net.random.normal(size=4))
    y = net.tensor("y", (1, 4), "float32")
    net.operator(Op.FULLY_CONNECTED, (x, weights, bias), (y,), "FullyConnectedOptions", fusedActivationFunction=1)
    return net.build([x], [y])


NETWORKS: dict[str, Callable[[], bytes]] = {
    "classifier": classifier,
    "split": split,
    "unknown": unknown,
    "floats": floats,
}


def write(folder: Path) -> dict[str, Path]:
    """Write all networks into a folder."""
    paths = {name: folder / f"{name}.tflite" for name in NETWORKS}
    for name, path in paths.items():
        path.write_bytes(NETWORKS[name]())
    return paths


if __name__ == "__main__":
    write(Path(sys.argv[1]))
