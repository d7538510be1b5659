"""``fvp-sim`` with Arm's firmware on QEMU: the same outputs as the interpreter's, exact counts, clear refusals."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import models
from tests.conftest import Ran, environment
from tests.simulator.programs import SMALL as SMALL_U55
from tui.model import pte
from tui.simulator import cycle_model
from tui.simulator.executor_runner import Cycles
from tui.simulator.firmware import image, preflight
from tui.simulator.firmware.image import Image, ImageError
from tui.simulator.interpreter import Method
from tui.simulator.parameters import Settings
from tui.toolchain import boards, firmware_images

RanModel = Callable[..., Ran]

FVP_SIM = [sys.executable, "-m", "tui.simulator"]
SMALL = ("executorch:add", "executorch:linear", "executorch:softmax")
PROGRAMS = (*models.ALL, *SMALL)
FP32 = ("sample:digits", "--quantize", "none")
"""Nothing of it runs on the NPU."""
U85_256 = "ethos-u85-256"


def sim(home: Path, *arguments: object, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*FVP_SIM, *map(str, arguments)],
        env={**environment(home), **variables},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )


def axf(home: Path) -> Path:
    return home / "firmware" / f"{firmware_images.CORSTONE_300.name}.axf"


def boot(home: Path, run: Ran, folder: Path, *more: object) -> "subprocess.CompletedProcess[str]":
    """A run's program on the firmware, on the inputs of its first inference; outputs are left in ``out.bin``."""
    program = run.artifacts / "model.pte"
    with np.load(run.artifacts / "inputs.npz") as data:
        names = sorted(name for name in data if name.startswith("0_"))
        (folder / "in.bin").write_bytes(b"".join(data[name].tobytes() for name in names))
    size = sum(info.nbytes for info in pte.signature(program.read_bytes()).outputs)
    return sim(
        home,
        *("-a", axf(home), "--data", f"{program}@0x90000000", "--data", "in.bin@0x92000000"),
        *("--dump", f"cpu0=out.bin@Memory:0x93000000,{size}", "--counts", "counts.jsonl"),
        *("-C", f"mps4_board.subsystem.ethosu.num_macs={run.state['spec']['target']['accelerator'].split('-')[-1]}"),
        *("--stat", *more),
        cwd=folder,
    )


@pytest.mark.parametrize("model", PROGRAMS)
def test_a_program_gives_the_same_on_both_engines(ran: RanModel, emulated: Path, tmp_path: Path, model: str) -> None:
    interpreted = ran(model)
    done = boot(emulated, interpreted, tmp_path)
    assert done.returncode == 0, done.stdout
    with np.load(interpreted.artifacts / "outputs.npz") as data:
        names = sorted((n for n in data if n.startswith("0_")), key=lambda n: int(n.partition("_")[2]))
        expected = b"".join(data[name].tobytes() for name in names)
    assert (tmp_path / "out.bin").read_bytes() == expected
    # The NPU's figures are of the same cycle model, by their names on another NPU.
    inference = interpreted.state["inferences"][0]
    said = {name: int(count) for name, count in re.findall(r"NPU (\w+): (\d+)", done.stdout)}
    assert said["TOTAL"] == inference["npu_cycles"]
    for ours, theirs in (("SRAM_RD", "AXI0_RD"), ("EXT_RD", "AXI1_RD")):
        name = f"{ours}_DATA_BEAT_RECEIVED"
        assert said[f"{theirs}_DATA_BEAT_RECEIVED"] == inference["pmu"][f"ETHOSU_PMU_{name}"]
    assert said["AXI0_WR_DATA_BEAT_WRITTEN"] == inference["pmu"]["ETHOSU_PMU_SRAM_WR_DATA_BEAT_WRITTEN"]


def test_counts_are_the_same_at_every_repeat(ran: RanModel, emulated: Path, tmp_path: Path) -> None:
    found = []
    for _ in range(5):
        done = boot(emulated, ran("executorch:resnet8"), tmp_path)
        (whole,) = re.findall(r"fvp_sim.cpu0 +: +[\d.]+ MIPS \( +(\d+) Inst\)", done.stdout)
        found.append((int(whole), (tmp_path / "counts.jsonl").read_text()))
    assert len(set(found)) == 1
    marks = [json.loads(line) for line in found[0][1].splitlines()]
    assert [list(mark) for mark in marks] == [["execute"], ["step"], ["step"], ["step"], ["return"]]
    at = [n for mark in marks for n in mark.values()]
    assert at == sorted(at)
    assert at[-1] < found[0][0]


@pytest.mark.parametrize(
    ("name", "boots"),
    [("conv-ethos-u55-32", 2), ("softmax-ethos-u55-128", 1), ("conv_deep-ethos-u55-256", 1), ("conv-ethos-u65-512", 1)],
)
def test_an_ethos_u55_is_the_firmwares_own_npu(emulated: Path, tmp_path: Path, name: str, boots: int) -> None:
    program, accelerator = SMALL_U55 / f"{name}.pte", name.partition("-")[2]
    method = Method(pte.parse(program.read_bytes()))
    given = np.random.default_rng(5)
    for tensor in method.inputs:
        assert tensor is not None
        tensor.bytes.view(np.float32)[:] = given.normal(size=tensor.bytes.size // 4)
    (tmp_path / "in.bin").write_bytes(b"".join(one.bytes.tobytes() for one in method.inputs if one is not None))
    method.execute()
    expected = b"".join(tensor.bytes.tobytes() for tensor in method.outputs)
    macs = f"{boards.of(accelerator).parameters.macs}={accelerator.rpartition('-')[2]}"
    estimate = cycle_model.model(Settings(boards.of(accelerator)))
    found = set()
    for _ in range(boots):
        done = sim(
            emulated,
            *("-a", axf(emulated), "--data", f"{program}@0x90000000", "--data", "in.bin@0x92000000", "-C", macs),
            *("--dump", f"cpu0=out.bin@Memory:0x93000000,{len(expected)}", "--counts", "counts.jsonl", "--stat"),
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout
        assert (tmp_path / "out.bin").read_bytes() == expected
        assert "the interpreter replaces the firmware" not in done.stdout
        figures = [estimate(delegate) for delegate in method.delegates]
        said = {name: int(count) for name, count in re.findall(r"NPU (\w+): (\d+)", done.stdout)}
        assert said["TOTAL"] == sum(one.npu for one in figures if isinstance(one, Cycles)) > 0
        # What it says of the NPU is what the NPU is.
        assert re.search(rf"MACs/cc: +{accelerator.rpartition('-')[2]}\b", done.stdout)
        assert "v0.0.0" not in done.stdout
        found.add((tmp_path / "counts.jsonl").read_text())
    assert len(found) == 1


def test_a_program_of_portable_kernels_alone_is_right(ran: RanModel, emulated: Path, tmp_path: Path) -> None:
    run = ran(*FP32)
    assert run.state["delegation"]["subgraphs"] == 0
    done = boot(emulated, run, tmp_path)
    assert done.returncode == 0, done.stdout
    with np.load(run.artifacts / "references.npz") as data:
        expected = data["float_0_0"]
    got = np.fromfile(tmp_path / "out.bin", np.float32).reshape(expected.shape)
    assert np.abs(got - expected).max() <= 1e-5


def test_scratch_may_lie_in_sram_of_which_the_npu_alone_knows(ran: RanModel, emulated: Path, tmp_path: Path) -> None:
    run = ran("sample:digits", "--memory-mode", "Dedicated_Sram_384KB", "--target", "ethos-u85-512")
    assert boot(emulated, run, tmp_path).returncode == 0
    with np.load(run.artifacts / "outputs.npz") as data:
        assert (tmp_path / "out.bin").read_bytes() == data["0_0"].tobytes()


def test_nothing_is_left_in_memory_that_has_a_name(ran: RanModel, emulated: Path, tmp_path: Path) -> None:
    before = {path.name for path in Path("/dev/shm").iterdir()}
    assert boot(emulated, ran("executorch:ds_cnn"), tmp_path).returncode == 0
    assert not {path.name for path in Path("/dev/shm").iterdir() if "guest" in path.name} - before
    assert {path.name for path in tmp_path.iterdir()} >= {"in.bin", "out.bin", "counts.jsonl"}


def test_a_time_limit_ends_the_firmware(ran: RanModel, emulated: Path, tmp_path: Path) -> None:
    done = boot(emulated, ran(*models.LONG), tmp_path, "--timelimit", "0.3")
    assert done.returncode == 0
    assert "Simulation is stopping. Reason: CPU time has been exceeded." in done.stdout
    assert not (tmp_path / "out.bin").exists()


def test_a_place_that_the_firmware_does_not_look_at_is_named(ran: RanModel, emulated: Path, tmp_path: Path) -> None:
    program = ran("executorch:add").artifacts / "model.pte"
    (tmp_path / "in.bin").write_bytes(bytes(8))
    placed = ("--data", f"{program}@0x90000000", "--data", "in.bin@0x92100000")
    done = sim(emulated, "-a", axf(emulated), *placed, cwd=tmp_path)
    assert "Warning: fvp-sim: the firmware has its input at 0x92000000" in done.stdout


def test_a_fault_is_told_at_once(ran: RanModel, emulated: Path, tmp_path: Path) -> None:
    # An undefined instruction where the firmware's code lies in DDR.
    functions = image.load(axf(emulated)).functions
    (at,) = {address for name, address in functions.items() if "AddProfilingUnit" in name and address >= 0x70000000}
    (tmp_path / "undefined.bin").write_bytes(b"\x00\xde" * 4)
    done = boot(emulated, ran("executorch:add"), tmp_path, "--data", f"undefined.bin@{at:#x}")
    assert done.returncode == 1
    assert "Fault" in done.stdout
    assert "Error: fvp-sim: the firmware reached its fault handler" in done.stdout


# -- what cannot be run


def test_without_qemu_the_interpreter_takes_over_unless_the_firmware_is_asked_for(
    ran: RanModel, firmware_home: Path, tmp_path: Path
) -> None:
    program = ran("executorch:ds_cnn").artifacts / "model.pte"
    words = ("-a", axf(firmware_home), "--data", f"{program}@0x90000000")
    done = sim(firmware_home, *words, cwd=tmp_path, FVP_TUI_QEMU="no-qemu")
    assert done.returncode == 0
    assert "the interpreter replaces the firmware: qemu-system-arm is not installed" in done.stdout
    assert "Model run: 1" in done.stdout
    done = sim(firmware_home, *words, "--engine", "firmware", cwd=tmp_path, FVP_TUI_QEMU="no-qemu")
    assert done.returncode == 2
    assert done.stderr == (
        "fvp-sim: qemu-system-arm is not installed (apt-get install --no-install-recommends qemu-system-arm)\n"
    )


@pytest.mark.parametrize(
    ("name", "said"), [("corstone-320-ethos-u85.axf", "no other firmware is known"), (None, "give -a FILE")]
)
def test_only_the_firmware_that_is_known_is_booted(
    firmware_home: Path, tmp_path: Path, name: str | None, said: str
) -> None:
    words = () if name is None else ("-a", firmware_home / "firmware" / name)
    done = sim(firmware_home, "--engine", "firmware", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_renamed_file_is_no_firmware(tmp_path: Path) -> None:
    path = tmp_path / f"{firmware_images.CORSTONE_300.name}.axf"
    path.write_bytes(b"\x7fELF")
    assert not image.is_known(path)
    with pytest.raises(ImageError, match="is not Arm's"):
        image.load(path)


@pytest.fixture(scope="module")
def firmware(firmware_home: Path) -> Image:
    return image.load(axf(firmware_home))


def test_what_is_sound_has_no_obstacle(ran: RanModel, firmware: Image) -> None:
    for model in models.ALL:
        assert preflight.obstacles((ran(model).artifacts / "model.pte").read_bytes(), firmware, U85_256) == []


def test_an_npu_of_another_size_is_told_by_the_program_itself(ran: RanModel, firmware: Image) -> None:
    program = (ran("sample:digits").artifacts / "model.pte").read_bytes()
    (found,) = preflight.obstacles(program, firmware, "ethos-u85-512")
    assert found.what == "the program was compiled for ethos-u85-256, the NPU is ethos-u85-512"
    assert "--target ethos-u85-256" in found.hint


def test_kernels_arguments_and_sizes_are_weighed(ran: RanModel, firmware: Image) -> None:
    program = (ran("sample:split").artifacts / "model.pte").read_bytes()

    def found(**changes: object) -> list[str]:
        return [one.what for one in preflight.obstacles(program, replace(firmware, **changes), U85_256)]

    lacking = firmware.kernels - {"aten::topk.values"}
    assert found(kernels=lacking) == ["the firmware has no kernel for aten::topk.values"]
    name = "cortex_m::quantize_per_tensor.out"
    (said,) = found(layout=replace(firmware.layout, arguments={name: 3}))
    assert re.fullmatch(rf"the program calls {name} with \d arguments, the firmware's takes 3", said)
    (said,) = found(method_pool=1000)
    assert re.fullmatch(r"planned buffers and inputs take [\d,]+ bytes, method_allocator has 1,000", said)
    (said,) = found(layout=replace(firmware.layout, program_size=1000))
    assert re.fullmatch(r"the program has [\d,]+ bytes, the firmware has room for 1,000", said)
    (said,) = found(layout=replace(firmware.layout, temporary_size=1000))
    assert re.fullmatch(r"the NPU's scratch takes [\d,]+ bytes, temp_allocator has 1,000", said)


@pytest.mark.parametrize("damage", [b"", b"ET12", b"\0" * 100])
def test_what_is_no_program_is_refused(firmware: Image, damage: bytes) -> None:
    (found,) = preflight.obstacles(damage, firmware, U85_256)
    assert found.what.startswith("the program cannot be loaded")


def test_qemu_that_dies_at_once_is_an_error_of_one_line(firmware_home: Path, tmp_path: Path) -> None:
    if not hasattr(os, "memfd_create"):
        pytest.skip("the engine is there on Linux only")
    fake = tmp_path / "qemu"
    fake.write_text("#!/bin/sh\necho 'no such machine' >&2\nexit 3\n")
    fake.chmod(0o755)
    done = sim(firmware_home, "--engine", "firmware", "-a", axf(firmware_home), cwd=tmp_path, FVP_TUI_QEMU=str(fake))
    assert done.returncode == 1
    assert "Error: fvp-sim: qemu does not start: exit status 3: no such machine" in done.stdout
