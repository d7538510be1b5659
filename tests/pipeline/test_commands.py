"""The NPU's commands of each operator, of which Vela's debug database has the last one."""

from pathlib import Path

import msgspec
import pytest

from tui.model import pte
from tui.pipeline import commands, estimates
from tui.run import events, state
from tui.run.figures import Estimate, Operator

SMALL = Path(__file__).parents[1] / "simulator" / "ethosu55"


def known(program: bytes) -> tuple[Operator, ...]:
    """A program's operators by the cycle model, which groups commands by what they do."""
    return estimates.of_program(program).operators


def only_the_last(operators: tuple[Operator, ...]) -> list[Operator]:
    """Operators as Vela's debug database has them, and one that was fused."""
    fused = Operator(name="fused", op="Clamp", fused_into=0)
    return [*(msgspec.structs.replace(o, commands=o.commands[-1:]) for o in operators), fused]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("permuted-ethos-u55-128", [5, 6, 1]),
        ("permuted-ethos-u65-512", [5, 6, 1]),
        # A product of activations is a multiplication and a sum for each of 4 columns.
        ("matmul-ethos-u55-128", [2, 8]),
    ],
)
def test_each_operator_has_all_of_its_commands(name: str, counts: list[int]) -> None:
    data = (SMALL / f"{name}.pte").read_bytes()
    operators = known(data)
    found = commands.of_operators(pte.parse(data), only_the_last(operators))
    assert found == {at: operator.commands for at, operator in enumerate(operators)}
    assert [len(offsets) for offsets in found.values()] == counts
    before = events.Estimated(estimate=Estimate(), partitions=(), operators=tuple(only_the_last(operators)))
    after = state.fold_all([before, events.CommandsCounted(commands=found)])
    assert [operator.npu_commands for operator in after.operators] == [*counts, None]
    assert [operator.commands for operator in after.operators[:-1]] == [operator.commands for operator in operators]


def test_copies_of_weights_are_no_part_of_an_operator() -> None:
    data = (SMALL / "conv-ethos-u55-64.pte").read_bytes()
    operators = known(data)
    found = commands.of_operators(pte.parse(data), only_the_last(operators))
    assert found == {at: operator.commands for at, operator in enumerate(operators)}
