"""Jobs of a batch system under way: begun, replaced where they are lost, cancelled at the end.

It imports Dask, an extra, only for the jobs' client; see `cluster`.
"""

import contextlib
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tui import files
from tui.campaign import batch
from tui.campaign.batch import Batch
from tui.errors import UserError
from tui.text import counted

LOOK_S = 5.0
"""Interval between looks at jobs whose worker is not there."""
POLL_S = 0.25
MOST_FAILED = 3
"""Jobs in a row that end before their worker comes, after which something is wrong with all of them."""
PAUSE_S = 60.0
"""Time until another job is begun where something is wrong with them."""
NONE_LISTED = "No unfinished job"
"""Words of bjobs, as an error, for an empty list."""


class Jobs:
    """The jobs of a campaign under way, and `client`, through which cells go to them."""

    def __init__(self, request: Batch, folder: Path, say: Callable[[str], None]) -> None:
        """Start the scheduler and submit the jobs; `say` gets what the campaign waits for.

        Raises:
            UserError: the system does not take the jobs, or the scheduler cannot be started.
        """
        from distributed import Client

        self._batch, self._folder, self._say = request, folder, say
        self._said = ""
        self._came: set[str] = set()
        self._failed = 0
        self._look_at = time.monotonic() + LOOK_S
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="jobs", daemon=True)
        try:
            self._cluster = batch.cluster(request, folder)
        except (OSError, RuntimeError, ValueError) as error:
            batch.remove_certificate(folder)
            raise UserError(f"no scheduler can be started for {request.title}: {error}") from error
        try:
            self._submit([])
            self.client = Client(self._cluster, set_as_default=False)
        except BaseException:
            self.close()
            raise

    # -- jobs

    def _submit(self, instead_of: Iterable[str]) -> None:
        """Submit as many jobs as there are to be, the first time or for those that are gone.

        Raises:
            UserError: the system does not take one.
        """

        async def change() -> None:
            wanted = self._cluster.worker_spec
            # First the new ones: no name comes again.
            gone = [name for name in instead_of if name in wanted]
            while len(wanted) - len(gone) < self._batch.jobs:
                wanted.update(self._cluster.new_worker_spec())
            for name in gone:
                del wanted[name]
                self._cluster.workers.pop(name, None)
            await self._cluster

        try:
            self._cluster.sync(change)
        except (OSError, RuntimeError, ValueError) as error:
            words = (str(error).rpartition("stderr:\n")[2].strip() or str(error)).splitlines()
            raise UserError(f"{self._batch.title} takes no job: {words[-1]}") from error

    def _here(self) -> set[str]:
        """The names of the workers that are connected."""
        return {worker["name"] for worker in self._cluster.scheduler_info["workers"].values()}

    def _queue(self) -> set[str] | None:
        """The numbers of the jobs that have not ended; None where that cannot be told."""
        try:
            done = subprocess.run(
                batch.SYSTEMS[self._batch.system].listing, capture_output=True, text=True, check=False, timeout=PAUSE_S
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode != 0 and NONE_LISTED not in done.stderr:
            return None
        return set(re.findall(r"^\s*(\d+)", done.stdout, re.MULTILINE))

    def _look(self) -> None:
        """Begin new jobs for those that have ended.

        Raises:
            UserError: the system does not take one, or none has brought a worker.
        """
        here = self._here()
        if here - self._came:
            self._failed, self._said = 0, ""
        self._came |= here
        workers = self._cluster.workers
        missing = {name: getattr(workers.get(name), "job_id", None) for name in set(self._cluster.worker_spec) - here}
        if not missing or (queue := self._queue()) is None:
            return
        gone = [name for name, number in missing.items() if number not in queue]
        self._failed += len(set(gone) - self._came)
        if self._failed >= MOST_FAILED:
            self._failed = 0
            self._look_at = time.monotonic() + PAUSE_S
            raise UserError(f"jobs of {self._batch.title} end before their worker comes: {self._last_words()}")
        if gone:
            self._submit(gone)

    def _last_words(self) -> str:
        """The last line that a job printed, and where."""
        logs = self._folder / batch.LOGS
        with contextlib.suppress(OSError):
            for file in sorted(logs.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True):
                if words := files.last_line(file):
                    return f"{words} (in {file})"
        return f"see {logs}"

    # -- from beginning to end

    def wait(self, stopped: threading.Event) -> bool:
        """Wait until a worker is there, however long that takes; False where `stopped` is set before.

        Raises:
            UserError: the jobs end without one.
        """
        while not self._here():
            self._tell(f"waiting for a worker of {self._batch.title}: {counted(self._batch.jobs, 'job')} in the queue")
            if stopped.wait(POLL_S):
                return False
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + LOOK_S
                self._look()
        self._keeper.start()
        return True

    def _keep(self) -> None:
        """Replace jobs for as long as the campaign runs."""
        while not self._closed.wait(LOOK_S):
            if time.monotonic() < self._look_at:
                continue
            try:
                self._look()
            except UserError as error:
                self._look_at = time.monotonic() + PAUSE_S
                self._tell(str(error))

    def _tell(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self._say(words)

    def close(self) -> None:
        """Cancel all jobs, end the scheduler and remove its key."""
        self._closed.set()
        if self._keeper.is_alive():
            self._keeper.join()
        with contextlib.suppress(Exception):
            self.client.close(timeout=5)
        with contextlib.suppress(Exception):
            self._cluster.close()
        batch.remove_certificate(self._folder)
