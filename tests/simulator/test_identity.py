"""Boards of ``fvp-sim``: which one a command line is for, and programs of another NPU than its own."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conformance import suite
from tests.conftest import environment
from tests.simulator.programs import SMALL
from tests.simulator.test_fvp_sim import sim
from tui.model import pte
from tui.simulator import identity
from tui.simulator.interpreter import Method
from tui.toolchain import boards
from tui.toolchain.boards import CORSTONE_300_U55, CORSTONE_300_U65, CORSTONE_320, Board

NAMES = CORSTONE_300_U55.parameters
CONV = "conv-ethos-u55-128"
ONCE = "executor_runner -m program.pte -i i0.bin -o out"


@pytest.mark.parametrize("board", boards.BOARDS, ids=lambda board: board.name)
def test_the_name_it_is_called_by_decides_before_all_else(board: Board) -> None:
    for called in (board.fvp.binary, f"/opt/x/{board.fvp.binary}"):
        assert identity.candidates(called, [f"{CORSTONE_320.parameters.macs}=256"]) == (board,)


@pytest.mark.parametrize(
    ("assignments", "found"),
    [
        ((), boards.BOARDS),
        ((f"{CORSTONE_320.parameters.macs}=256",), (CORSTONE_320,)),
        ((f"{NAMES.macs}=256",), (CORSTONE_300_U55, CORSTONE_300_U65)),
        ((f"{NAMES.macs} = 256", f"{NAMES.ethosu}.numb=1"), (CORSTONE_300_U55, CORSTONE_300_U65)),
        (("no.such=1",), boards.BOARDS),
    ],
)
def test_else_its_parameters_do(assignments: tuple[str, ...], found: tuple[Board, ...]) -> None:
    assert identity.candidates("fvp-sim", assignments) == found


@pytest.mark.parametrize("accelerator", ["ethos-u55-256", "ethos-u65-256"])
def test_else_the_npu_of_the_program_does(accelerator: str) -> None:
    program = (SMALL / f"conv-{accelerator}.pte").read_bytes()
    assert identity.of_program(boards.BOARDS, lambda: program) is boards.of(accelerator)
    assert identity.of_program((CORSTONE_320,), lambda: program) is CORSTONE_320
    for nothing in (None, b"", program[:100]):
        assert identity.of_program(boards.BOARDS, lambda data=nothing: data) is boards.BOARDS[0]


def inference(folder: Path, name: str) -> bytes:
    """Put a program and an input of it into a folder; the bytes that have to come of it."""
    data = (SMALL / f"{name}.pte").read_bytes()
    (folder / "program.pte").write_bytes(data)
    method = Method(pte.parse(data))
    (given,), (taken,) = method.inputs, method.outputs
    assert given is not None
    given.bytes.view(np.float32)[:] = np.random.default_rng(3).normal(size=given.bytes.size // 4)
    (folder / "i0.bin").write_bytes(given.bytes.tobytes())
    method.execute()
    return taken.bytes.tobytes()


def as_executorch_calls_it(folder: Path, macs: int) -> list[str]:
    """The arguments of ExecuTorch's `run_corstone` for Corstone-300."""
    values = {
        NAMES.macs: str(macs),
        NAMES.windows[0]: "1",
        NAMES.terminal(0, "start_telnet"): "0",
        NAMES.uart("out_file"): "'-'",
        NAMES.semihosting("enable"): "1",
        NAMES.semihosting("stack_base"): "0",
        NAMES.semihosting("heap_limit"): "0",
        NAMES.semihosting("cwd"): str(folder),
        NAMES.extra_args: "'--fast'",
        NAMES.semihosting("cmd_line"): f"'{ONCE}'",
    }
    (folder / "runner.elf").write_bytes(b"fvp-sim brings its own\n")
    words = [word for name, value in values.items() for word in ("-C", f"{name}={value}")]
    return [*words, "-a", str(folder / "runner.elf"), "--timelimit", "120"]


@pytest.fixture
def called(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """fvp-sim under the name of a board's FVP."""
    programs = tmp_path / "bin"
    suite.link_simulator(programs)

    def call(board: Board, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [programs / board.fvp.binary, *arguments]
        return subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)

    return call


@pytest.mark.parametrize("name", [CONV, "conv-ethos-u65-512"])
def test_a_program_runs_on_the_board_that_has_its_npu(
    name: str, called: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    expected = inference(tmp_path, name)
    board, macs = boards.of(name.partition("-")[2]), int(name.rpartition("-")[2])
    done = called(board, *as_executorch_calls_it(tmp_path, macs))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Program complete, exiting." in done.stdout
    assert (tmp_path / "out-0.bin").read_bytes() == expected
    # Under its own name the parameters are those of two boards, and the program tells.
    (tmp_path / "out-0.bin").unlink()
    assert sim(*as_executorch_calls_it(tmp_path, macs)).returncode == 0
    assert (tmp_path / "out-0.bin").read_bytes() == expected


@pytest.mark.parametrize(
    ("board", "macs", "fields"),
    [
        (CORSTONE_300_U55, 256, ["macs_per_cc=8 optimizer.macs_per_cc=7", "shram_size=48 optimizer.shram_size=24"]),
        (CORSTONE_300_U65, 256, ["product=1 optimizer.product=0", "macs_per_cc=8 optimizer.macs_per_cc=7"]),
        (CORSTONE_320, 128, ["product=2 optimizer.product=0"]),
    ],
)
def test_a_program_of_another_npu_is_refused_in_the_driver_s_words(
    board: Board, macs: int, fields: list[str], tmp_path: Path
) -> None:
    program = SMALL / f"{CONV}.pte"
    size = f"{board.parameters.macs}={macs}"
    done = sim("--as", board.fvp.binary, "-C", size, "--data", f"{program}@0x70000000", cwd=tmp_path)
    assert done.returncode == 1
    said = [line for line in done.stdout.splitlines() if line.startswith("E")]
    assert said[: len(fields)] == [f"E: NPU config mismatch: npu.{field}" for field in fields]
    has = board.npu.accelerator_of(macs)
    assert f"Ethos-U invocation failed error (-1): the program is for ethos-u55-128, the board has {has}" in done.stdout
    assert "Output[" not in done.stdout


@pytest.mark.parametrize(("board", "sizes"), [(CORSTONE_300_U55, "[0x20:0x100]"), (CORSTONE_300_U65, "[0x100:0x200]")])
def test_each_board_lists_its_own_parameters(
    board: Board, sizes: str, called: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    (macs,) = (line for line in called(board, "-l").stdout.splitlines() if line.startswith(f"{board.parameters.macs}="))
    assert f"={board.npu.default_macs:#x} " in macs
    assert sizes in macs
    assert board.fvp.binary in called(board, "--version").stdout
