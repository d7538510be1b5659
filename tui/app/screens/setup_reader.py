"""Readings beside the event loop for the Setup screen: models, runs, and what is installed."""

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from tui.app import known_models
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.installed import Platforms, RunUnderWay
from tui.errors import UserError
from tui.model import catalogue
from tui.model.catalogue import ModelInfo
from tui.toolchain import toolchains

if TYPE_CHECKING:
    from tui.run.index import Row
    from tui.run.state import State
    from tui.run.store import Live

RECENT_RUNS = 2_000
"""Runs whose figures are shown, the newest."""
NEWEST = 8
"""Runs that may be under way at once, the newest."""


class Listed(Message):
    """All models that have a name; `problem` says why a toolchain cannot be asked for its own."""

    def __init__(self, models: list[ModelInfo], problem: str = "") -> None:
        super().__init__()
        self.models = models
        self.problem = problem


class RunsKnown(Message):
    """The newest runs, newest first."""

    def __init__(self, rows: "Sequence[Row]") -> None:
        super().__init__()
        self.rows = rows


class Installed(Message):
    """The platforms that are there."""

    def __init__(self, platforms: Platforms) -> None:
        super().__init__()
        self.platforms = platforms


class GoingOn(Message):
    """The newest run that is under way, or None."""

    def __init__(self, run: RunUnderWay | None) -> None:
        super().__init__()
        self.run = run


class Counted(Message):
    """Number of samples in a data set."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples = samples


def count_samples(listener: MessagePump, data_set: str) -> None:
    """Begin to count the samples of a data set."""

    def count() -> None:
        # Only now: with it comes numpy.
        from tui.model import datasets

        with contextlib.suppress(UserError):  # said where it is run
            tell(listener, Counted(len(datasets.items(Path(data_set)))))

    in_background("count", count)


def read_all(listener: MessagePump, toolchain: str | None) -> None:
    """Begin to read the models that a toolchain compiles, runs, and what is installed."""
    read_toolchain(listener, toolchain)
    read_installed(listener)
    read_runs(listener)


def read_toolchain(listener: MessagePump, toolchain: str | None) -> None:
    """Begin to look for all models that a toolchain has or can compile, and to load its compiler for the first run."""

    def read() -> None:
        try:
            models = catalogue.models(toolchains.of(toolchain))
        except UserError as error:
            tell(listener, Listed(catalogue.samples(toolchains.own()), str(error)))
            return
        tell(listener, Listed(models))
        known_models.keep(models, toolchain)
        if not listener.app.is_headless:  # where nobody waits, nothing is got ready
            from tui.compile import client

            # What is wrong with it is said by the run that needs it.
            with contextlib.suppress(UserError, OSError):
                client.warm(toolchains.of(toolchain))

    in_background("models", read)


def compiles() -> bool:
    """True unless it is known that the user's toolchain has no compiler; nothing is started to find out."""
    try:
        known = toolchains.known(toolchains.default())
    except UserError:
        return True  # what is wrong is said by the run that needs it
    return known is None or not known.lacks


def read_runs(listener: MessagePump) -> None:
    """Begin to read the figures of the newest runs."""

    def read() -> None:
        # Only now, and in the functions below: what the first picture does not need, it does not wait for.
        from tui.run import index

        tell(listener, RunsKnown(list(index.history(RECENT_RUNS))))

    in_background("runs", read)


def read_installed(listener: MessagePump) -> None:
    """Begin to ask what is installed."""

    def ask() -> None:
        tell(listener, _installed())

    in_background("installed", ask)


def _installed() -> Installed:
    from tui.platform import discovery
    from tui.toolchain import qemu

    fvp: str | None = None
    runs = False
    try:
        found = discovery.find_fvp(None)
        if found is not None:
            fvp = discovery.probe(found.path, discovery.fvp_environment(found.path, os.environ)) or ""
            runs = discovery.find_runner(None) is not None
    except UserError:
        fvp = None  # one that does not start is as good as none here; a run says why
    emulator: str | None = None
    program = qemu.find()
    if program is not None:
        try:
            emulator = qemu.version(program)
        except qemu.QemuError:
            emulator = None
    return Installed(Platforms(fvp, emulator, runs))


class Watch:
    """Looks for a run that is under way, at most once a second; tells by `GoingOn` when something has changed."""

    def __init__(self, listener: MessagePump) -> None:
        self._listener = listener
        self._looking = threading.Lock()
        self._written: int | None = None
        """When the folder of runs was written last, in ns."""
        self._live: dict[str, Live] = {}
        self._over: set[str] = set()
        self._told: RunUnderWay | None = None

    def look(self) -> None:
        """Begin to look, if there can be anything new."""
        from tui.run import store

        try:
            written = store.folder().stat().st_mtime_ns
        except OSError:
            return  # there was no run yet
        if self._live or written != self._written:
            in_background("running", lambda: self._look(written))

    def _look(self, written: int) -> None:
        if not self._looking.acquire(blocking=False):
            return  # the last look takes long
        try:
            from tui.run import derived

            if written != self._written:
                # What is written while the runs are listed is seen the next time.
                self._written = written
                self._find_new()
            newest: tuple[str, State] | None = None
            for name in sorted(self._live, reverse=True):
                try:
                    state = self._live[name].state()
                except OSError:
                    state = None
                if state is None or state.run.status != "running":
                    del self._live[name]
                    self._over.add(name)
                elif newest is None:
                    newest = (name, state)
            if newest is None:
                self._tell(None)
            else:
                name, state = newest
                model = state.spec.model if state.spec else ""
                self._tell(RunUnderWay(name, model, derived.now_doing(state), state.run.created))
        finally:
            self._looking.release()

    def _find_new(self) -> None:
        from tui.run import store

        for name in store.ids()[:NEWEST]:
            if name in self._live or name in self._over:
                continue
            directory = store.folder() / name
            if store.load(directory).run.status == "running":
                self._live[name] = store.Live(directory)
            else:
                self._over.add(name)

    def _tell(self, run: RunUnderWay | None) -> None:
        if run != self._told:
            self._told = run
            tell(self._listener, GoingOn(run))
