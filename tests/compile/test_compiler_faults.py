"""The compilers' known faults that change results: each is seen, is the one we think it is, and can be avoided."""

import pytest
import torch

from tests.compile.compiler_faults import CASES, Case
from tests.differential import links, lowering

pytestmark = pytest.mark.xdist_group("conformance-0")


def _lowered(case: Case, model: torch.nn.Module) -> lowering.Lowered:
    torch.manual_seed(0)
    samples = tuple(tuple(torch.randn(shape) for shape in case.inputs) for _ in range(2))
    with lowering.in_haste():
        return lowering.lower_module(model, samples, case.quantization)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault.name)
def test_the_smallest_case_is_found_and_told_from_others(case: Case) -> None:
    torch.manual_seed(0)
    (finding,) = links.findings(_lowered(case, case.model()))
    assert finding.faults == (case.fault.name,)
    assert finding.float_db is not None and finding.lowered_db is not None
    assert finding.float_db - finding.lowered_db > 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault.name)
def test_written_in_another_way_the_model_is_sound(case: Case) -> None:
    torch.manual_seed(0)
    assert links.findings(_lowered(case, case.sound())) == []
