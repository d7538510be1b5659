"""One operator of TensorFlow Lite each, as networks of our own making: what Vela takes for an NPU."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.tflite_networks import Network, Op, Type

Make = Callable[..., int | list[int]]

SHAPE = (1, 8, 8, 8)


def _network(make: Make, count: int = 1, scales: Sequence[float] = (0.021, 0.05)) -> bytes:
    net = Network()
    places = zip(range(count), scales, (-3, 7), strict=False)
    inputs = [net.tensor(f"x{at}", SHAPE, scale=scale, zero_point=zero) for at, scale, zero in places]
    made = make(net, *inputs)
    return net.build(inputs, made if isinstance(made, list) else [made])


def _unary(code: int, scale: float, zero_point: int, kind: str = "", **options: Any) -> Make:
    return lambda net, x: net.unary(code, "y", x, scale, zero_point, kind, **options)


def _binary(code: int, kind: str, scale: float) -> Make:
    return lambda net, a, b: net.binary(code, kind, "y", a, b, scale)


def _pool(code: int) -> Make:
    def make(net: Network, x: int) -> int:
        y = net.like("y", x, zero_point=-3, shape=(1, 4, 4, 8))
        net.operator(code, (x,), (y,), "Pool2DOptions", strideH=2, strideW=2, filterHeight=3, filterWidth=3)
        return y

    return make


def _bilinear(net: Network, x: int) -> int:
    size = net.tensor("size", (2,), "int32", data=np.array([16, 16]))
    y = net.like("y", x, zero_point=-3, shape=(1, 16, 16, 8))
    net.operator(Op.RESIZE_BILINEAR, (x, size), (y,), "ResizeBilinearOptions", halfPixelCenters=True)
    return y


def _mean(net: Network, x: int) -> int:
    axes = net.tensor("axes", (2,), "int32", data=np.array([1, 2]))
    y = net.like("y", x, 0.01, 2, shape=(1, 1, 1, 8))
    net.operator(Op.MEAN, (x, axes), (y,), "ReducerOptions", keepDims=True)
    return y


def _softmax(net: Network, x: int) -> int:
    y = net.like("y", x, 1 / 256, -128)
    net.operator(Op.SOFTMAX, (x,), (y,), "SoftmaxOptions", beta=1.0)
    return y


def _transposed(net: Network, x: int) -> int:
    weights, bias = net.weights("w", (4, 3, 3, 8), 4, 0, net.scale(x))
    shape = net.tensor("shape", (4,), "int32", data=np.array([1, 16, 16, 4]))
    y = net.tensor("y", (1, 16, 16, 4), scale=0.2, zero_point=1)
    net.operator(Op.TRANSPOSE_CONV, (shape, weights, x, bias), (y,), "TransposeConvOptions", strideH=2, strideW=2)
    return y


def _split(net: Network, x: int) -> list[int]:
    axis = net.tensor("axis", (), "int32", data=np.array(3))
    parts = [net.like(f"y{at}", x, zero_point=-3, shape=(1, 8, 8, 4)) for at in range(2)]
    net.operator(Op.SPLIT, (axis, x), parts, "SplitOptions", numSplits=2)
    return parts


def _arg_max(net: Network, x: int) -> int:
    axis = net.tensor("axis", (1,), "int32", data=np.array([3]))
    y = net.tensor("y", (1, 8, 8), "int32")
    net.operator(Op.ARG_MAX, (x, axis), (y,), "ArgMaxOptions", outputType=Type.INT32)
    return y


def _sixteen_bits(code: int, kind: str, count: int, scale: float, **options: Any) -> bytes:
    net = Network()
    inputs = [net.tensor(f"x{at}", SHAPE, "int16", (0.0004, 0.0003)[at]) for at in range(count)]
    y = net.tensor("y", SHAPE, "int16", scale)
    net.operator(code, inputs, (y,), kind, **options)
    return net.build(inputs, [y])


OPERATORS: dict[str, Callable[[], bytes]] = {
    "conv": lambda: _network(lambda net, x: net.conv("y", x, 16, size=5, stride=2)),
    "depthwise": lambda: _network(lambda net, x: net.depthwise("y", x, 2)),
    "dense": lambda: _network(lambda net, x: net.dense("y", net.flat("row", x), 16)),
    "transposed": lambda: _network(_transposed),
    "max_pool": lambda: _network(_pool(Op.MAX_POOL_2D)),
    "average_pool": lambda: _network(_pool(Op.AVERAGE_POOL_2D)),
    "bilinear": lambda: _network(_bilinear),
    "mean": lambda: _network(_mean),
    "softmax": lambda: _network(_softmax, scales=(0.12,)),
    "split": lambda: _network(_split),
    "arg_max": lambda: _network(_arg_max),
    "logistic": lambda: _network(_unary(Op.LOGISTIC, 1 / 256, -128)),
    "leaky_relu": lambda: _network(_unary(Op.LEAKY_RELU, 0.02, 1, "LeakyReluOptions", alpha=0.1)),
    "hard_swish": lambda: _network(_unary(Op.HARD_SWISH, 0.015, -90)),
    "requantize": lambda: _network(_unary(Op.QUANTIZE, 0.033, 5)),
    "add": lambda: _network(_binary(Op.ADD, "AddOptions", 0.06), 2),
    "add_of_like": lambda: _network(_binary(Op.ADD, "AddOptions", 0.073), 2, (0.028, 0.028)),
    "sub": lambda: _network(_binary(Op.SUB, "SubOptions", 0.06), 2),
    "mul": lambda: _network(_binary(Op.MUL, "MulOptions", 0.13), 2),
    "add_of_16_bits": lambda: _sixteen_bits(Op.ADD, "AddOptions", 2, 0.0007),
    "mul_of_16_bits": lambda: _sixteen_bits(Op.MUL, "MulOptions", 2, 0.0005),
    "softmax_of_16_bits": lambda: _sixteen_bits(Op.SOFTMAX, "SoftmaxOptions", 1, 1 / 32768, beta=1.0),
    "squared_difference": lambda: _network(_binary(Op.SQUARED_DIFFERENCE, "SquaredDifferenceOptions", 0.3), 2),
}
