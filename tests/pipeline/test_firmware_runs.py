"""Runs on the firmware engine, through ``fvp-tui``: figures, choice of the engine, and every kind of end."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests import models
from tests.conftest import Fvp, Ran
from tests.watching import directory_of, event_of, gone, processes_of, wait_for
from tui.platform.uart import Parser
from tui.run import events
from tui.run.events import InferenceFinished, InstructionsCounted
from tui.simulator.firmware import dtypes, image

RanModel = Callable[..., Ran]
Start = Callable[..., "subprocess.Popen[bytes]"]

BADGE = "SIMULATOR + firmware - instructions counted, cycles estimated"


def test_a_run_has_the_instructions_of_each_operator(emulated: Path, fvp_tui: Fvp) -> None:
    done = fvp_tui("run", "sample:split", "--engine", "firmware", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["run"]["status"], found["check"]["status"]) == ("ok", "match")
    assert [stage["name"] for stage in found["stages"] if stage["status"] == "ok"][-3:] == ["boot", "infer", "check"]
    steps, (inference,) = found["cpu"]["operators"], found["cpu"]["inferences"]
    assert {step["source"] for step in steps} == {inference["source"]} == {"counted"}
    assert all(step["instructions"] > 0 for step in steps)
    total = sum(step["instructions"] for step in steps)
    # What the runtime itself executes before the first step is in the inference, and in none of its steps.
    assert 0 < inference["execute"] - total < 500
    assert found["statistics"]["instructions"] > inference["boot"] + inference["execute"]
    (topk,) = (step for step in steps if "topk" in step["op"])
    assert "split.py:" in topk["line"]
    assert [step["partition"] for step in steps if step["partition"] is not None] == [0, 1, 2][: len(steps)][
        : found["delegation"]["subgraphs"]
    ]
    assert found["platform"]["engine"] == "firmware"
    assert {pool["name"] for pool in found["memory"]} >= {"method_allocator", "temp_allocator"}
    shown = fvp_tui("show", "last").stdout
    assert BADGE in shown
    assert f"{inference['execute']:,} instructions per inference" in shown
    # Genuine text of Arm's: whatever way it is cut, the parser of the FVP's console makes the same of it.
    (directory,) = (emulated / "runs").iterdir()
    console = (directory / "console.log").read_bytes()
    for size in (1, 1000, len(console)):
        parser = Parser("estimated", clock=lambda: 0.0)
        told = [e for at in range(0, len(console), size) for e in parser.feed(console[at : at + size])]
        (finished,) = (e for e in [*told, *parser.close()] if isinstance(e, InferenceFinished))
        assert finished.inference.npu_cycles == found["inferences"][0]["npu_cycles"]
        assert finished.inference.pmu == found["inferences"][0]["pmu"]


def test_each_inference_is_a_boot_and_counts_the_same(emulated: Path, ran: RanModel, fvp_tui: Fvp) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    done = fvp_tui("run", str(program), "--engine", "firmware", "--inferences", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, second = found["cpu"]["inferences"]
    assert {**first, "inference": 1} == second
    assert "the platform was booted for each of 2 inferences" in found["notes"]


@pytest.mark.parametrize(
    ("model", "more", "engine"),
    [
        (("executorch:ds_cnn",), (), "firmware"),
        (("executorch:ds_cnn",), ("--inferences", "2"), "interpreter"),
        (("sample:digits", "--quantize", "none"), (), "interpreter"),
    ],
)
def test_auto_takes_the_firmware_where_it_fits(
    emulated: Path, ran: RanModel, fvp_tui: Fvp, model: tuple[str, ...], more: tuple[str, ...], engine: str
) -> None:
    program = ran(*model).artifacts / "model.pte"
    found = json.loads(fvp_tui("run", str(program), *more, "--json").stdout)
    assert (found["run"]["status"], found["platform"]["engine"]) == ("ok", engine)
    told = any("the interpreter runs the program, not the firmware" in note for note in found["notes"])
    assert told == (model[-1] == "none")


def test_what_the_firmware_cannot_run_is_said_before_it_is_booted(emulated: Path, ran: RanModel, fvp_tui: Fvp) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    done = fvp_tui("run", str(program), "--engine", "firmware", "--target", "ethos-u85-512", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["run"]["reason"] == "the program was compiled for ethos-u85-256, the NPU is ethos-u85-512"
    assert "--target ethos-u85-256" in found["run"]["hint"]
    assert found["platform"] is None


def test_16_bit_activations_are_left_to_the_interpreter(emulated: Path, ran: RanModel, fvp_tui: Fvp) -> None:
    program = str(ran("sample:digits", "--quantize", "a16w8").artifacts / "model.pte")
    why = "the firmware's cortex_m::quantize_per_tensor.out takes int8, the program has int16"
    found = json.loads(fvp_tui("run", program, "--json").stdout)
    assert (found["run"]["status"], found["platform"]["engine"]) == ("ok", "interpreter")
    assert f"the interpreter runs the program, not the firmware: {why}" in found["notes"]
    done = fvp_tui("run", program, "--engine", "firmware", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["run"]["reason"]) == (1, why)
    assert found["run"]["hint"] == "--quantize int8, or --engine interpreter runs it"
    assert found["platform"] is None


def test_the_kernels_whose_types_are_known_are_the_firmwares(firmware_home: Path) -> None:
    file = firmware_home / "firmware" / "corstone-300-ethos-u55.axf"
    assert set(dtypes.KERNELS) <= image.load(file).kernels
    # What the narrow ones say before they stop the program.
    text = file.read_bytes()
    for words in (b"is not int8 (Char)", b"Input1 dtype must be", b"expected Integer (4 byte), Char (1 byte) or Bool"):
        assert words in text


def test_without_the_firmware_its_engine_is_not_available(home: Path, ran: RanModel, fvp_tui: Fvp) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    done = fvp_tui("run", str(program), "--engine", "firmware")
    assert done.returncode == 4
    assert "the firmware for --engine firmware is not installed (fvp-tui firmware install)" in done.stdout
    assert json.loads(fvp_tui("run", str(program), "--json").stdout)["platform"]["engine"] == "interpreter"


def test_doctor_says_what_the_engine_needs(emulated: Path, fvp_tui: Fvp) -> None:
    (found,) = (f for f in json.loads(fvp_tui("doctor", "--json").stdout)["findings"] if f["name"] == "firmware engine")
    assert "QEMU" in found["detail"]
    shutil.rmtree(emulated / "firmware")
    (found,) = (f for f in json.loads(fvp_tui("doctor", "--json").stdout)["findings"] if f["name"] == "firmware engine")
    assert (found["status"], found["hint"]) == ("warning", "fvp-tui firmware install")


# -- ends in the middle


@pytest.fixture
def in_the_middle(emulated: Path, ran: RanModel, start: Start) -> Callable[[], Path]:
    """Begin a long run; its directory, when the firmware executes the method."""

    def begin() -> Path:
        start("run", str(ran(*models.LONG).artifacts / "model.pte"), "--engine", "firmware")
        directory = directory_of(emulated)
        event_of(directory, lambda e: isinstance(e, InstructionsCounted))
        return directory

    return begin


def process_of(directory: Path, word: str) -> psutil.Process:
    return wait_for(
        lambda: next((p for p in processes_of(directory) if any(word in w for w in p.cmdline()[:4])), None), word
    )


def names(folder: str) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


@pytest.mark.parametrize(
    ("victim", "reason"),
    [("qemu-system-arm", "QEMU: ended by SIGKILL"), ("tui.simulator", "the platform was ended by SIGKILL")],
)
def test_a_killed_part_of_the_platform_ends_the_run_with_the_right_words(
    in_the_middle: Callable[[], Path], fvp_tui: Fvp, victim: str, reason: str
) -> None:
    before = names("/dev/shm")
    directory = in_the_middle()
    os.kill(process_of(directory, victim).pid, signal.SIGKILL)
    finished = event_of(directory, lambda e: isinstance(e, events.RunFinished))
    assert isinstance(finished, events.RunFinished)
    assert (finished.status, finished.reason) == ("failed", reason)
    wait_for(lambda: gone(directory), "all processes to end")
    assert not {name for name in names("/dev/shm") - before if "qemu" in name or "guest" in name}
    assert not (directory / "work").exists()


def test_with_the_run_process_everything_is_gone(in_the_middle: Callable[[], Path], fvp_tui: Fvp) -> None:
    directory = in_the_middle()
    begun = event_of(directory, lambda e: isinstance(e, events.RunStarted))
    assert isinstance(begun, events.RunStarted)
    os.kill(begun.pid, signal.SIGKILL)
    wait_for(lambda: gone(directory), "all processes to end")
    assert json.loads(fvp_tui("show", "last", "--json").stdout)["run"]["status"] == "lost"


def test_a_stop_ends_the_firmware(in_the_middle: Callable[[], Path], fvp_tui: Fvp) -> None:
    directory = in_the_middle()
    assert fvp_tui("stop", "last").returncode == 0
    finished = event_of(directory, lambda e: isinstance(e, events.RunFinished))
    assert isinstance(finished, events.RunFinished)
    assert finished.status == "stopped"
    wait_for(lambda: gone(directory), "all processes to end")


def test_three_at_once_do_not_meet(emulated: Path, ran: RanModel, start: Start) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    words = ("run", str(program), "--engine", "firmware", "--json")
    found = [json.loads(process.communicate()[0]) for process in [start(*words) for _ in range(3)]]
    assert {one["run"]["status"] for one in found} == {"ok"}
    assert len({one["statistics"]["instructions"] for one in found}) == 1
    assert len({one["run"]["id"] for one in found}) == 3
