"""Models as people write them: they see what ``python model.py`` sees, and failures name their cause."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch.export import Dim

from tests.conftest import TUI, Fvp, environment
from tui import processes
from tui.run import spec
from tui.run.spec import Spec

PROJECT = """
import argparse, os, sys
import torch
from nets.small import Net

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=8)
args = parser.parse_args()
print("loaded by", sys.argv)
print('{"event":"noted","text":"not an event"}', flush=True)
os.write(1, b'{"event":"noted","text":"not an event"}\\n')
net = Net()
if __name__ == "__main__":
    raise AssertionError("it was run, not loaded")
net.load_state_dict(torch.load("weights/best.pth"))
net.fc.weight.data *= float(os.environ.get("SCALE", 1))
ModelUnderTest = net
ModelInputs = (torch.linspace(-1, 1, args.width)[None],)
"""
NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(8, 4)

    def forward(self, x):
        return torch.relu(self.fc(x))
"""

Outcome = tuple[dict[str, Any], Path]
Try = Callable[..., Outcome]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a model, a package beside it, and weights."""
    folder = tmp_path / "project"
    (folder / "nets").mkdir(parents=True)
    (folder / "model.py").write_text(PROJECT)
    (folder / "nets" / "__init__.py").touch()
    (folder / "nets" / "small.py").write_text(NET)
    weights(folder, 0.5)
    return folder


def weights(folder: Path, value: float) -> None:
    (folder / "weights").mkdir(exist_ok=True)
    state = {"fc.weight": torch.full((4, 8), value), "fc.bias": torch.linspace(0, 1, 4)}
    torch.save(state, folder / "weights" / "best.pth")


@pytest.fixture
def attempt(fvp_tui: Fvp, home: Path, tmp_path: Path) -> Try:
    """``attempt(COMMAND, WORD..., cwd=FOLDER)``: the state of the run, and its artifacts."""

    def run(*words: str, cwd: Path = tmp_path) -> Outcome:
        done = fvp_tui(*words, "--json", cwd=cwd)
        assert done.stdout, done.stderr
        state = json.loads(done.stdout)
        return state, home / "runs" / state["run"]["id"] / "artifacts"

    return run


@pytest.fixture
def reason(attempt: Try, tmp_path: Path) -> Callable[[str], str]:
    """The reason why a model of this text cannot be compiled."""

    def run(text: str) -> str:
        (tmp_path / "net.py").write_text(text)
        state, _ = attempt("compile", "net.py")
        assert state["run"]["status"] == "failed"
        return str(state["run"]["reason"])

    return run


def cached(state: dict[str, Any]) -> bool:
    return any(stage["cached"] for stage in state["stages"])


def program(artifacts: Path) -> bytes:
    return (artifacts / "model.pte").read_bytes()


# -- the folder


def test_it_sees_the_files_packages_and_variables_of_its_caller(
    attempt: Try, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path for path in project.rglob("*") if "__pycache__" not in path.parts}
    state, artifacts = attempt("run", "model.py", "--engine", "interpreter", cwd=project)
    assert (state["run"]["status"], state["check"]["status"]) == ("ok", "match")
    assert state["spec"]["folder"] == str(project)
    assert "not an event" not in state["notes"]
    assert f"loaded by ['{project / 'model.py'}']" in (artifacts / "compile.log").read_text()
    # The compilers leave nothing there.
    assert {path for path in project.rglob("*") if "__pycache__" not in path.parts} == before
    monkeypatch.setenv("SCALE", "3")
    scaled, other = attempt("compile", "model.py", cwd=project)
    assert not cached(scaled)
    assert program(other) != program(artifacts)


def test_without_the_server_it_is_the_same(project: Path, home: Path) -> None:
    words = [*TUI, "compile", "model.py", "--json"]
    off = {"FVP_TUI_COMPILE_SERVER": "off"}
    found = [
        json.loads(
            subprocess.run(
                words, cwd=project, env={**environment(home), **more}, stdout=subprocess.PIPE, check=True
            ).stdout
        )
        for more in ({}, off)
    ]
    assert [cached(state) for state in found] == [False, True]


def test_another_folder_is_another_model(attempt: Try, project: Path, tmp_path: Path, home: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    weights(elsewhere, -0.25)
    model = str(project / "model.py")
    (here, first), (there, second) = (attempt("compile", model, cwd=folder) for folder in (project, elsewhere))
    assert [cached(here), cached(there)] == [False, False]
    assert program(first) != program(second)
    again, third = attempt("compile", model, "--folder", str(project), cwd=tmp_path)
    assert cached(again)
    assert program(third) == program(first)
    # What is remembered of one is not taken for the other.
    specs = [msgspec.convert(state["spec"], Spec) for state in (here, there, again)]
    assert [spec.lowering_of(one) == spec.lowering_of(specs[0]) for one in specs] == [True, False, True]
    # New weights are a new model in the same folder.
    weights(project, 0.75)
    assert not cached(attempt("compile", model, cwd=project)[0])


def test_a_spec_goes_back_to_its_folder(attempt: Try, fvp_tui: Fvp, project: Path, tmp_path: Path) -> None:
    _, artifacts = attempt("compile", "model.py", cwd=project)
    file = str(artifacts.parent / "spec.json")
    state, _ = attempt("compile", "--spec", file, cwd=tmp_path)
    assert (state["run"]["status"], state["spec"]["folder"], cached(state)) == ("ok", str(project), True)
    gone = project.rename(tmp_path / "moved")
    (tmp_path / "model.py").write_text(PROJECT)
    text = Path(file).read_text().replace(str(project / "model.py"), str(gone / "model.py"))
    Path(file).write_text(text)
    done = fvp_tui("compile", "--spec", file, cwd=gone)
    assert done.returncode == 2
    assert f"no folder {project} to run {gone / 'model.py'} in (--folder . takes the current" in done.stderr
    assert fvp_tui("compile", "--spec", file, "--folder", ".", cwd=gone).returncode == 0


def test_a_file_that_is_missing_is_named_with_its_folder(reason: Callable[[str], str], tmp_path: Path) -> None:
    found = reason('import torch\nModelUnderTest = torch.load("weights/best.pth")\nModelInputs = ()\n')
    assert f"No such file or directory: weights/best.pth in {tmp_path}; at {tmp_path / 'net.py'}:2 (--folder" in found
    found = reason('ModelInputs = ()\nraise FileNotFoundError("no x.safetensors")\nModelUnderTest = None\n')
    assert f"no x.safetensors; it ran in {tmp_path}; at {tmp_path / 'net.py'}:2" in found


def test_a_sweep_says_why_its_model_is_not_compiled(fvp_tui: Fvp, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("ModelInputs = open('weights')\nModelUnderTest = None\n")
    done = fvp_tui("sweep", "net.py", "--targets", "ethos-u85-128", cwd=tmp_path)
    assert done.returncode == 1
    assert f"fvp-tui: load: No such file or directory: weights in {tmp_path}; at" in done.stderr


def test_files_of_options_are_those_of_the_caller(attempt: Try, project: Path) -> None:
    np.save(project / "x.npy", np.full((1, 8), 0.25, np.float32))
    state, artifacts = attempt("compile", "model.py", "--calibration", "x.npy", "--input", "x.npy", cwd=project)
    assert state["run"]["status"] == "ok", state["run"]
    assert (state["spec"]["calibration"], state["spec"]["inputs"]) == (str(project / "x.npy"), [str(project / "x.npy")])
    with np.load(artifacts / "inputs.npz") as inputs:
        assert np.frombuffer(inputs["0_0"].tobytes(), np.float32).tolist() == [0.25] * 8
    state, _ = attempt("compile", "model.py", "--dataset", "x.npy", cwd=project)
    assert state["spec"]["dataset"] == str(project / "x.npy")


def test_folders_of_the_environment_are_absolute_for_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "libs::/else")
    monkeypatch.setenv("FVP_TUI_HOME", "data")
    found = processes.environment()
    assert found["PYTHONPATH"].split(":")[1:] == [str(tmp_path / "libs"), str(tmp_path), "/else"]
    assert found["FVP_TUI_HOME"] == str(tmp_path / "data")


# -- what it does while it is loaded

CHDIR = """
import os, pathlib, tempfile, torch
os.chdir(tempfile.mkdtemp())
pathlib.Path("scale").write_text("2.0")

class Net(torch.nn.Module):
    def forward(self, x):
        return x * float(open("scale").read())

ModelUnderTest = Net()
ModelInputs = (torch.ones(1, 8),)
"""
PICKLED = """
import pathlib, sys, torch

class Net(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)

if __name__ == "__main__":
    torch.save(Net(), "whole.pth")
    sys.exit()
ModelUnderTest = torch.load("whole.pth", weights_only=False)
ModelInputs = (torch.ones(1, 8),)
"""


def test_a_model_may_read_later_and_go_to_another_folder(attempt: Try, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CHDIR)
    assert attempt("compile", "net.py")[0]["run"]["status"] == "ok"
    lazy = "ModelCalibration = (torch.load(f'{n}.pt') for n in range(2))\n"
    for n in range(2):
        torch.save((torch.full((1, 8), n + 1.0),), tmp_path / f"{n}.pt")
    (tmp_path / "net.py").write_text(LINEAR + "(torch.ones(1, 8),)\n" + lazy)
    assert attempt("compile", "net.py")[0]["run"]["reason"] is None
    leaves = "import os, tempfile\nwith tempfile.TemporaryDirectory() as folder:\n    os.chdir(folder)\n"
    (tmp_path / "net.py").write_text(leaves + LINEAR + "(torch.ones(1, 8),)\n")
    assert attempt("compile", "net.py")[0]["run"]["status"] == "ok"


def test_what_a_script_pickled_is_found_again(attempt: Try, tmp_path: Path, home: Path) -> None:
    (tmp_path / "net.py").write_text(PICKLED)
    subprocess.run([TUI[0], "net.py"], cwd=tmp_path, env=environment(home), check=True)
    assert attempt("compile", "net.py")[0]["run"]["status"] == "ok"


ENDS = "import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()\n"
LINEAR = "import torch\nModelUnderTest = torch.nn.Linear(8, 4)\nModelInputs = "
NAMES = "ModelUnderTest = None\nModelInputs = ()\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENDS + NAMES, ("net.py exits on import: sys.exit(2)", "net.py:4", "the file is imported without arguments")),
        ("import no_such_package\n" + NAMES, ("No module named 'no_such_package'", "net.py:1", "beside net.py")),
        ("raise KeyboardInterrupt\n" + NAMES, ("net.py exits on import: KeyboardInterrupt", "net.py:1")),
        ("import os\nos._exit(0)\n" + NAMES, ("the compile worker ended in load without a result",)),
        ("if __name__ == '__main__':\n    ModelUnderTest = ModelInputs = ()\n", ("does not define", "is imported")),
        (LINEAR + "(torch.ones(1, 8),)\nModelDataset = [torch.ones(1, 8)]\n", ("holds a Tensor, not (inputs, label)",)),
        (LINEAR + "(torch.ones(1, 9),)", ("forward fails on ModelInputs: RuntimeError: mat1 and mat2 shapes",)),
        (LINEAR + "(torch.ones(1, 8), 1)", ("forward fails on ModelInputs: TypeError: Linear.forward() takes 2",)),
        (
            LINEAR.replace("4)", "4).half()") + "(torch.ones(1, 8).half(),)",
            ("the weights are torch.float16", "float()"),
        ),
        (
            LINEAR.replace("Linear(8, 4)", "ReLU()") + "(torch.ones(1, 8).bfloat16(),)",
            ("input 0 is torch.bfloat16; quantization needs float32", "float()"),
        ),
        ("from broken import net\n" + NAMES, ("'NoneType' object has no attribute 'conv3'", "broken.py:2")),
    ],
)
def test_what_it_fails_on_is_said(reason: Callable[[str], str], tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "broken.py").write_text("net = None\nnet.conv3()\n")
    found = reason(text)
    assert [word for word in words if word not in found] == []


# -- what goes in and comes out

RETURNING = """
from dataclasses import dataclass
from typing import NamedTuple
import torch

@dataclass
class Data:
    scores: torch.Tensor
    boxes: torch.Tensor

class Named(NamedTuple):
    scores: torch.Tensor
    boxes: torch.Tensor

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(8, 4)
        self.b = torch.nn.Linear(8, 3)

    def forward(self, x):
        return RETURNED

ModelUnderTest = Net()
ModelInputs = (torch.linspace(-1, 1, 8)[None],)
"""
TAKING = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(10, 8)
        self.fc = torch.nn.Linear(8, 4)

    def forward(self, ids, pair, named):
        return self.fc(self.words(ids) + pair[0]), pair[1] + 1, named["z"] * 2

ModelUnderTest = Net()
ModelInputs = (
    torch.tensor([[1, 9]]),
    (torch.randn(1, 2, 8), torch.arange(4, dtype=torch.int32)),
    {"z": torch.randn(1, 4)},
)
"""


def test_an_input_that_is_no_tensor_is_refused_where_it_is_to_be_run(attempt: Try, tmp_path: Path) -> None:
    text = "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x, k):\n        return torch.relu(x) * k\n"
    (tmp_path / "net.py").write_text(text + "ModelUnderTest = Net()\nModelInputs = (torch.ones(1, 8), 2.0)\n")
    state, _ = attempt("run", "net.py")
    assert "input 1 is a float, and runners take only tensors (make it a tensor" in state["run"]["reason"]
    _, artifacts = attempt("compile", "net.py")
    state, _ = attempt("run", str(artifacts / "model.pte"))
    assert "input 1 is a float, and runners take only tensors" in state["run"]["reason"]


def test_a_thread_that_goes_on_holds_nothing_up(project: Path, home: Path) -> None:
    with (project / "model.py").open("a") as model:
        model.write("import threading\nthreading.Thread(target=threading.Event().wait).start()\n")
    off = {**environment(home), "FVP_TUI_COMPILE_SERVER": "off"}
    subprocess.run([*TUI, "compile", "model.py"], cwd=project, env=off, check=True, timeout=120)


def answer(attempt: Try, folder: Path, text: str) -> list[list[int]]:
    """Shapes of the outputs of a model of this text that are right."""
    (folder / "net.py").write_text(text)
    state, _ = attempt("run", "net.py", "--engine", "interpreter")
    assert (state["run"]["status"], state["run"]["reason"]) == ("ok", None)
    assert state["check"]["status"] == "match"
    return [output["shape"] for output in state["check"]["outputs"]]


@pytest.mark.parametrize(
    "returned",
    [
        "{'scores': self.a(x), 'boxes': (self.b(x),)}",
        "Data(self.a(x), self.b(x))",
        "Named(self.a(x), self.b(x))",
        "self.a(x), [{'boxes': Data(self.b(x), None)}]",
    ],
)
def test_outputs_may_be_held_in_anything(attempt: Try, tmp_path: Path, returned: str) -> None:
    assert answer(attempt, tmp_path, RETURNING.replace("RETURNED", returned)) == [[1, 4], [1, 3]]


def test_inputs_may_be_many_nested_and_whole_numbers(attempt: Try, tmp_path: Path) -> None:
    assert answer(attempt, tmp_path, TAKING) == [[1, 2, 4], [4], [1, 4]]


class Two(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, y + 1


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ({1: Dim("w", min=8, max=128)}, {}, "input 0 has dynamic dimension 1 (8..128)"),
        (
            {0: Dim("b", min=1, max=8), 1: Dim("w", min=8, max=128)},
            {1: Dim("v", min=2)},
            "input 0 has dynamic dimensions 0 (1..8) and 1 (8..128), input 1 has dynamic dimension 1 (2 or more)",
        ),
    ],
)
def test_dynamic_dimensions_are_named(
    attempt: Try, tmp_path: Path, x: dict[int, Any], y: dict[int, Any], words: str
) -> None:
    given = (torch.ones(2, 16), torch.ones(3, 4))
    torch.export.save(torch.export.export(Two(), given, dynamic_shapes=(x, y)), tmp_path / "net.pt2")
    state, _ = attempt("compile", "net.pt2")
    assert state["run"]["reason"] == f"load: {words}; the NPU needs fixed shapes (export without dynamic_shapes)"
