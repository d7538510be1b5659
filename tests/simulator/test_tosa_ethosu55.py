"""TOSA operators one by one, compiled by Vela for Ethos-U55 and U65: what the reference model gives, bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.simulator.test_tosa_operators import CASES, CONVOLUTIONS, check, convolution
from tests.simulator.tosa_graphs import compile_graph

ACCELERATORS = (*(f"ethos-u55-{macs}" for macs in (32, 64, 128, 256)), "ethos-u65-256", "ethos-u65-512")

REFUSED = (
    "lsr-", "lsl-int8", "lsl-int16", "asr-int8", "asr-int16", "BITWISE_", "not-", "select-", "EQUAL", "GREATER",
    "LOGICAL_", "INTDIV", "cast-bool", "cast-int8-bool", "cast-int32-bool", "REDUCE_MAX-int32", "REDUCE_MIN-int32",
    "REDUCE_A", "argmax", "transpose-bool", "concat-bool", "tile-bool", "slice-bool", "pad-bool", "gather",
    "scatter", "resize",
)  # fmt: skip
"""Beginnings of the names of operators that Vela has no commands for, or not for all."""

WRAPPED = ("lsl-int32", "cast-int16-int8", "cast-int32-int8", "cast-int32-int16")
"""Operators whose results wrap in TOSA; the commands that Vela makes of them saturate."""

ROUNDED = "asr-int32-False"
"""A right shift without rounding, for which Vela asks for one."""

NAMES = [name for name in CASES if not name.startswith(REFUSED) and name not in (*WRAPPED, ROUNDED)]


def results(name: str, folder: Path) -> tuple[Any, Any, Any]:
    """Inputs, the simulator's output and the reference model's."""
    compiled = compile_graph(CASES[name](), folder, "ethos-u55-128")
    inputs = [tensor.random(number) for number, tensor in enumerate(compiled.inputs)]
    return inputs, compiled.simulate(inputs)[0].astype(np.int64), compiled.reference(inputs)[0].astype(np.int64)


@pytest.mark.parametrize(("name", "accelerator"), [(n, ACCELERATORS[i % 6]) for i, n in enumerate(NAMES)])
def test_operator(name: str, accelerator: str, tmp_path: Path) -> None:
    check(CASES[name](), tmp_path, accelerator)


@pytest.mark.parametrize("name", WRAPPED)
def test_what_wraps_in_tosa_saturates(name: str, tmp_path: Path) -> None:
    inputs, found, expected = results(name, tmp_path)
    exact = inputs[0].astype(np.int64)
    if name == "lsl-int32":
        exact = exact << inputs[1].astype(np.int64)
    limits = np.iinfo(name.rpartition("-")[2])
    np.testing.assert_array_equal(found, np.clip(exact, limits.min, limits.max))
    inside = (exact >= limits.min) & (exact <= limits.max)
    np.testing.assert_array_equal(found[inside], expected[inside])


def test_a_right_shift_is_rounded(tmp_path: Path) -> None:
    _, found, expected = results(ROUNDED, tmp_path)
    assert set(np.unique(found - expected)) == {0, 1}


LAYERS = [
    (kind, given, zero_points)
    for kind in CONVOLUTIONS
    for given, zero_points in (("int8", (5, 0)), ("int8", (5, 3)), ("int16", (0, 0)))
    # Vela refuses it for this family.
    if (kind, given) != ("transposed", "int16")
]


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize(("kind", "given", "zero_points"), LAYERS)
def test_convolution(kind: str, given: str, zero_points: tuple[int, int], accelerator: str, tmp_path: Path) -> None:
    op, geometry, attribute = CONVOLUTIONS[kind]
    check(convolution(op, "int8", geometry, attribute, given, zero_points), tmp_path, accelerator)
