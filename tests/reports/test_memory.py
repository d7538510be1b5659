"""The memory map: the peak, and the picture."""

from hypothesis import given
from hypothesis import strategies as st

from tests.app.fakes import tensor
from tui.reports.memory import FREE, areas, peak, picture
from tui.run.figures import Operator, TensorPlace

THREE = (tensor("in", 0, 1, 0, 100), tensor("mid", 0, 3, 100, 300), tensor("out", 2, 5, 0, 50))


def test_the_peak_names_what_is_alive_and_what_runs() -> None:
    (area,) = areas(THREE)
    operators = (Operator(name="a", op="Conv2D", time=0), Operator(name="b", op="Conv2D", time=2))
    found = peak(area, operators)
    assert (found.time, found.bytes, [t.name for t in found.tensors]) == (0, 400, ["mid", "in"])
    assert found.operator == operators[0]
    assert (area.size, area.steps) == (400, 6)


def test_the_picture_has_addresses_upwards_and_time_to_the_right() -> None:
    (area,) = areas(THREE)
    assert picture(area, 6, 4) == ["AAAA..", "AAAA..", "AAAA..", "BBCCCC"]
    assert picture(area, 13, 2) == ["AAAAAAAA....", "AAAAAAAACCCC"]
    assert picture(area, 3, 4) == ["AA.", "AA.", "AA.", "BCC"]


def test_a_view_of_the_same_bytes_counts_once() -> None:
    (area,) = areas((tensor("x", 0, 1, 0, 64), tensor("view", 0, 1, 0, 64)))
    assert peak(area, ()).bytes == 64


def test_memories_and_partitions_are_apart() -> None:
    found = areas((*THREE, tensor("big", 0, 9, 0, 5000, memory="Dram")))
    assert [(area.partition, area.memory) for area in found] == [(0, "Dram"), (0, "Sram")]


@given(
    st.lists(
        st.builds(
            tensor,
            st.text(max_size=3),
            st.integers(0, 5),
            st.integers(5, 12),
            st.integers(0, 1000),
            st.integers(1, 1000),
        ),
        min_size=1,
        max_size=80,
    ),
    st.integers(1, 40),
    st.integers(1, 20),
)
def test_a_picture_of_anything_has_its_size_and_its_letters(made: list[TensorPlace], width: int, height: int) -> None:
    (area,) = areas(made)
    drawn = picture(area, width, height)
    assert len(drawn) == height
    assert {len(row) for row in drawn} == {width // area.steps * area.steps or width}
    assert {mark for row in drawn for mark in row} <= {FREE, *map(area.mark, area.tensors)}
    top = peak(area, ())
    assert max(t.bytes for t in made) <= top.bytes <= area.size
