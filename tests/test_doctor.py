"""What ``fvp-tui doctor`` says of a machine: without an FVP, with one that is broken, with one that works."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TUI, environment
from tests.platform import elves
from tui.platform import discovery
from tui.toolchain import boards

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bare(home: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a user without FVP, runner or checkout."""
    empty = tmp_path / "user"
    empty.mkdir()
    path = os.pathsep.join(
        p for p in os.environ["PATH"].split(os.pathsep) if not (Path(p) / boards.DEFAULT.fvp.binary).exists()
    )
    return {**environment(home), "HOME": str(empty), "PATH": path}


def examined(env: dict[str, str], cwd: Path) -> tuple[int, dict[str, Any]]:
    """Exit status, and the report with its findings by name."""
    done = subprocess.run(
        [*TUI, "doctor", "--json"], env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    report = json.loads(done.stdout)
    report["findings"] = {finding["name"]: finding for finding in report["findings"]}
    report["works"] = {ability["name"]: ability for ability in report["works"]}
    return done.returncode, report


def fvp(folder: Path, script: str) -> dict[str, str]:
    """An FVP on PATH that is a shell script."""
    binary = folder / "bin" / boards.DEFAULT.fvp.binary
    binary.parent.mkdir()
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    return {"PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}"}


def test_without_an_fvp_the_simulator_works_and_the_hint_says_how_to_get_a_runner(
    bare: dict[str, str], tmp_path: Path
) -> None:
    status, report = examined(bare, tmp_path)
    assert (status, report["ready"], report["platform"]) == (0, True, "simulator")
    assert report["findings"]["fvp"]["detail"] == "not found"
    assert "fvp-tui firmware install" in report["findings"]["runner"]["hint"]
    assert report["findings"]["together"]["status"] == "ok"
    works = {name: ability["works"] for name, ability in report["works"].items()}
    assert works == {
        "compile a model": True,
        "run a program on the simulator": True,
        "run a program on the FVP": False,
        "count the CPU's instructions": False,
        "the full screen": False,
    }
    assert report["works"]["run a program on the FVP"]["lacks"] == ["fvp", "runner"]


@pytest.mark.parametrize(
    ("script", "detail", "hint"),
    [
        (
            "echo 'x: error while loading shared libraries: libpython3.9.so.1.0: cannot open shared'; exit 127",
            "libpython3.9.so.1.0 is not found",
            "LD_LIBRARY_PATH",
        ),
        (
            "echo 'Error: (E549) uncaught exception: /x/lib.so: cannot enable executable stack as shared object"
            " requires: Invalid argument'; exit 1",
            "executable stack",
            "execstack -c",
        ),
        ("echo 'Fatal: license error: none left.'; exit 1", "no licence", "armlm"),
        ("echo 'exec: cannot execute binary file: Exec format error'; exit 126", "another processor", "uname -m"),
        ("echo 'Cannot connect to the Docker daemon at unix:///x. Is it running?'; exit 1", "Docker", "start Docker"),
        ("exit 9", "exit status 9", ""),
    ],
)
def test_a_broken_fvp_is_named_with_its_cause_and_does_not_hide_that_the_simulator_works(
    script: str, detail: str, hint: str, bare: dict[str, str], tmp_path: Path
) -> None:
    status, report = examined({**bare, **fvp(tmp_path, script)}, tmp_path)
    found = report["findings"]["fvp"]
    assert (found["status"], detail in found["detail"], hint in found["hint"]) == ("missing", True, True), found
    assert report["works"]["run a program on the FVP"]["lacks"] == ["fvp", "runner"]
    assert (status, report["platform"]) == (0, "simulator")


def test_an_fvp_of_another_architecture_is_told_by_the_system(bare: dict[str, str], tmp_path: Path) -> None:
    env = {**bare, **fvp(tmp_path, "")}
    elves.write(tmp_path / "bin" / boards.DEFAULT.fvp.binary, "semihosting").chmod(0o755)
    found = examined(env, tmp_path)[1]["findings"]["fvp"]
    assert found["status"] == "missing"
    assert "another processor architecture" in found["detail"]


def test_the_fvp_of_another_board_is_named_beside(bare: dict[str, str], tmp_path: Path) -> None:
    board = boards.CORSTONE_300_U55
    script = (
        f'STAND_IN_AS={board.fvp.binary} PYTHONPATH={ROOT} exec {sys.executable} -u -m tests.platform.stand_in "$@"'
    )
    env = {**bare, **fvp(tmp_path, script)}
    (tmp_path / "bin" / boards.DEFAULT.fvp.binary).rename(tmp_path / "bin" / board.fvp.binary)
    runner = elves.write(tmp_path / "runner.elf", "semihosting", board.npu.pmu.sram_reads.encode())
    status, report = examined({**env, discovery.RUNNER_VARIABLE: str(runner)}, tmp_path)
    assert (status, report["findings"]["fvp"]["detail"]) == (0, "not found")
    assert "Fast Models 11.27.42" in report["findings"]["fvp, Ethos-U55"]["detail"]
    assert report["findings"]["runner, Ethos-U55"]["status"] == "ok"
    assert report["works"]["run a program on the FVP with Ethos-U55"]["works"]
    assert "built for Ethos-U55 or Ethos-U65" in report["findings"]["runner"]["detail"]
    assert "fvp, Ethos-U65" not in report["findings"]


def test_with_the_stand_in_the_fvp_works_when_there_is_a_runner(bare: dict[str, str], tmp_path: Path) -> None:
    script = f'PYTHONPATH={ROOT} exec {sys.executable} -u -m tests.platform.stand_in "$@"'
    env = {**bare, **fvp(tmp_path, script)}
    _, report = examined(env, tmp_path)
    assert "Fast Models 11.27.25" in report["findings"]["fvp"]["detail"]
    assert report["works"]["run a program on the FVP"]["lacks"] == ["runner"]
    runner = elves.write(tmp_path / "runner.elf", "address")
    status, report = examined({**env, discovery.RUNNER_VARIABLE: str(runner)}, tmp_path)
    assert (status, report["platform"]) == (0, "fvp")
    assert "runs a program placed in memory" in report["findings"]["runner"]["detail"]
    assert report["works"]["run a program on the FVP"] == {
        "name": "run a program on the FVP",
        "works": True,
        "lacks": [],
    }


def test_the_text_ends_in_what_will_work(bare: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run([*TUI, "doctor"], env=bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    *_, fvp_line, _, _, last = done.stdout.splitlines()
    assert fvp_line == "  no   run a program on the FVP: see fvp and runner"
    assert last.startswith("a run would take the simulator, since ")


def test_packages_for_gpus_are_weighed(bare: dict[str, str], tmp_path: Path) -> None:
    package = tmp_path / "more" / "nvidia_cublas-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: nvidia-cublas\nVersion: 1.0\n")
    (package / "RECORD").write_text("nvidia/cublas/lib.so,sha256=x,2500000000\nnvidia/cublas/more.so,sha256=y,\n")
    path = os.pathsep.join(filter(None, [bare.get("PYTHONPATH", ""), str(package.parent)]))
    _, report = examined({**bare, "PYTHONPATH": path}, tmp_path)
    torch = report["findings"]["torch"]
    assert torch["status"] == "ok" and torch["detail"].endswith(" GB for GPUs")
    assert "nothing here uses them" in torch["hint"]
