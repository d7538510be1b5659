"""Bad input ends in one clear line - what is wrong, where, what to do - and the right exit status."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Fvp, Ran

HEAD = "import torch\nclass M(torch.nn.Module):\n    def forward(self, x):\n"
TAIL = "ModelUnderTest = M()\nModelInputs = (torch.ones(1, 4),)\n"


def one_line(text: str) -> str:
    """The one error line of a run's stderr."""
    lines = [line for line in text.splitlines() if not line.startswith(("run ", "  "))]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "nowhere.py"), "no file nowhere.py"),
        (("run",), "which model"),
        (("run", "sample:nothing"), "unknown model"),
        (("run", "sample:digits", "--target", "ethos-u85-300"), "unknown target 'ethos-u85-300'"),
        (("run", "sample:digits", "--memory-mode", "Nope"), "unknown memory mode"),
        (("run", "sample:digits", "--system-config", "Nope"), "unknown system config"),
        (("run", "sample:digits", "--quantize", "int3"), "--quantize"),
        (("run", "sample:digits", "--inferences", "0"), "--inferences"),
        (("run", "sample:digits", "--input", "nowhere.npy"), "no input file"),
        (("run", "sample:digits", "--nonsense"), "No such option"),
        (("run", "sample:digits", "-C", "nonsense"), "expected NAME=VALUE"),
        (("run", "--spec", "nowhere.json"), "cannot read nowhere.json"),
        (("show", "last"), "no run last"),
        (("attach", "20990101"), "no run"),
        (("stop", ""), "no run"),
        (("nonsense",), "No such command"),
    ],
)
def test_a_request_that_is_wrong_is_refused_at_once(arguments: tuple[str, ...], words: str, fvp_tui: Fvp) -> None:
    done = fvp_tui(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in one_line(done.stderr)


def test_a_file_without_a_model_and_one_with_a_syntax_error(tmp_path: Path, fvp_tui: Fvp) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("x = (\n")
    for name, words in (("empty.py", "does not define ModelUnderTest"), ("broken.py", ":1: syntax error")):
        done = fvp_tui("run", str(tmp_path / name))
        assert done.returncode == 2
        assert words in done.stderr


@pytest.mark.parametrize(
    ("source", "stage", "words"),
    [
        (HEAD + "        return x if x.sum() > 0 else -x\n" + TAIL, "export", "model.py:4"),
        ("import no_such_package_at_all\nModelUnderTest = ModelInputs = 1\n", "load", "no_such_package_at_all"),
        (HEAD + "        return x\nModelUnderTest = M\nModelInputs = (torch.ones(1),)\n", "load", "create it"),
        (HEAD + "        return x @ torch.ones(3, 3)\n" + TAIL, "export", "model.py:4"),
        # Neither the list of all passes before it, nor the exception it is wrapped in.
        (HEAD + "        return torch.max(x, dim=0)\n" + TAIL, "quantize", "quantize: Argmax is not supported"),
    ],
)
def test_a_model_that_cannot_be_compiled_names_the_stage_and_the_line(
    source: str, stage: str, words: str, tmp_path: Path, fvp_tui: Fvp
) -> None:
    file = tmp_path / "model.py"
    file.write_text(source)
    done = fvp_tui("compile", str(file), "--json")
    found = json.loads(done.stdout)
    assert done.returncode in (1, 2)
    assert found["run"]["status"] == "failed"
    assert found["run"]["reason"].startswith(f"{stage}: ")
    assert words in found["run"]["reason"]
    assert "\n" not in found["run"]["reason"]
    assert "failure.txt" in {artifact["name"] for artifact in found["artifacts"]}


@pytest.mark.parametrize("shape", [(1, 1, 8, 9), (1, 8, 8)])
def test_an_input_of_the_wrong_shape_names_both_shapes(shape: tuple[int, ...], tmp_path: Path, fvp_tui: Fvp) -> None:
    file = tmp_path / "i.npy"
    np.save(file, np.zeros(shape, np.float32))
    done = fvp_tui("run", "sample:digits", "--input", str(file), "--json")
    reason = json.loads(done.stdout)["run"]["reason"]
    assert done.returncode == 2
    assert str(shape) in reason
    assert "(1, 1, 8, 8)" in reason


@pytest.mark.parametrize("kind", ["empty", "random", "half", "text"])
def test_a_program_that_is_none_is_one_line(kind: str, tmp_path: Path, fvp_tui: Fvp, ran: Callable[..., Ran]) -> None:
    whole = (ran("executorch:ds_cnn").artifacts / "model.pte").read_bytes()
    content = {"empty": b"", "random": os.urandom(4096), "half": whole[: len(whole) // 2], "text": b"hello\n" * 99}
    file = tmp_path / "model.pte"
    file.write_bytes(content[kind])
    done = fvp_tui("run", str(file), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["run"]["status"] == "failed"
    assert found["run"]["reason"]
    assert "internal error" not in found["run"]["reason"]
    assert "Traceback" not in done.stderr


def test_an_unknown_parameter_is_refused_before_compiling(fvp_tui: Fvp) -> None:
    done = fvp_tui("run", "sample:digits", "-C", "mps4_board.no_such_parameter=1", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 2
    assert "mps4_board.no_such_parameter" in found["run"]["reason"]
    assert {stage["status"] for stage in found["stages"]} == {"pending"}


def test_an_fvp_that_is_not_there_is_exit_status_4(fvp_tui: Fvp) -> None:
    done = fvp_tui("run", "sample:digits", "--platform", "fvp", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["run"]["reason"]
