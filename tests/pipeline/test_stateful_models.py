"""Models that keep state in buffers: what is said before the run, and what inferences after the first are held to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Fvp, Ran
from tests.pipeline.test_serving import finished, served, until_waiting

RanModel = Callable[..., Ran]

KEPT = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("s", torch.full((1, 4), {start}))

    def forward(self, x):
        {forward}

ModelUnderTest = Net()
ModelInputs = (torch.ones(1, 4),)
"""
ADDED = KEPT.format(start=0.0, forward="self.s.add_(x); return self.s * 2")
WRITTEN = KEPT.format(start=0.0, forward="new = self.s + x; self.s.copy_(new); return new * 2")
STARTING = KEPT.format(start=3.0, forward="new = self.s + x; self.s.copy_(new); return new * 2")
LINE = ADDED.splitlines().index("        self.s.add_(x); return self.s * 2") + 1

PASSED_ON = """
import torch

class Net(torch.nn.Module):
    def forward(self, x, s):
        new = s + x
        return new * 2, new

ModelUnderTest = Net()
ModelInputs = (torch.ones(1, 4), torch.zeros(1, 4))
"""

RECURRENT = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.nn.LSTMCell(4, 4)
        self.register_buffer("h", torch.zeros(1, 4))
        self.register_buffer("c", torch.zeros(1, 4))

    def forward(self, x):
        h, c = self.cell(x, (self.h, self.c))
        self.h.copy_(h)
        self.c.copy_(c)
        return h

ModelUnderTest = Net()
ModelInputs = (torch.ones(1, 4),)
"""

TRAINING = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(3)

    def eval(self):
        return self

    def forward(self, x):
        return self.norm(x)

ModelUnderTest = Net()
ModelInputs = (torch.randn(1, 3, 8, 8),)
"""

OF_ITS_INPUT = """
import torch

class Net(torch.nn.Module):
    def forward(self, x):
        x.add_(1)
        return x * 2

ModelUnderTest = Net()
ModelInputs = (torch.ones(1, 4),)
"""


@pytest.fixture
def thrice(ran: RanModel, shared: Path) -> Callable[..., Ran]:
    """A model of this file, run on three inferences of the interpreter."""

    def run(name: str, text: str, *options: str) -> Ran:
        model = shared / f"{name}.py"
        if not model.exists():
            model.write_text(text)
        platform = ("--platform", "simulator", "--engine", "interpreter")
        return ran(str(model), "--inferences", "3", *platform, *options)

    return run


def test_state_in_a_plain_attribute_is_lost_in_exporting_and_as_a_buffer_it_is_kept(thrice: Callable[..., Ran]) -> None:
    assigned = KEPT.format(start=0.0, forward="self.s = self.s + x; return self.s * 2")
    registered = 'self.register_buffer("s", torch.full((1, 4), 0.0))'
    plain = assigned.replace(registered, "self.s = torch.full((1, 4), 0.0)")
    assert plain != assigned
    found = thrice("plain", plain, "--quantize", "none")
    assert first_elements(found) == [2, 2, 2]
    assert "from inference 2 on the outputs depend on state in s, which the .pte" in found.state["check"]["reason"]
    assert any('make it a buffer, self.register_buffer("s", ...)' in note for note in found.state["notes"])
    found = thrice("assigned", assigned, "--quantize", "none")
    assert (first_elements(found), found.state["check"]["status"]) == ([2, 4, 6], "match")


def first_elements(run: Ran) -> list[float]:
    with np.load(run.artifacts / "outputs.npz") as packed:
        return [float(packed[f"{k}_0"].view(np.float32)[0]) for k in range(len(packed))]


def test_state_that_quantization_loses_is_told_before_the_run_and_is_no_match(thrice: Callable[..., Ran]) -> None:
    found = thrice("added", ADDED)
    assert first_elements(found) == pytest.approx([2, 2, 2], rel=0.01)
    check = found.state["check"]
    place = f"s (added.py:{LINE})"
    reason = f"from inference 2 on the outputs depend on state in {place}, which the .pte does not keep"
    assert check["status"] == "mismatch"
    assert reason in check["reason"]
    assert [(link["name"], link["status"]) for link in check["links"]] == [
        ("quantized", "mismatch"),
        ("lowered", "match"),
        ("platform", "match"),
    ]
    (note,) = (note for note in found.state["notes"] if "keeps no state" in note)
    assert note.startswith(f"the .pte keeps no state in {place}: after quantization the program changes only a copy")
    assert "self.s.copy_(new)" in note
    assert "def forward(self, x, s)" in note
    journal = [json.loads(line) for line in (found.directory / "events.jsonl").read_text().splitlines()]
    told = next(at for at, event in enumerate(journal) if event["event"] == "noted" and event["text"] == note)
    assert told < next(at for at, event in enumerate(journal) if event.get("stage") == "lower")


@pytest.mark.parametrize(
    ("name", "text", "options", "outputs"),
    [
        ("added", ADDED, ("--quantize", "none"), [2, 4, 6]),
        ("written", WRITTEN, (), [2, 4, 6]),
        ("written", WRITTEN, ("--quantize", "none"), [2, 4, 6]),
        ("passed_on", PASSED_ON, (), None),
        ("recurrent", RECURRENT, (), None),
        ("recurrent", RECURRENT, ("--quantize", "none"), None),
    ],
)
def test_state_that_the_program_keeps_is_there_in_the_next_inference(
    name: str, text: str, options: tuple[str, ...], outputs: list[float] | None, thrice: Callable[..., Ran]
) -> None:
    found = thrice(name, text, *options)
    assert (found.state["run"]["status"], found.state["check"]["status"]) == ("ok", "match")
    if outputs is not None:
        assert first_elements(found) == pytest.approx(outputs, rel=0.01)
    kept = [note for note in found.state["notes"] if "the .pte keeps it from one inference to the next" in note]
    assert len(kept) == (name != "passed_on")
    if name == "recurrent":
        assert "state in h (recurrent.py:13), c (recurrent.py:14)" in kept[0]
        if not options:
            # A state that nobody calibrated on would be zero again in each inference, at about 4 dB.
            assert found.state["check"]["outputs"][0]["sqnr_db"] > 30


def test_a_first_value_that_is_not_in_the_program_is_named(thrice: Callable[..., Ran]) -> None:
    found = thrice("starting", STARTING, "--quantize", "none")
    assert first_elements(found) == [2, 4, 6]
    assert found.state["check"]["status"] == "mismatch"
    assert "the .pte does not hold the initial value of s (starting.py:" in found.state["check"]["reason"]
    assert any("initialize the buffer with zeros" in note for note in found.state["notes"])


def test_an_input_that_the_model_changes_is_an_output_and_changes_no_reference(thrice: Callable[..., Ran]) -> None:
    found = thrice("of_its_input", OF_ITS_INPUT, "--quantize", "none")
    assert found.state["check"]["status"] == "match"
    assert len(found.state["check"]["outputs"]) == 2
    assert any("changes its input x (of_its_input.py:" in note for note in found.state["notes"])
    assert thrice("of_its_input", OF_ITS_INPUT).state["check"]["status"] == "match"


def test_a_normalization_in_training_mode_is_named_before_the_compiler_fails_on_it(fvp_tui: Fvp, home: Path) -> None:
    model = home.parent / "training.py"
    model.write_text(TRAINING)
    done = fvp_tui("compile", str(model), "--quantize", "none", "--json")
    notes = json.loads(done.stdout)["notes"]
    assert any("norm is in training mode" in note and "call eval() on it" in note for note in notes)


def test_a_served_model_goes_on_with_its_state_unchecked(home: Path, fvp_tui: Fvp) -> None:
    model = home.parent / "written.py"
    model.write_text(WRITTEN)
    with served(home, str(model), "--inferences", "2", "--quantize", "none") as (process, events):
        assert finished(until_waiting(events)) == [0, 1]
        assert fvp_tui("infer", "last").returncode == 0
        seen = until_waiting(events)
        assert finished(seen) == [2]
        why = "inference 3: not checked: the model has state, and the reference is for 2 in a row"
        assert any(event["event"] == "noted" and event["text"] == why for event in seen)
        assert fvp_tui("stop", "last").returncode == 0
        rest = list(events)
        assert process.wait(60) == 0
    (checked,) = (event for event in rest if event["event"] == "checked")
    assert checked["check"]["status"] == "match"
    (directory,) = (home / "runs").iterdir()
    assert first_elements(Ran({}, directory)) == [2, 4, 6]


def test_firmware_is_booted_for_each_inference_and_keeps_no_state(emulated: Path, fvp_tui: Fvp) -> None:
    model = emulated.parent / "written.py"
    model.write_text(WRITTEN)

    def run(engine: str) -> tuple[dict[str, Any], str]:
        done = fvp_tui("run", str(model), "--inferences", "2", "--platform", "simulator", "--engine", engine, "--json")
        found = json.loads(done.stdout)
        return found, " ".join(found["notes"])

    found, notes = run("firmware")
    assert found["check"]["status"] == "mismatch"
    assert "from inference 2 on" in found["check"]["reason"]
    assert "the platform was booted for each inference" in found["check"]["reason"]
    assert [link["status"] for link in found["check"]["links"]] == ["match", "match", "mismatch"]
    assert "its state was lost each time" in notes
    found, _ = run("auto")
    assert (found["platform"]["engine"], found["check"]["status"]) == ("interpreter", "match")


def test_the_interpreter_names_the_kernel_it_lacks(thrice: Callable[..., Ran], fvp_tui: Fvp, home: Path) -> None:
    data = (thrice("added", ADDED, "--quantize", "none").artifacts / "model.pte").read_bytes()
    assert data.count(b"aten::copy_") == 1
    program = home.parent / "other.pte"
    program.write_bytes(data.replace(b"aten::copy_", b"aten::copz_"))
    done = fvp_tui("run", str(program), "--platform", "simulator", "--engine", "interpreter", "--json")
    run = json.loads(done.stdout)["run"]
    assert run["status"] == "failed"
    assert run["reason"] == "neither the simulator nor PyTorch has a kernel for aten::copz_"
    said = fvp_tui("show", "last").stdout
    assert "--engine firmware" in said
    assert "build the runner" not in said
