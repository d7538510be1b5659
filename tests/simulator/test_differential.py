"""A fixed sample of the random graphs that ``make differential`` compares with the TOSA reference model.

Every operator family is in it; graphs that take long to compile are left to that target.
"""

import pytest

from tests.differential import comparison, lowering, overwriting
from tests.differential.families import FAMILIES, spec
from tests.differential.faults import KNOWN
from tests.simulator import programs

SEED = 1
GRAPHS = (
    1, 2, 3, 4, 5, 6, 8, 15, 16, 17, 19, 21, 23, 30, 35, 38, 41, 43, 44, 61, 91, 93, 95, 132, 177,
)  # fmt: skip
GRAPHS_U55 = (1, 2, 3, 5, 17, 19, 21, 23, 30, 38, 43)
"""Graphs for Ethos-U55 and U65."""

PARTS = 2
"""One for each worker: every process more pays for another import of PyTorch."""


def test_the_sample_has_every_family() -> None:
    assert {step.family for index in GRAPHS for step in spec(SEED, index).steps} == set(FAMILIES)


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
    changed = [str(found) for o in outcomes for found in o.findings if not found.faults]
    assert not changed, "\n".join(changed)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("conformance-1")
def test_the_simulator_computes_what_the_reference_model_computes_for_ethos_u55() -> None:
    with lowering.in_haste():
        outcomes = [comparison.compare_number(SEED, index, "ethos-u55") for index in GRAPHS_U55]
    wrong = [f"--index {o.index}: {o.verdict}: {o.detail}" for o in outcomes if o.verdict != "equal"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.xdist_group("conformance-0")
@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("a clamp between two layers of 16 bits", "vela: takes rows of its input for padding"),
        ("a convolution along one axis and a clamp", "vela: takes rows of its input for padding"),
        ("a pool and a clamp", "vela: takes rows of its input for padding"),
        ("a convolution and a clamp, permuted", "vela: has weights for other channels than there are"),
        ("an operator on elements and a clamp", "vela: clamps rows in another shape than it reads them"),
        ("a choice between a convolution and its input", "vela: chooses in another shape"),
        ("a permute and a table in one", "vela: loads a table beyond SHRAM"),
        ("a permute and a table, into a concatenation", "vela: writes rows where others lie"),
        ("a left shift of 32 bits", "vela: shifts left with saturation"),
        ("a left shift of 8 bits", "vela: casts to fewer bits with saturation"),
    ],
)
def test_what_the_compiler_does_wrong_is_not_the_simulators(why: str, reason: str) -> None:
    (fault,) = [one for one in KNOWN if one.why.startswith(why)]
    with lowering.in_haste():
        outcome = comparison.compare(comparison.smallest(fault))
    assert (outcome.verdict, outcome.detail) == ("excused", reason)
    assert outcome.excused == (reason,)


@pytest.mark.parametrize("name", ["conv", "softmax", "matmul", "permuted", "pools"])
def test_a_sound_stream_writes_over_nothing_unread(name: str) -> None:
    (part,) = programs.parts_of_fixture(name, "ethos-u65-512")
    assert not overwriting.overwrites(part, part.random_inputs(1))
