"""Processes that belong to another end with it, whatever they are busy with."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import environment

OWNER = """
import os, subprocess, sys
from pathlib import Path
from tui import processes
os.environ[processes.OWNER] = processes.name_of(os.getpid())
processes.hold_lifeline(Path(sys.argv[1]))
for code in sys.argv[2:]:
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL)
sys.stdin.read()
"""
BUSY = """
from tui import processes
processes.end_with_owner()
print("here", flush=True)
sum(range(10**15))  # gives no other thread a turn
"""
FORKED = """
import os, time
from tui import processes
if os.fork() == 0:
    os.setsid()
    processes.end_with_owner(group=True)
    if os.fork() == 0:
        print("here", flush=True)
    sum(range(10**15))
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the signal of O_ASYNC is Linux's")
def test_a_process_that_gives_no_thread_a_turn_ends_with_its_owner(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path / "owner"), BUSY, FORKED]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert [owner.stdout.readline() for _ in range(2)] == ["here\n"] * 2
        marks = {str(tmp_path / "owner")}
        held = [one for one in psutil.process_iter() if _names(one) in marks and one.pid != owner.pid]
        assert len(held) == 3
        owner.kill()
        _, left = psutil.wait_procs(held, timeout=10)
        for one in left:
            one.kill()
        assert left == []


@pytest.mark.skipif(sys.platform != "linux", reason="the signal of O_ASYNC is Linux's")
def test_one_whose_owner_is_gone_already_ends_at_once(tmp_path: Path) -> None:
    env = {**environment(tmp_path), "FVP_TUI_OWNER": "1:1", "FVP_TUI_LIFELINE": str(tmp_path / "gone")}
    done = subprocess.run([sys.executable, "-c", BUSY], env=env, stdout=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (-15, b"")


def _names(process: psutil.Process) -> str:
    try:
        return process.environ().get("FVP_TUI_LIFELINE", "")
    except psutil.Error:
        return ""
