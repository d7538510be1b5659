"""Operators ranked, filtered, and below their modules."""

from hypothesis import given
from hypothesis import strategies as st

from tui.reports.operators import NO_MODULE, ORDERS, Entry, entries, operator_lines, tree
from tui.run.figures import Operator
from tui.run.state import State

MODULES = st.sampled_from([None, "", "a", "a.b", "a.b.c", "a.d", "e", "f.0", "f.1"])
CYCLES = st.none() | st.integers(0, 1_000)


@st.composite
def operators(draw: st.DrawFn) -> tuple[Operator, ...]:
    made: list[Operator] = []
    for at in range(draw(st.integers(0, 12))):
        module = draw(MODULES)
        leaders = [i for i, o in enumerate(made) if o.fused_into is None]
        fused = draw(st.sampled_from([None, *leaders])) if leaders else None
        made.append(
            Operator(
                name=module or f"node_{at}",
                module=module,
                op=draw(st.sampled_from(["Conv2D", "Add", "Transpose"])),
                total_cycles=0 if fused is not None else draw(CYCLES),
                fused_into=fused,
                partition=draw(st.integers(0, 1)),
            )
        )
    return tuple(made)


@given(operators(), st.sampled_from(ORDERS))
def test_each_operator_is_there_once_whatever_the_arrangement(made: tuple[Operator, ...], order: str) -> None:
    leaders = [at for at, operator in enumerate(made) if operator.fused_into is None]
    for arranged in (entries(made, order), tree(made, order)):  # type: ignore[arg-type]
        assert sorted(e.operator for e in arranged if e.operator is not None) == leaders
        assert len({entry.key for entry in arranged}) == len(arranged)


@given(operators(), st.sampled_from(ORDERS))
def test_a_module_has_the_cycles_of_what_is_below_it(made: tuple[Operator, ...], order: str) -> None:
    arranged = tree(made, order)  # type: ignore[arg-type]
    for at, entry in enumerate(arranged):
        if entry.operator is not None:
            continue
        below = []
        for other in arranged[at + 1 :]:
            if other.depth <= entry.depth:
                break
            below.append(other)
        own = [e.cycles for e in below if e.operator is not None]
        assert own
        assert entry.cycles == (None if None in own else sum(c for c in own if c is not None))


def labels(found: list[Entry]) -> list[str]:
    return ["  " * entry.depth + entry.label for entry in found]


MADE = (
    Operator(name="stem.0", module="stem.0", op="Transpose", total_cycles=70, bound="Sram"),
    Operator(name="stem.0", module="stem.0", op="Conv2D", total_cycles=20, line="/models/net.py:12"),
    Operator(name="stem.1", module="stem.1", op="Clamp", total_cycles=0, fused_into=1),
    Operator(name="add", module="", op="Add", total_cycles=40),
    Operator(name="tosa_x", op="Mul", total_cycles=5),
)


def test_modules_with_one_thing_in_them_are_no_level_of_their_own() -> None:
    assert labels(tree(MADE)) == ["stem.0", "  Transpose", "  Conv2D+Clamp", "add", NO_MODULE]


def test_orders() -> None:
    assert [e.kind for e in entries(MADE, "cycles")] == ["Transpose", "Add", "Conv2D+Clamp", "Mul"]
    assert [e.kind for e in entries(MADE, "schedule")] == ["Transpose", "Conv2D+Clamp", "Add", "Mul"]
    assert [e.label for e in entries(MADE, "name")] == ["add", "stem.0", "stem.0", "tosa_x"]


def test_words_are_looked_for_in_all_that_is_known_of_an_operator() -> None:
    assert [e.kind for e in entries(MADE, words="STEM clamp")] == ["Conv2D+Clamp"]
    assert [e.kind for e in entries(MADE, words="net.py:12")] == ["Conv2D+Clamp"]
    assert [e.kind for e in entries(MADE, words="sram")] == ["Transpose"]
    assert entries(MADE, words="nowhere") == []


def test_partitions_come_first_where_there_are_several() -> None:
    made = (
        Operator(name="a", module="a", op="Conv2D", total_cycles=3),
        Operator(name="a", module="a", op="Conv2D", total_cycles=4, partition=1),
        Operator(name="b", module="b", op="Conv2D", total_cycles=2, partition=1),
    )
    assert labels(tree(made)) == ["partition 1", "  a", "  b", "partition 0", "  a"]


def test_an_operator_of_many_commands_says_how_many() -> None:
    made = tuple(
        Operator(name=name, op="Transpose", total_cycles=9, npu_commands=count)
        for name, count in (("one", 1), ("many", 1_024), ("unknown", None))
    )
    lines = {line.split()[0]: line for line in operator_lines(State(operators=made), "all")}
    assert "Transpose in 1,024 commands" in lines["many"]
    assert not [name for name in ("one", "unknown") if "command" in lines[name]]
