"""What a compilation made, kept for the next one that would make the same.

An entry belongs to the exported program - its graph, its weights, where each node came from -, the data it is
calibrated and compared on, the options, and the versions of all that compiles. A model is therefore always loaded and
exported: what its code reads, and from which folder, is in the key by what it made of it. Every file is checked when it
is taken out.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
import torch
from torch.utils import _pytree

from tui.compile.client import fingerprint
from tui.run import events
from tui.run.events import Event
from tui.run.spec import Spec

MOST_BYTES = 1 << 30
"""Beyond this, entries that were not used for the longest time are removed."""

EVENTS = "events.jsonl"
ARTIFACTS = "artifacts"
PLACED = ("stack_trace", "nn_module_stack")
"""Where a node came from decides what the reports say, though not the program."""


def folder() -> Path:
    """The folder of all entries."""
    home = os.environ.get("FVP_TUI_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("fvp-tui", appauthor=False))


# -- what an entry belongs to


def key(spec: Spec, program: Any, calibration: Sequence[Any], samples: Any) -> str:
    """Name of the entry of a compilation: of an exported program, by a spec, with data."""
    digest = hashlib.blake2b(digest_size=20)
    for option in (fingerprint(), spec.target, spec.quantize, spec.channels_last, spec.inferences):
        digest.update(f"{option}\n".encode())
    for piece in _program(program):
        digest.update(piece)
    for inputs in (*calibration, b"|", *samples.inputs):
        for piece in _values(inputs):
            digest.update(piece)
    digest.update(f"{samples.labels} {samples.source}".encode())
    return digest.hexdigest()


def _program(program: Any) -> Iterator[bytes]:
    for name, module in program.graph_module.named_modules():
        yield f"module {name}\n".encode()
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            placed = [str(node.meta.get(word)) for word in PLACED]
            made = _types(node.meta.get("val"))
            yield f"{node.op} {node.name} {node.target} {node.args} {node.kwargs} {made} {placed}\n".encode()
    yield f"{program.graph_signature} {program.range_constraints} {program.call_spec}\n".encode()
    for name, value in (*program.state_dict.items(), *program.constants.items()):
        yield f"{name} ".encode()
        yield from _values(value)


def _types(value: Any) -> list[str]:
    leaves = _pytree.tree_leaves(value)
    return [_type(leaf) if isinstance(leaf, torch.Tensor) else repr(leaf) for leaf in leaves]


def _type(tensor: torch.Tensor) -> str:
    """With its layout: a model in another one has the same operators, and is another program."""
    return f"{tensor.dtype}{tuple(tensor.shape)}{tensor.stride()}"


def _values(value: Any) -> Iterator[bytes]:
    """Everything in a value: types, shapes and elements of its tensors."""
    for leaf in _pytree.tree_leaves(value):
        if isinstance(leaf, torch.Tensor):
            yield f"{_type(leaf)}\n".encode()
            flat = leaf.detach().cpu().contiguous().reshape(-1)
            yield flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        else:
            yield f"{type(leaf).__name__} {leaf!r}\n".encode()


# -- what is in it


def restore(name: str, artifacts: Path) -> list[Event] | None:
    """Put an entry's files into `artifacts`; its events, None where there is no entry that is whole.

    Raises:
        OSError: the files cannot be written.
    """
    entry = folder() / name
    try:
        found = _events(entry)
        files = {path: _checked(entry, path, sha256) for path, sha256 in _files(found)}
    except (OSError, ValueError):
        # Not there, or of no use to anyone, whatever was done to it.
        shutil.rmtree(entry, ignore_errors=True)
        return None
    for path, data in files.items():
        (artifacts / path).parent.mkdir(parents=True, exist_ok=True)
        (artifacts / path).write_bytes(data)
    os.utime(entry)
    return found


def _events(entry: Path) -> list[Event]:
    *lines, checksum = (entry / EVENTS).read_bytes().splitlines() or [b""]
    if hashlib.sha256(b"\n".join(lines)).hexdigest().encode() != checksum:
        raise ValueError("the events are not whole")
    return list(filter(None, map(events.decode, lines)))


def _files(made: Iterable[Event]) -> Iterator[tuple[Path, str]]:
    """Files that events announce: path below the artifacts, and checksum."""
    for event in made:
        if isinstance(event, events.ArtifactWritten):
            yield Path(event.artifact.path).relative_to(ARTIFACTS), event.artifact.sha256


def _checked(entry: Path, path: Path, sha256: str) -> bytes:
    data = (entry / path).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{path} is not what was kept")
    return data


def keep(name: str, artifacts: Path, made: Iterable[Event]) -> None:
    """Keep the files in `artifacts` that `made` announces, and `made` itself.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    parent = folder()
    parent.mkdir(parents=True, exist_ok=True)
    taken = list(made)
    building = Path(tempfile.mkdtemp(prefix=".", dir=parent))
    try:
        for path, _ in _files(taken):
            (building / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(artifacts / path, building / path)
        lines = b"\n".join(events.encode(event) for event in taken)
        (building / EVENTS).write_bytes(lines + b"\n" + hashlib.sha256(lines).hexdigest().encode())
        try:
            building.rename(parent / name)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # else another was faster, with the same
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _make_room(parent)


def _make_room(parent: Path) -> None:
    entries = sorted((e for e in parent.iterdir() if not e.name.startswith(".")), key=lambda e: -e.stat().st_mtime)
    total = 0
    for entry in entries:
        total += sum(file.stat().st_size for file in entry.rglob("*") if file.is_file())
        if total > MOST_BYTES:
            shutil.rmtree(entry, ignore_errors=True)


def as_cached(made: Iterable[Event]) -> Iterator[Event]:
    """Events of an entry, as the journal of another run is to have them."""
    for event in made:
        if isinstance(event, events.StageFinished):
            yield msgspec.structs.replace(event, seconds=0.0, cached=event.status == "ok")
        elif not isinstance(event, events.StageStarted):
            yield event
