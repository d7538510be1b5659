"""Vela by itself on TOSA graphs that were lowered before: what another configuration would make of them.

A lowered graph depends on no configuration, so that this is all a sweep has to do again. Needs Vela, but not torch.
``python -m tui.compile.vela_runs`` is a worker: a job is a line of JSON on its input, the answer a line on its output.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType

import msgspec

from tui import processes
from tui.compile import vela_report
from tui.errors import one_line
from tui.run.figures import Estimate, whole
from tui.toolchain.target import Target
from tui.toolchain.vela import CONFIG

PREPARATION = ("--verbose-performance", "--enable-debug-db", "--output-format=raw")
"""As for a compilation: the same work, and the same figures."""

DIED = "Vela's process died"


class Job(msgspec.Struct, frozen=True):
    """Graphs that run one after the other, and for what."""

    graphs: tuple[str, ...]
    """Paths of TOSA flatbuffers."""
    target: Target


class Answer(msgspec.Struct, frozen=True):
    """An estimate of all graphs together, or why there is none."""

    estimate: Estimate | None = None
    reason: str | None = None


class Workers:
    """Processes that run Vela, which is not safe to run twice at once in one. They are started when they are needed."""

    def __init__(self, count: int | None = None) -> None:
        self._threads = ThreadPoolExecutor(count or os.cpu_count())
        self._own = threading.local()
        self._processes: set[subprocess.Popen[bytes]] = set()

    def estimates(self, graphs: Sequence[Path], targets: Sequence[Target]) -> Iterator[tuple[int, Estimate | str]]:
        """For each target its place in `targets`, and its estimate or why there is none, as they become known."""
        paths = tuple(map(str, graphs))
        jobs: dict[Future[Answer], int] = {
            self._threads.submit(self._ask, Job(paths, target)): at for at, target in enumerate(targets)
        }
        try:
            for job in as_completed(jobs):
                answer = job.result()
                yield jobs[job], answer.estimate or answer.reason or DIED
        finally:
            for job in jobs:
                job.cancel()

    def close(self) -> None:
        """End the processes; what they are at is lost."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._processes):
            process.kill()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, job: Job) -> Answer:
        """Have this thread's process do a job."""
        process: subprocess.Popen[bytes] | None = getattr(self._own, "process", None)
        if process is None or process.poll() is not None:
            process = self._own.process = self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            process.stdin.flush()
            return msgspec.json.decode(process.stdout.readline(), type=Answer)
        except (OSError, msgspec.DecodeError):
            process.kill()
            process.wait()
            return Answer(reason=DIED)
        finally:
            if process.poll() is not None:
                self._processes.discard(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tui.compile.vela_runs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=processes.environment(),
            start_new_session=True,
        )
        self._processes.add(process)
        return process


def estimate(job: Job) -> Answer:
    """Run Vela on each graph of a job."""
    found: list[Estimate] = []
    for graph in job.graphs:
        with tempfile.TemporaryDirectory() as folder:
            try:
                _run(Path(graph), job.target, Path(folder))
                found.append(vela_report.estimate(Path(folder)))
            except SystemExit:
                return Answer(reason="Vela refuses the configuration")
            except Exception as error:  # noqa: BLE001 - Vela has no common class for what it refuses
                return Answer(reason=one_line(error))
    total = whole(found)
    return Answer(estimate=total, reason=None if total else "nothing was delegated to the NPU")


def _run(graph: Path, target: Target, folder: Path) -> None:
    from ethosu.vela import vela

    words = [
        *PREPARATION,
        f"--accelerator-config={target.accelerator}",
        f"--config={CONFIG}",
        f"--system-config={target.system_config}",
        f"--memory-mode={target.memory_mode}",
        f"--output-dir={folder}",
        str(graph),
    ]
    vela.main(words)


def main() -> None:
    """Do jobs until there are no more."""
    out = os.fdopen(os.dup(1), "wb")
    # Vela prints its figures, from C++ too.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with contextlib.suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            out.write(msgspec.json.encode(estimate(msgspec.json.decode(line, type=Job))) + b"\n")
            out.flush()


if __name__ == "__main__":
    main()
