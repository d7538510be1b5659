"""Why an operator is on the CPU: reason, place in the model, what it costs, what may help."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Fvp, Ran
from tui.compile import hints
from tui.figures import AT_BOUNDARY

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
    assert "not marked as quantized" in found["aten.relu"]["reason"] and "beside it" in found["aten.relu"]["hint"]


def test_what_is_made_ready_for_the_npu_alone_has_the_place_where_that_reads_it(fvp_tui: Fvp, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(TWO_OUTPUTS)
    state = json.loads(fvp_tui("compile", str(file), "--json", timeout=240).stdout)
    assert {(left["op"], left["module"], left["line"]) for left in state["delegation"]["left"]} == {
        ("dim_order_ops._to_dim_order_copy", "", f"{file}:{line_of('i * 3', TWO_OUTPUTS)}"),
        ("cortex_m.quantize_per_tensor", None, f"{file}:{line_of('self.conv(x)', TWO_OUTPUTS)}"),
        ("cortex_m.dequantize_per_tensor", None, f"{file}:{line_of('self.conv(x)', TWO_OUTPUTS)}"),
    }


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
        ("aten.add", "Node was not marked as quantized in the Arm backend.", "--quantize"),
        ("aten.sum", "sum needs dims < 65536, got shape torch.Size([1, 70000])", "two steps"),
        ("aten.view", "view has a shape torch.Size([1]*7), rank 7 which is unsupported.", "dimensions"),
        ("aten.max_pool2d", "Using the indices output is not supported; only usage of the values", "values only"),
    ],
)
def test_hints(operator: str, reason: str, said: str) -> None:
    found = hints.hint(operator, reason)
    assert found is not None and said in found


def test_what_is_not_known_gets_no_hint() -> None:
    assert hints.hint("aten.add", "Some reason of a later version") is None
