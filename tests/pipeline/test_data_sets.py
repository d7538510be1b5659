"""A data set on one core and on several, whole and in parts: the same answers, and nothing of them lost."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest

from tests.conftest import REPOSITORY, TUI, Fvp, environment
from tui.run import confusion
from tui.run.check import Confusion

COUNT = 110
"""Images, enough for two processes."""
OPTIONS = ("run", "sample:digits", "--platform", "simulator", "--engine", "interpreter", "--dataset")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Held-out images with noise, so that some of the answers are wrong."""
    path = tmp_path_factory.mktemp("data") / "noisy.npz"
    with np.load(REPOSITORY / "sample_models" / "data" / "digits.npz") as held:
        images, labels = held["held_out"][:COUNT].astype(np.float32) / 16, held["labels"][:COUNT]
    noise = np.random.default_rng(0).normal(0, 0.25, images.shape).astype(np.float32)
    np.savez(path, inputs=np.clip(images + noise, 0, 1), labels=labels)
    return path


def inferred(home: Path, cores: int, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [*TUI, *OPTIONS, *arguments, "--json"],
        env={**environment(home), "FVP_TUI_CORES": str(cores)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_on_several_cores_it_gives_what_it_gives_on_one(home: Path, data: Path) -> None:
    alone = inferred(home, 1, str(data), "--no-cache")
    both = inferred(home, 2, str(data), "--no-cache")
    assert both["check"] == alone["check"]
    assert both["check"]["accuracy"]["platform_correct"] < COUNT
    for state in (alone, both):
        assert [one["index"] for one in state["inferences"]] == list(range(COUNT))
    cycles = [[one["npu_cycles"] for one in state["inferences"]] for state in (alone, both)]
    assert cycles[0] == cycles[1]
    folder = home / "runs" / both["run"]["id"]
    consoles = [folder / "console.log", folder / "artifacts" / "console_2.log"]
    assert [text.read_bytes().count(b"SERVER_INFERENCE_DONE") for text in consoles] == [COUNT // 2, COUNT // 2]
    assert any("shared among 2 processes" in note for note in both["notes"])
    assert not any("shared among" in note for note in alone["notes"])


def test_parts_add_up_to_the_whole(home: Path, fvp_tui: Fvp, data: Path) -> None:
    whole = inferred(home, 1, str(data))
    parts = [inferred(home, 1, str(data), "--inferences", "40"), inferred(home, 1, str(data), "--first", "40")]
    assert [state["spec"]["inferences"] for state in parts] == [40, COUNT - 40]
    found = [msgspec.convert(state["check"]["confusion"], Confusion) for state in (*parts, whole)]
    assert confusion.merged(found[:2]) == found[2]
    for state in (*parts, whole):
        right = confusion.accuracy(msgspec.convert(state["check"]["confusion"], Confusion))
        assert msgspec.to_builtins(right) == state["check"]["accuracy"]
    shown = fvp_tui("show", "last", "--accuracy").stdout
    assert f"of {COUNT - 40} correct" in shown and "the platform's answers, by label" in shown
    page = fvp_tui("export", "last", "--format", "html").stdout
    assert "confusion matrix" in page
    beyond = fvp_tui(*OPTIONS, str(data), "--first", str(COUNT))
    assert beyond.returncode == 2 and f"which has {COUNT} items" in beyond.stdout


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_where_one_process_dies_the_run_says_which_and_ends(home: Path, data: Path) -> None:
    with subprocess.Popen(
        [*TUI, *OPTIONS, str(data), "--json"], env=environment(home), stdout=subprocess.PIPE, text=True
    ) as running:
        victim = None
        while victim is None and running.poll() is None:
            victim = next((one for one in psutil.process_iter(["cmdline"]) if _is_second(one, home)), None)
        assert victim is not None
        victim.kill()
        out, _ = running.communicate(timeout=200)
    state = json.loads(out)
    assert running.returncode == 1 and state["run"]["status"] == "failed"
    assert state["run"]["reason"].startswith(f"inferences {COUNT // 2 + 1} to {COUNT}: ")
    left = [one for one in psutil.process_iter(["cmdline"]) if "tui.simulator" in (one.info["cmdline"] or ())]
    assert not [one for one in left if str(home) in " ".join(one.info["cmdline"])]


def _is_second(process: psutil.Process, home: Path) -> bool:
    words = process.info["cmdline"] or ()
    return "tui.simulator" in words and any(str(home) in word and "process_2" in word for word in words)
