"""The store of runs: one directory each, made, found, listed and removed here."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import msgspec

from tui import config, files, processes
from tui.errors import UsageError
from tui.files import write_whole
from tui.run import folding, journal, names, spec, state
from tui.run.figures import Artifact, Earlier
from tui.run.spec import Spec
from tui.run.state import State

SPEC = "spec.json"
CONSOLE = "console.log"
PINNED = "pinned"
CONTROL = "control"
STOP = "stop"
"""Asks a run's process to stop that does not listen yet."""
PROCESS_LOG = "runner.log"
"""Output of the run process itself."""
ARTIFACTS = "artifacts"
MODEL = "model.pte"
"""The program, among the artifacts."""
SNAPSHOT = "state.json"
"""The folded state of a finished run, so that listing a thousand runs reads no journal. A cache, nothing more."""


class Snapshot(msgspec.Struct, frozen=True):
    """A state and the length in bytes of the journal it was folded from."""

    journal_bytes: int
    state: State


_STAMP_FORMAT = "%Y%m%d-%H%M%S"
_STAMP = len("20261123-021531")


def folder() -> Path:
    """Folder of all runs."""
    return config.home() / "runs"


def _new_id(request: Spec) -> str:
    model = re.sub(r"[^a-z0-9]+", "_", Path(request.model.rsplit(":", 1)[-1]).stem.lower()).strip("_")[:24]
    accelerator = request.target.accelerator.removeprefix("ethos-") if request.target.is_known else "log"
    stamp = datetime.now().astimezone().strftime(_STAMP_FORMAT)
    return f"{stamp}-{model or 'model'}-{accelerator}-{secrets.token_hex(2)}"


NEW = ".new-"
"""The names of directories that are no runs yet begin with this."""


def create(request: Spec) -> Path:
    """Make the directory of a new run that no process works on.

    Raises:
        UsageError: the data folder cannot be written.
    """
    directory, lock = create_locked(request)
    os.close(lock)
    return directory


def create_locked(request: Spec, further: Mapping[str, bytes] = MappingProxyType({})) -> tuple[Path, int]:
    """Make the directory of a new run, private to the user, with its spec in it, and the lock of its process.

    It appears as a whole: whoever finds it finds the spec and `further` files in it, by name, and the lock held
    for as long as the run's process, which inherits it, lives.

    Raises:
        UsageError: the data folder cannot be written.
    """
    lock = -1
    made: Path | None = None
    try:
        folder().mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=NEW, dir=folder()))
        (made / ARTIFACTS).mkdir()
        for name, data in further.items():
            (made / name).write_bytes(data)
        (made / SPEC).write_bytes(spec.encode(request))
        journal.reserve(made)
        lock = processes.lock(made / SPEC)
        return _appear(made, request), lock
    except OSError as error:
        if lock >= 0:
            os.close(lock)
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        hint = "make room there" if error.errno in files.FULL else ""
        raise UsageError(
            f"cannot write to {folder()}: {error.strerror}", hint or "set FVP_TUI_HOME to a folder of yours"
        ) from error


def _appear(made: Path, request: Spec) -> Path:
    """Give a new run's directory its name."""
    while True:
        directory = folder() / _new_id(request)
        try:
            return made.rename(directory)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


def sweep() -> None:
    """Remove directories of runs whose creation was cut off."""
    for made in folder().glob(f"{NEW}*"):
        # Between the first and the second there is no spec to lock; nobody takes a minute for that.
        with contextlib.suppress(OSError):
            if not processes.locked(made / SPEC) and time.time() - made.stat().st_mtime > UNBORN_S:
                shutil.rmtree(made, ignore_errors=True)


UNBORN_S = 60.0
"""Most seconds that making a run's directory can take."""


def ids() -> list[str]:
    """All runs, newest first."""
    return [name for name, _ in sorted(directories(), key=_age, reverse=True)]


def directories() -> list[tuple[str, str]]:
    """Names and paths of all runs."""
    try:
        return [
            (entry.name, entry.path)
            for entry in os.scandir(folder())
            if not entry.name.startswith(".") and entry.is_dir()
        ]
    except FileNotFoundError:
        return []


def age(name: str, written_ns: int) -> tuple[str, int]:
    """Key of a run's age: to the second by its name, within it by its spec, which is written once."""
    return name[:_STAMP], written_ns


def _age(entry: tuple[str, str]) -> tuple[str, int]:
    name, path = entry
    try:
        return age(name, os.stat(os.path.join(path, SPEC)).st_mtime_ns)  # noqa: PTH116, PTH118 - a thousand runs
    except OSError:
        return age(name, 0)


def resolve(name: str) -> Path:
    """The directory of RUN: an id, the unique beginning or the unique last part of one, ``last`` or ``last~N``.

    Raises:
        UsageError: no run, or more than one, answers to it.
    """
    return folder() / names.resolve(name, ids(), "run", "fvp-tui history")


def alive(directory: Path, process: state.Process) -> bool:
    """Return True if a run process still runs. One on another machine does until it gives up its socket."""
    if process.host != socket.gethostname():
        return (directory / CONTROL).exists()
    return processes.lives(process.pid, process.created)


STARTUP_S = 30.0
"""Seconds that a new run may be without a first event before it counts as lost, where files cannot be locked."""


def lives(directory: Path, process: state.Process | None) -> bool:
    """Return True if a run's process, as its journal names it, still runs or is about to."""
    held = processes.locked(directory / SPEC)
    if held or (process is not None and alive(directory, process)):
        return True
    if held is None and process is None:
        try:
            return time.time() - directory.stat().st_mtime <= STARTUP_S
        except OSError:
            return False
    return False


def settled(directory: Path, folded: State) -> State:
    """Mark a state as ``lost`` if its process is gone without a last event.

    Its last events may have come between the folding and this: who cares follows the journal once more.
    """
    if folded.run.status != "running" or lives(directory, folded.process):
        return folded
    return folding.lost(folded, last_words(directory))


def _present(directory: Path, folded: State, follower: journal.Follower) -> tuple[State, State]:
    """Fold what a journal has had since; the folded state, and the one to show."""
    folded = folding.fold_new(folded, follower)
    named_ = named(directory, folded)
    shown = settled(directory, named_)
    if shown is not named_:
        # Its process ended after the journal was read, maybe with last words.
        folded = folding.fold_new(folded, follower)
        shown = settled(directory, named(directory, folded))
    return folded, shown


def load(directory: Path) -> State:
    """The present state of a run."""
    path = directory / journal.FILE
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    snapshot = _snapshot(directory)
    if snapshot is not None and snapshot.journal_bytes == size:
        return snapshot.state
    return _present(directory, state.EMPTY, journal.Follower(path))[1]


def named(directory: Path, folded: State) -> State:
    """Add to a state without events what the directory tells: id, spec and creation time."""
    run = folded.run
    if folded.spec is None:
        run = msgspec.structs.replace(run, id=directory.name)
        folded = msgspec.structs.replace(folded, spec=load_spec(directory))
    if run.created is None:
        run = msgspec.structs.replace(run, created=_created(directory))
    return folded if run is folded.run else msgspec.structs.replace(folded, run=run)


def _created(directory: Path) -> float | None:
    """Creation time of a run by its spec, which is written once, else by its name."""
    try:
        return (directory / SPEC).stat().st_mtime
    except OSError:
        pass
    try:
        return datetime.strptime(directory.name[:_STAMP], _STAMP_FORMAT).astimezone().timestamp()
    except (ValueError, OverflowError):
        return None


class Live:
    """A run under way: each look at its state reads only what is new in its journal."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._follower = journal.Follower(directory / journal.FILE)
        self._folded = state.EMPTY

    def state(self) -> State:
        """The present state.

        Raises:
            OSError: the run cannot be read.
        """
        self._folded, shown = _present(self._directory, self._folded, self._follower)
        return shown


def last_words(directory: Path) -> str | None:
    """The last line that a run's process printed, which it only does when something is wrong with it."""
    return files.last_line(directory / PROCESS_LOG)


def hint_of_lost(directory: Path, status: state.Status) -> str:
    """The file to look into, where a run is lost whose process printed why; else empty: the run tells itself."""
    return f"see {PROCESS_LOG} in {directory}" if status == "lost" and last_words(directory) else ""


def load_spec(directory: Path) -> Spec | None:
    """The spec of a run; None where it cannot be read."""
    try:
        return spec.decode((directory / SPEC).read_bytes(), SPEC)
    except (OSError, UsageError):
        return None


def specs(most: int) -> Iterator[tuple[Path, Spec]]:
    """Directories and specs of the newest `most` runs, without those whose spec cannot be read."""
    for name in ids()[:most]:
        directory = folder() / name
        if (request := load_spec(directory)) is not None:
            yield directory, request


def _snapshot(directory: Path) -> Snapshot | None:
    try:
        return msgspec.json.decode((directory / SNAPSHOT).read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError):
        return None


def keep_snapshot(directory: Path) -> None:
    """Write the folded state of a finished run beside its journal."""
    path = directory / journal.FILE
    snapshot = Snapshot(journal_bytes=path.stat().st_size, state=folding.fold_journal(path))
    write_whole(directory / SNAPSHOT, msgspec.json.encode(snapshot))


def history() -> Iterator[State]:
    """The states of all runs, newest first."""
    for name in ids():
        yield load(folder() / name)


LOOK_BACK = 500
"""Runs that `earlier` looks at, the newest."""


def earlier(directory: Path, request: Spec, kind: str) -> Earlier | None:
    """Wall time of inferences in earlier good runs of the same spec on the same kind of platform; None without one."""
    seconds: list[float] = []
    count = 0
    for other, its_request in specs(LOOK_BACK):
        if other == directory or its_request != request:
            continue
        past = load(other)
        walls = [i.wall_s for i in past.inferences if i.wall_s is not None]
        if past.run.status == "ok" and past.platform is not None and past.platform.kind == kind and walls:
            count += 1
            seconds += walls
    return Earlier(runs=count, inference_s=statistics.median(seconds)) if seconds else None


def pinned(directory: Path) -> bool:
    """Return True if the user wants to keep the run."""
    return (directory / PINNED).exists()


def pin(directory: Path, keep: bool) -> None:
    """Protect a run from deletion, or end the protection.

    Raises:
        UsageError: its directory cannot be written.
    """
    try:
        if keep:
            (directory / PINNED).touch()
        else:
            (directory / PINNED).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {directory}: {error.strerror}") from error


def remove(directory: Path) -> None:
    """Delete a run that is not running.

    Raises:
        UsageError: it runs, or is pinned.
    """
    if pinned(directory):
        raise UsageError(f"{directory.name} is pinned", f"first: fvp-tui pin --off {directory.name}")
    if load(directory).run.status == "running":
        raise UsageError(f"{directory.name} is running", f"first: fvp-tui stop {directory.name}")
    shutil.rmtree(directory)


def artifact(directory: Path, path: Path) -> Artifact:
    """The artifact at `path`, which lies in the run's `directory`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):  # `file_digest` is not part of Python 3.10, where a compile worker may run
            digest.update(block)
    place, size = path.relative_to(directory).as_posix(), path.stat().st_size
    return Artifact(name=path.name, path=place, bytes=size, sha256=digest.hexdigest())
