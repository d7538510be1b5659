"""Run Vela alone on TOSA graphs of an earlier compilation, for estimates of other configurations.

A lowered graph depends on no configuration, so this is all that a sweep has to repeat. Needs Vela, but not torch.
``python -m tui.compile.vela_runs`` is a worker: a job is a line of JSON on its input, the answer a line on its output.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import cached_property
from pathlib import Path
from types import TracebackType

import msgspec

from tui import processes
from tui.compile import lending, vela_report
from tui.compile.lending import VELA
from tui.errors import one_line
from tui.run.figures import Estimate, whole
from tui.toolchain.target import Target
from tui.toolchain.toolchains import Toolchain
from tui.toolchain.vela import arguments

RAW = "--output-format=raw"
"""For what has no operators for the CPU, which that form has no place for."""

DIED = "Vela's process died"


class Job(msgspec.Struct, frozen=True):
    """Graphs to compile one after another, and their target."""

    graphs: tuple[str, ...]
    """Paths of TOSA flatbuffers, or of a .tflite."""
    target: Target
    streams: bool = False
    """True if the command streams are wanted, too."""


class Answer(msgspec.Struct, frozen=True):
    """An estimate of all graphs together, or the reason why there is none."""

    estimate: Estimate | None = None
    limits: dict[str, int] = {}
    """Cycles by the part of the NPU or the memory that limits the operators; empty where Vela does not tell."""
    reason: str | None = None
    streams: tuple[bytes, ...] = ()
    """The command stream of each graph, where they are wanted."""


class Workers:
    """Processes that run Vela, which cannot run twice at once in one process. They start on demand."""

    def __init__(
        self, toolchain: Toolchain, count: int | None = None, *, vela: str | None = None, streams: bool = False
    ) -> None:
        """The Vela is that of `toolchain`, or of the version given; with `streams`, answers have command streams."""
        self._toolchain = toolchain
        self._vela = None if vela == toolchain.packages.get(VELA) else vela
        self._streams = streams
        self._threads = ThreadPoolExecutor(count or processes.cores())
        self._own = threading.local()
        self._processes: set[subprocess.Popen[bytes]] = set()

    def estimates(self, graphs: Sequence[Path], targets: Sequence[Target]) -> Iterator[tuple[int, Estimate | str]]:
        """Yield, as they come, each target's place in `targets` with its estimate or the reason why there is none."""
        for at, answer in self.answers(graphs, targets):
            yield at, answer.estimate or answer.reason or DIED

    def answers(self, graphs: Sequence[Path], targets: Sequence[Target]) -> Iterator[tuple[int, Answer]]:
        """Yield, as they come, each target's place in `targets` with all that Vela tells of it."""
        paths = tuple(map(str, graphs))
        jobs: dict[Future[Answer], int] = {
            self._threads.submit(self._ask, Job(paths, target, self._streams)): at for at, target in enumerate(targets)
        }
        try:
            for job in as_completed(jobs):
                yield jobs[job], job.result()
        finally:
            for job in jobs:
                job.cancel()

    def close(self) -> None:
        """Kill the processes; unfinished jobs are lost."""
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
        """Give a job to this thread's process."""
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

    @cached_property
    def _environment(self) -> dict[str, str]:
        """Raises:
        UserError: the version of Vela cannot be had.
        """
        return lending.environment(self._toolchain, self._vela)

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [self._toolchain.python, "-m", "tui.compile.vela_runs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=self._environment,
            start_new_session=True,
        )
        self._processes.add(process)
        return process


def estimate(job: Job) -> Answer:
    """Run Vela on each graph of a job."""
    estimates: list[Estimate] = []
    limits: Counter[str] = Counter()
    streams: list[bytes] = []
    for graph in job.graphs:
        with tempfile.TemporaryDirectory() as folder:
            try:
                _run(Path(graph), job.target, Path(folder))
                estimates.append(vela_report.estimate(Path(folder)))
                limits.update(vela_report.limits(Path(folder)))
                if job.streams:
                    streams += vela_report.streams(Path(folder))
            except SystemExit:
                return Answer(reason="Vela rejects the configuration")
            except Exception as error:  # noqa: BLE001 - Vela has no common class of errors
                return Answer(reason=one_line(error))
    total = whole(estimates)
    reason = None if total else "nothing was delegated to the NPU"
    return Answer(estimate=total, limits=limits, reason=reason, streams=tuple(streams))


def _run(graph: Path, target: Target, folder: Path) -> None:
    from ethosu.vela import vela

    raw = (RAW,) if graph.suffix != ".tflite" else ()
    vela.main([*raw, *arguments(graph, target, folder)])


def main() -> None:
    """Do jobs until the input ends."""
    out = os.fdopen(os.dup(1), "wb")
    # Vela prints its figures, from C++ too.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with contextlib.suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            out.write(msgspec.json.encode(estimate(msgspec.json.decode(line, type=Job))) + b"\n")
            out.flush()


if __name__ == "__main__":
    main()
