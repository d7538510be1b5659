"""Cells on a cluster of Dask's workers, of a scheduler that is there or of a batch system's jobs.

The only modules that import Dask, an extra (``fvp-tui[fleet]``), are this, `batch` and `jobs`; in a worker `remote`.
"""

import contextlib
import math
import ssl
import tarfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui import processes
from tui.analysis.sweep import Point
from tui.campaign import batch, bundles, content, remote
from tui.campaign.batch import Batch
from tui.campaign.engine import ATTEMPTS, Emit, Engine, Then
from tui.campaign.events import CampaignWaits, CellFinished, CellStarted
from tui.campaign.jobs import Jobs
from tui.campaign.plan import Cell, Plan, lowering
from tui.campaign.pool import finished
from tui.campaign.scheduler import Scheduler
from tui.errors import UserError, one_line
from tui.files import write_whole
from tui.run import journal, spec, store
from tui.run.belonging import Belonging
from tui.run.spec import Spec
from tui.toolchain.target import Target

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 20.0
WORKER_S = 5.0
"""Time after which the lack of any worker is looked at again."""
LOST = ("already forgotten", "lost dependencies")
"""Dask's reasons for cancelling a task that nobody has cancelled: data it was to get died with a worker."""
ESTIMATES = 20
"""Estimates of a task: each takes a worker some hundredths of a second, and a task has its own price."""


def connect(scheduler: Scheduler) -> "Client":
    """Connect to a scheduler.

    Raises:
        UserError: it does not answer, or refuses the certificate.
    """
    from distributed import Client

    security = None
    if scheduler.tls is not None and scheduler.address.startswith("tls"):
        security = batch.security(Path(scheduler.tls))
    try:
        return Client(scheduler.address, security=security, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ssl.SSLError) as error:
        raise UserError(f"the scheduler at {scheduler.address} does not answer: {error}") from error


def check_versions(client: "Client", toolchain: str | None) -> None:
    """Compare what compiles and simulates here with what the workers have, and Dask and this program with all.

    Raises:
        UserError: there is no worker, or one or the scheduler has other versions.
    """
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        raise UserError("the scheduler has no workers", "dask worker ADDRESS starts one") from error
    try:
        client.get_versions(check=True)
    except ValueError as error:
        raise UserError(f"Dask's versions differ: {one_line(error, 300)}") from error
    own = content.versions(toolchain)
    try:
        beside = client.run_on_scheduler(content.versions, None)[0]
    except ImportError:
        beside = None
    if beside != own[0]:
        what = "no fvp-tui" if beside is None else "another fvp-tui"
        raise UserError(f"the scheduler has {what}", "install the same one beside it")
    found: Mapping[str, Any] = client.run(remote.versions)
    for worker, theirs in found.items():
        if tuple(theirs) != own:
            names = [f"{a} here, {b} there" for a, b in zip(own, theirs, strict=False) if a != b]
            raise UserError(f"worker {worker} has other versions: {'; '.join(names) or 'another number of packages'}")


class Cluster(Engine):
    """Runs of cells on a cluster."""

    def __init__(self, directory: Path, at: Scheduler | Batch, plan: Plan, emit: Emit) -> None:
        """Raises:
        UserError: there is no scheduler, no worker, or one has other versions; or a batch system takes no jobs.
        """
        self._jobs: Jobs | None = None
        self._toolchain = plan.cells[0].spec.toolchain
        if isinstance(at, Batch):
            self._jobs = Jobs(at, directory, lambda reason: emit(CampaignWaits(reason=reason)))
            self._client, count = self._jobs.client, at.jobs
        else:
            self._client = connect(at)
            check_versions(self._client, self._toolchain)
            count = sum(self._client.nthreads().values())
        super().__init__(directory.name, count, plan.limits, emit, threads=count + 2)
        self._known: dict[Path, bundles.Bundle] = {}
        self._graphs: dict[Spec, bytes] = {}
        """Graphs that were lowered for the first of cells that get the same."""
        self._sent: dict[str | Spec, Any] = {}
        """Futures of bundles by name, and of graphs."""
        self._sending = threading.Lock()
        self._futures: set[Any] = set()
        self._client.subscribe_topic(remote.STARTED, self._begun)

    def _begun(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Pass on that a worker has begun a cell: called in the client's own thread."""
        said = event[1]
        self._threads.submit(
            self._emit,
            CellStarted(key=said["key"], run=said["run"], attempt=said["attempt"], worker=str(said["worker"])),
        )

    def ready(self) -> None:
        """Wait for the first of the jobs, whose queue may be long."""
        if self._jobs is not None and self._jobs.wait(self._stopped):
            check_versions(self._client, self._toolchain)

    def stop(self) -> None:
        """Begin nothing more, and cancel what is under way: workers stop their runs."""
        super().stop()
        with self._lock:
            futures = list(self._futures)
        for future in futures:
            future.cancel()

    def close(self) -> None:
        """Wait until all is over, and cancel the jobs that it was done by."""
        super().close()
        if self._jobs is not None:
            self._jobs.close()
            return
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)

    def _take(self, cell: Cell, attempt: int, run: Path | None, then: Then) -> None:
        if run is not None:
            self._emit(finished(cell, run, store.load(run), self._limits, seconds=None))
            then(run)
            return
        if self._stopped.is_set():
            self._cancel(cell)
            then(None)
            return
        try:
            request = bundles.portable(cell.spec, self._known)
            packed = {bundle.name: bundle.data for bundle in list(self._known.values())}
            data = {name: self._scattered(name, packed[name]) for name in bundles.names(request)}
            alike = lowering(cell)
            graphs = self._scattered(alike, self._graphs[alike]) if alike in self._graphs else None
            future = self._client.submit(
                remote.run_cell,
                spec.encode(request),
                Belonging(self._campaign, cell.key, attempt),
                data,
                graphs,
                keep_graphs=graphs is None,
                key=f"{self._campaign}-{cell.key}-{attempt}",
                pure=False,
                retries=0,
            )
        except Exception as error:  # noqa: BLE001 - a cell that cannot be sent leaves the others
            if self._stopped.is_set():
                self._cancel(cell)
            else:
                self._emit(CellFinished(key=cell.key, outcome="failed", reason=str(error)))
            then(None)
            return
        with self._lock:
            self._futures.add(future)
        begun = time.time()
        future.add_done_callback(lambda done: self._threads.submit(self._done, cell, attempt, begun, done, then))

    def _scattered(self, key: str | Spec, data: bytes) -> Any:
        """Bytes on the cluster: sent once, and again where they have died with the workers that had them.

        Raises:
            OSError: as `_scatter`.
        """
        with self._sending:
            if (sent := self._sent.get(key)) is None or sent.status != "finished":
                sent = self._sent[key] = self._scatter(data)
            return sent

    def _scatter(self, data: bytes) -> Any:
        """Send bytes to a worker, and wait for one where there is none.

        Raises:
            OSError: workers die of it, or there is none, and the campaign is stopped or has lost its scheduler.
        """
        failures = 0
        while True:
            try:
                return self._client.scatter(data, hash=False, direct=False, timeout=WORKER_S)
            except TimeoutError:
                # A nanny or the next job brings a worker.
                if self._stopped.is_set() or self._client.status != "running":
                    raise
            except OSError:
                if (failures := failures + 1) == ATTEMPTS:
                    raise

    def _done(self, cell: Cell, attempt: int, begun: float, future: Any, then: Then) -> None:
        with self._lock:
            self._futures.discard(future)
        run = None
        try:
            done: remote.Done = future.result()
            run = remote.unpack(done.run, store.folder())
            self._own(run, cell, done.bundles)
            if done.graphs is not None:
                self._graphs[lowering(cell)] = done.graphs
            state = store.load(run)
            self._emit(finished(cell, run, state, self._limits, seconds=time.time() - begun))
        except UserError as error:
            self._emit(CellFinished(key=cell.key, outcome="failed", reason=str(error)))
        except (OSError, tarfile.TarError) as error:
            self._emit(CellFinished(key=cell.key, outcome="lost", reason=f"its run did not come home: {error}"))
        except Exception as error:  # noqa: BLE001 - Dask has many: killed worker, lost scheduler, cancelled future
            if not self._stopped.is_set() and attempt < ATTEMPTS and _died(error):
                self._take(cell, attempt + 1, None, then)
                return
            outcome = "cancelled" if self._stopped.is_set() else "lost"
            self._emit(CellFinished(key=cell.key, outcome=outcome, reason=f"{type(error).__name__}: {error}"))  # type: ignore[arg-type]
        then(run)

    def _own(self, run: Path, cell: Cell, folder: str) -> None:
        """Give a run that came home the paths of this machine, in its spec and wherever its journal names the model."""
        (run / store.SPEC).write_bytes(spec.encode(cell.spec))
        lines = (run / journal.FILE).read_bytes()
        for place, bundle in list(self._known.items()):
            home = place if place.is_dir() else place.parent
            lines = journal.moved(lines, f"{folder}/{bundle.name}/", f"{home}/")
        write_whole(run / journal.FILE, lines)
        with contextlib.suppress(msgspec.MsgspecError, OSError):
            store.keep_snapshot(run)

    # -- estimates

    def points(self, run: Path, targets: Sequence[Target], vela: str | None) -> Iterator[tuple[int, Point]]:
        """Estimate targets in batches on the workers; what a worker or the scheduler has lost is estimated here."""
        from distributed import as_completed

        try:
            graphs = self._scatter(remote.graphs_of(run))
        except OSError:
            if not self.stopped:
                yield from super().points(run, targets, vela)
            return
        tasks = {}
        for share in processes.shares(len(targets), math.ceil(len(targets) / ESTIMATES)):
            part = targets[share.start : share.stop]
            tasks[self._client.submit(remote.estimate, graphs, run.name, part, vela, pure=False)] = share
        with self._lock:
            self._futures |= tasks.keys()
        for task in as_completed(tasks, loop=self._client.loop):
            share = tasks[task]
            with self._lock:
                self._futures.discard(task)
            if self.stopped:
                return
            if task.status == "finished":
                found: Iterable[tuple[int, Point]] = task.result()
            else:
                found = super().points(run, targets[share.start : share.stop], vela)
            yield from ((share.start + at, point) for at, point in found)


def _died(error: Exception) -> bool:
    """Tell whether a worker that had the cell, or data for it, is gone."""
    return "Killed" in type(error).__name__ or getattr(error, "reason", None) in LOST
