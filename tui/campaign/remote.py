"""The worker's end: runs a cell on the machine it is called on, or estimates some, and returns what came of it.

A worker of Dask imports this module, and nothing of Dask is imported before it does. It keeps a data folder of its own
below its scratch folder. What it starts ends with it: runs and the compile server belong to the worker's process.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tui import processes
from tui.analysis import sweep
from tui.analysis.sweep import Point
from tui.campaign import archives, bundles, content, lowered
from tui.errors import UserError
from tui.files import made_whole
from tui.run import belonging, control, spec, store
from tui.run.belonging import Belonging
from tui.toolchain import toolchains
from tui.toolchain.target import Target

POLL_S = 0.25
STARTED = "cells"
"""Topic of the events that say which worker has begun which cell."""
KEPT_S = 3.0
"""Time that a run has to end once it is asked to, and its process once the run has ended."""
GONE_POLL_S = 0.02
RUNTIME = "fvp-w"
"""Prefix of folders for the sockets of a worker, named by its process."""
_NAMED = re.compile(rf"{RUNTIME}(\d+)-(\d+)")


class Done(NamedTuple):
    """A cell that has ended."""

    run: bytes
    """Its run's folder as a compressed archive."""
    bundles: str
    """The folder of the bundles, which what the run names lies in."""
    graphs: bytes | None
    """Graphs that were lowered for it (`tui.campaign.lowered`); None where there are none, or nobody has asked."""


def versions() -> tuple[str, ...]:
    """All that compiles and simulates on this worker, whose toolchain is its own."""
    return content.versions(toolchains.default())


def _at_home(worker: Any) -> Path:
    """Have a data folder of the worker's own, and a short one for sockets; as many cores as threads; and own it all.

    Returns the worker's scratch folder.
    """
    scratch = Path(worker.local_directory)
    os.environ["FVP_TUI_HOME"] = str(scratch / "fvp-tui")
    os.environ.setdefault(processes.CORES, str(worker.state.nthreads))
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not Path(runtime).name.startswith(RUNTIME):
        # Not the machine's: a server there may end with another job, and its memory be charged to it.
        os.environ["XDG_RUNTIME_DIR"] = str(_runtime())
    if os.environ.get(processes.OWNER) != (me := processes.name_of(os.getpid())):
        os.environ[processes.OWNER] = me
        processes.hold_lifeline(Path(os.environ["XDG_RUNTIME_DIR"]) / f"owner-{me.replace(':', '-')}")
    return scratch


def _runtime() -> Path:
    """Make a short folder for the sockets of this worker, and remove those of workers that are gone."""
    place = Path(tempfile.gettempdir())
    for other in place.glob(f"{RUNTIME}*"):
        if (match := _NAMED.fullmatch(other.name)) and processes.name_of(int(match[1])) != f"{match[1]}:{match[2]}":
            shutil.rmtree(other, ignore_errors=True)
    own = place / f"{RUNTIME}{processes.name_of(os.getpid()).replace(':', '-')}"
    # It is not there: no other process has the name.
    own.mkdir(mode=0o700)
    return own


def run_cell(
    request: bytes,
    cell: Belonging,
    data: Mapping[str, bytes],
    graphs: bytes | None = None,
    *,
    keep_graphs: bool = False,
) -> Done:
    """Run a cell to its end.

    `request` is a spec whose paths are those of bundles; `data` has their bytes, by name. `graphs` are those that were
    lowered for another cell; with `keep_graphs`, those of this one are returned.

    Raises:
        UserError: the run cannot be started.
    """
    from distributed import get_worker

    worker = get_worker()
    scratch = _at_home(worker)
    folder = scratch / "bundles"
    asked = bundles.unpacked(spec.decode(request), folder, dict(data))
    # A toolchain lies where this machine has it.
    asked = msgspec.structs.replace(asked, toolchain=toolchains.default())
    if graphs is not None:
        lowered.unpack(graphs)
    before = lowered.names()
    directory = control.start(spec.check(asked), belonging.encode(cell))
    worker.log_event(STARTED, {"key": cell.key, "run": directory.name, "attempt": cell.attempt, "worker": worker.name})
    try:
        _follow(worker, worker.get_current_task(), directory)
        run = archives.packed(directory.parent, [directory])
        return Done(run, str(folder), lowered.packed(before) if keep_graphs else None)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _follow(worker: Any, key: object, directory: Path) -> None:
    """Wait until a run has ended, or is to be left since nobody wants it any more."""
    live, asked_to_stop = store.Live(directory), 0.0
    while live.state().run.status == "running":
        # A future that was cancelled, or whose client died, is one that the worker no longer knows as wanted.
        task = worker.state.tasks.get(key)
        if not asked_to_stop and (task is None or task.state == "cancelled"):
            asked_to_stop = time.monotonic()
            with contextlib.suppress(UserError):
                control.stop(directory)
        if asked_to_stop and time.monotonic() - asked_to_stop > KEPT_S:
            return
        time.sleep(POLL_S)
    _until_gone(directory)


def _until_gone(directory: Path) -> None:
    """Wait until a run's process is gone: it clears up in the folder after its last event."""
    latest = time.monotonic() + KEPT_S
    while processes.locked(directory / store.SPEC) and time.monotonic() < latest:
        time.sleep(GONE_POLL_S)


def unpack(data: bytes, folder: Path) -> Path:
    """Unpack a run among others: whole or not at all; one that is there already stays.

    Raises:
        OSError: it cannot be written.
        tarfile.TarError: the archive is damaged, or holds what no run does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=store.NEW, dir=folder))
    try:
        archives.unpack(data, building)
        (made,) = building.iterdir()
        place = folder / made.name
        if not place.exists():
            made.rename(place)
        return place
    finally:
        shutil.rmtree(building, ignore_errors=True)


# -- estimates


def graphs_of(run: Path) -> bytes:
    """The lowered graphs of a run as a compressed archive, for `estimate`."""
    return archives.packed(run, (run / store.SPEC, *sweep.graphs(run)))


def estimate(graphs: bytes, name: str, targets: Sequence[Target], vela: str | None) -> list[tuple[int, Point]]:
    """Estimate some targets on the graphs of a run, which is called `name`: the place and the point of each.

    Raises:
        UserError: this version of Vela cannot be had.
    """
    from distributed import get_worker

    place = _at_home(get_worker()) / "graphs" / name
    if not place.is_dir():
        with made_whole(place) as building:
            archives.unpack(graphs, building)
            asked = spec.decode((building / store.SPEC).read_bytes())
            own = msgspec.structs.replace(asked, toolchain=toolchains.default())
            (building / store.SPEC).write_bytes(spec.encode(own))
    return list(sweep.points(place, targets, vela=vela))
