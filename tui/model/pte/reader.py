"""Read the flatbuffer of a .pte (executorch/schema/program.fbs) into an execution plan.

The file is untrusted: every offset and length is checked against its end.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tui.model import flatbuffer
from tui.model.flatbuffer import DamagedError, Table, unpack
from tui.model.pte.plan import (
    BoxedIntList,
    Delegate,
    DelegateCall,
    Free,
    Instruction,
    JumpIfFalse,
    KernelCall,
    Move,
    Plan,
    Program,
    Tensor,
    TensorList,
)
from tui.model.tensors import TensorInfo
from tui.toolchain.target import Target

IDENTIFIERS = IDENTIFIER, BUNDLED_IDENTIFIER = b"ET12", b"BP08"
EXTENDED_HEADER = b"eh00"
MAX_ELEMENTS = 1 << 31
MAX_DIMENSIONS = 16
"""Limit of ExecuTorch's runtime."""

SCALAR_TYPES = {
    0: "uint8",
    1: "int8",
    2: "int16",
    3: "int32",
    4: "int64",
    5: "float16",
    6: "float32",
    7: "float64",
    11: "bool",
}
"""numpy's names of executorch/schema/scalar_type.fbs."""


class PteError(Exception):
    """A program that cannot be loaded; the message is one line."""


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of the method to run."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True)
class _Context:
    """Data that tensors and delegates refer to."""

    buffers: list[memoryview]
    inline: list[memoryview]
    segments: list[memoryview]
    mutable: list[memoryview]
    """Initial contents of planned memory."""


def layout(code: int, shape: tuple[int, ...], dim_order: tuple[int, ...]) -> Tensor:
    """A tensor without content, from the fields of its schema.

    Raises:
        PteError: no such tensor can exist.
    """
    if code not in SCALAR_TYPES:
        raise PteError(f"a tensor has the unknown element type {code}")
    if len(shape) > MAX_DIMENSIONS or any(extent < 0 for extent in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise PteError(f"a tensor has the impossible shape {shape}")
    if sorted(dim_order) != list(range(len(shape))):
        dim_order = tuple(range(len(shape)))
    return Tensor(np.dtype(SCALAR_TYPES[code]), shape, dim_order)


def _tensor(table: Table, context: _Context) -> Tensor:
    tensor = layout(table.number(0, "b"), table.numbers(2, "i"), table.numbers(3, "B"))
    index = table.number(5, "I")
    if (planned := table.table(6)) is not None:
        place = planned.number(0, "I"), planned.number(2, "I") << 32 | planned.number(1, "I")
        initial = _content(tensor, index, context.mutable, "initial content") if index else None
        return replace(tensor, place=place, initial=initial)
    # Buffer 0 is a placeholder.
    return tensor if index == 0 else replace(tensor, data=_content(tensor, index, context.buffers, "constant"))


def _content(tensor: Tensor, index: int, places: list[memoryview], what: str) -> memoryview:
    if index >= len(places):
        raise PteError(f"a tensor refers to {what} {index} of {len(places)}")
    data = places[index][: tensor.nbytes]
    if len(data) != tensor.nbytes:
        raise PteError(f"{what} {index} has {len(data)} bytes, its tensor {tensor.nbytes}")
    return data


_PLAIN: dict[int, Callable[[Table], Any]] = {
    2: lambda t: int(t.number(0, "q")),
    3: lambda t: bool(t.number(0, "b")),
    4: lambda t: float(t.number(0, "d", 0.0)),
    6: lambda t: t.text(0),
    7: lambda t: BoxedIntList(t.numbers(0, "q")),
    8: lambda t: t.numbers(0, "d"),
    9: lambda t: tuple(bool(b) for b in t.numbers(0, "b")),
    10: lambda t: TensorList(t.numbers(0, "i")),
    11: lambda t: TensorList(t.numbers(0, "i")),
}
"""KernelTypes of the schema other than tensors (5) and null (1)."""


def _value(table: Table, context: _Context) -> Any:
    kind, content = table.number(0, "B"), table.table(1)
    if kind <= 1 or content is None:
        return None
    if kind == 5:
        return _tensor(content, context)
    if kind not in _PLAIN:
        raise PteError(f"a value has the unknown type {kind}")
    return _PLAIN[kind](content)


def _instruction(table: Table) -> Instruction:
    kind, content = table.number(0, "B"), table.table(1)
    if content is None:
        raise PteError("an instruction has no arguments")
    match kind:
        case 1:
            return KernelCall(content.number(0, "i"), content.numbers(1, "i"))
        case 2:
            return DelegateCall(content.number(0, "i"), content.numbers(1, "i"))
        case 3:
            return Move(content.number(0, "i"), content.number(1, "i"))
        case 4:
            return JumpIfFalse(content.number(0, "i"), content.number(1, "i"))
        case 5:
            return Free(content.number(0, "i"))
    raise PteError(f"an instruction has the unknown type {kind}")


def _delegate(table: Table, context: _Context) -> Delegate:
    reference = table.table(1)
    in_segment = reference is not None and reference.number(0, "b") == 1
    index = 0 if reference is None else reference.number(1, "I")
    places = context.segments if in_segment else context.inline
    if index >= len(places):
        raise PteError(f"a delegate refers to data {index} of {len(places)}")
    table.budget.spend(len(places[index]))
    specs = tuple((spec.text(0), bytes(spec.bytes(1))) for spec in table.tables(2))
    return Delegate(table.text(0), places[index], specs)


def _operator(table: Table) -> str:
    name, overload = table.text(0), table.text(1)
    return f"{name}.{overload}" if overload else name


def _check_plan(plan: Plan) -> Plan:
    """Reject a plan with an index out of range."""
    count = len(plan.values)
    used = [*plan.inputs, *plan.outputs]
    for value in plan.values:
        if isinstance(value, TensorList | BoxedIntList):
            items = [item for item in value.items if not (isinstance(value, TensorList) and item == -1)]
            kinds = (Tensor, type(None)) if isinstance(value, TensorList) else (int, type(None))
            if any(0 <= item < count and not isinstance(plan.values[item], kinds) for item in items):
                raise PteError("a list holds values of another type")
            used += items
    for instruction in plan.instructions:
        match instruction:
            case KernelCall(op, args):
                used += args
                if not 0 <= op < len(plan.operators):
                    raise PteError(f"an instruction calls operator {op} of {len(plan.operators)}")
            case DelegateCall(delegate, args):
                used += args
                if not 0 <= delegate < len(plan.delegates):
                    raise PteError(f"an instruction calls delegate {delegate} of {len(plan.delegates)}")
            case Move(source, target):
                used += [source, target]
            case JumpIfFalse(condition, target):
                used.append(condition)
                if not 0 <= target <= len(plan.instructions):
                    raise PteError(f"a jump goes to instruction {target} of {len(plan.instructions)}")
    if outside := [index for index in used if not 0 <= index < count]:
        raise PteError(f"the plan refers to value {outside[0]} of {count}")
    return plan


def _plan(table: Table, context: _Context) -> Plan:
    chains = table.tables(5)
    if len(chains) != 1:
        raise PteError(f"a plan has {len(chains)} chains of instructions, not one")
    return _check_plan(
        Plan(
            name=table.text(0),
            values=tuple(_value(value, context) for value in table.tables(2)),
            inputs=table.numbers(3, "i"),
            outputs=table.numbers(4, "i"),
            instructions=tuple(_instruction(i) for i in chains[0].tables(2)),
            operators=tuple(_operator(op) for op in table.tables(6)),
            delegates=tuple(_delegate(d, context) for d in table.tables(7)),
            buffer_sizes=table.numbers(8, "q"),
        )
    )


def _segments(data: memoryview, root: Table) -> list[memoryview]:
    # A program without data segments has an empty one, and no extended header.
    base = unpack(data, "<Q", 24) if bytes(data[8:12]) == EXTENDED_HEADER else 0
    segments = []
    for table in root.tables(4):
        start, size = base + table.number(0, "Q"), table.number(1, "Q")
        if start + size > len(data):
            raise PteError(f"a data segment ends at byte {start + size}, the file at {len(data)}: it is cut short")
        segments.append(data[start : start + size])
    return segments


def _constants(root: Table, segments: list[memoryview]) -> list[memoryview]:
    """Constant buffers by index, each to the end of its segment: tensors know their own size."""
    place = root.table(5)
    if place is None or not place.numbers(1, "Q"):
        return [buffer.bytes(0) for buffer in root.tables(2)]
    return _in_segment(place, segments)


def _in_segment(place: Table, segments: list[memoryview]) -> list[memoryview]:
    index = place.number(0, "I")
    if index >= len(segments):
        raise PteError(f"constants are in segment {index} of {len(segments)}")
    return [segments[index][offset:] for offset in place.numbers(1, "Q")]


def _mutable(root: Table, segments: list[memoryview]) -> list[memoryview]:
    """Initial contents of planned memory by index; the runtime reads only the first of their segments."""
    places = root.tables(6)
    return _in_segment(places[0], segments) if places else []


def _named(root: Table, segments: list[memoryview]) -> dict[str, memoryview]:
    named = {}
    for entry in root.tables(7):
        index = entry.number(1, "I")
        if index >= len(segments):
            raise PteError(f"named data {entry.text(0)!r} is in segment {index} of {len(segments)}")
        named[entry.text(0)] = segments[index]
    return named


def identifier(data: bytes) -> bytes:
    """The file identifier: ``ET12`` of a program, ``BP08`` of a bundled one."""
    return data[4:8]


def parse(data: bytes) -> Program:
    """Read the program in `data`.

    Raises:
        PteError: it is not a .pte, is cut short or damaged, or uses an unknown type.
    """
    if len(data) < 8:
        raise PteError(f"{len(data)} bytes are too few for a program")
    if identifier(data) == BUNDLED_IDENTIFIER:
        raise PteError("it is a bundled program (.bpte); a plain .pte is expected")
    if identifier(data) != IDENTIFIER:
        raise PteError(f"its identifier is {identifier(data)!r}, expected {IDENTIFIER!r}")
    try:
        return _program(memoryview(data))
    except DamagedError as error:
        raise PteError(str(error)) from error


def _program(data: memoryview) -> Program:
    root = flatbuffer.root(data)
    segments = _segments(data, root)
    inline = [entry.bytes(0) for entry in root.tables(3)]
    context = _Context(_constants(root, segments), inline, segments, _mutable(root, segments))
    plans = tuple(_plan(plan, context) for plan in root.tables(1))
    if not plans:
        raise PteError("the program has no method")
    return Program(plans, _named(root, segments), len(data))


def compiled_for(data: bytes, default: Target) -> Target:
    """The target a program was compiled for, from its first Ethos-U delegate; `default` if none names it.

    Raises:
        PteError: as `parse`.
    """
    for delegate in parse(data).main.delegates:
        arguments = dict(delegate.compile_specs).get("compile_flags", b"").decode("utf-8", "replace").split()
        flags = dict(word.split("=", 1) for word in arguments if "=" in word)
        if "--accelerator-config" in flags:
            return Target(
                accelerator=flags["--accelerator-config"],
                system_config=flags.get("--system-config", default.system_config),
                memory_mode=flags.get("--memory-mode", default.memory_mode),
            )
    return default


def _info(tensor: Tensor) -> TensorInfo:
    return TensorInfo(dtype=tensor.dtype.name, shape=tensor.shape, dim_order=tensor.dim_order)


def signature(data: bytes) -> Signature:
    """The tensors that a program takes and returns.

    Raises:
        PteError: as `parse`.
    """
    plan = parse(data).main

    def tensors(indices: tuple[int, ...]) -> tuple[TensorInfo, ...]:
        return tuple(_info(plan.values[i]) for i in indices if isinstance(plan.values[i], Tensor))

    return Signature(tensors(plan.inputs), tensors(plan.outputs))
