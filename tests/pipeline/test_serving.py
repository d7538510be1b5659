"""A platform that stays: ``run --serve``, further inferences on samples and on files, let go, judged and counted."""

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import TUI, Fvp, Ran, environment
from tui.run import journal, store
from tui.run.figures import Inference, spread

RanModel = Callable[..., Ran]


@contextmanager
def served(home: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", Iterator[dict[str, Any]]]]:
    """``run --serve --events``: its process and its events as they come."""
    command = [*TUI, "run", *arguments, "--serve", "--platform", "simulator", "--events"]
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, (json.loads(line) for line in process.stdout)


def until_waiting(events: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    seen = []
    for event in events:
        seen.append(event)
        if event["event"] == "phase_changed" and event["phase"] == "waiting":
            return seen
    raise AssertionError(f"it never waited: {seen[-1]}")


def finished(events: list[dict[str, Any]]) -> list[int]:
    return [event["inference"]["index"] for event in events if event["event"] == "inference_finished"]


@pytest.fixture
def digits(ran: RanModel, tmp_path: Path) -> Path:
    return Path(shutil.copy(ran("sample:digits").artifacts / "model.pte", tmp_path / "digits.pte"))


def test_one_that_stays_runs_further_inferences_and_ends_well(home: Path, fvp_tui: Fvp, tmp_path: Path) -> None:
    with served(home, "sample:digits") as (process, events):
        assert finished(until_waiting(events)) == [0]
        done = fvp_tui("infer", "last")
        assert done.returncode == 0, done.stderr
        assert re.match(r"inference 2: [\d,]+ NPU cycles, [\d.]+ [mµ]s, estimated\ncheck     so far MATCH", done.stdout)
        assert "artifacts/outputs_1.npz" in done.stdout and f"fvp-tui show {store.ids()[0]}" in done.stderr
        assert finished(until_waiting(events)) == [1]
        given = tmp_path / "ones.npy"
        shape = json.loads((store.resolve("last") / "artifacts" / "io.json").read_text())["inputs"][0]["shape"]
        np.save(given, np.ones(shape, np.float32))
        told = json.loads(fvp_tui("infer", "last", "--input", str(given), "--json").stdout)
        assert (told["inference"]["index"], told["inference"]["source"]) == (2, "estimated")
        with np.load(told["outputs"]) as packed:
            assert sorted(packed) == ["2_0"]
        seen = until_waiting(events)
        assert finished(seen) == [2]
        assert any(event["event"] == "noted" and "ones.npy; not checked" in event["text"] for event in seen)
        (answered,) = (event for event in seen if event["event"] == "answered")
        assert (answered["answer"]["label"], answered["accuracy"]["inputs"]) == (None, 2)  # nobody knows what ones are
        assert fvp_tui("stop", "last").returncode == 0
        assert process.wait(60) == 0
    state = json.loads(fvp_tui("show", "last", "--json").stdout)
    assert (state["run"]["status"], state["check"]["status"]) == ("ok", "match")
    assert state["verdict"]["reason"] == "the program ran to its end"
    assert [inference["index"] for inference in state["inferences"]] == [0, 1, 2]
    cycles = state["spread"]["npu_cycles"]
    assert (cycles["count"], cycles["min"], cycles["steady"]) == (3, cycles["max"], True)
    artifacts = store.resolve("last") / "artifacts"
    with np.load(artifacts / "inputs_2.npz") as packed:
        assert packed["2_0"].view(np.float32).tolist() == [1.0] * int(np.prod(shape))
    with np.load(artifacts / "outputs.npz") as packed:
        assert sorted(packed) == ["0_0", "1_0", "2_0"]


def test_ctrl_c_lets_a_waiting_platform_go(home: Path, digits: Path) -> None:
    with served(home, str(digits)) as (process, events):
        until_waiting(events)
        process.send_signal(signal.SIGINT)
        last = list(events)[-1]
        assert process.wait(60) == 0
    assert (last["event"], last["status"]) == ("run_finished", "ok")


def test_what_does_not_fit_is_refused_and_the_platform_stays(
    home: Path, fvp_tui: Fvp, digits: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.bin"
    short.write_bytes(b"1234")
    with served(home, str(digits)) as (_, events):
        until_waiting(events)
        done = fvp_tui("infer", "last", "--input", str(short))
        assert (done.returncode, "4 bytes, the program takes" in done.stderr) == (1, True), done.stderr
        assert fvp_tui("infer", "last").returncode == 0
        assert finished(until_waiting(events)) == [1]
        fvp_tui("stop", "last")
        assert list(events)[-1]["status"] == "ok"


def test_an_inference_asked_for_at_once_waits_for_the_platform(home: Path, fvp_tui: Fvp) -> None:
    begun = fvp_tui("run", "sample:digits", "--serve", "--platform", "simulator", "--detach", "--no-cache")
    assert begun.returncode == 0, begun.stderr
    done = fvp_tui("infer", "last")
    assert (done.returncode, done.stderr.startswith("more")) == (0, True), done.stderr
    assert done.stdout.startswith("inference 2: ")
    assert fvp_tui("stop", "last").returncode == 0


def test_a_run_that_does_not_serve_says_how_to_make_it(home: Path, fvp_tui: Fvp, digits: Path) -> None:
    fvp_tui("run", str(digits), "--platform", "simulator")
    done = fvp_tui("infer", "last")
    assert (done.returncode, "is not running" in done.stderr) == (1, True)


def test_earlier_runs_of_the_same_spec_tell_what_to_expect(home: Path, fvp_tui: Fvp, digits: Path) -> None:
    for _ in range(3):
        assert fvp_tui("run", str(digits), "--platform", "simulator").returncode == 0
    fvp_tui("run", str(digits), "--platform", "simulator", "--inferences", "2")
    found = [list(journal.read(store.folder() / name / journal.FILE)) for name in reversed(store.ids())]
    known = [next((event.earlier for event in run if hasattr(event, "earlier")), None) for run in found]
    assert [earlier and earlier.runs for earlier in known] == [None, 1, 2, None]


@pytest.mark.parametrize(
    ("cycles", "wanted"),
    [
        ([], None),
        ([None], None),
        ([5], (5, 5, 5, 5, True)),
        ([100] * 99 + [200], (100, 100, 100, 200, False)),
        ([1000, 1001, 1002, None], (1000, 1001, 1002, 1002, True)),
    ],
)
def test_how_figures_are_spread(cycles: list[int | None], wanted: tuple[Any, ...] | None) -> None:
    found = spread(i.npu_cycles for i in (Inference(index=k, npu_cycles=c) for k, c in enumerate(cycles)))
    assert (found and (found.min, found.median, found.p99, found.max, found.steady)) == wanted
