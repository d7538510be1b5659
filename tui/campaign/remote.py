"""The worker's end: runs a cell on the machine it is called on, and returns the run as an archive.

A worker of Dask imports this module, and nothing of Dask is imported before it does. It keeps a data folder of its own
below its scratch folder. What it starts ends with it: runs and the compile server belong to the worker's process.
"""

import contextlib
import io
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tui import processes
from tui.campaign import bundles
from tui.errors import UserError
from tui.run import belonging, control, spec, store
from tui.run.belonging import Belonging

POLL_S = 0.25
STARTED = "cells"
"""Topic of the events that say which worker has begun which cell."""
KEPT_S = 3.0
"""Time that a run has to end once it is asked to, and its process once the run has ended."""
GONE_POLL_S = 0.02


def _at_home(scratch: Path) -> None:
    """Have a data folder of the worker's own, and a short one for sockets, and own what is started."""
    os.environ["FVP_TUI_HOME"] = str(scratch / "fvp-tui")
    os.environ[processes.OWNER] = processes.name_of(os.getpid())
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not Path(runtime).name.startswith("fvp-w"):
        # Not the machine's: a server there may end with another job, and its memory be charged to it.
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="fvp-w")


def run_cell(request: bytes, cell: Belonging, data: Mapping[str, bytes]) -> bytes:
    """Run a cell, and return its run's folder as a compressed archive.

    `request` is a spec whose paths are those of bundles; `data` has their bytes, by name.

    Raises:
        UserError: the run cannot be started.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    scratch = Path(worker.local_directory)
    _at_home(scratch)
    asked = bundles.unpacked(spec.decode(request), scratch / "bundles", dict(data))
    directory = control.start(spec.check(asked), belonging.encode(cell))
    worker.log_event(STARTED, {"key": cell.key, "run": directory.name, "attempt": cell.attempt, "worker": worker.name})
    try:
        live, asked_to_stop = store.Live(directory), 0.0
        while live.state().run.status == "running":
            # A future that was cancelled, or whose client died, is one that the worker no longer knows as wanted.
            task = worker.state.tasks.get(key)
            if not asked_to_stop and (task is None or task.state == "cancelled"):
                asked_to_stop = time.monotonic()
                with contextlib.suppress(UserError):
                    control.stop(directory)
            if asked_to_stop and time.monotonic() - asked_to_stop > KEPT_S:
                break
            time.sleep(POLL_S)
        else:
            _until_gone(directory)
        return _archive(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _until_gone(directory: Path) -> None:
    """Wait until a run's process is gone: it clears up in the folder after its last event."""
    latest = time.monotonic() + KEPT_S
    while processes.locked(directory / store.SPEC) and time.monotonic() < latest:
        time.sleep(GONE_POLL_S)


def _archive(directory: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        archive.add(directory, arcname=directory.name)
    return out.getvalue()


def unpack(data: bytes, folder: Path) -> Path:
    """Unpack a run among others: whole or not at all; one that is there already stays.

    Raises:
        OSError: it cannot be written.
        tarfile.TarError: the archive is damaged, or holds what no run does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=store.NEW, dir=folder))
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            archive.extractall(building, filter="data")
        (made,) = building.iterdir()
        place = folder / made.name
        if not place.exists():
            made.rename(place)
        return place
    finally:
        shutil.rmtree(building, ignore_errors=True)
