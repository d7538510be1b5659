"""A run outlives its viewer; a killed run is shown as lost; no process is ever left behind."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import TUI, Fvp, Ran, environment
from tests.watching import LIMIT_S, directory_of, event_of, gone, stage_begun, wait_for
from tui import events, journal


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
    assert shown["inferences"]
    wait_for(lambda: gone(directory), "the platform to end")
    again = fvp_tui("stop", "last")
    assert again.returncode == 1
    assert "not running" in again.stderr


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
        'import sys\nif "tui.runner" in sys.orig_argv:\n    sys.modules["tui.compiling"] = None\n'
    )
    env = environment(home)
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    done = subprocess.run([*TUI, "run", str(program)], env=env, capture_output=True, text=True, timeout=25, check=False)
    assert done.returncode == 1
    assert "gone without a result: ModuleNotFoundError: import of tui.compiling halted" in done.stderr
