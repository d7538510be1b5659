"""Bundled programs (.bpte): a program with test cases, each of which has inputs and expected outputs.

A flatbuffer (file identifier BP08, schema executorch/devtools/bundled_program/schema), untrusted like any program.
Outputs are compared by ExecuTorch's rule, with the tolerances its runner is built with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tui.model import flatbuffer, pte
from tui.model.flatbuffer import DamagedError, Table
from tui.model.pte import Plan, PteError, Tensor

RTOL = ATOL = float(np.float32(0.01))
"""The runner's defaults (ET_RTOL, ET_ATOL), in single precision as there."""

NDArray = npt.NDArray[Any]
Value = Tensor | int | bool | float


@dataclass(frozen=True)
class Case:
    """A test case: values for all inputs of a method, and its outputs, which may be omitted."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True)
class Bundle:
    """A parsed .bpte."""

    program: bytes
    suites: dict[str, tuple[Case, ...]]
    """Test cases by the name of their method."""


def is_bundle(data: bytes) -> bool:
    """True if the identifier of a file is that of a bundled program."""
    return pte.identifier(data) == pte.BUNDLED_IDENTIFIER


def read(data: bytes) -> Bundle:
    """Read the program and the test cases in `data`.

    Raises:
        PteError: it is not a .bpte, is cut short or damaged.
    """
    if not is_bundle(data):
        raise PteError(f"its identifier is {pte.identifier(data)!r}, expected {pte.BUNDLED_IDENTIFIER!r}")
    try:
        root = flatbuffer.root(memoryview(data))
        suites = {suite.text(0): tuple(_case(case) for case in suite.tables(1)) for suite in root.tables(1)}
        return Bundle(bytes(root.bytes(2)), suites)
    except DamagedError as error:
        raise PteError(str(error)) from error


def program_of(data: bytes) -> bytes:
    """The plain program in a file: the bundled one, or the file itself.

    Raises:
        PteError: as `read`.
    """
    return read(data).program if is_bundle(data) else data


def _case(table: Table) -> Case:
    inputs, outputs = (tuple(_value(value) for value in table.tables(field)) for field in (0, 1))
    return Case(inputs, outputs)


def _value(table: Table) -> Value:
    """A value by its kind in the schema's ValueUnion."""
    kind, content = table.number(0, "B"), table.table(1)
    if content is None:
        raise PteError("a value of a test case is empty")
    match kind:
        case 1:
            return _tensor(content)
        case 2:
            return int(content.number(0, "q"))
        case 3:
            return bool(content.number(0, "b"))
        case 4:
            return float(content.number(0, "d", 0.0))
    raise PteError(f"a value of a test case has the unknown type {kind}")


def _tensor(table: Table) -> Tensor:
    tensor = pte.layout(table.number(0, "b"), table.numbers(1, "i"), table.numbers(3, "B"))
    # The memory of the tensor is stored, which may be larger.
    data = table.bytes(2)[: tensor.nbytes]
    if len(data) != tensor.nbytes:
        raise PteError(f"a tensor of a test case has {len(data)} bytes, its shape needs {tensor.nbytes}")
    return replace(tensor, data=data)


def _named(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"{type(value).__name__} {value}"
    order = "" if value.dim_order == tuple(range(len(value.shape))) else f" in the order {value.dim_order}"
    return f"{value.dtype} {value.shape}{order}"


def _fits(value: Value, planned: object) -> bool:
    """True if a value can replace one of the plan's; a number is part of the program, and must be equal."""
    if isinstance(value, Tensor) and isinstance(planned, Tensor):
        return (value.dtype, value.shape, value.dim_order) == (planned.dtype, planned.shape, planned.dim_order)
    return type(value) is type(planned) and value == planned


def misfit(values: Sequence[Value], plan: Plan, indices: Sequence[int], what: str) -> str | None:
    """The reason why values of a test case do not fit the plan's at `indices` (inputs or outputs); None if they do."""
    if len(values) != len(indices):
        return f"the test case has {len(values)} {what}s, the program {len(indices)}"
    for number, (value, index) in enumerate(zip(values, indices, strict=True)):
        if not _fits(value, plan.values[index]):
            return f"{what} {number} of the test case is {_named(value)}, the program's {_named(plan.values[index])}"
    return None


def array(tensor: Tensor) -> NDArray:
    """The content of a test case's tensor, flat and in memory order."""
    return np.frombuffer(b"" if tensor.data is None else tensor.data, tensor.dtype)


def deviation(expected: NDArray, got: NDArray) -> tuple[float, float]:
    """(error, allowed) at the element whose error exceeds the allowed one the most, or comes the closest to it.

    A floating-point number may be off by ATOL + RTOL * |got|, any other number must be equal.
    """
    if expected.size == 0 or np.array_equal(expected, got, equal_nan=expected.dtype.kind == "f"):
        return 0.0, 0.0 if expected.dtype.kind != "f" else ATOL
    with np.errstate(invalid="ignore", over="ignore"):
        wide_expected, wide_got = expected.astype(np.float64), got.astype(np.float64)
        error = np.abs(wide_expected - wide_got)
        allowed = ATOL + np.abs(RTOL * wide_got) if expected.dtype.kind == "f" else np.zeros(error.shape)
    same = (expected == got) | (np.isnan(wide_expected) & np.isnan(wide_got))
    error[same] = 0.0
    # Neighbouring integers of 64 bits may be the same in double precision.
    error[~same & (error == 0)] = 1.0
    # An infinity equals only itself.
    allowed = np.nan_to_num(allowed, nan=ATOL, posinf=ATOL)
    odd = ~np.isfinite(error)
    error[odd], allowed[odd] = np.inf, 0.0
    at = int(np.argmax(np.where(odd, np.inf, error - allowed)))
    return float(error[at]), float(allowed[at])
