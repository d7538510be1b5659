"""A run outlives its viewer; a killed run is shown as lost; no process is ever left behind."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import TUI, Fvp, Ran, environment
from tests.platform import elves
from tests.watching import LIMIT_S, directory_of, event_of, gone, processes_of, stage_begun, wait_for
from tui.platform import discovery
from tui.run import control, events, journal


@pytest.fixture
def program(ran: Callable[..., Ran]) -> Path:
    """A ready program, so that a run gets to the platform at once."""
    return ran("executorch:ds_cnn").artifacts / "model.pte"


def test_killing_the_viewer_leaves_the_run_going_and_attach_shows_all_of_it(
    start: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp
) -> None:
    viewer = start("run", "sample:digits")
    directory = directory_of(home)
    event_of(directory, stage_begun("load"))
    os.kill(viewer.pid, signal.SIGKILL)
    attached = fvp_tui("attach", "last", "--events")
    assert attached.returncode == 0
    # Everything from the first event on, and the file itself is what was shown.
    assert attached.stdout.splitlines() == (directory / journal.FILE).read_text().splitlines()
    shown = json.loads(fvp_tui("show", "last", "--json").stdout)
    assert (shown["run"]["status"], shown["check"]["status"]) == ("ok", "match")
    wait_for(lambda: gone(directory), "the run's processes to end")


def test_killing_the_run_process_while_it_compiles_is_shown_as_lost(
    start: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp
) -> None:
    start("run", "sample:digits")
    directory = directory_of(home)
    begun = event_of(directory, lambda e: isinstance(e, events.RunStarted))
    event_of(directory, stage_begun("load"))
    assert isinstance(begun, events.RunStarted)
    os.kill(begun.pid, signal.SIGKILL)
    wait_for(lambda: gone(directory), "the compile worker to end with its run process")
    shown = fvp_tui("show", "last", "--json")
    assert json.loads(shown.stdout)["run"]["status"] == "lost"
    assert "LOST" in fvp_tui("show", "last").stdout
    assert "lost" in fvp_tui("history").stdout
    assert (directory / "spec.json").exists()


def test_killing_the_run_process_while_the_platform_runs_leaves_no_child(
    start: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp, program: Path
) -> None:
    start("run", str(program), "--inferences", "1000000")
    directory = directory_of(home)
    begun = event_of(directory, lambda e: isinstance(e, events.RunStarted))
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    assert isinstance(begun, events.RunStarted)
    os.kill(begun.pid, signal.SIGKILL)
    wait_for(lambda: gone(directory), "the platform to end with its run process")
    shown = json.loads(fvp_tui("show", "last", "--json").stdout)
    assert shown["run"]["status"] == "lost"
    assert shown["inferences"]
    assert (directory / "artifacts" / "model.pte").read_bytes() == program.read_bytes()
    assert (directory / "console.log").stat().st_size > 0


def test_stop_ends_a_running_platform_and_keeps_what_there_is(
    start: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp, program: Path
) -> None:
    runner = start("run", str(program), "--inferences", "1000000")
    directory = directory_of(home)
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    assert fvp_tui("stop", "last").returncode == 0
    assert runner.wait(LIMIT_S) == 130
    shown = json.loads(fvp_tui("show", "last", "--json").stdout)
    assert shown["run"]["status"] == "stopped"
    assert {stage["name"]: stage["status"] for stage in shown["stages"]}["infer"] == "stopped"
    assert shown["inferences"]
    wait_for(lambda: gone(directory), "the platform to end")
    again = fvp_tui("stop", "last")
    assert again.returncode == 1
    assert "not running" in again.stderr


@pytest.mark.parametrize("by", ["stop", "SIGKILL"])
def test_an_fvp_that_does_not_say_its_version_is_not_waited_for_and_not_left(
    by: str,
    start: Callable[..., "subprocess.Popen[bytes]"],
    home: Path,
    fvp_tui: Fvp,
    program: Path,
    tmp_path: Path,
) -> None:
    asked = tmp_path / "asked"
    fvp = tmp_path / "FVP_Corstone_SSE-320"
    fvp.write_text(f'#!/bin/sh\necho $$ > "{asked}.part"; mv "{asked}.part" "{asked}"\nexec sleep 1000\n')
    fvp.chmod(0o755)
    runner = elves.write(tmp_path / "runner.elf", "semihosting", b"")
    viewer = start("run", str(program), "--platform", "fvp", "--fvp", str(fvp), "--runner", str(runner))
    directory = directory_of(home)
    wait_for(lambda: asked.exists() or None, "the FVP to be asked")
    if by == "stop":
        assert fvp_tui("stop", "last").returncode == 0
        # Sooner than the FVP's time to answer is over.
        assert viewer.wait(discovery.PROBE_S / 2) == 130
    else:
        runner_of(directory).kill()
        assert viewer.wait(LIMIT_S) == 1
    pid = int(asked.read_text())
    wait_for(lambda: not psutil.pid_exists(pid) or None, "the FVP to end")
    assert state_of(fvp_tui)["status"] == {"stop": "stopped", "SIGKILL": "lost"}[by]


def test_ctrl_c_stops_the_run_with_status_130(
    start: Callable[..., "subprocess.Popen[bytes]"], home: Path, program: Path
) -> None:
    viewer = start("run", str(program), "--inferences", "1000000")
    directory = directory_of(home)
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    viewer.send_signal(signal.SIGINT)
    assert viewer.wait(LIMIT_S) == 130
    wait_for(lambda: gone(directory), "the run's processes to end")


def test_detach_prints_the_id_and_rm_refuses_a_running_run(home: Path, fvp_tui: Fvp, program: Path) -> None:
    started = fvp_tui("run", str(program), "--inferences", "1000000", "--detach")
    name = started.stdout.strip()
    directory = home / "runs" / name
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    refused = fvp_tui("rm", name)
    assert refused.returncode == 2
    assert "is running" in refused.stderr
    assert fvp_tui("stop", name[:20]).returncode == 0
    event_of(directory, lambda e: isinstance(e, events.RunFinished))
    wait_for(lambda: gone(directory), "the run's processes to end")
    assert fvp_tui("rm", name).stdout.strip() == name
    assert not directory.exists()


def test_a_run_process_that_cannot_start_says_why_at_once(home: Path, program: Path, tmp_path: Path) -> None:
    # A module that the run process alone wants at once, and cannot have.
    (tmp_path / "sitecustomize.py").write_text(
        f'import sys\nif "{control.MODULE}" in sys.orig_argv:\n    sys.modules["tui.pipeline.aot"] = None\n'
    )
    env = environment(home)
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    done = subprocess.run([*TUI, "run", str(program)], env=env, capture_output=True, text=True, timeout=25, check=False)
    assert done.returncode == 1
    assert "gone without a result: ModuleNotFoundError: import of tui.pipeline.aot halted" in done.stderr


@pytest.fixture
def held(home: Path, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Every run process waits before its own first line, until this is called with what it then does."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / "sitecustomize.py").write_text(
        f'import sys\nif "{control.MODULE}" in sys.orig_argv:\n    exec(open({str(gate)!r}).read())\n'
    )
    opened: list[str] = []

    def go(code: str) -> None:
        opened.append(code)
        gate.write_text(code)

    yield go
    if not opened:
        with suppress(OSError):
            os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))


@pytest.fixture
def begin(home: Path, tmp_path: Path, program: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """``fvp-tui run`` of the ready program with `sitecustomize` of this test; what it prints goes to one pipe."""
    started: list[subprocess.Popen[bytes]] = []

    def run(**options: Any) -> "subprocess.Popen[bytes]":
        env = {k: v for k, v in environment(home).items() if k != "CI"}
        env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
        how = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            # Whoever started the tests may ignore SIGHUP (nohup), and what is ignored is inherited.
            "preexec_fn": partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),
            **options,
        }
        process = subprocess.Popen([*TUI, "run", str(program), "--inferences", "1000000"], env=env, **how)
        started.append(process)
        return process

    yield run
    for process in started:
        with process:
            process.kill()


def runner_of(directory: Path) -> psutil.Process:
    """The run process, before its journal can name it."""
    found = wait_for(
        lambda: [p for p in processes_of(directory) if "tui.pipeline.process" in p.cmdline()] or None, "its process"
    )
    return found[0]


def state_of(fvp_tui: Fvp) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(fvp_tui("show", "last", "--json").stdout)["run"]
    return run


def test_a_run_process_killed_before_its_first_event_is_lost(
    begin: Callable[..., "subprocess.Popen[bytes]"], held: Callable[[str], None], home: Path, fvp_tui: Fvp
) -> None:
    viewer = begin()
    directory = directory_of(home)
    process = runner_of(directory)
    before = state_of(fvp_tui)
    assert (before["status"], before["id"]) == ("running", directory.name)
    process.kill()
    said, _ = viewer.communicate(timeout=LIMIT_S)
    assert viewer.returncode == 1
    assert b"the run process is gone without a result" in said
    shown = state_of(fvp_tui)
    assert shown["status"] == "lost"
    assert shown["created"] == before["created"] == (directory / "spec.json").stat().st_mtime
    assert " lost " in fvp_tui("history").stdout
    attached = fvp_tui("attach", "last")
    assert attached.returncode == 1
    assert "gone without a result" in attached.stderr
    refused = fvp_tui("stop", "last")
    assert (refused.returncode, "is not running: it is lost" in refused.stderr) == (1, True)


@pytest.mark.parametrize("by", ["stop", "SIGTERM", "SIGINT"])
def test_a_run_is_stopped_before_it_has_begun(
    by: str, begin: Callable[..., "subprocess.Popen[bytes]"], held: Callable[[str], None], home: Path, fvp_tui: Fvp
) -> None:
    viewer = begin()
    directory = directory_of(home)
    process = runner_of(directory)
    if by == "stop":
        assert fvp_tui("stop", "last").returncode == 0
    else:
        process.send_signal(signal.Signals[by])
    held("")
    said, _ = viewer.communicate(timeout=LIMIT_S)
    assert viewer.returncode == 130, said
    shown = state_of(fvp_tui)
    assert (shown["status"], shown["reason"], shown["exit_status"]) == ("stopped", "stopped by the user", 130)
    assert not (directory / "console.log").exists()
    wait_for(lambda: gone(directory), "the run's processes to end")
    assert sorted(file.name for file in directory.iterdir() if file.is_file()) == [
        "events.jsonl",
        "runner.log",
        "spec.json",
        "state.json",
    ]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_run_stops_the_run_where_nobody_could_come_back_to_it(
    name: str, begin: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp
) -> None:
    viewer = begin()
    directory = directory_of(home)
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    viewer.send_signal(signal.Signals[name])
    said, _ = viewer.communicate(timeout=LIMIT_S)
    assert viewer.returncode == 130
    assert f"{name}: stopping the run ...".encode() in said
    assert state_of(fvp_tui)["status"] == "stopped"
    wait_for(lambda: gone(directory), "the run's processes to end")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_run_at_a_terminal_leaves_the_run_and_says_how_to_get_it_back(
    name: str, begin: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp
) -> None:
    ours, theirs = pty.openpty()
    viewer = begin(stdin=theirs)
    os.close(theirs)
    directory = directory_of(home)
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    viewer.send_signal(signal.Signals[name])
    said, _ = viewer.communicate(timeout=LIMIT_S)
    os.close(ours)
    assert viewer.returncode == 130
    name = directory.name
    assert f"{name} is still running (fvp-tui attach {name} shows it, fvp-tui stop {name} ends it)" in said.decode()
    assert state_of(fvp_tui)["status"] == "running"
    assert fvp_tui("stop", directory.name).returncode == 0
    assert fvp_tui("attach", directory.name).returncode == 130
    wait_for(lambda: gone(directory), "the run's processes to end")


def test_a_hangup_that_is_ignored_stays_so(
    begin: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp
) -> None:
    # As nohup starts it.
    viewer = begin(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    directory = directory_of(home)
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    viewer.send_signal(signal.SIGHUP)
    viewer.send_signal(signal.SIGTERM)
    said, _ = viewer.communicate(timeout=LIMIT_S)
    assert b"SIGTERM: stopping" in said


def test_a_terminal_that_goes_away_from_under_nohup_leaves_the_run(
    begin: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp
) -> None:
    ours, theirs = pty.openpty()
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    viewer = begin(stdin=theirs, stdout=theirs, stderr=theirs, **ignored)
    os.close(theirs)
    directory = directory_of(home)
    os.close(ours)
    # No signal tells it: it learns of it by its next line.
    assert viewer.wait(timeout=LIMIT_S) == 130
    assert state_of(fvp_tui)["status"] == "running"
    assert fvp_tui("stop", directory.name).returncode == 0
    wait_for(lambda: gone(directory), "the run's processes to end")


def test_a_run_that_is_frozen_before_its_first_event_is_named_all_the_same(
    begin: Callable[..., "subprocess.Popen[bytes]"], held: Callable[[str], None], home: Path, fvp_tui: Fvp
) -> None:
    begin()
    directory = directory_of(home)
    # As if it had been frozen between listening and its first event: nobody answers at the socket.
    held(
        f"import os, signal, socket\ns = socket.socket(socket.AF_UNIX)\ns.bind({str(home / 's')!r})\ns.listen()\n"
        f"open({str(directory / 'control')!r}, 'w').write({str(home / 's')!r})\nos.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    process = runner_of(directory)
    wait_for(lambda: process.status() == psutil.STATUS_STOPPED or None, "the run to freeze")
    refused = fvp_tui("stop", "last")
    assert refused.returncode == 1
    assert f"its process is frozen: kill -CONT {process.pid} wakes it" in refused.stderr
    process.kill()


def test_a_frozen_run_is_running_and_stop_says_how_to_wake_it(
    begin: Callable[..., "subprocess.Popen[bytes]"], home: Path, fvp_tui: Fvp
) -> None:
    viewer = begin()
    directory = directory_of(home)
    event_of(directory, lambda e: isinstance(e, events.InferenceFinished))
    process = runner_of(directory)
    process.suspend()
    assert state_of(fvp_tui)["status"] == "running"
    refused = fvp_tui("stop", "last")
    assert refused.returncode == 1
    assert f"its process is frozen: kill -CONT {process.pid} wakes it" in refused.stderr
    process.resume()
    # It has heard the word, and takes it now.
    viewer.communicate(timeout=LIMIT_S)
    assert viewer.returncode == 130
    wait_for(lambda: gone(directory), "the run's processes to end")
