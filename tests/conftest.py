"""What tests share: the program as a subprocess, a data folder of their own, and models that were run once."""

import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

REPOSITORY = Path(__file__).parent.parent
TUI = [sys.executable, "-m", "tui"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The groups that one worker must run begin: the longest of them, at the end, would find the others idle."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def pytest_collection_finish() -> None:
    """What modules of tests import stays, PyTorch's millions of objects too: never look through it for garbage."""
    gc.freeze()


Fvp = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Ran:
    """A finished run: what ``--json`` printed, and where its files are."""

    state: dict[str, Any]
    directory: Path

    @property
    def artifacts(self) -> Path:
        return self.directory / "artifacts"


def environment(home: Path) -> dict[str, str]:
    """The environment of a subprocess: this checkout's package, folders of its own, no FVP of the machine's."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FVP_TUI_", "TEXTUAL_"))}
    own = {"FVP_TUI_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    return {**clean, **own, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, also for code that runs in this process."""
    folder = tmp_path / "home"
    monkeypatch.setenv("FVP_TUI_HOME", str(folder))
    return folder


def taken_over(run: Ran, home: Path) -> str:
    """The id of a run that was copied into another data folder."""
    shutil.copytree(run.directory, home / "runs" / run.directory.name)
    return run.directory.name


@pytest.fixture
def fvp_tui(home: Path) -> Fvp:
    """``fvp-tui ARGUMENTS`` as a subprocess without a terminal."""

    def run(*arguments: str, timeout: float = 240, **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*TUI, *arguments],
            env=environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def run_once(shared: Path, model: str, *options: str) -> Ran:
    """A run's outcome; what was run in `shared` before is not run again."""
    key = "_".join([model, *options]).translate(str.maketrans("/: ", "---"))
    kept = shared / f"{key}.json"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            done = subprocess.run(
                [*TUI, "run", model, *options, "--json"],
                env=environment(shared / "home"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=280,
            )
            assert done.stdout, f"{model}: {done.stderr}"
            kept.write_text(done.stdout, encoding="utf-8")
    state = json.loads(kept.read_text(encoding="utf-8"))
    return Ran(state, shared / "home" / "runs" / state["run"]["id"])


@pytest.fixture(scope="session")
def ran(shared: Path) -> Callable[..., Ran]:
    """``ran(MODEL, OPTION...)``: that run's outcome. Each is run once in a session, whoever asks."""

    def run(model: str, *options: str) -> Ran:
        return run_once(shared, model, *options)

    return run


@pytest.fixture(scope="session")
def firmware_home(pytestconfig: pytest.Config) -> Path:
    """A data folder with Arm's firmware in it, which is fetched once and kept with pytest's cache."""
    folder = pytestconfig.cache.mkdir("firmware")
    with FileLock(str(folder / "lock")):
        if not (folder / "firmware" / "corstone-300-ethos-u55.axf").exists():
            done = subprocess.run(
                [*TUI, "firmware", "install"],
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=280,
            )
            assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def needs_qemu() -> None:
    """Without QEMU the test is not run, and named at the end of the session."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")


@pytest.fixture
def emulated(needs_qemu: None, firmware_home: Path, home: Path) -> Path:
    """An empty data folder but for the firmware, on a machine with QEMU."""
    shutil.copytree(firmware_home / "firmware", home / "firmware")
    return home


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """``fvp-tui ARGUMENTS`` in the background; killed at the end of the test if it still runs."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [*TUI, *arguments],
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with process:
            process.kill()
