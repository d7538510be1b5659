"""Journals cut and damaged: no reader raises, or shows another verdict than the run's or ``lost``."""

import json
import shutil
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.judging import Outcome
from tui.reports import check, export, memory, state_json, text
from tui.run import index, journal, log, replay, store
from tui.run.state import State

KINDS: dict[str, Callable[[Random, bytes], bytes]] = {}


def _kind(mutate: Callable[[Random, bytes], bytes]) -> Callable[[Random, bytes], bytes]:
    KINDS[mutate.__name__] = mutate
    return mutate


@_kind
def cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


@_kind
def flipped(random: Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 8, 200))):
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(damaged)


@_kind
def garbage(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    words = (
        b"",
        random.randbytes(300),
        b"{" * 5000,
        b'{"event":"from_the_future","t":1}',
        b"[1]",
        b'{"event":[]}',
        b"1e999",
    )
    lines.insert(random.randrange(len(lines)), random.choice(words))
    return b"\n".join(lines)


@_kind
def holes(random: Random, data: bytes) -> bytes:
    """Blocks of zeros, as a file system leaves them after the power has failed."""
    at = random.randrange(len(data))
    return data[:at] + bytes(min(4096, len(data) - at)) + data[at + 4096 :]


@_kind
def lines_lost(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 3, 10))):
        del lines[random.randrange(len(lines))]
        if not lines:
            break
    return b"\n".join(lines)


@_kind
def lines_swapped(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    random.shuffle(lines)
    return b"\n".join(lines)


@dataclass(frozen=True)
class Given:
    """A run before the damage."""

    directory: Path
    state: State


def given(directory: Path) -> Given:
    return Given(directory, store.load(directory))


def readers(directory: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """All that reads a run, by name."""
    path = directory / journal.FILE
    yield "show", lambda: text.summary(store.load(directory), "top")
    yield "show --operators", lambda: text.summary(store.load(directory), "all")
    yield "show --modules", lambda: text.summary(store.load(directory), "modules")
    yield "show --memory", lambda: memory.memory_map(store.load(directory))
    yield "show --layers", lambda: check.layers_table(store.load(directory))
    yield "show --json", lambda: json.dumps(state_json.to_json(store.load(directory)), allow_nan=False)
    yield "history", lambda: [run.status for run in index.history()]
    yield "history --json", lambda: [run.run.status for run in store.history()]
    yield "log", lambda: log.tail(path, 100)
    yield "attach", lambda: list(journal.read(path))
    for form in ("json", "csv", "html", "perfetto", "junit"):
        yield f"export {form}", lambda form=form: export.document(directory, form)
    if path.exists():
        yield "replay", lambda: replay.Player(path, 1024.0, 0.0).play(lambda _: None)


def tried(made: Given, number: int, seed: str, home: Path) -> Outcome:
    """Damage a copy of a run in one place, and read it in every way. The data folder of this process is `home`."""
    random = Random(f"{seed} journal {number}")
    name = random.choice(list(KINDS))
    directory = home / "runs" / made.directory.name
    shutil.copytree(made.directory, directory)
    path = directory / journal.FILE
    path.write_bytes(KINDS[name](random, path.read_bytes()))
    if random.random() < 0.5:
        (directory / store.SNAPSHOT).unlink(missing_ok=True)
    else:
        snapshot = directory / store.SNAPSHOT
        snapshot.write_bytes(random.choice((cut, holes))(random, snapshot.read_bytes()))
    wrong, tracebacks = [], []
    for what, read in readers(directory):
        try:
            read()
        except Exception:  # noqa: BLE001 - whatever a reader raises is counted
            tracebacks.append(f"{name}: {what}: {traceback.format_exc()}")
    shown = store.load(directory)
    wrong += [f"{name}: {words}" for words in _wrong(made.state, shown)]
    shutil.rmtree(directory)
    return Outcome("journal damaged", number, shown.run.status, tuple(wrong), tuple(tracebacks))


def _wrong(before: State, after: State) -> Iterator[str]:
    if after.run.status not in (before.run.status, "lost"):
        yield f"{before.run.status} is shown as {after.run.status}"
    if after.run.status != "lost" and after.run.exit_status not in (before.run.exit_status, None):
        yield f"exit status {before.run.exit_status} is shown as {after.run.exit_status}"
    if after.run.created is None:
        yield "created is null"
    checks = {before.check.status if before.check else None, None}
    if (after.check.status if after.check else None) not in checks:
        yield f"another check: {after.check}"
