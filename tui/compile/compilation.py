"""One compilation as the run process sees it: events, artifacts, and the beginning and end of stages."""

import contextlib
import platform
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from tui import __version__, files
from tui.compile.diagnostics import failures, kv_caches
from tui.errors import Exit, UserError
from tui.model import catalogue
from tui.run import events, store
from tui.run.events import Event, Stage
from tui.run.figures import Versions
from tui.run.spec import Spec

if TYPE_CHECKING:
    from torch.export import ExportedProgram

FAILURE = "failure.txt"


class StageFailed(Exception):
    """A stage failed, and an event has said so."""

    def __init__(self, status: Exit) -> None:
        super().__init__(status)
        self.status = status


class Compilation:
    """The spec that is compiled, the folder its files go to, and the stream its events go to."""

    def __init__(
        self, directory: Path, spec: Spec, out: BinaryIO, *, ones: bool = False, waited_s: float = 0.0
    ) -> None:
        """With `ones` the samples are ones; `waited_s` is the time that a worker took to load before it began."""
        self.directory = directory
        self.artifacts = directory / store.ARTIFACTS
        self.spec = spec
        self.ones = ones
        self.emitted: list[Event] = []
        """All events but progress, which is of no use to another run."""
        self.program: ExportedProgram | None = None
        """The exported program, examined for what ExecuTorch is known to fail on when a stage fails."""
        self._seconds: dict[Stage, float] = {"load": waited_s}
        self._out = out

    def emit(self, event: Event) -> None:
        """Send an event to the run process."""
        event = msgspec.structs.replace(event, t=time.time())
        if not isinstance(event, events.StageProgressed):
            self.emitted.append(event)
        self._out.write(events.encode(event) + b"\n")

    def note(self, text: str) -> None:
        """Add a sentence to the state's notes."""
        self.emit(events.Noted(text=text))

    def warn(self, text: str) -> None:
        """Add a sentence to the state's notes, and to the log as a warning."""
        self.emit(events.Logged(source="compile", text=text, level="warning"))
        self.note(text)

    def keep(self, path: Path) -> None:
        """Announce a finished file."""
        self.emit(events.ArtifactWritten(artifact=store.artifact(self.directory, path)))

    @contextlib.contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Announce and time the stage that a block is; explain its failure."""
        begun = time.monotonic() - self._seconds.get(name, 0.0)
        self.emit(events.StageStarted(stage=name))
        try:
            yield
        except Exception as error:
            raise self.failed(name, error, time.monotonic() - begun) from error
        self.finish(name, time.monotonic() - begun)

    def finish(self, name: Stage, seconds: float) -> None:
        """Announce that a stage succeeded."""
        self._seconds[name] = seconds
        self.emit(events.StageFinished(stage=name, status="ok", seconds=seconds))

    def extend(self, name: Stage, seconds: float) -> None:
        """Add to the time of a stage that is over."""
        self.finish(name, self._seconds[name] + seconds)

    def skip(self, name: Stage) -> None:
        """Announce that a stage has nothing to do."""
        self.emit(events.StageFinished(stage=name, status="skipped", seconds=0.0))

    def failed(self, name: Stage, error: Exception, seconds: float) -> StageFailed:
        """Announce that a stage failed, and write why into the log and an artifact."""
        if full := files.no_room(error, self.directory):
            # Not the model's fault, and there is no room for an artifact.
            self.emit(events.StageFinished(stage=name, status="failed", seconds=seconds, reason=full))
            return StageFailed(Exit.FAILED)
        examined = self.program is not None and name in ("quantize", "lower")
        if examined and (sentence := kv_caches.suspect(self.program)) is not None:
            error.__notes__ = [*getattr(error, "__notes__", ()), sentence]  # `add_note` is not part of Python 3.10
        path = self.artifacts / FAILURE
        path.write_text(failures.full_text(error), encoding="utf-8", errors="replace")
        self.keep(path)
        for level, text in failures.lines(error):
            self.emit(events.Logged(source="compile", text=text, level=level))
        file = catalogue.source_file(self.spec.model)
        reason, line = failures.describe(error, name, file), failures.where(error, file)
        self.emit(events.StageFinished(stage=name, status="failed", seconds=seconds, reason=reason, line=line))
        return StageFailed(error.exit if isinstance(error, UserError) else Exit.FAILED)


def versions() -> Versions:
    """Versions of everything that determines the compiled program, from package metadata."""

    def version(package: str) -> str | None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    return Versions(
        fvp_tui=__version__,
        python=platform.python_version(),
        torch=version("torch"),
        executorch=version("executorch"),
        vela=version("ethos-u-vela"),
    )
