"""``fvp-tui run FILE.bpte``: the test cases bundled with a program are its inputs and what its outputs are held to."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Fvp, Ran
from tests.simulator.bundles import bundle

RanModel = Callable[..., Ran]
Sample = tuple[Path, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def sample(ran: RanModel) -> Sample:
    artifacts = ran("sample:digits").artifacts
    with np.load(artifacts / "inputs.npz") as data:
        shown = data["0_0"].view(np.float32).reshape(1, 1, 8, 8)
    with np.load(artifacts / "references.npz") as data:
        return artifacts / "model.pte", shown, data["tosa_0_0"]


def test_the_outputs_are_held_to_the_bundles(sample: Sample, fvp_tui: Fvp, tmp_path: Path) -> None:
    program, shown, expected = sample
    file = tmp_path / "model.bpte"
    file.write_bytes(bundle(program, ([shown], [expected]), ([shown], [expected + 0.005])))
    done = fvp_tui("run", str(file), "--require-match", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert len(found["inferences"]) == 2
    assert (found["check"]["status"], found["check"]["reference"]) == ("match", "bundle")
    assert {"model.bpte", "model.pte"} <= {artifact["name"] for artifact in found["artifacts"]}
    assert not any("zeros" in note for note in found["notes"])


def test_an_expectation_that_is_not_met_fails_the_run(sample: Sample, fvp_tui: Fvp, tmp_path: Path) -> None:
    program, shown, expected = sample
    file = tmp_path / "model.bpte"
    file.write_bytes(bundle(program, ([shown], [expected]), ([shown], [expected + 1])))
    done = fvp_tui("run", str(file), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["check"]["status"] == "mismatch"
    assert found["run"]["status"] == "failed"
    assert "bundled with the program: output 0 is off by" in found["run"]["reason"]
    assert (found["stages"][-1]["name"], found["stages"][-1]["status"]) == ("check", "failed")


def test_the_target_is_the_one_it_was_compiled_for(ran: RanModel, fvp_tui: Fvp, tmp_path: Path) -> None:
    artifacts = ran("sample:digits", "--target", "ethos-u85-1024").artifacts
    with np.load(artifacts / "inputs.npz") as data:
        shown = data["0_0"].view(np.float32).reshape(1, 1, 8, 8)
    file = tmp_path / "model.bpte"
    # Nothing is expected of it.
    file.write_bytes(bundle(artifacts / "model.pte", ([shown], None)))
    done = fvp_tui("run", str(file), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found["spec"]["target"]["accelerator"] == "ethos-u85-1024"
    assert found["check"]["status"] == "skipped"
    assert any("nothing is checked" in note for note in found["notes"])


def test_what_cannot_be_run_is_said_in_one_line(sample: Sample, fvp_tui: Fvp, tmp_path: Path) -> None:
    program, shown, expected = sample
    sound = bundle(program, ([shown], [expected]))
    image = tmp_path / "image.npy"
    np.save(image, shown)
    for data, options, status, words in (
        (sound[: len(sound) // 2], (), 1, "is not a program ExecuTorch could load"),
        (bundle(program, ([shown], [expected]), method="other"), (), 1, "has no test case for the method forward"),
        (bundle(program, ([shown[..., :4]], [expected])), (), 1, "test case 0: input 0 of the test case is float32"),
        (bundle(program, ([shown], [expected[:, :4]])), (), 1, "test case 0: output 0 of the test case is float32"),
        (sound, ("--input", str(image)), 2, "contains its inputs"),
    ):
        file = tmp_path / "model.bpte"
        file.write_bytes(data)
        done = fvp_tui("run", str(file), *options, "--json")
        assert done.returncode == status
        assert words in json.loads(done.stdout)["run"]["reason"]
    done = fvp_tui("compile", str(tmp_path / "model.bpte"))
    assert done.returncode == 2
    assert "compiled already" in done.stderr
