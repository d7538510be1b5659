"""Vela by itself on TOSA graphs that were lowered before: what another configuration would make of them.

A lowered graph depends on no configuration, so that this is all a sweep has to do again. Needs Vela, but not torch.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tui.compile import vela_report
from tui.errors import one_line
from tui.figures import Estimate, whole
from tui.spec import Target
from tui.vela import CONFIG

PREPARATION = ("--verbose-performance", "--enable-debug-db", "--output-format=raw")
"""As for a compilation: the same work, and the same figures."""


def estimates(
    graphs: Sequence[bytes], targets: Sequence[Target], *, processes: int | None = None
) -> Iterator[tuple[int, Estimate | str]]:
    """For each target its place in `targets`, and the estimate of all graphs together or why there is none.

    They come in the order in which they are ready.
    """
    # Vela is not safe to run twice in one process at once, nor is a fork of a program with threads.
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        jobs: dict[Future[Estimate | str], int] = {
            pool.submit(estimate, graphs, target): at for at, target in enumerate(targets)
        }
        try:
            for job in as_completed(jobs):
                yield jobs[job], job.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def estimate(graphs: Sequence[bytes], target: Target) -> Estimate | str:
    """The estimate of all graphs, one run after the other; a string says why there is none."""
    found: list[Estimate] = []
    for graph in graphs:
        with tempfile.TemporaryDirectory() as folder:
            try:
                _run(graph, target, Path(folder))
                found.append(vela_report.estimate(Path(folder)))
            except SystemExit:
                return "Vela refuses the configuration"
            except Exception as error:  # noqa: BLE001 - Vela has no common class for what it refuses
                return one_line(error)
    return whole(found) or "nothing was delegated to the NPU"


def _run(graph: bytes, target: Target, folder: Path) -> None:
    from ethosu.vela import vela

    file = folder / "out.tosa"
    file.write_bytes(graph)
    words = [
        *PREPARATION,
        f"--accelerator-config={target.accelerator}",
        f"--config={CONFIG}",
        f"--system-config={target.system_config}",
        f"--memory-mode={target.memory_mode}",
        f"--output-dir={folder / 'output'}",
        str(file),
    ]
    with _silence():
        vela.main(words)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Vela prints its figures, from C++ too."""
    kept, nothing = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        for fd, place in zip(kept, (1, 2), strict=True):
            os.dup2(fd, place)
            os.close(fd)
        os.close(nothing)
