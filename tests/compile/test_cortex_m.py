"""The CPU baseline: the same model for a Cortex-M85 with CMSIS-NN's kernels; what is not known of it is not said."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TUI, Fvp, environment
from tui.model import pte

MODEL = """
import torch
from torch import nn

ModelUnderTest = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
    nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU(),
    nn.Conv2d(8, 16, 1), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64, 10),
).eval()
ModelInputs = (torch.linspace(-1, 1, 3 * 64).reshape(1, 3, 8, 8),)
"""


@dataclass(frozen=True)
class Compiled:
    """The state of a compilation of `MODEL`, its program, and the model's file."""

    state: dict[str, Any]
    program: Path
    model: Path


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    folder = tmp_path_factory.mktemp("cortex-m")
    model, program = folder / "net.py", folder / "cpu.pte"
    model.write_text(MODEL)
    done = subprocess.run(
        [*TUI, "compile", str(model), "--target", "cortex-m85", "--json", "-o", str(program)],
        env=environment(folder / "home"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Compiled(json.loads(done.stdout), program, model)


def test_it_is_the_program_that_executorch_makes(compiled: Compiled, tmp_path: Path) -> None:
    """The program of the same model by ``aot_arm_compiler``, which calibrates on one random input of its own."""
    words = ["-m", str(compiled.model), "-q", "-t", "cortex-m85", "-o", str(tmp_path / "theirs.pte")]
    done = subprocess.run(
        [sys.executable, "-m", "executorch.backends.arm.scripts.aot_arm_compiler", *words],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kernels = {kernel["op"]: kernel["calls"] for kernel in compiled.state["delegation"]["kernels"]}
    assert kernels["cortex_m::quantized_depthwise_conv2d.out"] == 1
    ours, theirs = (pte.parse(file.read_bytes()).main for file in (compiled.program, tmp_path / "theirs.pte"))
    assert (ours.operators, ours.buffer_sizes) == (theirs.operators, theirs.buffer_sizes)


def test_what_is_not_known_is_null_and_says_why(compiled: Compiled) -> None:
    state = compiled.state
    assert state["estimate"] is None
    assert "no estimate: Vela does not support cortex-m85, and nothing here counts its cycles" in state["notes"]
    delegation = state["delegation"]
    assert (delegation["subgraphs"], delegation["delegated_nodes"], delegation["left"]) == (0, 0, [])
    assert {row["reason"] for row in delegation["operators"]} == {"the target has no NPU"}
    layers = state["layers"]
    assert min(layer["sqnr_db"] for layer in layers if layer["sqnr_db"]) > 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "sample:digits", "--target", "cortex-m85"), "a program for cortex-m85 cannot be run"),
        (("compile", "sample:digits", "--target", "cortex-m85", "--quantize", "a16w8"), "has no kernels for a16w8"),
        (("sweep", "sample:digits", "--targets", "ethos-u85-256,cortex-m85"), "cortex-m85 has no NPU to estimate"),
        (("compile", "sample:digits", "--target", "cortex-m58"), "did you mean cortex-m85?"),
    ],
)
def test_what_it_cannot_do_is_refused(words: tuple[str, ...], said: str, fvp_tui: Fvp) -> None:
    done = fvp_tui(*words)
    assert done.returncode == 2
    assert said in done.stderr
