"""Reading beside the event loop of the facts about the model under the cursor."""

import ast
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from tui.app.widgets.background import in_background, tell
from tui.app.widgets.model_card import Sheet
from tui.text import clean

if TYPE_CHECKING:
    from tui.run.index import Row

MANIFEST = "io.json"
INPUT_NAMES = ("ModelInputs", "get_example_inputs")
"""Names by which a model's source has its inputs: ours, and that of ExecuTorch's examples."""
MODEL_FILE = "model.py"
"""The file in the folder of one of ExecuTorch's models that has it."""
MOST = 200
"""Most characters of the source of the inputs."""


class _Tensor(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]


class _Signature(msgspec.Struct):
    """The part of a run's manifest that the card shows."""

    inputs: tuple[_Tensor, ...] = ()
    outputs: tuple[_Tensor, ...] = ()


class Described(Message):
    """Facts about a model."""

    def __init__(self, model: str, sheet: Sheet) -> None:
        super().__init__()
        self.model = model
        self.sheet = sheet


class ModelReader:
    """Tells a listener by `Described`. Only the newest model that was asked for is of interest."""

    def __init__(self, listener: MessagePump) -> None:
        self._listener = listener
        self._reading = threading.Lock()
        self._asked: tuple[str, str, Sheet] = ("", "", Sheet())
        self._known: dict[str, Sheet] = {}
        """Sheets by the name of the run they were read of, or by the file of a model without any."""

    def ask(self, model: str, file: Path, first: Sheet) -> Sheet:
        """Begin to read what is known of a model, unless it was read before; `file` has its source.

        Return what can be shown at once: `first`, its title and runs, if nothing else.
        """
        named = next((row for row in first.runs if row.total_cycles is not None), first.runs[0] if first.runs else None)
        key = str(file) if named is None else f"{named.name} {named.status}"
        self._asked = wanted = (model, key, first)
        if key in self._known:
            return _beside(self._known[key], first)
        in_background("model", lambda: self._read(wanted, file, named))
        return first

    def _read(self, wanted: tuple[str, str, Sheet], file: Path, named: "Row | None") -> None:
        with self._reading:
            # Whoever holds a key down wants only what he stops at.
            if wanted != self._asked:
                return
            model, key, first = wanted
            if key not in self._known:
                self._known[key] = _of_source(file) if named is None else _of_run(named)
            found = self._known[key]
        tell(self._listener, Described(model, _beside(found, first)))


def _beside(found: Sheet, first: Sheet) -> Sheet:
    return replace(found, title=first.title, reason=first.reason, runs=first.runs)


def _of_run(row: "Row") -> Sheet:
    from tui.reports.ribbon import parts
    from tui.run import store

    directory = store.folder() / row.name
    try:
        state = store.load(directory)
    except OSError:
        return Sheet()
    inputs, outputs = _signature(directory / store.ARTIFACTS / MANIFEST)
    estimate = state.estimate
    program = next((a.bytes for a in state.artifacts if a.name in store.PROGRAMS), None)
    return Sheet(
        inputs=inputs,
        outputs=outputs,
        macs=estimate.macs if estimate else None,
        program_bytes=program,
        flash_kib=estimate.flash_kib if estimate else None,
        parts=tuple(parts(state)),
    )


def _signature(path: Path) -> tuple[str, str]:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Signature)
    except (OSError, msgspec.DecodeError):
        return "", ""
    return _tensors(found.inputs), _tensors(found.outputs)


def _tensors(tensors: Sequence[_Tensor]) -> str:
    """``1x3x32x32 float32``, several separated by commas."""
    return clean(", ".join(f"{'x'.join(map(str, t.shape)) or 'scalar'} {t.dtype}" for t in tensors), 200)


def _of_source(file: Path) -> Sheet:
    """Find what the source of a model tells without running it."""
    path = file / MODEL_FILE if file.is_dir() else file
    if not path.name or not path.is_file():
        return Sheet()
    expression = _inputs(path) if path.suffix == ".py" else ""
    return Sheet(source=clean(_short(path), 200), inputs=clean(expression, MOST))


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _inputs(path: Path) -> str:
    """The expression that makes a model's inputs, as its source has it; empty where there is none to show."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        return ""
    for node in ast.walk(tree):
        found: ast.expr | None = None
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in INPUT_NAMES for t in node.targets):
            found = node.value
        elif isinstance(node, ast.FunctionDef) and node.name in INPUT_NAMES:
            last = node.body[-1]
            found = last.value if isinstance(last, ast.Return) else None
        if found is not None:
            return " ".join((ast.get_source_segment(text, found) or "").split())
    return ""
