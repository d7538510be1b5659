"""Disks of many sizes, and runs at once."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import judging
from tests.faults.judging import NONE, Outcome
from tests.faults.world import MODEL, Machine, World, machine

ROOM = ("no room", "No space left", "File too large", "Disk quota")
"""What a run on a full disk has to say."""

SMALLEST, LARGEST = 32 << 10, 512 << 10
"""Sizes of disks in bytes: hardly a run's spec, and more than all of its files."""

AT_ONCE = 6


def size_of(number: int, sizes: int) -> int:
    """The size of one disk of many, each larger than the last by the same factor."""
    return int(SMALLEST * (LARGEST / SMALLEST) ** (number / max(sizes - 1, 1)))


def way() -> str:
    """How a small disk is had here: a file system in memory where one may be mounted, else a limit on files' sizes."""
    return "tmpfs" if os.geteuid() == 0 and _mounted_somewhere() else "RLIMIT_FSIZE"


def _mounted_somewhere() -> bool:
    probe = Path(f"/tmp/fvp-tui-probe-{os.getpid()}")
    probe.mkdir()
    try:
        with disk(probe, 1 << 16):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        probe.rmdir()


@contextmanager
def disk(folder: Path, size: int) -> Iterator[None]:
    """A file system of that size on a folder."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


@contextmanager
def _limited(size: int) -> Iterator[None]:
    """What this process starts meanwhile can write no larger file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def disk_full(world: World, number: int, sizes: int, how: str, *, compiling: bool = False) -> Outcome:
    """One run on a disk of that number."""
    model = MODEL if compiling else str(world.program)
    name = "disk full, compiling" if compiling else "disk full"
    size = size_of(number, sizes)
    begun = time.monotonic()
    with machine(world, f"{name.replace(', ', '-').replace(' ', '-')}-{number}") as made:
        place = made.home / "runs"
        if how == "tmpfs":
            with disk(place, size):
                return _on_disk(made, name, model, number, begun)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # What its commands print goes to files, too.
        with _limited(size):
            return _on_disk(made, name, model, number, begun)


def _on_disk(made: Machine, name: str, model: str, number: int, begun: float) -> Outcome:
    viewer = made.start("run", model, "--platform", "simulator", "--inferences", "20")
    status = viewer.wait(judging.REST_S)
    wrong = judging.at_rest(made)
    left = judging.left_behind(made)
    ended, more = judging.verdict(made, {"ok", "failed", "lost", NONE})
    wrong += more
    printed = viewer.text()
    if ended != "ok" and not any(words in printed for words in ROOM):
        wrong.append(f"{ended}, and not a word of the full disk: {printed[-400:]}")
    expected = {"ok": 0, NONE: 2}.get(ended, 1)
    if status != expected:
        wrong.append(f"{ended}, and run ended with {status}")
    tracebacks = judging.tracebacks(judging.texts(made))
    return Outcome(name, number, ended, tuple(wrong), tuple(tracebacks), tuple(left), time.monotonic() - begun)


def at_once(world: World, number: int) -> Outcome:
    """Runs of one data folder that begin together."""
    begun = time.monotonic()
    with machine(world, f"at-once-{number}") as made:
        # Where there is a compile server, half of them compile.
        models = [str(world.program), MODEL if world.compile_s else str(world.program)] * (AT_ONCE // 2)
        viewers = [made.start("run", model, "--platform", "simulator") for model in models]
        statuses = [viewer.wait(judging.REST_S) for viewer in viewers]
        wrong = [f"run ended with {status}" for status in statuses if status != 0]
        wrong += judging.at_rest(made)
        left = judging.left_behind(made)
        found = made.runs()
        if len(found) != AT_ONCE:
            wrong.append(f"{len(found)} of {AT_ONCE} runs are there")
        for directory in found:
            state, more = judging.shown(made, directory)
            wrong += more
            if state and state["run"]["status"] != "ok":
                wrong.append(f"{directory.name} is {state['run']['status']}: {state['run']['reason']}")
        tracebacks = judging.tracebacks(judging.texts(made))
    ended = "ok" if not wrong else "wrong"
    return Outcome("six at once", number, ended, tuple(wrong), tuple(tracebacks), tuple(left), time.monotonic() - begun)
