"""An output that Vela drops is told before anything is booted, and what is advised against it works."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Fvp

BOTH = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        r = torch.relu(self.conv(x))
        return r, self.head(r)

ModelUnderTest = Net()
ModelInputs = (torch.randn(1, 3, 8, 8),)
"""
SQUEEZE_EXCITE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down = nn.Conv2d(8, 4, 1)
        self.up = nn.Conv2d(4, 8, 1)

    def forward(self, x):
        r = torch.relu(self.conv(x))
        return r * nn.functional.softplus(self.up(torch.relu(self.down(self.pool(r)))))

ModelUnderTest = Net()
ModelInputs = (torch.randn(1, 3, 8, 8),)
"""
"""Softplus stays on the CPU."""

Try = Callable[..., dict[str, Any]]


@pytest.fixture
def attempt(fvp_tui: Fvp, tmp_path: Path) -> Try:
    """``attempt(COMMAND, TEXT, OPTION...)``: the state of the run of a model of this text."""

    def run(command: str, text: str, *options: str, model: str = "net.py") -> dict[str, Any]:
        (tmp_path / "net.py").write_text(text)
        done = fvp_tui(command, model, *options, "--json", cwd=tmp_path)
        state: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == state["run"]["exit_status"]
        return state

    return run


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


def place(folder: Path, text: str, words: str) -> str:
    return f"{folder / 'net.py'}:{line_of(text, words)}"


def test_it_is_told_at_compile_time_with_tensor_module_and_line(attempt: Try, tmp_path: Path) -> None:
    state = attempt("compile", SQUEEZE_EXCITE)
    assert (state["run"]["status"], state["run"]["exit_status"]) == ("failed", 1)
    assert [stage["name"] for stage in state["stages"] if stage["status"] == "failed"] == ["vela"]
    assert (
        "it dropped an output of partition 0 that is also read inside, tosa_transpose_default_1 made by conv at"
        f" {place(tmp_path, SQUEEZE_EXCITE, 'self.conv(x)')}; the program could not run (--channels-last avoids it"
    ) in state["run"]["reason"]
    # What somebody needs who reports it.
    assert "dropped_output.tosa" in {artifact["name"] for artifact in state["artifacts"]}


def test_several_are_told_and_what_a_pt2_cannot_be_is_not_advised(attempt: Try, tmp_path: Path) -> None:
    three = BOTH.replace("return r, self.head(r)", "s = self.head(r)\n        return r, s, torch.max_pool2d(s, 2)")
    # Saved by the file itself, so that its lines are the same.
    attempt("compile", three + "torch.export.save(torch.export.export(ModelUnderTest, ModelInputs), 'net.pt2')\n")
    state = attempt("compile", three, model="net.pt2")
    assert (
        "it dropped outputs of partition 0 that are also read inside,"
        f" tosa_transpose_default_1 made by conv at {place(tmp_path, three, 'self.conv(x)')}"
        f" and tosa_transpose_default_3 made by head at {place(tmp_path, three, 'self.head(r)')};"
        " the program could not run (adding 0 to the tensor avoids it"
    ) in state["run"]["reason"]


def test_adding_nothing_where_it_is_made_helps(attempt: Try) -> None:
    state = attempt("run", SQUEEZE_EXCITE.replace("self.conv(x))", "self.conv(x)) + 0"))
    assert (state["run"]["status"], state["run"]["reason"]) == ("ok", None)
    assert state["check"]["status"] == "match"


def test_channels_last_helps(attempt: Try) -> None:
    assert attempt("compile", BOTH, "--channels-last")["run"]["status"] == "ok"


def test_a_ready_program_is_refused_before_it_is_booted(attempt: Try, fvp_tui: Fvp, home: Path, tmp_path: Path) -> None:
    state = attempt("compile", BOTH.replace("self.conv(x))", "self.conv(x)) + 0"))
    data = bytearray((home / "runs" / state["run"]["id"] / "artifacts" / "model.pte").read_bytes())
    # The number of outputs, after the head of their block.
    at = data.index(b"outputs".ljust(16, b"\0")) + 32
    assert data[at] == 2
    data[at] = 1
    (tmp_path / "net.pte").write_bytes(data)
    done = fvp_tui("run", "net.pte", "--json", cwd=tmp_path)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert "takes 2 tensors from partition 0, which gives back 1: a fault of Vela" in found["run"]["reason"]
    assert "compile it again, with + 0" in found["run"]["hint"]
    assert found["platform"] is None
