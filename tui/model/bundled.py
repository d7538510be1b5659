"""Bundled programs (.bpte): a program together with test cases, each of inputs and the outputs they must give.

A flatbuffer (file identifier BP08, schema executorch/devtools/bundled_program/schema), untrusted like any program.
What counts as equal is ExecuTorch's rule, with the tolerances its runner is built with.
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
"""The runner's defaults (ET_RTOL, ET_ATOL), single precision as there."""

NDArray = npt.NDArray[Any]
Value = Tensor | int | bool | float


@dataclass(frozen=True)
class Case:
    """A test case: values for all inputs of a method, and its outputs, which may be left out."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True)
class Bundle:
    """A parsed .bpte."""

    program: bytes
    suites: dict[str, tuple[Case, ...]]
    """Test cases by the name of their method."""


def is_bundle(data: bytes) -> bool:
    """Whether a file says that it is a bundled program."""
    return pte.identifier(data) == pte.BUNDLED_IDENTIFIER


def read(data: bytes) -> Bundle:
    """The program and the test cases in `data`.

    Raises:
        PteError: it is no .bpte, is cut short or damaged.
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
    """The plain program in a file: what is bundled in it, or the file itself.

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
    raise PteError(f"a value of a test case has the type {kind}, which is not known here")


def _tensor(table: Table) -> Tensor:
    tensor = pte.layout(table.number(0, "b"), table.numbers(1, "i"), table.numbers(3, "B"))
    # What is stored is the memory behind the tensor, which may be larger.
    data = table.bytes(2)[: tensor.nbytes]
    if len(data) != tensor.nbytes:
        raise PteError(f"a tensor of a test case has {len(data)} bytes, its shape needs {tensor.nbytes}")
    return replace(tensor, data=data)


def _named(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"{type(value).__name__} {value}"
    order = "" if value.dim_order == tuple(range(len(value.shape))) else f" in the order {value.dim_order}"
    return f"{value.dtype} {value.shape}{order}"


def _same(wanted: Any, given: Value) -> bool:
    """Whether a value can take the place of one of the plan's: a number is part of the program, only to be equal."""
    if isinstance(wanted, Tensor) and isinstance(given, Tensor):
        return (wanted.dtype, wanted.shape, wanted.dim_order) == (given.dtype, given.shape, given.dim_order)
    return type(wanted) is type(given) and wanted == given


def misfit(given: Sequence[Value], plan: Plan, indices: Sequence[int], what: str) -> str | None:
    """Why values of a test case cannot be the plan's values at `indices` (its inputs or outputs); None if they can."""
    if len(given) != len(indices):
        return f"the test case has {len(given)} {what}s, the program {len(indices)}"
    for number, (value, index) in enumerate(zip(given, indices, strict=True)):
        if not _same(plan.values[index], value):
            return f"{what} {number} of the test case is {_named(value)}, the program's {_named(plan.values[index])}"
    return None


def array(tensor: Tensor) -> NDArray:
    """The content of a test case's tensor, flat and in memory order."""
    return np.frombuffer(b"" if tensor.data is None else tensor.data, tensor.dtype)


def deviation(expected: NDArray, got: NDArray) -> tuple[float, float]:
    """(error, allowed) at the element that is the furthest beyond what is allowed there, or the nearest to it.

    A fraction may be off by ATOL + RTOL * |got|, any other number not at all.
    """
    if expected.size == 0 or np.array_equal(expected, got, equal_nan=expected.dtype.kind == "f"):
        return 0.0, 0.0 if expected.dtype.kind != "f" else ATOL
    with np.errstate(invalid="ignore", over="ignore"):
        wide_expected, wide_got = expected.astype(np.float64), got.astype(np.float64)
        error = np.abs(wide_expected - wide_got)
        allowed = ATOL + np.abs(RTOL * wide_got) if expected.dtype.kind == "f" else np.zeros(error.shape)
    same = (expected == got) | (np.isnan(wide_expected) & np.isnan(wide_got))
    error[same] = 0.0
    # Neighbouring integers of 64 bits are the same in double precision, and yet not equal.
    error[~same & (error == 0)] = 1.0
    # An infinity is met by itself only.
    allowed = np.nan_to_num(allowed, nan=ATOL, posinf=ATOL)
    odd = ~np.isfinite(error)
    error[odd], allowed[odd] = np.inf, 0.0
    at = int(np.argmax(np.where(odd, np.inf, error - allowed)))
    return float(error[at]), float(allowed[at])
