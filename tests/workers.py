"""Worker processes that do job after job: one that dies or takes too long is counted, and another takes its place."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Lost:
    """No result: the worker died, or had to be ended after its time."""

    why: str


def _work(prepare: Callable[[], Callable[[Any], Any]], connection: Connection) -> None:
    """A worker's whole life."""
    work = prepare()
    connection.send(None)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(work(job))


class _Worker:
    def __init__(self, prepare: Callable[[], Callable[[Any], Any]]) -> None:
        self.connection, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=_work, args=(prepare, theirs), daemon=False)
        self.process.start()
        theirs.close()
        self.job: Any = None
        self.ready = False
        self.begun = time.monotonic()

    def end(self) -> None:
        self.connection.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def run(
    prepare: Callable[[], Callable[[Any], Any]],
    jobs: Iterable[Any],
    processes: int,
    limit_s: float,
    starting_s: float = 300,
) -> Iterator[tuple[Any, Any]]:
    """Results of jobs as they come: (job, result or `Lost`).

    `prepare` is called once in each worker (it must be importable) and gives what does the jobs. A job has `limit_s`
    seconds, a worker's start `starting_s`.
    """
    waiting = iter(jobs)
    workers = [_Worker(prepare) for _ in range(processes)]
    try:
        while workers:
            yield from _settled(workers, prepare, limit_s, starting_s)
            for worker in list(workers):
                if worker.ready and worker.job is None and not _give(worker, waiting):
                    worker.end()
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.end()


def _give(worker: _Worker, waiting: Iterator[Any]) -> bool:
    """The next job for a worker; False if there is none."""
    try:
        worker.job = next(waiting)
    except StopIteration:
        return False
    worker.begun = time.monotonic()
    worker.connection.send(worker.job)
    return True


def _settled(
    workers: list[_Worker], prepare: Callable[[], Callable[[Any], Any]], limit_s: float, starting_s: float
) -> Iterator[tuple[Any, Any]]:
    """What came of jobs since the last time; workers that were lost are replaced."""
    talking = wait([worker.connection for worker in workers], timeout=0.5)
    for at, worker in enumerate(workers):
        lost = None
        if worker.connection in talking:
            try:
                result = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join()
                lost = Lost(f"the worker ended with status {worker.process.exitcode}")
            else:
                if not worker.ready:
                    worker.ready = True
                    continue
                job, worker.job = worker.job, None
                yield job, result
                continue
        elif time.monotonic() - worker.begun > (limit_s if worker.ready else starting_s):
            lost = Lost(f"the worker took more than {limit_s:g} s")
        if lost is not None:
            if not worker.ready:
                raise RuntimeError(f"a worker does not start: {lost.why}")
            worker.end()
            workers[at] = _Worker(prepare)
            yield worker.job, lost
