"""Use of a memory over time, the story of each tensor, and the shades that tell neighbours apart."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app import fakes
from tests.app.fakes import tensor
from tui.reports.format import UNKNOWN
from tui.reports.memory import areas, cells, peak
from tui.reports.memory_use import (
    INPUT,
    OUTPUT,
    SHADES,
    facts,
    shades,
    short_name,
    steps_of_interest,
    story,
    totals,
    use,
    used_words,
)
from tui.run.figures import Estimate, Operator, PoolNeed, TensorPlace
from tui.run.spec import Limits
from tui.run.state import State


def made(name: str, module: str | None, start: int, end: int, address: int, size: int) -> TensorPlace:
    """A tensor of a module."""
    return msgspec.structs.replace(tensor(name, start, end, address, size), module=module)


TENSORS = (
    made("quantize", None, 0, 1, 0, 64),
    made("tosa_transpose", "entry", 0, 3, 64, 128),
    made("tosa_conv", "body.0", 2, 7, 192, 256),
    # A rescale that belongs to the add, fused into the convolution at step 4.
    made("tosa_rescale", "body", 4, 7, 0, 128),
    made("tosa_clamp", "body.act", 6, 9, 448, 128),
    made("tosa_reshape", None, 8, 11, 0, 16),
)
OPERATORS = (
    Operator(name="entry", module="entry", op="Transpose", time=0),
    Operator(name="body.0", module="body.0", op="Conv2D", time=2, ofm_shape=(1, 8, 8, 4)),
    Operator(name="body.1", module="body.1", op="Conv2D", time=4),
    Operator(name="body.2", module="body.2", op="Conv2D", time=6),
    Operator(name="body", module="body", op="Add", time=6, fused_into=3),
    Operator(name="body.act", module="body.act", op="Clamp", time=6, fused_into=3),
    Operator(name="head", module="head", op="FullyConnected", time=8),
)
(AREA,) = areas(TENSORS)


def told(name: str) -> tuple[str, str]:
    """Writer and last reader of a tensor in words."""
    found = story(AREA, next(t for t in TENSORS if t.name == name), OPERATORS)
    return found.written_by, found.last_read_by


def test_each_tensor_has_a_writer_and_a_last_reader() -> None:
    assert told("quantize") == (INPUT, "entry (Transpose), step 0")
    assert told("tosa_transpose") == ("entry (Transpose), step 0", "body.0 (Conv2D), step 2")
    # Its last reader is one of three operators in one: the first stands for all.
    assert told("tosa_conv") == ("body.0 (Conv2D), step 2", "body.2 (Conv2D), step 6")
    # It is made by what runs at its first step, though another operator has its module.
    assert told("tosa_rescale") == ("body.1 (Conv2D), step 4", "body.2 (Conv2D), step 6")
    assert told("tosa_clamp") == ("body.act (Clamp), step 6", "head (FullyConnected), step 8")
    assert told("tosa_reshape") == ("head (FullyConnected), step 8", OUTPUT)


def test_what_works_in_place_is_made_later_than_its_memory_is_taken() -> None:
    both = (made("add", "body", 6, 9, 0, 64), made("clamp", "act", 6, 9, 0, 64))
    operators = (
        Operator(name="body", module="body", op="Add", time=6),
        Operator(name="act", module="act", op="Clamp", time=8),
    )
    (area,) = areas(both)
    assert story(area, both[1], operators).written_by == "act (Clamp), step 8"


def test_what_vela_does_not_tell_is_said_to_be_unknown() -> None:
    found = story(AREA, TENSORS[2], ())
    assert found.written_by.startswith(UNKNOWN) and found.last_read_by.startswith(UNKNOWN)
    alone = areas((made("x", None, 0, 1, 0, 8),))[0]
    # Where no tensor has a module, none is called an input.
    assert not story(alone, alone.tensors[0], OPERATORS).is_input


def test_facts_are_in_the_order_of_what_matters() -> None:
    found = dict(facts(AREA, TENSORS[2], OPERATORS))
    assert list(found) == ["written by", "last read by", "address", "format", "needed"]
    assert found["address"] == "0xc0 to 0x1bf in Sram"
    assert found["format"] == "int8 NHWC 1x8x8x4" and found["needed"] == "in steps 2 to 7, the last is 11"


def test_the_use_over_time_has_the_peak_of_the_map() -> None:
    assert use(AREA) == [192, 192, 384, 384, 384, 384, 512, 512, 144, 144, 16, 16]
    assert max(use(AREA)) == peak(AREA, OPERATORS).bytes
    assert steps_of_interest(AREA) == [0, 2, 4, 6, 8]
    assert used_words(AREA, 512, 1.0) == "512 B of 1 KiB, 50%" and used_words(AREA, 512, None) == "512 B"


def test_a_block_has_a_short_name() -> None:
    assert short_name(AREA, TENSORS[4], OPERATORS, 20) == "body.act"
    assert short_name(AREA, TENSORS[4], OPERATORS, 3) == "b.a"
    assert short_name(AREA, TENSORS[0], OPERATORS, 20) == "input"
    assert short_name(AREA, TENSORS[5], OPERATORS, 20) == "output"


TOUCHING = st.lists(
    st.builds(
        tensor,
        st.just("t"),
        st.integers(0, 5),
        st.integers(5, 12),
        st.integers(0, 1000),
        st.integers(1, 1000),
    ),
    min_size=1,
    max_size=40,
)


@given(TOUCHING)
def test_shades_are_those_of_the_themes(held: list[TensorPlace]) -> None:
    (area,) = areas(held)
    assert set(shades(area)) <= set(range(SHADES)) and len(shades(area)) == len(held)
    assert use(area)[0] <= max(use(area)) == peak(area, ()).bytes


def test_neighbours_have_other_shades() -> None:
    grid, own = cells(AREA, AREA.steps, 9), shades(AREA)
    for lower, upper in pairwise(grid):
        for below, above in zip(lower, upper, strict=True):
            assert below is None or above is None or below == above or own[below] != own[above]


def test_totals_have_their_limit_and_what_is_not_known_stays_unknown() -> None:
    spec = fakes.spec_of(limits=Limits(sram_kib=64))
    pool = PoolNeed(name="temp_allocator", needed=2048, available=4096)
    state = State(spec=spec, estimate=Estimate(sram_kib=48.0, flash_kib=89.0625), pools=(pool,))
    assert [(total.name, total.words) for total in totals(state)] == [
        ("SRAM", "48.0 KiB of 64 KiB"),
        ("flash", "89.1 KiB"),
        ("DRAM", UNKNOWN),
        ("scratch", "2.0 KiB of 4 KiB"),
    ]
    assert totals(State()) == []


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 3), (30, 9)])
def test_cells_are_places_of_tensors_the_lowest_address_first(width: int, height: int) -> None:
    grid = cells(AREA, width, height)
    assert len(grid) == height and {len(row) for row in grid} == {width}
    assert {place for row in grid for place in row} <= {None, *range(len(TENSORS))}
