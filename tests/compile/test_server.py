"""The compile server: one loading for many runs, and whatever happens to a job happens to that job alone."""

import hashlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.app.pseudo_terminal import Terminal
from tests.conftest import TUI, environment
from tui import processes
from tui.compile import client
from tui.toolchain import toolchains

TINY = """
import torch
ModelUnderTest = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU())
ModelInputs = (torch.ones(1, 8),)
"""
SLOW = (
    TINY
    + """
import pathlib, time
pathlib.Path({mark!r}).touch()
while not pathlib.Path({go!r}).exists():
    time.sleep(0.05)
"""
)
STARTING = "starting the compile server"

pytestmark = pytest.mark.xdist_group("compile-server")


@pytest.fixture(scope="module")
def runtime() -> Iterator[Path]:
    """A folder for sockets, in which no other test's server is; a short one, as the path of a socket has to be."""
    with tempfile.TemporaryDirectory(prefix="fvp-") as folder:
        yield Path(folder)
        for server in servers(Path(folder)):
            server.kill()


@pytest.fixture
def own() -> Iterator[Path]:
    """The same for one test alone."""
    with tempfile.TemporaryDirectory(prefix="fvp-") as folder:
        yield Path(folder)


def servers(runtime: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if {"tui.compile.server"} & set(process.info["cmdline"] or ())
        and any(word.startswith(str(runtime)) for word in process.info["cmdline"])
    ]


@pytest.fixture
def start(home: Path, runtime: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start ``fvp-tui compile MODEL --events``."""
    started: list[subprocess.Popen[str]] = []

    def start(model: Path, **extra: str) -> "subprocess.Popen[str]":
        env = {**environment(home), "XDG_RUNTIME_DIR": str(runtime), **extra}
        process = subprocess.Popen(
            [*TUI, "compile", str(model), "--events"], env=env, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def events(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    return (json.loads(line) for line in process.stdout)


def program(found: list[dict[str, Any]]) -> str:
    """Checksum of the program a compilation made."""
    assert found[-1]["event"] == "run_finished" and found[-1]["status"] == "ok", found[-1]
    return next(
        e["artifact"]["sha256"]
        for e in found
        if e["event"] == "artifact_written" and e["artifact"]["name"] == "model.pte"
    )


def model(folder: Path, text: str = TINY, **names: str) -> Path:
    file = folder / f"model_{hashlib.sha256(text.encode()).hexdigest()[:8]}.py"
    file.write_text(text.format(**names) if names else text)
    return file


def started_a_server(found: list[dict[str, Any]]) -> bool:
    return any(STARTING in e.get("text", "") for e in found)


def test_the_second_run_finds_what_the_first_has_loaded_and_makes_the_same_program(
    start: Callable[..., "subprocess.Popen[str]"], runtime: Path, tmp_path: Path
) -> None:
    file = model(tmp_path)
    first, second = list(events(start(file))), list(events(start(file)))
    cold = list(events(start(file, FVP_TUI_COMPILE_SERVER="off")))
    assert [started_a_server(found) for found in (first, second, cold)] == [True, False, False]
    assert len({program(found) for found in (first, second, cold)}) == 1
    assert len(servers(runtime)) == 1


def until_loading(process: "subprocess.Popen[str]", mark: Path) -> None:
    """Until the model's own code runs."""
    for event in events(process):
        if event["event"] == "stage_started" and event["stage"] == "load":
            break
    while not mark.exists():
        assert process.poll() is None
        os.sched_yield()


def server_of(runtime: Path) -> psutil.Process:
    """The server; the jobs it has forked have its command line, too."""
    found = servers(runtime)
    (server,) = [process for process in found if process.ppid() not in {other.pid for other in found}]
    return server


def worker_of(runtime: Path) -> psutil.Process:
    """The only job's process."""
    (job,) = server_of(runtime).children()
    return job


@pytest.fixture
def slow(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A model that waits while it is loaded: its file, what it makes when it is, what lets it go on."""
    mark, go = tmp_path / "mark", tmp_path / "go"
    return model(tmp_path, SLOW, mark=str(mark), go=str(go)), mark, go


def test_one_job_killed_leaves_the_other_and_the_server(
    start: Callable[..., "subprocess.Popen[str]"], runtime: Path, tmp_path: Path, slow: tuple[Path, Path, Path]
) -> None:
    file, mark, _ = slow
    killed = start(file)
    until_loading(killed, mark)
    job = worker_of(runtime)
    other = start(model(tmp_path))
    job.kill()
    last = list(events(killed))[-1]
    assert (last["status"], last["exit_status"]) == ("failed", 1)
    assert "SIGKILL in load" in last["reason"]
    found = list(events(other))
    program(found)
    assert not started_a_server(found)


def test_a_job_ends_with_its_run(
    start: Callable[..., "subprocess.Popen[str]"], runtime: Path, home: Path, slow: tuple[Path, Path, Path]
) -> None:
    file, mark, _ = slow
    process = start(file)
    until_loading(process, mark)
    job = worker_of(runtime)
    (run,) = (home / "runs").iterdir()
    events_file = (run / "events.jsonl").read_text().splitlines()
    os.kill(json.loads(events_file[0])["pid"], signal.SIGKILL)
    job.wait(timeout=20)


def test_without_work_it_ends(start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path, own: Path) -> None:
    program(list(events(start(model(tmp_path), XDG_RUNTIME_DIR=str(own), FVP_TUI_COMPILE_IDLE_S="0.2"))))
    psutil.wait_procs(servers(own), timeout=20)
    assert servers(own) == []
    assert list(own.glob("*/socket")) == []


def test_a_folder_that_others_can_write_is_not_used(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The folder that a run's process will look for: its name is made of that process's environment.
    with monkeypatch.context() as of_the_run:
        of_the_run.setenv("XDG_RUNTIME_DIR", str(own))
        of_the_run.setenv("PYTHONPATH", environment(own)["PYTHONPATH"])
        of_the_run.setenv("PYTHONPATH", processes.environment()["PYTHONPATH"])
        client.folder(toolchains.own(), os.environ.get("PYTHONPATH", "")).chmod(0o777)
    found = list(events(start(model(tmp_path), XDG_RUNTIME_DIR=str(own))))
    program(found)
    assert not started_a_server(found)
    assert [list(folder.iterdir()) for folder in own.iterdir()] == [[]]


# The last ones: whoever comes next has to start another server.
def test_a_server_that_is_frozen_is_named_and_replaced(
    start: Callable[..., "subprocess.Popen[str]"], runtime: Path, tmp_path: Path
) -> None:
    program(list(events(start(model(tmp_path)))))
    server = server_of(runtime)
    server.suspend()
    found = list(events(start(model(tmp_path))))
    program(found)
    said = f"the compile server (process {server.pid}) was stopped by a signal, and was killed: starting another"
    assert said in [event.get("text") for event in found]
    assert server_of(runtime).pid != server.pid


def test_a_server_killed_leaves_its_job(
    start: Callable[..., "subprocess.Popen[str]"], runtime: Path, slow: tuple[Path, Path, Path]
) -> None:
    file, mark, go = slow
    process = start(file)
    until_loading(process, mark)
    server_of(runtime).kill()
    go.touch()
    program(list(events(process)))


def test_the_first_run_finds_the_server_that_setup_has_started(own: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "remembered.json").write_text('{"welcomed": true}')
    tui = Terminal([], home, rows=40, columns=120, XDG_RUNTIME_DIR=str(own))
    try:
        tui.wait(lambda: len(servers(own)) == 1, 60)
        tui.child.send("\r")
        tui.wait(lambda: "Run again" in tui.text, 120)  # a key of a run that has ended
    finally:
        tui.child.close(force=True)
        for server in servers(own):
            server.kill()
    assert len(list(own.glob("fvp-tui-*"))) == 1
    assert STARTING not in next((home / "runs").glob("*/events.jsonl")).read_text()
