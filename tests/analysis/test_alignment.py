"""Operators of two runs of one network are paired in its order, whatever they are called."""

from tui.analysis import alignment
from tui.analysis.alignment import Step
from tui.run.figures import Operator


def step(op: str, macs: int = 0, elements: int = 10, cycles: int = 5) -> Step:
    return Step(f"{op}-{macs}", op, cycles, macs, elements)


NETWORK = [step("Conv2D", 100), step("DepthwiseConv2D", 30), step("Conv2D", 200), step("Conv2D", 100)]


def names(pairs: list[alignment.Pair] | None) -> list[tuple[str | None, str | None]]:
    assert pairs is not None
    return [(None if a is None else a.name, None if b is None else b.name) for a, b in pairs]


def test_what_only_one_has_stays_alone_at_its_place() -> None:
    with_transposes = [step("Transpose"), *NETWORK[:2], step("Transpose"), *NETWORK[2:]]
    found = names(alignment.pairs(with_transposes, NETWORK))
    assert [a for a, b in found if b is None] == ["Transpose-0", "Transpose-0"]
    assert [(a, b) for a, b in found if b is not None] == [(one.name, one.name) for one in NETWORK]
    turned = names(alignment.pairs(NETWORK, with_transposes))
    assert turned == [(b, a) for a, b in found]


def test_the_same_work_is_the_same_operator_whatever_it_is_called() -> None:
    found = names(alignment.pairs([*NETWORK, step("FullyConnected", 64)], [*NETWORK, step("Conv2D", 64)]))
    assert found[-1] == ("FullyConnected-64", "Conv2D-64")


def test_two_networks_are_not_paired() -> None:
    others = [step("Conv2D", 7), step("Conv2D", 8), step("Add")]
    assert alignment.pairs(NETWORK, others) is None
    assert alignment.pairs([step("Add")], [step("Add")]) is None, "without work there is nothing to know it by"
    assert alignment.pairs([], []) is None


def test_fused_operators_are_part_of_another_and_order_is_that_of_the_schedule() -> None:
    operators = [
        Operator(name="late", op="Add", total_cycles=3, time=4),
        Operator(name="early", op="Conv2D", total_cycles=9, macs=10, time=0),
        Operator(name="fused", op="Relu", total_cycles=0, fused_into=1, time=0),
    ]
    assert [one.name for one in alignment.steps(operators)] == ["early", "late"]
