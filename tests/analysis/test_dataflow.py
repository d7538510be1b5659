"""The flow of data through programs, and the bytes that the NPU's commands read and write."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.conftest import Ran
from tui.analysis import dataflow
from tui.analysis.flow import Edge, Place
from tui.model import pte
from tui.run import store
from tui.simulator import footprints, npu
from tui.simulator.delegate import EthosU
from tui.simulator.footprints import NOBODY, Area, Writers


def program_of(run: Ran) -> pte.Program:
    return pte.parse((run.artifacts / store.MODEL).read_bytes())


def operator(at: int) -> Place:
    return Place("operator", at)


@pytest.mark.parametrize("target", [(), ("--target", "ethos-u55-128")])
def test_a_chain_is_a_chain(ran: Callable[..., Ran], target: tuple[str, ...]) -> None:
    run = ran("sample:digits", *target)
    state = store.load(run.directory)
    flow = dataflow.of_program(program_of(run), state.operators)
    assert flow.notes == ()
    count = len(state.operators)
    between = {(e.source, e.target) for e in flow.edges}
    assert {(operator(at), operator(at + 1)) for at in range(count - 1)} <= between
    assert (Place("input", 0), Place("step", 0)) in between and (Place("step", 0), operator(0)) in between
    assert (operator(count - 1), Place("step", 2)) in between and (Place("step", 2), Place("output", 0)) in between
    assert len(between) == count - 1 + 4


MODELS = [("sample:digits",), ("sample:split",), ("sample:digits", "--target", "ethos-u55-128")]


@pytest.mark.parametrize("model", MODELS)
def test_commands_change_no_byte_outside_their_footprint(ran: Callable[..., Ran], model: tuple[str, ...]) -> None:
    program = program_of(ran(*model))
    for delegate in program.main.delegates:
        watch = Watch(EthosU(delegate, program.named_data))
        watch.loaded._npu.run(watch.scratch, watch.fast, observe=watch.look)
        assert watch.changes > 0


class Watch:
    """A look at the NPU's memory after each command."""

    def __init__(self, loaded: EthosU) -> None:
        self.loaded = loaded
        self.prints = {one.command.offset: one for one in footprints.of(loaded.stream)}
        self.scratch = np.random.default_rng(7).integers(0, 255, loaded.scratch_bytes, np.uint8)
        self.fast = np.zeros(npu.memory(loaded.stream).sram_bytes, np.uint8)
        self.before = self.scratch.copy()
        self.changes = 0

    def look(self, command: Any) -> None:
        changed = np.flatnonzero(self.before != self.scratch)
        self.before = self.scratch.copy()
        writers = Writers({1: len(self.scratch), 2: len(self.fast)})
        if (area := self.prints[command.offset].writes) is not None:
            writers.write(area, 1)
        # A footprint is of the first byte of each element: these have at most four.
        elements = np.flatnonzero(writers.at(1, 0, len(self.scratch)) == 1)
        assert set(changed.tolist()) <= {int(at) + more for at in elements for more in range(4)}, command
        self.changes += len(changed)


def test_an_operator_that_joins_two_writers_takes_from_both() -> None:
    writers = Writers({1: 64})
    # Two maps of channels side by side, as a concatenation has them, and one over both.
    for by, offset in ((1, 0), (2, 2)):
        writers.write(Area(1, chained=False, parts=((offset, (4, 2, 2), (16, 4, 1)),)), by)
    whole = Area(1, chained=False, parts=((0, (4, 2, 4), (16, 4, 1)),))
    assert writers.of(whole) == [1, 2]
    assert writers.of(Area(1, chained=False, parts=((0, (4, 2, 2), (16, 4, 1)),))) == [1]
    assert writers.of(Area(0, chained=False, parts=((0, (8,), (1,)),))) == []
    writers.copy(whole, Area(1, chained=False, parts=((32, (4, 2, 4), (8, 4, 1)),)))
    assert set(writers.at(1, 32, 32).tolist()) == {1, 2}
    writers.copy(None, Area(1, chained=False, parts=((32, (32,), (1,)),)))
    assert set(writers.at(1, 32, 32).tolist()) == {NOBODY}


@pytest.mark.parametrize("part", [(60, (8,), (1,)), (0, (1 << 20, 1 << 20), (0, 0)), (4, (4,), (-4,))])
def test_an_area_outside_its_region_is_refused(part: Any) -> None:
    with pytest.raises(footprints.CommandStreamError):
        Writers({1: 64}).of(Area(1, chained=False, parts=(part,)))


def test_a_damaged_partition_costs_its_edges_and_is_named(ran: Callable[..., Ran]) -> None:
    run = ran("sample:split")
    data = bytearray((run.artifacts / store.MODEL).read_bytes())
    at = data.index(b"COP1")
    data[at + 40 : at + 60] = b"\xff" * 20
    flow = dataflow.of_program(pte.parse(bytes(data)), store.load(run.directory).operators)
    assert len(flow.notes) == 1 and "partition" in flow.notes[0]
    assert Edge(Place("step", 8), Place("step", 9)) in flow.edges
    reached = {edge.target for edge in flow.edges}
    assert any(operator(at) in reached for at in range(9)), "the others have theirs"


def test_results_stand_twice_at_the_end() -> None:
    values = tuple(pte.Tensor(np.dtype(np.int8), (1,), (0,)) for _ in range(6))
    plan = pte.Plan("forward", (*values, pte.TensorList((3, 4)), 1.5), (), (), (), (), (), ())
    assert dataflow.results(plan, (0, 1, 7, 2, 2)) == (2,)
    assert dataflow.results(plan, (0, 0, 2, 2)) == (2,)
    assert dataflow.results(plan, (0, 7, 3, 4, 3, 4)) == (3, 4)
    assert dataflow.results(plan, (0, 7, 3, 4, 6)) == (3, 4, 6)
    assert dataflow.results(plan, (0, 1, 7, 0)) == (0,)
    assert dataflow.results(plan, ()) == ()


def test_damaged_programs_are_refused_or_followed(ran: Callable[..., Ran]) -> None:
    run = ran("sample:split")
    data, operators = (run.artifacts / store.MODEL).read_bytes(), store.load(run.directory).operators
    random = Random(24)
    followed = 0
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(random.choice((1, 2, 8))):
            damaged[random.randrange(len(damaged))] = random.choice((0, 127, 128, 255))
        try:
            program = pte.parse(bytes(damaged))
        except pte.PteError:
            continue
        flow = dataflow.of_program(program, operators)
        followed += not flow.notes
    assert followed > 50
