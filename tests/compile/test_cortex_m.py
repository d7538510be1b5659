"""The CPU baseline: the same model for a Cortex-M85 with CMSIS-NN's kernels; what is not known of it is not said."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Fvp

MODEL = "executorch:ds_cnn"


@pytest.fixture
def compiled(fvp_tui: Fvp, tmp_path: Path) -> dict[str, Any]:
    done = fvp_tui("compile", MODEL, "--target", "cortex-m85", "--json", "-o", str(tmp_path / "cpu.pte"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_the_program_that_executorch_makes(compiled: dict[str, Any], tmp_path: Path) -> None:
    """Of the same model without our data; ``aot_arm_compiler`` calibrates on one random input of its own."""
    words = ["-m", "ds_cnn", "-q", "-t", "cortex-m85", "-o", str(tmp_path / "theirs.pte")]
    theirs = [sys.executable, "-m", "executorch.backends.arm.scripts.aot_arm_compiler", *words]
    done = subprocess.run(theirs, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    kernels = {kernel["op"]: kernel["calls"] for kernel in compiled["delegation"]["kernels"]}
    assert kernels["cortex_m::quantized_depthwise_conv2d.out"] == 5
    from tui import pte

    ours, made = (pte.parse((tmp_path / f"{name}.pte").read_bytes()).main for name in ("cpu", "theirs"))
    assert (ours.operators, ours.buffer_sizes) == (made.operators, made.buffer_sizes)


def test_what_is_not_known_is_null_and_says_why(compiled: dict[str, Any]) -> None:
    assert compiled["estimate"] is None
    assert "no estimate: Vela knows no cortex-m85, and nothing here counts its cycles" in compiled["notes"]
    delegation = compiled["delegation"]
    assert (delegation["subgraphs"], delegation["delegated_nodes"], delegation["left"]) == (0, 0, [])
    assert {row["reason"] for row in delegation["operators"]} == {"the target has no NPU"}
    layers = compiled["layers"]
    assert min(layer["sqnr_db"] for layer in layers if layer["sqnr_db"]) > 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "sample:digits", "--target", "cortex-m85"), "a program for cortex-m85 is compiled only"),
        (("compile", "sample:digits", "--target", "cortex-m85", "--quantize", "a16w8"), "has no kernels for a16w8"),
        (("sweep", "sample:digits", "--targets", "ethos-u85-256,cortex-m85"), "cortex-m85 has no NPU to estimate"),
        (("compile", "sample:digits", "--target", "cortex-m58"), "did you mean cortex-m85?"),
    ],
)
def test_what_it_cannot_do_is_refused(words: tuple[str, ...], said: str, fvp_tui: Fvp) -> None:
    done = fvp_tui(*words)
    assert done.returncode == 2
    assert said in done.stderr
