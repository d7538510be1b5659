"""A machine for one try of the harness: a data folder of its own, processes known by a mark, what they have said."""

import fcntl
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tests.conftest import TUI, environment
from tests.watching import processes_of
from tui.run import journal, store

MARK = "FVP_TUI_FAULTS"
"""In the environment of every process of a try: its data folder."""

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """What all tries share."""

    folder: Path
    program: Path
    """A ready program, which needs no compiler."""
    compiled: Path
    """A finished run of the model; compilations of it take everything from the cache beside it."""
    runtime: Path
    """Where the compile server's socket is."""
    ready_s: float = 0.0
    compile_s: float = 0.0
    """How long an undisturbed run takes, of the ready program and of the model."""


MODEL = "sample:digits"


@contextmanager
def world(folder: Path, compiled: Path | None = None) -> Iterator[World]:
    """Make what all tries share; end the compile server at the end.

    With a finished run of `MODEL` it is made at once, and is for tries of the ready program only.
    """
    folder.mkdir(exist_ok=True)
    runtime = Path(tempfile.mkdtemp(prefix="fvp-"))
    try:
        first = World(folder, Path(), Path(), runtime)
        models = [MODEL] if compiled is None else []
        if compiled is None:
            with machine(first, "first", keep=True) as made:
                done = made.command("run", MODEL)
                assert done.returncode == 0, done.stderr
                (compiled,) = made.runs()
        program = folder / "digits.pte"
        shutil.copy(compiled / store.ARTIFACTS / "model.pte", program)
        shared = World(folder, program, compiled, runtime)
        seconds = [_undisturbed(shared, model) for model in (str(program), *models)]
        yield World(folder, program, compiled, runtime, *seconds)
    finally:
        for process in servers(runtime):
            process.kill()
        shutil.rmtree(runtime, ignore_errors=True)


def _undisturbed(shared: World, model: str) -> float:
    """The time of the second of two runs: the first one finds no compile server."""
    seconds = 0.0
    for number in range(2):
        with machine(shared, f"undisturbed-{number}") as made:
            begun = time.monotonic()
            done = made.command("run", model)
            assert done.returncode == 0, done.stderr
            seconds = time.monotonic() - begun
    return seconds


def servers(runtime: Path) -> list[psutil.Process]:
    """The compile servers, without the jobs that they have forked."""
    found = _with_word(lambda words: "tui.compile.server" in words and any(w.startswith(str(runtime)) for w in words))
    numbers = {process.pid for process in found}
    return [process for process in found if _parent(process) not in numbers and _folder(process) == "/"]


def _with_word(wanted: Callable[[list[str]], bool]) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if wanted(process.info["cmdline"] or [])]


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def _folder(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""


@dataclass
class Viewer:
    """A ``fvp-tui`` in the background, and what it prints."""

    process: "subprocess.Popen[bytes]"
    out: Path
    terminal: int | None = None
    """The other end of its terminal."""

    def wait(self, limit_s: float) -> int | None:
        """Its exit status; None where it does not end."""
        deadline = time.monotonic() + limit_s
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read()
            time.sleep(0.02)
        self._read()
        return self.process.poll()

    def _read(self) -> None:
        """What it prints on its terminal goes to the file, too."""
        if self.terminal is None:
            return
        with self.out.open("ab") as file:
            while True:
                try:
                    data = os.read(self.terminal, 1 << 16)
                except OSError:
                    return  # nothing now, or never again
                if not data:
                    return
                file.write(data)

    def hang_up(self) -> None:
        """Take its terminal away."""
        self._read()
        if self.terminal is not None:
            os.close(self.terminal)
            self.terminal = None

    def text(self) -> str:
        """What it has printed."""
        return self.out.read_text(encoding="utf-8", errors="replace")


@dataclass
class Machine:
    """The data folder of a try, and its processes."""

    world: World
    name: str
    home: Path
    viewers: list[Viewer] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        own = {MARK: str(self.home), "XDG_RUNTIME_DIR": str(self.world.runtime), "TERM": "xterm"}
        return {k: v for k, v in environment(self.home).items() if k != "CI"} | own

    def start(self, *arguments: str, terminal: bool = False, limits: Mapping[int, int] | None = None) -> Viewer:
        """``fvp-tui ARGUMENTS`` in the background, on a terminal of its own if wanted."""
        out = self.home.with_name(f"{self.home.name}.{len(self.viewers)}.out")
        ours: int | None = None
        with out.open("wb") as file:
            streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
            if terminal:
                ours, theirs = pty.openpty()
                os.set_blocking(ours, False)
                streams = dict.fromkeys(streams, theirs)

            def prepare() -> None:
                # As a shell starts it, however the harness itself was started: nohup ignores a hangup.
                for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_DFL)
                if terminal:
                    os.setsid()
                    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

            process = subprocess.Popen([*TUI, *arguments], env=self.environment(), preexec_fn=prepare, **streams)
            if terminal:
                os.close(theirs)
        viewer = Viewer(process, out, ours)
        self.viewers.append(viewer)
        return viewer

    def command(self, *arguments: str, limit_s: float = 120) -> "subprocess.CompletedProcess[str]":
        """``fvp-tui ARGUMENTS``, to its end."""
        return subprocess.run(
            [*TUI, *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )

    def runs(self) -> list[Path]:
        """The directories of this try's own runs."""
        folder = self.home / "runs"
        return sorted(path for path in folder.glob("*") if path.name[0] != ".")

    def run_process(self) -> psutil.Process | None:
        """The run process, once it is there."""
        found = _with_word(
            lambda words: "tui.pipeline.process" in words and any(f"{self.home}/" in word for word in words)
        )
        return found[0] if found else None

    def platform(self) -> psutil.Process | None:
        """The platform's process, once it is there."""
        found = _with_word(lambda words: "tui.simulator" in words and any(f"{self.home}/" in word for word in words))
        return found[0] if found else None

    def server(self) -> psutil.Process | None:
        """The compile server, once it is there."""
        found = servers(self.world.runtime)
        return found[0] if found else None

    def left(self) -> list[psutil.Process]:
        """Processes of this try; the compile server belongs to all of them."""
        serving = {process.pid for process in servers(self.world.runtime)}
        found = {process.pid: process for run in self.runs() for process in processes_of(run)}
        for process in psutil.process_iter():
            try:
                mine = process.environ().get(MARK) == str(self.home) and process.status() != psutil.STATUS_ZOMBIE
            except psutil.Error:
                continue
            # A job that the server has forked has the server's environment: it is found by its folder.
            if mine and "tui.compile.server" not in " ".join(_words(process)):
                found[process.pid] = process
        return [process for pid, process in found.items() if pid not in serving]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def machine(shared: World, name: str, *, keep: bool = False) -> Iterator[Machine]:
    """A data folder of its own for one try; its processes are ended, and its files removed, at the end."""
    home = shared.folder / name
    (home / "runs").mkdir(parents=True)
    if shared.compiled.name:
        (home / "cache").symlink_to(shared.compiled.parents[1] / "cache")
    made = Machine(shared, name, home)
    try:
        yield made
    finally:
        for viewer in made.viewers:
            viewer.hang_up()
            viewer.process.send_signal(signal.SIGCONT)
            viewer.process.kill()
            viewer.process.wait()
        for process in made.left():
            process.kill()
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def until(ask: Callable[[], T | None], limit_s: float, pause_s: float = 0.002) -> T | None:
    """The first answer that is neither None nor false; None where none comes in time."""
    deadline = time.monotonic() + limit_s
    while not (found := ask()) and time.monotonic() < deadline:
        time.sleep(pause_s)
    return found or None


def finished(directory: Path) -> bool:
    """Whether a run's journal has its last event."""
    return any(b'"run_finished"' in line for line in (directory / journal.FILE).read_bytes().split(b"\n")[-3:])
