"""The program of a log, where an earlier run has compiled it: what that run knows of it holds for the log, too."""

import hashlib
import shutil
from pathlib import Path

import msgspec

from tui.model import catalogue, tensors
from tui.pipeline.record import Record
from tui.run import events, store
from tui.run.state import State


def take(record: Record, path: Path) -> bool:
    """Take names, memory map, links and reference of a program from the newest run that compiled it; False without one.

    Raises:
        OSError: the program cannot be read.
    """
    data = path.read_bytes()
    found = _find(hashlib.sha256(data).hexdigest())
    if found is None:
        return False
    directory, state = found
    copy = record.artifacts / store.MODEL
    copy.write_bytes(data)
    record.keep(copy)
    for name in (tensors.MANIFEST, tensors.REFERENCES):
        if (source := directory / store.ARTIFACTS / name).exists():
            shutil.copyfile(source, record.artifacts / name)
    for stage in events.COMPILE_STAGES:
        record.emit(events.StageFinished(stage=stage, status="skipped", seconds=None))
    _tell(record, state)
    record.note(f"the program was compiled in the run {directory.name}: names, memory map and reference are from there")
    return True


def _find(sha256: str) -> tuple[Path, State] | None:
    """The newest run that compiled a program of this digest, and its state."""
    for directory, request in store.specs(store.LOOK_BACK):
        if request.log is not None or catalogue.is_program(request.model):
            continue
        if not (directory / store.ARTIFACTS / tensors.MANIFEST).exists():
            continue
        state = store.load(directory)
        if any(one.name == store.MODEL and one.sha256 == sha256 for one in state.artifacts):
            return directory, state
    return None


def _tell(record: Record, known: State) -> None:
    """Record what is known of the program, without what that run's own platform told of it."""
    if known.delegation is not None:
        record.emit(events.DelegationKnown(delegation=known.delegation))
    if known.estimate is not None:
        untraced = (
            msgspec.structs.replace(one, traced_cycles=None, traced_source=None, npu_commands=None)
            for one in known.operators
        )
        record.emit(
            events.Estimated(
                estimate=known.estimate,
                partitions=known.partitions,
                operators=tuple(untraced),
                tensors=known.tensors,
            )
        )
    if known.links:
        record.emit(events.LinksKnown(links=known.links))
