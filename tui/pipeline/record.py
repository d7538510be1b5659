"""The record of a run process: the journal of its run, and the state of its events."""

import threading
import time
from pathlib import Path

from tui.errors import Exit
from tui.run import events, journal, state, store
from tui.run.events import Event, Stage
from tui.run.spec import Spec
from tui.run.state import State


class Stopped(Exception):
    """The user wants the run to end."""


class Ended(Exception):
    """The run ends here, for a reason that is no fault of the run process."""

    def __init__(
        self, reason: str, exit_status: int = Exit.FAILED, hint: str = "", status: events.RunStatus = "failed"
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.exit_status = exit_status
        self.status = status


class Record:
    """A run under way: its spec, its directory, its journal, and the state of its events."""

    def __init__(self, directory: Path, spec: Spec) -> None:
        self.directory = directory
        self.artifacts = directory / store.ARTIFACTS
        self.spec = spec
        self.state: State = state.EMPTY
        self._stop = False
        self._over = False
        self._journal = journal.Journal(directory / journal.FILE)
        self._lock = threading.Lock()
        # A signal may come while its own thread holds it.
        self._ending = threading.RLock()
        self._begun: dict[Stage, float] = {}

    def ask_to_stop(self) -> bool:
        """Have the run end as stopped; False where it is decided already how it ends."""
        with self._ending:
            self._stop = self._stop or not self._over
            return self._stop

    def stopping(self) -> bool:
        """Return True if the run is to end."""
        return self._stop

    def go_on(self) -> None:
        """Return, unless the run is to end.

        Raises:
            Stopped: it is.
        """
        if self._stop:
            raise Stopped

    def decide(self) -> bool:
        """Rule out any further stop; False where the run is to stop already."""
        with self._ending:
            self._over = True
            return not self._stop

    def emit(self, event: Event) -> None:
        """Write an event and fold it.

        Raises:
            OSError: it cannot be written.
        """
        event = journal.stamped(event)
        with self._lock:
            self._journal.write(event)
            self.state = state.fold(self.state, event)  # type: ignore[arg-type]

    def note(self, text: str) -> None:
        """Note a sentence that belongs to the result."""
        self.emit(events.Noted(text=text))

    def begin(self, stage: Stage) -> None:
        """Announce a stage of the run process's own."""
        self._begun[stage] = time.monotonic()
        self.emit(events.StageStarted(stage=stage))

    def is_in(self, stage: Stage) -> bool:
        """Return True if a stage of the run process's own has begun and has not ended."""
        return stage in self._begun

    def finish(self, stage: Stage, status: events.StageStatus = "ok", reason: str | None = None) -> None:
        """Announce the end of a stage that `begin` announced; without effect where it did not."""
        begun = self._begun.pop(stage, None)
        if begun is not None:
            seconds = time.monotonic() - begun
            self.emit(events.StageFinished(stage=stage, status=status, seconds=seconds, reason=reason))

    def break_off(self, status: events.StageStatus) -> None:
        """Announce the end of the stages that have not come to theirs, the compile worker's among them."""
        for stage in list(self._begun):
            self.finish(stage, status)
        for one in self.state.stages:
            if one.status == "running":
                seconds = max(time.time() - (one.started or time.time()), 0.0)
                self.emit(events.StageFinished(stage=one.name, status=status, seconds=seconds))

    def keep(self, path: Path) -> None:
        """Announce a finished file."""
        self.emit(events.ArtifactWritten(artifact=store.artifact(self.directory, path)))

    def release(self) -> None:
        """Release the disk space that was reserved for the run's last words, which come now."""
        self._journal.release()

    def close(self) -> None:
        """Close the journal, which is whole."""
        self._journal.close()
