"""A fixed sample of the random graphs that ``make differential`` compares with the TOSA reference model.

At least one of every operator family; those that take long to compile are left to that target.
"""

import pytest

from tests.differential import comparison, lowering
from tests.differential.families import FAMILIES, spec

SEED = 1
GRAPHS = (
    0, 6, 7, 9, 11, 12, 13, 15, 16, 17, 23, 26, 30, 32, 34, 35, 36, 37, 38, 41, 43, 47, 51, 52, 53, 54, 55, 57, 58, 60,
    61, 62, 64,
)  # fmt: skip
PARTS = 2
"""One for each worker: every process more pays for another import of PyTorch."""


def test_the_sample_has_every_family() -> None:
    assert {spec(SEED, index).family for index in GRAPHS} == set(FAMILIES)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "part", [pytest.param(n, marks=pytest.mark.xdist_group(f"conformance-{n}")) for n in range(PARTS)]
)
def test_the_simulator_computes_what_the_reference_model_computes(part: int) -> None:
    with lowering.in_haste():
        outcomes = [comparison.compare_number(SEED, index) for index in GRAPHS[part::PARTS]]
    # A graph that is refused compares nothing: it has no place in a sample.
    wrong = [f"--seed {SEED} --index {o.index}: {o.verdict}: {o.detail}" for o in outcomes if o.verdict != "equal"]
    assert not wrong, "\n".join(wrong)
