"""Building the semihosting runner from a checkout: its own script, its log kept, its progress told."""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import TUI, Fvp, environment
from tests.platform import elves
from tui.platform import runner_build
from tui.toolchain import boards

MakeCheckout = Callable[[str], Path]


HEAD = r"""
for word in "$@"; do case $word in --output=*) output=${word#*=};; esac; done
printf "%s\n" "$@" > $place/arguments
"""


@pytest.fixture
def checkout(tmp_path: Path) -> MakeCheckout:
    """An ExecuTorch checkout whose script is ours: it has `$output`, and a runner at `$runner`."""
    runner = elves.write(tmp_path / "runner.elf", "semihosting")

    def make(script: str) -> Path:
        folder = tmp_path / "executorch"
        (folder / runner_build.SCRIPT).parent.mkdir(parents=True)
        (folder / runner_build.TOOLS).parent.mkdir(parents=True)
        (folder / runner_build.TOOLS).touch()
        (folder / runner_build.SCRIPT).write_text(f"runner={runner}\nplace={tmp_path}\n{HEAD}{script}\n")
        return folder

    return make


GOOD = r"""
echo "-- Configuring done"
for n in 1 50 100; do printf '[%3d%%] Building\n' $n; done
mkdir -p "$output/bin"
cp "$runner" "$output/bin/arm_executor_runner"
"""


def test_what_was_built_is_kept_and_found(checkout: MakeCheckout, fvp_tui: Fvp, home: Path, tmp_path: Path) -> None:
    folder = checkout(GOOD)
    done = fvp_tui("firmware", "build", str(folder), "--etdump", "--kernel", "aten::add.out")
    assert done.returncode == 0, done.stderr
    kept = home / "firmware" / boards.DEFAULT.fvp.built_runner
    assert done.stdout.strip() == str(kept)
    assert kept.read_bytes() == (tmp_path / "runner.elf").read_bytes()
    assert "100 %" in done.stderr
    assert "Configuring done" in (home / "firmware" / runner_build.LOG).read_text()
    words = (tmp_path / "arguments").read_text().split()
    assert {"--pte=semihosting", "--target=ethos-u85-256", "--etdump"} <= set(words)
    assert "--bundleio" not in words
    (kernels,) = (word for word in words if word.startswith("--select_ops_list="))
    assert kernels.endswith("quantized_decomposed::dequantize_per_tensor.out,aten::add.out")
    assert str(kept) in fvp_tui("firmware", "list").stdout
    assert "built from a checkout" in fvp_tui("doctor").stdout


def test_each_board_has_a_runner_of_its_own(checkout: MakeCheckout, fvp_tui: Fvp, home: Path, tmp_path: Path) -> None:
    folder = str(checkout(GOOD))
    for board, target in ((boards.CORSTONE_300_U55, "ethos-u55-64"), (boards.CORSTONE_300_U65, "ethos-u65-512")):
        done = fvp_tui("firmware", "build", folder, "--target", target)
        assert (done.returncode, done.stdout.strip()) == (0, str(home / "firmware" / board.fvp.built_runner))
        words = (tmp_path / "arguments").read_text().splitlines()
        npu = board.npu
        assert {
            f"--target={npu.default_accelerator}",
            f"--system_config={npu.default_system_config}",
            f"--memory_mode={npu.default_memory_mode}",
        } <= set(words)
        (kernels,) = (word for word in words if word.startswith("--select_ops_list="))
        # What this NPU leaves on the CPU.
        assert "aten::gt.Tensor_out" in kernels and "aten::avg_pool2d.out" in kernels
        assert any(word.endswith("-DHEAP_SIZE=0x00007000") for word in words)
    listed = fvp_tui("firmware", "list").stdout
    assert listed.count("semihosting-corstone-300") == 2 and "not built" in listed
    done = fvp_tui("firmware", "build", folder, "--target", "ethos-u55-512")
    assert (done.returncode, "ethos-u55-512" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'x.cpp:3:1: error: no such thing'; echo 'make: *** [all] Error 2'; exit 2", "error: no such thing"),
        ("exit 3", "status 3"),
        ("exit 0", "left no arm_executor_runner"),
        ('mkdir -p "$output"; echo elf > "$output/arm_executor_runner"', "is not an ELF file"),
        ("kill -SEGV $$", "status -11"),
    ],
)
def test_a_build_that_fails_says_why_and_keeps_its_log(
    script: str, said: str, checkout: MakeCheckout, fvp_tui: Fvp, home: Path
) -> None:
    done = fvp_tui("firmware", "build", str(checkout(script)))
    assert (done.returncode != 0, said in done.stderr) == (True, True), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (home / "firmware" / boards.DEFAULT.fvp.built_runner).exists()
    assert (home / "firmware" / runner_build.LOG).exists()


def test_what_is_no_checkout_or_has_no_toolchain_is_told(checkout: MakeCheckout, fvp_tui: Fvp, tmp_path: Path) -> None:
    done = fvp_tui("firmware", "build", str(tmp_path / "nowhere"))
    assert (done.returncode, "is not an ExecuTorch checkout" in done.stderr) == (1, True)
    folder = checkout(GOOD)
    (folder / runner_build.TOOLS).unlink()
    done = fvp_tui("firmware", "build", str(folder))
    assert (done.returncode, "examples/arm/setup.sh" in done.stderr) == (1, True)


def test_ctrl_c_ends_the_build(checkout: MakeCheckout, home: Path, tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    folder = checkout(f"echo $$ > {shlex.quote(str(marker))}; echo '[ 10%] Building'; sleep 600")
    command = [*TUI, "firmware", "build", str(folder), "-v"]
    with subprocess.Popen(command, env=environment(home), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "10%" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


@pytest.mark.parametrize(
    ("lines", "percent"),
    [(["[ 42%] Building"], 42), (["[12/48] Linking", "words"], 25), (["[0/0] x"], None), (["[999%] x"], 100)],
)
def test_progress_is_cmake_s_own(lines: list[str], percent: int | None) -> None:
    found: int | None = None
    for line in lines:
        found = runner_build.percent_done(line, found)
    assert found == percent
