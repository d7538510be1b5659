"""The flow of data through a program: which operator, on the CPU or inside the NPU's part, takes what another has made.

On the CPU it is the plan's values. Inside a partition it is the bytes that the NPU's commands read and write
(`tui.simulator.footprints`), so that it is known of any program, whoever compiled it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tui.analysis.flow import Edge, Flow, Place
from tui.model import pte
from tui.model.pte import DelegateCall, KernelCall, Move, Plan, Program
from tui.model.vela_blob import BACKEND
from tui.run.figures import Operator
from tui.simulator import footprints, npu
from tui.simulator.delegate import DelegateError, EthosU, Port
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.footprints import NOBODY, Footprint, Ids, Writers


def of_program(program: Program, operators: Sequence[Operator]) -> Flow:
    """Follow the data through a program once, its instructions in order, whichever way its branches go."""
    flow = _Follower(program, operators)
    flow.follow()
    return Flow(tuple(dict.fromkeys(flow.edges)), flow.shapes, flow.ports, tuple(dict.fromkeys(flow.notes)))


@dataclass
class _Follower:
    """A walk through the plan: who has written each value, as numbers of `places`, byte by byte."""

    program: Program
    operators: Sequence[Operator]
    edges: list[Edge] = field(default_factory=list)
    shapes: dict[tuple[Place, int], tuple[str, str]] = field(default_factory=dict)
    ports: dict[tuple[int, int], tuple[Place, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    places: list[tuple[Place, int]] = field(default_factory=list)
    """A place and its output, by number."""
    numbers: dict[tuple[Place, int], int] = field(default_factory=dict)
    values: dict[int, Ids] = field(default_factory=dict)
    """Writers of the bytes of a value."""

    def follow(self) -> None:
        """Walk through the plan."""
        plan = self.program.main
        for at, value in enumerate(plan.inputs):
            self._written(Place("input", at), 0, value)
        for at, instruction in enumerate(plan.instructions):
            match instruction:
                case KernelCall(_, args):
                    self._kernel(Place("step", at), args)
                case DelegateCall(number, args):
                    self._delegate(Place("step", at), number, args)
                case Move(source, target) if source in self.values:
                    self.values[target] = self.values[source]
        for at, value in enumerate(plan.outputs):
            self._read(Place("output", at), 0, self.values.get(value))

    def _number(self, place: Place, output: int) -> int:
        if (place, output) not in self.numbers:
            self.numbers[place, output] = len(self.places)
            self.places.append((place, output))
        return self.numbers[place, output]

    def _written(self, place: Place, output: int, value: int) -> None:
        tensor = self.program.main.values[value]
        size = tensor.nbytes if isinstance(tensor, pte.Tensor) else 1
        # One number stands for all bytes of what one place writes whole.
        self.values[value] = np.broadcast_to(np.int32(self._number(place, output)), (size,))
        if isinstance(tensor, pte.Tensor):
            self.shapes[place, output] = (tensor.dtype.name, "x".join(map(str, tensor.shape)))

    def _read(self, target: Place, at: int, ids: Ids | None) -> None:
        if ids is not None:
            self._edges(target, at, (int(one) for one in np.unique(ids[:1] if ids.strides == (0,) else ids)))

    def _edges(self, target: Place, at: int, numbers: Iterator[int] | Sequence[int]) -> None:
        for number in numbers:
            if number != NOBODY and (found := self.places[number])[0] != target:
                self.edges.append(Edge(found[0], target, found[1], at))

    def _kernel(self, step: Place, args: Sequence[int]) -> None:
        plan = self.program.main
        written = results(plan, args)
        for at, value in enumerate(_tensors(plan, [one for one in args if one not in written])):
            self._read(step, at, self.values.get(value))
        for at, value in enumerate(_tensors(plan, written)):
            self._written(step, at, value)

    def _delegate(self, step: Place, number: int, args: Sequence[int]) -> None:
        own = [at for at, operator in enumerate(self.operators) if operator.partition == number]
        delegate = self.program.main.delegates[number]
        if delegate.backend == BACKEND and own:
            try:
                loaded = EthosU(delegate, self.program.named_data)
                return self._partition(loaded, number, args, own)
            except (DelegateError, CommandStreamError) as error:
                self.notes.append(f"the flow of data inside partition {number} is not known: {error}")
        # As one step: which of its values are results is not said, but those that nobody has written are.
        fresh = [value for value in args if value not in self.values]
        for at, value in enumerate(one for one in args if one not in fresh):
            self._read(step, at, self.values.get(value))
        for at, value in enumerate(fresh):
            self._written(step, at, value)
        return None

    def _partition(self, loaded: EthosU, number: int, args: Sequence[int], own: Sequence[int]) -> None:
        """Follow the data through a partition.

        Raises:
            CommandStreamError: its commands cannot be understood.
        """
        makers = _Makers(self.operators, own)
        fast = npu.memory(loaded.stream).sram_bytes
        writers = Writers({1: loaded.scratch_bytes, 2: fast})
        values = [value for value in args if isinstance(self.program.main.values[value], pte.Tensor)]
        inputs, outputs = values[: len(loaded.inputs)], values[len(loaded.inputs) :]
        for port, value in zip(loaded.inputs, inputs, strict=False):
            self._hand_over(writers, number, port, self.values.get(value))
        for footprint in footprints.of(loaded.stream):
            operator = makers.of(footprint)
            if operator is None:
                if footprint.copies and footprint.writes is not None:
                    writers.copy(footprint.reads[0] if footprint.reads else None, footprint.writes)
                continue
            for at, area in enumerate(footprint.reads):
                self._edges(Place("operator", operator), at, writers.of(area))
            if footprint.writes is not None:
                writers.write(footprint.writes, self._number(Place("operator", makers.last(operator)), 0))
        for port, value in zip(loaded.outputs, outputs, strict=False):
            self.values[value] = writers.at(port.region, port.offset, port.nbytes)
        self.edges += makers.inside()

    def _hand_over(self, writers: Writers, number: int, port: Port, ids: Ids | None) -> None:
        if ids is None:
            return
        writers.put(port.region, port.offset, np.ascontiguousarray(ids[: port.nbytes]))
        found = [self.places[one][0] for one in np.unique(ids) if one != NOBODY]
        self.ports[number, port.offset] = tuple(dict.fromkeys(found))


class _Makers:
    """The operators of a partition by their commands."""

    def __init__(self, operators: Sequence[Operator], own: Sequence[int]) -> None:
        self._operators = operators
        self._own = {offset: at for at in own for offset in operators[at].commands}
        self._lasts = sorted((max(operators[at].commands), at) for at in own if operators[at].commands)
        self._after = dict(self._silent(own))

    def _silent(self, own: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Operators and those fused into them behind, which have no command of their own."""
        for at in own:
            operator = self._operators[at]
            if operator.fused_into is not None and not operator.commands:
                before = [o for o in own if o < at and operator.fused_into in (o, self._operators[o].fused_into)]
                yield before[-1] if before else operator.fused_into, at

    def of(self, footprint: Footprint) -> int | None:
        """The operator that a command is of; None for a copy that is no operator's."""
        offset = footprint.command.offset
        if offset in self._own or footprint.copies:
            return self._own.get(offset)
        # Of a program whose commands were not counted, the last of each operator is known.
        place = bisect_left(self._lasts, offset, key=lambda last: last[0])
        return self._lasts[place][1] if place < len(self._lasts) else None

    def last(self, operator: int) -> int:
        """The operator whose result it is that an operator's commands write: that of the last one fused into it."""
        seen = {operator}
        while (after := self._after.get(operator)) is not None and after not in seen:
            operator = after
            seen.add(operator)
        return operator

    def inside(self) -> list[Edge]:
        """Edges to those that have no command."""
        return [Edge(Place("operator", at), Place("operator", after)) for at, after in self._after.items()]


def results(plan: Plan, args: Sequence[int]) -> tuple[int, ...]:
    """The values that a kernel writes, among its arguments.

    They stand twice at the end: as out arguments, and as what is returned; several may be returned as a list.
    """
    if not args:
        return ()
    returned: Any = plan.values[args[-1]]
    if isinstance(returned, pte.TensorList):
        return (*(item for item in returned.items if item >= 0), args[-1])
    for count in range(len(args) // 2, 0, -1):
        if args[-count:] == args[-2 * count : -count] and len(set(args[-count:])) == count:
            return tuple(args[-count:])
    return (args[-1],)


def _tensors(plan: Plan, values: Sequence[int]) -> list[int]:
    """Tensors among values, those in lists too; each once."""
    found: list[int] = []
    for value in values:
        kept: Any = plan.values[value]
        items = [item for item in kept.items if item >= 0] if isinstance(kept, pte.TensorList) else [value]
        found += [item for item in items if isinstance(plan.values[item], pte.Tensor)]
    return list(dict.fromkeys(found))
