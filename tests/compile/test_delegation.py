"""Operators on the CPU: reason, place in the model, cost, hint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Fvp, Ran, taken_over
from tui.compile.diagnostics import hints
from tui.run.delegation import AT_BOUNDARY

MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.table = nn.Embedding(8, 4)

    def forward(self, x, i):
        y = torch.relu(self.conv(x))
        y = torch.roll(y, 1, 2)
        best = torch.argmax(y, 1)
        ordered, _ = torch.sort(y.flatten(1))
        return y, best, self.table(i), torch.relu(ordered)

ModelUnderTest = Net().eval()
ModelInputs = (torch.randn(1, 1, 8, 8), torch.tensor([1, 2, 3]))
"""


TWO_OUTPUTS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x, i):
        y = self.conv(x)
        return y, i * 3

ModelUnderTest = Net().eval()
ModelInputs = (torch.randn(1, 1, 8, 8), torch.arange(8))
"""


def line_of(text: str, model: str = MODEL) -> int:
    return next(number for number, line in enumerate(model.splitlines(), start=1) if text in line)


def causes(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [left for left in state["delegation"]["left"] if not left["conversion"]]


def test_each_cause_has_its_line_its_types_and_a_hint(fvp_tui: Fvp, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODEL)
    done = fvp_tui("compile", str(file), "--json", timeout=240)
    state = json.loads(done.stdout)
    found = {left["op"]: left for left in causes(state)}
    assert found.keys() >= {"aten.argmax", "aten.index_select", "dim_order_ops._to_dim_order_copy"}
    where = {op: int(left["line"].rpartition(":")[2]) for op, left in found.items()}
    assert where["aten.argmax"] == line_of("argmax")
    assert where["aten.index_select"] == line_of("roll")
    assert where["dim_order_ops._to_dim_order_copy"] == line_of("self.table(i)")
    assert all(left["line"].startswith(str(file)) for left in state["delegation"]["left"])
    assert "int64" in found["aten.argmax"]["reason"]
    assert (found["aten.argmax"]["inputs"], found["aten.argmax"]["outputs"]) == (["float32[1,4,8,8]"], ["int64[1,8,8]"])
    assert "slices" in found["aten.index_select"]["hint"] and "schema" not in found["aten.index_select"]["reason"]
    assert "int32" in found["dim_order_ops._to_dim_order_copy"]["hint"]
    # It could run on the NPU, were it not for what it is beside.
    relu = found["aten.relu"]
    assert (relu["reason"], relu["root"]) == ("the quantizer does not know aten.sort", "aten.sort")
    assert int(relu["root_line"].rpartition(":")[2]) == line_of("torch.sort") and "sort" in relu["hint"]


def test_what_is_made_ready_for_the_npu_alone_has_the_place_where_that_reads_it(fvp_tui: Fvp, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(TWO_OUTPUTS)
    state = json.loads(fvp_tui("compile", str(file), "--json", timeout=240).stdout)
    assert {(left["op"], left["module"], left["line"]) for left in state["delegation"]["left"]} == {
        ("dim_order_ops._to_dim_order_copy", "", f"{file}:{line_of('i * 3', TWO_OUTPUTS)}"),
        ("cortex_m.quantize_per_tensor", None, f"{file}:{line_of('self.conv(x)', TWO_OUTPUTS)}"),
        ("cortex_m.dequantize_per_tensor", None, f"{file}:{line_of('self.conv(x)', TWO_OUTPUTS)}"),
    }


CHAIN = """
import torch
import torch.nn.functional as F
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.gate = nn.Hardsigmoid(inplace=True)

    def forward(self, x):
        y = F.relu6(self.conv(x))
        return x + y * self.gate(F.adaptive_avg_pool2d(y, 1))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())

    def forward(self, x):
        y = F.max_pool1d(self.blocks(x).flatten(2), 2)
        def yes(x):
            return torch.sigmoid(torch.sort(x).values)
        def no(x):
            return x * 2
        return F.adaptive_avg_pool1d(torch.relu(y), 1), torch.cond(y.sum() > 0, yes, no, (y,))

ModelUnderTest = Net().eval()
ModelInputs = (torch.randn(1, 4, 8, 8),)
"""


@pytest.fixture(scope="module")
def chain(shared: Path, ran: Callable[..., Ran]) -> Ran:
    file = shared / "chain.py"
    file.write_text(CHAIN)
    return ran(str(file))


def test_the_first_cause_of_a_chain_is_named_once_with_what_works(chain: Ran, fvp_tui: Fvp, home: Path) -> None:
    found = {cause["reason"]: cause for cause in chain.state["delegation"]["causes"]}
    knows_not = "the quantizer does not know aten."
    relu6, gate = found[f"{knows_not}relu6"], found[f"{knows_not}hardsigmoid_"]
    assert (relu6["operators"], relu6["places"]) == ([{"op": "aten.hardtanh", "calls": 2}], 1)
    assert relu6["line"].endswith(f":{line_of('F.relu6', CHAIN)}") and "nn.ReLU6()" in relu6["hint"]
    assert "inplace=False" in gate["hint"] and gate["line"].endswith(f":{line_of('self.gate(', CHAIN)}")
    pools = [found[f"{knows_not}{pool}"] for pool in ("max_pool1d", "adaptive_avg_pool1d")]
    assert [sum(kind["calls"] for kind in pool["operators"]) for pool in pools] >= [3, 3]
    assert all("squeeze(2)" in pool["hint"] for pool in pools)
    assert not [cause for cause in found.values() if "--quantize" in (cause["hint"] or "")]
    name = taken_over(chain, home)
    page, words = fvp_tui("export", name, "--format", "html").stdout, fvp_tui("show", name).stdout
    for text in (page, words):
        assert text.count("the quantizer does not know aten.relu6") <= 3 and "aten.hardtanh x2" in text


def test_operators_in_branches_have_causes_and_lines(chain: Ran) -> None:
    left = {one["op"]: one for one in causes(chain.state)}
    assert left["aten.sort"]["hint"] == hints.hint("aten.sort", reason="Not included in BaseTOSASupportList")
    assert left["aten.sigmoid"]["reason"] == "the quantizer leaves in float what cond runs"
    assert "torch.where" in left["aten.sigmoid"]["hint"]
    for op in ("cond", "aten.sort", "aten.sigmoid"):
        # PyTorch keeps no lines of a branch, but the one that runs it.
        assert left[op]["line"].endswith(f":{line_of('torch.cond', CHAIN)}")


def test_without_quantization_that_is_the_one_cause(fvp_tui: Fvp, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(TWO_OUTPUTS)
    state = json.loads(fvp_tui("compile", str(file), "--quantize", "none", "--json", timeout=240).stdout)
    (cause,) = (one for one in state["delegation"]["causes"] if one["root"] is not None)
    assert cause["hint"] == hints.QUANTIZE and "not quantized" in cause["reason"]


def test_conversions_are_put_down_to_whom_they_are_for(ran: Callable[..., Ran]) -> None:
    state = ran("sample:split").state
    topk, atan2 = causes(state)
    assert (topk["op"], topk["conversions"], atan2["op"], atan2["conversions"]) == ("aten.topk", 2, "aten.atan2", 3)
    conversions = [left for left in state["delegation"]["left"] if left["conversion"]]
    assert [left["reason"] == AT_BOUNDARY for left in conversions] == [True, *[False] * 5, True]
    assert {left["line"] for left in conversions if "aten.topk" in left["reason"]} == {topk["line"]}
    # What is left is what the program calls.
    called = sum(kernel["calls"] for kernel in state["delegation"]["kernels"])
    assert len(state["delegation"]["left"]) == called


@pytest.mark.parametrize(
    ("operator", "reason", "said"),
    [
        ("aten.topk", "Not included in BaseTOSASupportList or a registered tosa_support_check", "sort"),
        ("aten.strange", "Not included in BaseTOSASupportList or a registered tosa_support_check", "no such operator"),
        ("aten.sum", "sum needs dims < 65536, got shape torch.Size([1, 70000])", "two steps"),
        ("aten.view", "view has a shape torch.Size([1]*7), rank 7 which is unsupported.", "dimensions"),
        ("aten.max_pool2d", "Using the indices output is not supported; only usage of the values", "only the values"),
    ],
)
def test_hints(operator: str, reason: str, said: str) -> None:
    found = hints.hint(operator, reason=reason)
    assert found is not None and said in found


def test_what_is_not_known_gets_no_hint() -> None:
    assert hints.hint("aten.add", reason="Some reason of a later version") is None
