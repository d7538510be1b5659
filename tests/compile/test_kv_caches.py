"""Models that write to a buffer at places they are given: what fails is named, soon, and what is said to work works."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.fx import symbolic_trace

from tests.conftest import Fvp
from tui.compile.diagnostics import dependency_cycles
from tui.errors import UserError

STEP = """
import torch
from torch import nn


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.o = nn.Linear(16, 48), nn.Linear(16, 16)
        self.register_buffer("keys", torch.zeros(1, 2, 8, 8))
        self.register_buffer("values", torch.zeros(1, 2, 8, 8))

    def forward(self, x, at{more}):
        q, k, v = (part.view(1, 1, 2, 8).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        {write}
        y = torch.softmax(q @ keys.transpose(2, 3) / 4.0, -1) @ values
        x = x + self.o(y.transpose(1, 2).reshape(1, 1, 16))
        return {result}


ModelUnderTest = Step()
ModelInputs = (torch.randn(1, 1, 16), torch.tensor([3]){inputs})
"""
BUFFERS = STEP.format(
    more="",
    write="keys, values = self.keys.index_copy_(2, at, k), self.values.index_copy_(2, at, v)",
    result="x",
    inputs="",
)
PASSED = STEP.format(
    more=", keys, values",
    write="keys, values = keys.index_copy(2, at, k), values.index_copy(2, at, v)",
    result="x, k, v",
    inputs=", torch.randn(1, 2, 8, 8), torch.randn(1, 2, 8, 8)",
)


def test_a_cache_in_a_buffer_fails_with_operator_line_and_what_works(fvp_tui: Fvp, tmp_path: Path) -> None:
    file = tmp_path / "step.py"
    file.write_text(BUFFERS)
    done = fvp_tui("compile", str(file), "--json", timeout=280)
    assert done.returncode == 1
    reason = json.loads(done.stdout)["run"]["reason"]
    line = next(at for at, text in enumerate(BUFFERS.splitlines(), start=1) if "index_copy_" in text)
    for word in ("aten.index_copy_", f"{file}:{line}", "ExecuTorch", "make the cache an input"):
        assert word in reason


def test_the_cache_as_an_input_works(fvp_tui: Fvp, tmp_path: Path) -> None:
    file = tmp_path / "step.py"
    file.write_text(PASSED)
    done = fvp_tui("run", str(file), "--engine", "interpreter", "--require-match", "--json", timeout=280)
    assert (done.returncode, json.loads(done.stdout)["delegation"]["subgraphs"]) == (0, 1)


class Around(nn.Module):
    """`b` goes from the first to the last operator of a partition past it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = torch.relu(x)
        b = torch.sigmoid(a)
        return torch.tanh(a) + b


@pytest.mark.parametrize(("inside", "way"), [(("relu", "tanh", "add"), ["sigmoid"]), (("relu", "tanh"), [])])
def test_a_way_out_of_a_partition_and_back_is_found(inside: tuple[str, ...], way: list[str]) -> None:
    module = symbolic_trace(Around())
    chosen = {node for node in module.graph.nodes if node.name in inside}
    assert [node.name for node in dependency_cycles.detour(chosen)] == way
    for node in chosen:
        node.meta[dependency_cycles.TAG] = "tag0"
    rejected = {node: "Kernel is too large." for node in module.graph.nodes if node.name == "sigmoid"}
    if way:
        with pytest.raises(UserError, match=r"through sigmoid.*Kernel is too large; .*18191.*a smaller kernel"):
            dependency_cycles.check(module, rejected)
    else:
        dependency_cycles.check(module, rejected)
