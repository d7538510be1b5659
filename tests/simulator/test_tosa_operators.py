"""TOSA operators one by one, compiled by Vela: the simulator gives what Arm's reference model gives, bit for bit."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tosa_serializer as ts

from tests.simulator.tosa_graphs import TYPES, Graph, compile_graph

NAN = ts.NanPropagationMode.PROPAGATE
SINGLE, DOUBLE = ts.RoundingMode.SINGLE_ROUND, ts.RoundingMode.DOUBLE_ROUND
INTEGERS = ("int8", "int16", "int32")
BITS = {"int8": 8, "int16": 16, "int32": 32}
SHAPE = (1, 5, 7, 20)
BATCHES = (3, 5, 7, 20)
ALL_CONFIGURATIONS = tuple(f"ethos-u85-{macs}" for macs in (128, 256, 512, 1024, 2048))

Case = tuple[str, Callable[[], Graph]]


def reduced(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return *shape[:axis], 1, *shape[axis + 1 :]


def operator(
    op: str,
    inputs: list[tuple[Any, ...]],
    output: tuple[Any, ...],
    *attribute: Any,
    constants: Callable[[Graph], list[Any]] = lambda _: [],
) -> Callable[[], Graph]:
    """A graph of one operator; inputs are (shape, type[, limits]), the output is (shape, type)."""

    def build() -> Graph:
        graph = Graph()
        given = [graph.input(*one) for one in inputs]
        return graph.output(graph.add(op, [*given, *constants(graph)], *output, *attribute))

    return build


def elementwise() -> Iterator[Case]:
    for dtype in INTEGERS:
        pair = [(SHAPE, dtype), (SHAPE, dtype)]
        shift = [(SHAPE, dtype), (SHAPE, dtype, (0, BITS[dtype] - 1))]
        yield f"lsr-{dtype}", operator("LOGICAL_RIGHT_SHIFT", shift, (SHAPE, dtype))
        yield f"lsl-{dtype}", operator("LOGICAL_LEFT_SHIFT", shift, (SHAPE, dtype))
        for rounds in (False, True):
            yield f"asr-{dtype}-{rounds}", operator("ARITHMETIC_RIGHT_SHIFT", shift, (SHAPE, dtype), rounds)
        for op in ("BITWISE_AND", "BITWISE_OR", "BITWISE_XOR"):
            yield f"{op}-{dtype}", operator(op, pair, (SHAPE, dtype))
        yield f"not-{dtype}", operator("BITWISE_NOT", [(SHAPE, dtype)], (SHAPE, dtype))
        yield f"select-{dtype}", operator("SELECT", [(SHAPE, "bool"), *pair], (SHAPE, dtype))
    wide = (SHAPE, "int32")
    for op in ("MAXIMUM", "MINIMUM"):
        yield op, operator(op, [wide, wide], wide, NAN)
    for op in ("ADD", "SUB"):
        half = (-(2**30), 2**30 - 1)
        yield op, operator(op, [(SHAPE, "int32", half), ((1, 5, 7, 1), "int32", half)], wide)
    few = (SHAPE, "int32", (-3, 3))
    for op in ("EQUAL", "GREATER", "GREATER_EQUAL"):
        yield op, operator(op, [few, few], (SHAPE, "bool"))
    for op in ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_XOR"):
        yield op, operator(op, [(SHAPE, "bool"), (SHAPE, "bool")], (SHAPE, "bool"))
    yield "LOGICAL_NOT", operator("LOGICAL_NOT", [(SHAPE, "bool")], (SHAPE, "bool"))
    yield "CLZ", operator("CLZ", [wide], wide)
    yield "ABS", operator("ABS", [(SHAPE, "int32", (-(2**31) + 1, 2**31 - 1))], wide)
    yield "INTDIV", operator("INTDIV", [wide, (SHAPE, "int32", (1, 1000))], wide)
    for dtype in INTEGERS:
        given = [(SHAPE, dtype, (-40000, 40000) if dtype == "int32" else None), ((1, 1, 7, 20), dtype)]
        for shift_by in (0, 7, 31) if dtype == "int32" else (0,):
            if dtype == "int32":
                given[1] = ((1, 1, 7, 20), dtype, (-40000, 40000))
            yield (
                f"mul-{dtype}-{shift_by}",
                operator("MUL", given, wide, constants=lambda g, s=shift_by: [g.const([s], "int8")]),
            )
    for dtype, (low, high) in {"int8": (-20, 90), "int16": (-2000, 9000)}.items():
        limits = [list(np.array([value], TYPES[dtype][1]).view(np.uint8)) for value in (low, high)]
        yield f"clamp-{dtype}", operator("CLAMP", [(SHAPE, dtype)], (SHAPE, dtype), *limits, NAN)
    yield (
        "negate",
        operator(
            "NEGATE",
            [(SHAPE, "int8")],
            (SHAPE, "int8"),
            constants=lambda g: [g.const([3], "int8"), g.const([-4], "int8")],
        ),
    )


def casts() -> Iterator[Case]:
    for given in ("bool", *INTEGERS):
        for taken in ("bool", *INTEGERS):
            if given != taken and (given, taken) not in {("bool", "int16"), ("bool", "int32"), ("int16", "bool")}:
                yield f"cast-{given}-{taken}", operator("CAST", [(SHAPE, given)], (SHAPE, taken))


def reductions() -> Iterator[Case]:
    for axis in range(4):
        for dtype in INTEGERS:
            for op in ("REDUCE_MAX", "REDUCE_MIN"):
                yield (
                    f"{op}-{dtype}-{axis}",
                    operator(op, [(BATCHES, dtype)], (reduced(BATCHES, axis), dtype), axis, NAN),
                )
        million = (BATCHES, "int32", (-(10**6), 10**6))
        yield f"REDUCE_SUM-{axis}", operator("REDUCE_SUM", [million], (reduced(BATCHES, axis), "int32"), axis)
        for op in ("REDUCE_ALL", "REDUCE_ANY"):
            yield f"{op}-{axis}", operator(op, [(BATCHES, "bool")], (reduced(BATCHES, axis), "bool"), axis)
    for axis in (1, 2, 3):
        for dtype in ("int8", "int16"):
            shape = SHAPE[:axis] + SHAPE[axis + 1 :]
            yield f"argmax-{dtype}-{axis}", operator("ARGMAX", [(SHAPE, dtype)], (shape, "int32"), axis, NAN)


def movement() -> Iterator[Case]:
    shape = (2, 5, 7, 9)
    for dtype in ("bool", *INTEGERS):
        for order in ((0, 1, 3, 2), (0, 2, 1, 3), (0, 2, 3, 1), (0, 3, 1, 2), (0, 3, 2, 1), (1, 0, 2, 3), (3, 2, 1, 0)):
            moved = tuple(shape[axis] for axis in order)
            yield f"transpose-{dtype}-{order}", operator("TRANSPOSE", [(shape, dtype)], (moved, dtype), list(order))
        for axis in range(4):
            joined = (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])
            yield f"concat-{dtype}-{axis}", operator("CONCAT", [(shape, dtype), (shape, dtype)], (joined, dtype), axis)
            if dtype != "bool":
                yield f"reverse-{dtype}-{axis}", operator("REVERSE", [(shape, dtype)], (shape, dtype), axis)
        yield (
            f"tile-{dtype}",
            operator(
                "TILE", [((1, 5, 7, 3), dtype)], ((2, 15, 7, 6), dtype), constants=lambda g: [g.shape((2, 3, 1, 2))]
            ),
        )
        yield (
            f"slice-{dtype}",
            operator(
                "SLICE",
                [(shape, dtype)],
                ((1, 3, 4, 5), dtype),
                constants=lambda g: [g.shape((1, 1, 2, 3)), g.shape((1, 3, 4, 5))],
            ),
        )
        yield (
            f"pad-{dtype}",
            operator(
                "PAD",
                [((1, 5, 7, 9), dtype)],
                ((1, 8, 10, 12), dtype),
                constants=lambda g, t=dtype: [g.shape((0, 0, 1, 2, 2, 1, 3, 0)), g.const([t == "bool" or 7], t)],
            ),
        )
        if dtype != "bool":
            rows = [((2, 11, 6), dtype), ((2, 4), "int32", (0, 10))]
            yield f"gather-{dtype}", operator("GATHER", rows, ((2, 4, 6), dtype))
    values = np.random.default_rng(3).integers(-9, 9, (1, 4, 6))
    yield (
        "scatter",
        operator(
            "SCATTER",
            [((1, 11, 6), "int32")],
            ((1, 11, 6), "int32"),
            constants=lambda g: [g.const([[3, 5, 0, 9]], "int32"), g.const(values, "int32")],
        ),
    )


def tables() -> Iterator[Case]:
    random = np.random.default_rng(1)
    narrow = random.integers(-128, 127, 256)
    # Steps that a 16-bit slope can hold.
    wide = np.clip(np.cumsum(random.integers(-250, 250, 513)), -32768, 32767)
    for shape in (SHAPE, (1, 1, 1, 300), (2, 3, 4, 5)):
        yield (
            f"table-int8-{shape}",
            operator("TABLE", [(shape, "int8")], (shape, "int8"), constants=lambda g: [g.const(narrow, "int8")]),
        )
        yield (
            f"table-int16-{shape}",
            operator("TABLE", [(shape, "int16")], (shape, "int32"), constants=lambda g: [g.const(wide, "int16")]),
        )


def pools() -> Iterator[Case]:
    for dtype in ("int8", "int16"):
        zero = 3 if dtype == "int8" else 0
        for kernel, stride, pad in (
            ((3, 3), (1, 1), (1, 1, 1, 1)),
            ((3, 3), (2, 2), (1, 1, 1, 1)),
            ((5, 7), (1, 1), (0, 0, 0, 0)),
            ((9, 11), (1, 1), (0, 0, 0, 0)),
            ((4, 2), (3, 1), (1, 0, 1, 0)),
        ):
            rows, columns = ((9 + pad[0] + pad[1] - kernel[0]) // stride[0] + 1, 11 + pad[2] + pad[3] - kernel[1])
            shape = (1, rows, columns // stride[1] + 1, 6)
            given = [((1, 9, 11, 6), dtype)]
            lists = list(kernel), list(stride), list(pad)
            name = f"{dtype}-{kernel}-{stride}"
            yield f"max-pool-{name}", operator("MAX_POOL2D", given, (shape, dtype), *lists, NAN)
            yield (
                f"avg-pool-{name}",
                operator(
                    "AVG_POOL2D",
                    given,
                    (shape, dtype),
                    *lists,
                    ts.DType.INT32,
                    constants=lambda g, t=dtype, z=zero: [g.const([z], t), g.const([z], t)],
                ),
            )


def resizes() -> Iterator[Case]:
    given, bilinear, nearest = ((1, 5, 7, 6), "int8"), ts.ResizeMode.BILINEAR, ts.ResizeMode.NEAREST
    for (up_y, down_y, from_y, border_y), (up_x, down_x, from_x, border_x) in (
        ((4, 2, 0, 0), (4, 2, 0, 0)),
        ((2, 1, 0, 1), (2, 1, 0, 1)),
        ((4, 2, -1, 1), (4, 2, -1, 1)),
        ((8, 2, 0, 0), (6, 2, 0, 0)),
        ((12, 4, 0, 0), (10, 4, 0, 0)),
    ):
        shape = (
            1,
            (4 * up_y - from_y + border_y) // down_y + 1,
            (6 * up_x - from_x + border_x) // down_x + 1,
            6,
        )
        numbers = (up_y, down_y, up_x, down_x), (from_y, from_x), (border_y, border_x)
        for mode, dtype in ((bilinear, "int32"), (nearest, "int8")):
            yield (
                f"resize-{mode.name}-{numbers}",
                operator(
                    "RESIZE", [given], (shape, dtype), mode, constants=lambda g, n=numbers: [g.shape(v) for v in n]
                ),
            )


def rescale(
    given: str, taken: str, rounding: Any, channels: int, wide: bool, unsigned: tuple[bool, bool]
) -> Callable[[], Graph]:
    """RESCALE by numbers around the ratio of the two types' ranges."""

    def build() -> Graph:
        random, graph = np.random.default_rng(5), Graph()
        top = 31 if wide else 15
        # Not above one for 32 bits, where the result would leave its range.
        least = max(0, BITS[given] - BITS[taken]) + (1 if given == "int32" else -1)
        shifts = np.clip(top + random.integers(least, least + 3, channels), 2, 62)
        # DOUBLE_ROUND is defined for values of less than 31 bits.
        limits = (-(2**29), 2**29) if given == "int32" else None
        return graph.output(
            graph.rescale(
                graph.input(SHAPE, given, limits),
                taken,
                random.integers(1 << (top - 1), (1 << top) - 1, channels).tolist(),
                shifts.tolist(),
                wide=wide,
                rounding=rounding,
                zero_points=(3 if given == "int8" else 0, -5 if taken == "int8" and not unsigned[1] else 0),
                unsigned=unsigned,
            )
        )

    return build


def rescales() -> Iterator[Case]:
    for given in INTEGERS:
        for taken in INTEGERS:
            for rounding, wide in ((SINGLE, True), (DOUBLE, True), (SINGLE, False)):
                for channels in (1, SHAPE[3]):
                    yield (
                        f"rescale-{given}-{taken}-{rounding.name}-{wide}-{channels}",
                        rescale(given, taken, rounding, channels, wide, (False, False)),
                    )
    for unsigned in ((True, False), (False, True)):
        yield f"rescale-unsigned-{unsigned}", rescale("int8", "int8", SINGLE, 1, True, unsigned)
        yield f"rescale-unsigned16-{unsigned}", rescale("int16", "int16", SINGLE, 1, True, unsigned)


CASES = dict(
    case for family in (elementwise, casts, reductions, movement, tables, pools, resizes, rescales) for case in family()
)


def check(graph: Graph, folder: Path, accelerator: str = "ethos-u85-256") -> None:
    compiled = compile_graph(graph, folder, accelerator)
    for seed in range(2):
        inputs = [tensor.random(10 * seed + n) for n, tensor in enumerate(compiled.inputs)]
        for found, expected in zip(compiled.simulate(inputs), compiled.reference(inputs), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", CASES)
def test_operator(name: str, tmp_path: Path) -> None:
    check(CASES[name](), tmp_path)


def convolution(
    op: str,
    weight: str,
    geometry: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]],
    attribute: list[list[int]],
    given: str,
    zero_points: tuple[int, int],
) -> Graph:
    """A convolution and the rescaling of its sums; geometry is the shapes of (input, weights, output)."""
    random, graph = np.random.default_rng(7), Graph()
    shape, weight_shape, result = geometry
    channels = result[3]
    largest = 7 if weight == "int4" else 127
    accumulator = "int32" if given == "int8" else "int48"
    sums = graph.add(
        op,
        [
            graph.input(shape, given),
            graph.const(random.integers(-largest, largest + 1, weight_shape), weight),
            graph.const(random.integers(-(10**4), 10**4, channels), accumulator),
            graph.const([zero_points[0]], given),
            graph.const([zero_points[1]], weight),
        ],
        result,
        accumulator,
        *attribute,
        False,
        TYPES[accumulator][0],
    )
    wide = given == "int8"
    top = 31 if wide else 15
    multipliers = random.integers(1 << (top - 1), (1 << top) - 1, channels).tolist()
    return graph.output(graph.rescale(sums, given, multipliers, [38 if wide else 30] * channels, wide=wide))


IMAGE = (1, 9, 11, 20)
CONVOLUTIONS: dict[str, tuple[str, tuple[Any, Any, Any], list[list[int]]]] = {
    "3x3": ("CONV2D", (IMAGE, (17, 3, 3, 20), (1, 9, 11, 17)), [[1, 1, 1, 1], [1, 1], [1, 1]]),
    "strided": ("CONV2D", (IMAGE, (40, 3, 5, 20), (1, 5, 6, 40)), [[1, 1, 2, 2], [2, 2], [1, 1]]),
    "dilated": ("CONV2D", (IMAGE, (17, 3, 3, 20), (1, 5, 7, 17)), [[0, 0, 0, 0], [1, 1], [2, 2]]),
    "1x1": ("CONV2D", ((1, 9, 11, 33), (70, 1, 1, 33), (1, 9, 11, 70)), [[0, 0, 0, 0], [1, 1], [1, 1]]),
    "tall": ("CONV2D", ((1, 30, 11, 3), (7, 12, 1, 3), (1, 19, 11, 7)), [[0, 0, 0, 0], [1, 1], [1, 1]]),
    "depthwise": ("DEPTHWISE_CONV2D", (IMAGE, (3, 3, 20, 1), (1, 9, 11, 20)), [[1, 1, 1, 1], [1, 1], [1, 1]]),
    "multiplied": (
        "DEPTHWISE_CONV2D",
        ((1, 9, 11, 6), (3, 3, 6, 2), (1, 9, 11, 12)),
        [[1, 1, 1, 1], [1, 1], [1, 1]],
    ),
    "transposed": ("TRANSPOSE_CONV2D", ((1, 5, 6, 20), (17, 3, 3, 20), (1, 11, 13, 17)), [[0, 0, 0, 0], [2, 2]]),
}


@pytest.mark.parametrize("accelerator", ALL_CONFIGURATIONS)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize(
    ("given", "weight", "zero_points"),
    [("int8", "int8", (5, 0)), ("int8", "int8", (5, 3)), ("int8", "int4", (5, 0)), ("int16", "int8", (0, 0))],
)
def test_convolution(
    kind: str, given: str, weight: str, zero_points: tuple[int, int], accelerator: str, tmp_path: Path
) -> None:
    op, geometry, attribute = CONVOLUTIONS[kind]
    check(convolution(op, weight, geometry, attribute, given, zero_points), tmp_path, accelerator)
