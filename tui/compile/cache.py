"""The compile cache: artifacts and events of earlier compilations.

The key of an entry covers the exported program - its graph, its weights, where each node came from -, the data it is
calibrated and compared on, the options, and the versions of everything that compiles. So a model is always loaded and
exported: whatever its code reads, and from which folder, shows in the program. Where the model itself lies does not
matter: the lines that reports name are found in its present folder. Every file is verified when an entry is used.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tui import config
from tui.compile.client import fingerprint
from tui.compile.frontend import Exported
from tui.files import write_whole
from tui.model import catalogue
from tui.run import events, journal
from tui.run.events import Event
from tui.run.spec import Spec
from tui.toolchain import boards, toolchains
from tui.toolchain.target import on_board_of

MOST_BYTES = 1 << 30
"""Size beyond which the least recently used entries are removed."""

EVENTS = "events.jsonl"
HOME = "home"
"""File with the folder of the model that an entry was made from; none without a file."""
ARTIFACTS = "artifacts"
ORIGIN = ("stack_trace", "nn_module_stack")
"""Metadata of a node's origin: it determines what reports say, though not the program."""


def folder() -> Path:
    """The folder of all entries."""
    return config.cache_folder() / "compiled"


# -- the key of an entry


def lowered_key(spec: Spec, exported: Exported) -> str | None:
    """Name that a compilation shares with those for NPUs that take the same graphs; None without an NPU."""
    if spec.target.is_cpu:
        return None
    alike = boards.lowered_alike(spec.target.accelerator)
    return key(msgspec.structs.replace(spec, target=on_board_of(alike.npu.default_accelerator)), exported)


def key(spec: Spec, exported: Exported) -> str:
    """Name of the entry for a compilation."""
    digest = hashlib.blake2b(digest_size=20)
    compiler = fingerprint(toolchains.own(), os.environ.get("PYTHONPATH", ""))
    for option in (compiler, spec.target, spec.quantize, spec.channels_last, spec.inferences):
        digest.update(f"{option}\n".encode())
    for piece in _program(exported.program, home_of(spec)):
        digest.update(piece)
    samples = exported.samples
    for inputs in (*exported.calibration, b"|", *samples.inputs):
        for piece in _values(inputs):
            digest.update(piece)
    digest.update(f"{samples.labels} {samples.source} {samples.first}".encode())
    return digest.hexdigest()


def home_of(spec: Spec) -> str:
    """The folder of a model in Python, with a slash at its end; empty where there is none."""
    file = catalogue.source_file(spec.model)
    return f"{file.parent}/" if file is not None and file.parent != file.parent.parent else ""


def _program(program: ExportedProgram, home: str) -> Iterator[bytes]:
    for name, module in program.graph_module.named_modules():
        yield f"module {name}\n".encode()
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            origin = [text.replace(home, "") if home else text for text in (str(node.meta.get(w)) for w in ORIGIN)]
            types = _types(node.meta.get("val"))
            yield f"{node.op} {node.name} {node.target} {node.args} {node.kwargs} {types} {origin}\n".encode()
    yield f"{program.graph_signature} {program.range_constraints} {program.call_spec}\n".encode()
    for name, value in (*program.state_dict.items(), *program.constants.items()):
        yield f"{name} ".encode()
        yield from _values(value)


def _types(value: object) -> list[str]:
    leaves = _pytree.tree_leaves(value)
    return [_type(leaf) if isinstance(leaf, torch.Tensor) else repr(leaf) for leaf in leaves]


def _type(tensor: torch.Tensor) -> str:
    """Type, shape and layout: a model in another layout has the same operators, and is another program."""
    return f"{tensor.dtype}{tuple(tensor.shape)}{tensor.stride()}"


def _values(value: object) -> Iterator[bytes]:
    """The content of a value: types, shapes and elements of its tensors."""
    for leaf in _pytree.tree_leaves(value):
        if isinstance(leaf, torch.Tensor):
            yield f"{_type(leaf)}\n".encode()
            flat = leaf.detach().cpu().contiguous().reshape(-1)
            yield flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        else:
            yield f"{type(leaf).__name__} {leaf!r}\n".encode()


# -- the content of an entry


def restore(name: str, artifacts: Path, home: str) -> list[Event] | None:
    """Copy an entry's files into `artifacts` and return its events; None without an intact entry.

    `home` is the folder of the model, which what the events name lies in.

    Raises:
        OSError: the files cannot be written.
    """
    entry = folder() / name
    try:
        cached = _events(entry, home)
        files = {path: _verified(entry, path, sha256) for path, sha256 in _files(cached)}
    except (OSError, ValueError):
        # Missing, or damaged and so of no further use.
        shutil.rmtree(entry, ignore_errors=True)
        return None
    for path, data in files.items():
        (artifacts / path).parent.mkdir(parents=True, exist_ok=True)
        (artifacts / path).write_bytes(data)
    os.utime(entry)
    return cached


def restore_lowered(name: str, artifacts: Path, home: str) -> list[Event] | None:
    """As `restore`, of the newest compilation with a `lowered_key`."""
    try:
        entry = (_lowered() / name).read_text(encoding="ascii")
    except OSError:
        return None
    return restore(entry, artifacts, home)


def _lowered() -> Path:
    """The folder of the names of entries, by `lowered_key`."""
    return config.cache_folder() / "lowered"


def _events(entry: Path, home: str) -> list[Event]:
    *lines, checksum = (entry / EVENTS).read_bytes().splitlines() or [b""]
    if hashlib.sha256(b"\n".join(lines)).hexdigest().encode() != checksum:
        raise ValueError("the events are damaged")
    before = (entry / HOME).read_text(encoding="utf-8")
    moved = (journal.moved(line, before, home) for line in lines) if before and before != home else lines
    return list(filter(None, map(events.decode, moved)))


def _files(emitted: Iterable[Event]) -> Iterator[tuple[Path, str]]:
    """The files that events announce: path below the artifacts, and checksum."""
    for event in emitted:
        if isinstance(event, events.ArtifactWritten):
            yield Path(event.artifact.path).relative_to(ARTIFACTS), event.artifact.sha256


def _verified(entry: Path, path: Path, sha256: str) -> bytes:
    data = (entry / path).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{path} is damaged")
    return data


def keep(name: str, artifacts: Path, emitted: Sequence[Event], home: str, lowered: str | None = None) -> None:
    """Make an entry of events and of the files in `artifacts` that they announce; `lowered` is its `lowered_key`.

    `home` is the folder of the model.

    Raises:
        OSError: the entry cannot be written; nothing of it is left behind.
    """
    parent = folder()
    parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".", dir=parent))
    try:
        for path, _ in _files(emitted):
            (building / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(artifacts / path, building / path)
        (building / HOME).write_text(home, encoding="utf-8")
        lines = b"\n".join(events.encode(event) for event in emitted)
        (building / EVENTS).write_bytes(lines + b"\n" + hashlib.sha256(lines).hexdigest().encode())
        try:
            building.rename(parent / name)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # else another compilation was first, with the same
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if lowered is not None:
        write_whole(_lowered() / lowered, name.encode())
    _make_room(parent)


def _make_room(parent: Path) -> None:
    entries = sorted((e for e in parent.iterdir() if not e.name.startswith(".")), key=lambda e: -e.stat().st_mtime)
    total = 0
    for entry in entries:
        total += sum(file.stat().st_size for file in entry.rglob("*") if file.is_file())
        if total > MOST_BYTES:
            shutil.rmtree(entry, ignore_errors=True)
    for name in _lowered().glob("*"):
        if not (parent / name.read_text(encoding="ascii")).exists():
            name.unlink()


def as_cached(emitted: Iterable[Event]) -> Iterator[Event]:
    """Events of an entry as they go into the journal of another run: stages are cached, and take no time."""
    for event in emitted:
        if isinstance(event, events.StageFinished):
            yield msgspec.structs.replace(event, seconds=0.0, cached=event.status == "ok")
        elif not isinstance(event, events.StageStarted):
            yield event
