"""The index of runs: the figures of each, kept in one file so that listing ten thousand runs reads none of them.

A cache and nothing more: the runs' directories are the truth. An entry holds for as long as the files that it was made
from are as they were; one that is missing, out of date or damaged is made anew, and so is the whole file. Where it
cannot be written, the answer is the same and comes later. Runs without an end are never answered from it.
"""

import contextlib
import os
import sqlite3
import statistics
import time
import zlib
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from tui import __version__, config
from tui.run import derived, folding, journal, state, store
from tui.run.check import CheckStatus
from tui.run.derived import Outcome
from tui.run.figures import Figure, PlatformKind, Source
from tui.run.options import Quantization
from tui.run.state import State, Status
from tui.text import clean
from tui.toolchain.target import Target

FILE = "index.sqlite"
REASON = 200


class Row(Figure, array_like=True, gc=False):
    """The figures of a run that lists and medians need; None where one is not known."""

    name: str
    """Name of its directory."""
    id: str
    status: Status
    outcome: Outcome
    created: float | None
    """Unix time."""
    seconds: float | None
    model: str | None
    accelerator: str | None
    system_config: str | None
    memory_mode: str | None
    quantize: Quantization | None
    channels_last: bool | None
    inferences: int | None
    """Number that was asked for."""
    platform: PlatformKind | None
    engine: str | None
    total_cycles: int | None
    """The compiler's estimate of the whole program."""
    inference_ms: float | None
    macs: int | None
    """Multiply-accumulates of an inference on the NPU, by the compiler."""
    latency_ms: float | None
    latency_by: derived.CountedBy | None
    npu_cycles: int | None
    """NPU cycles of the slowest inference."""
    npu_median: float | None
    """Median of the inferences' NPU cycles."""
    source: Source | None
    """Source of the last inference's cycles."""
    check: CheckStatus | None
    stage: str | None
    """The stage under way, or at which a run ended that did not end well."""
    reason: str | None
    """Reason of a failure or of a mismatch, in at most `REASON` characters."""
    accuracy: float | None
    """Share of labelled inputs, 0..1, that the platform answers right."""
    stages: dict[str, float]
    """Seconds of the stages that went well and did their work: those answered from a cache are left out."""
    pinned: bool

    @property
    def target(self) -> Target | None:
        """The target it was compiled for."""
        if self.accelerator is None or self.system_config is None or self.memory_mode is None:
            return None
        return Target(self.accelerator, self.system_config, self.memory_mode)


def row(name: str, run: State, pinned: bool) -> Row:
    """The figures of a run whose directory has this name."""
    request, platform, estimate = run.spec, run.platform, run.estimate
    target = request.target if request and request.target.is_known else None
    cycles = [inference.npu_cycles for inference in run.inferences if inference.npu_cycles is not None]
    check = derived.checked(run)
    accuracy, latency = check.accuracy if check else None, derived.latency(run)
    reason = check.reason if check and check.status == "mismatch" else run.run.reason
    return Row(
        name=name,
        id=run.run.id,
        status=run.run.status,
        outcome=derived.outcome(run),
        created=run.run.created,
        seconds=run.run.seconds,
        model=request.model if request else None,
        accelerator=target.accelerator if target else None,
        system_config=target.system_config if target and target.is_complete else None,
        memory_mode=target.memory_mode if target and target.is_complete else None,
        quantize=request.quantize if request and request.log is None else None,
        channels_last=request.channels_last if request and request.log is None else None,
        inferences=request.inferences if request and request.log is None else None,
        platform=platform.kind if platform else None,
        engine=platform.engine if platform else None,
        total_cycles=estimate.total_cycles if estimate else None,
        inference_ms=estimate.inference_ms if estimate else None,
        macs=estimate.macs if estimate else None,
        latency_ms=latency.ms if latency else None,
        latency_by=latency.by if latency else None,
        npu_cycles=max(cycles, default=None),
        npu_median=statistics.median(cycles) if cycles else None,
        source=run.inferences[-1].source if run.inferences else None,
        check=check.status if check else None,
        stage=derived.stopped_at(run),
        reason=clean(reason, REASON) if reason else None,
        accuracy=accuracy.platform_correct / accuracy.inputs if accuracy and accuracy.inputs else None,
        stages={
            stage.name: stage.seconds
            for stage in run.stages
            if stage.status == "ok" and stage.seconds is not None and not stage.cached
        },
        pinned=pinned,
    )


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Size, time of writing and time of any change, in ns, of each file that a row is made from; empty without it."""

    spec: tuple[int, ...]
    journal: tuple[int, ...]
    snapshot: tuple[int, ...]
    pinned: bool


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row and the stamp of the files that it was made from."""

    stamp: Stamp
    row: Row


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)

VERSION = zlib.crc32(f"{__version__} {Stamp.__annotations__} {Row.__annotations__}".encode()) >> 1
"""Another program, or one with other fields, makes the index anew. SQLite keeps a signed number of 32 bits."""

UNSETTLED_NS = 2_000_000_000
"""Age from which on a file's times tell it from one that is written later: a file system may count in two seconds."""

BUSY_S = 2.0
"""Most seconds to wait for another process that writes the index."""

HARMLESS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
"""Errors of the place or the moment, not of the file's content."""

FAILURES = (sqlite3.Error, UnicodeError, MemoryError)
"""Errors of a database; the last two are Python's own, of names and sizes in one that is damaged."""


def history(most: int | None = None) -> Generator[Row]:
    """The rows of all runs, or of the newest `most`, newest first."""
    begun = time.time_ns()
    found = _newest_first()
    keys = [os.fsencode(name) for name, _, _ in found]
    kept = _read() if found else {}
    new: list[tuple[bytes, int, bytes]] = []
    try:
        for key, (name, path, spec) in zip(keys[:most], found, strict=False):
            stamp = _stamp(path, spec)
            shown = _known(key, kept.get(key), stamp)
            if shown is None:
                shown = _made(name, path, stamp)
                if shown is None:
                    continue  # deleted meanwhile
                if _final(shown, stamp, begun):
                    new += _encoded(key, Entry(stamp, shown))
            yield shown
    finally:
        _write(new, kept.keys() - set(keys))


UNKNOWN = 200
"""Runs without an entry that `of_model` looks at, the newest."""


def of_model(model: str, most: int, *, without: str = "") -> list[Row]:
    """The rows of a model's newest runs, newest first, without a look at all those of others.

    Runs that the index does not have yet are among them where they are among the newest. The one named `without` is
    not even read: it may be long, and whoever asks is reading it.
    """
    begun = time.time_ns()
    paths = {os.fsencode(name): (name, path) for name, path in store.directories() if name != without}
    kept, known = _read_model(model, most)
    others = sorted(paths.keys() - known, reverse=True)[:UNKNOWN]
    wanted = {key for key in others if _spec_model(paths[key][1]) == model} | (kept.keys() & paths.keys())
    rows: list[Row] = []
    new: list[tuple[bytes, int, bytes]] = []
    for key in sorted(wanted, reverse=True)[:most]:
        name, path = paths[key]
        stamp = _stamp(path, _times(f"{path}/{store.SPEC}"))
        found = _known(key, kept.get(key), stamp)
        if found is None and (found := _made(name, path, stamp)) is not None and _final(found, stamp, begun):
            new += _encoded(key, Entry(stamp, found))
        if found is not None and found.model == model:
            rows.append(found)
    _write(new, ())
    return rows


def _spec_model(path: str) -> str | None:
    request = store.load_spec(Path(path))
    return None if request is None else request.model


def _newest_first() -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, path and stamp of the spec of all runs, in the order of `store.ids`."""
    found = [(name, path, _times(f"{path}/{store.SPEC}")) for name, path in store.directories()]
    return sorted(found, key=lambda run: store.age(run[0], run[2][1] if run[2] else 0), reverse=True)


def _stamp(path: str, spec: tuple[int, ...]) -> Stamp:
    pinned = os.access(f"{path}/{store.PINNED}", os.F_OK)
    return Stamp(spec, _times(f"{path}/{journal.FILE}"), _times(f"{path}/{store.SNAPSHOT}"), pinned)


def _times(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 - ten thousand runs
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _made(name: str, path: str, stamp: Stamp) -> Row | None:
    """A row made from the run's files; None where there is no such run any more."""
    directory = Path(path)
    try:
        run = store.load(directory)
    except OSError:
        # There is a run, of which nothing but its name and maybe its spec can be read.
        run = folding.lost(store.named(directory, state.EMPTY))
    return row(name, run, stamp.pinned) if directory.is_dir() else None


def _final(made: Row, stamp: Stamp, begun: int) -> bool:
    """Return True if a row holds for as long as its stamp does: its run has ended, and its files are no longer new."""
    if made.status in ("running", "lost") or not stamp.spec:
        return False
    newest = max(max(times[1:]) for times in (stamp.spec, stamp.journal, stamp.snapshot) if times)
    return newest < begun - UNSETTLED_NS


# -- the file


def _path() -> Path:
    return config.home() / FILE


def _checksum(key: bytes, entry: bytes) -> int:
    """A damaged entry may still be one, with other figures."""
    return zlib.crc32(entry, zlib.crc32(key))


def _encoded(key: bytes, entry: Entry) -> list[tuple[bytes, int, bytes]]:
    try:
        data = _encoder.encode(entry)
    except (UnicodeError, OverflowError):
        return []  # a name that is no text, or a number without end: it is read each time
    return [(key, _checksum(key, data), data)]


def _known(key: bytes, kept: tuple[object, object] | None, stamp: Stamp) -> Row | None:
    """The row of an entry that holds."""
    if kept is None:
        return None
    checksum, data = kept
    if not isinstance(data, bytes) or checksum != _checksum(key, data):
        return None
    try:
        entry = _decoder.decode(data)
    except msgspec.DecodeError:
        return None
    return entry.row if entry.stamp == stamp else None


def _open(mode: Literal["rw", "rwc"]) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{_path().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None)
    connection.text_factory = bytes  # what is damaged may be no text
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


Kept = dict[bytes, tuple[object, object]]
"""Checksum and entry by name."""


def _read() -> Kept:
    """All that is in the index."""
    return _asked(lambda connection: _kept(connection.execute("SELECT name, checksum, entry FROM runs")), {})


def _read_model(model: str, most: int) -> tuple[Kept, set[bytes]]:
    """The newest entries in which the name of a model stands, and the names of all entries."""
    encoded = _encoder.encode(model.encode("utf-8", "replace").decode())
    with_model = "SELECT name, checksum, entry FROM runs WHERE instr(entry, ?) ORDER BY name DESC LIMIT ?"

    def read(connection: sqlite3.Connection) -> tuple[Kept, set[bytes]]:
        kept = _kept(connection.execute(with_model, (encoded, most)))
        return kept, {name for (name,) in connection.execute("SELECT name FROM runs")}

    nothing: tuple[Kept, set[bytes]] = {}, set()
    return _asked(read, nothing)


def _kept(rows: Iterable[tuple[bytes, object, object]]) -> Kept:
    return {name: (checksum, entry) for name, checksum, entry in rows}


Answer = TypeVar("Answer")


def _asked(read: Callable[[sqlite3.Connection], Answer], nothing: Answer) -> Answer:
    """The answer of the index; `nothing` where there is none, or it is of another version."""
    try:
        if not _path().exists():
            return nothing
        with contextlib.closing(_open("rw")) as connection:
            return read(connection) if _version(connection) == VERSION else nothing
    except FAILURES as error:
        _drop_damaged(error)
    except OSError:
        return nothing
    return nothing


def _write(new: list[tuple[bytes, int, bytes]], gone: Iterable[bytes]) -> None:
    """Keep new entries and forget those of runs that are gone, if that can be done."""
    forgotten = [(name,) for name in gone]
    if not new and not forgotten:
        return
    try:
        # Private to the user, as the runs are. Only where it is new: closing an open file ends SQLite's locks on it.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(_path(), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(_open("rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) != VERSION:
                connection.execute("DROP TABLE IF EXISTS runs")
                connection.execute("CREATE TABLE runs (name BLOB PRIMARY KEY, checksum INTEGER, entry BLOB)")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", new)
            connection.executemany("DELETE FROM runs WHERE name = ?", forgotten)
            connection.execute("COMMIT")
    except FAILURES as error:
        _drop_damaged(error)
    except OSError:
        return


def _drop_damaged(error: Exception) -> None:
    """Remove the index after an error that comes of its content; the next reader makes it anew."""
    # The low byte is the kind of an error, the others tell more of it. Python's own errors have none.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    # A damaged header may say that the file is only to be read, or keeps a log of its own.
    writable = code == sqlite3.SQLITE_READONLY and os.access(_path(), os.W_OK)
    if code in HARMLESS and not writable:
        return
    with contextlib.suppress(OSError):
        for ending in ("-journal", "-wal", "-shm", ""):
            _path().with_name(f"{FILE}{ending}").unlink(missing_ok=True)
