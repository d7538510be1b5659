"""The folders of campaigns, each with its plan and its journal; and the runs that belong to cells.

A run's folder says which cell of which campaign it is for. So a campaign that was killed finds its runs again, even
one that it had no time to write down, and a later campaign finds what was done for the same content.
"""

import contextlib
import re
import secrets
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from tui import config, files, processes
from tui.campaign import events
from tui.campaign.events import END, CellFinished, State
from tui.campaign.plan import Plan
from tui.errors import UsageError
from tui.run import belonging, journal, names
from tui.run import store as runs
from tui.run.belonging import CAMPAIGNS, Belonging

PLAN = "plan.json"
LOG = "process.log"
"""Output of the campaign's process itself."""


def folder() -> Path:
    """Folder of all campaigns."""
    return config.home() / CAMPAIGNS


def create(plan: Plan) -> Path:
    """Make the folder of a new campaign, with its plan.

    Raises:
        UsageError: the data folder cannot be written.
    """
    word = re.sub(r"[^a-z0-9]+", "_", plan.name.lower()).strip("_")[:24] or "campaign"
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    try:
        folder().mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=runs.NEW, dir=folder()))
        (made / PLAN).write_bytes(msgspec.json.encode(plan))
        return made.rename(folder() / f"{stamp}-{word}-{secrets.token_hex(2)}")
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder()}: {error.strerror}", "set FVP_TUI_HOME to a folder of yours"
        ) from error


def ids() -> list[str]:
    """All campaigns, newest first."""
    try:
        found = [place.name for place in folder().iterdir() if not place.name.startswith(".")]
    except OSError:
        return []
    return sorted(found, reverse=True)


def resolve(name: str) -> Path:
    """The folder of a campaign: an id, its unique beginning or last part, ``last`` or ``last~N``.

    Raises:
        UsageError: no campaign, or more than one, answers to it.
    """
    return folder() / names.resolve(name, ids(), "campaign", "fvp-tui campaign --list")


def plan(directory: Path) -> Plan:
    """The plan of a campaign.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return msgspec.json.decode((directory / PLAN).read_bytes(), type=Plan)
    except OSError as error:
        raise UsageError(f"{directory.name} has no plan: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"the plan of {directory.name} is damaged: {error}") from error


class Follower:
    """The reading end of a campaign's journal."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._follower = journal.Follower(directory / journal.FILE)
        self.state = events.EMPTY

    def poll(self) -> list[events.AnyEvent]:
        """Events since the last poll, folded into `state`."""
        found: list[events.AnyEvent] = []
        while True:
            _, lines = self._follower.lines()
            found += events.decode(lines)
            if not self._follower.behind():
                break
        if found:
            self.state = events.fold(self.state, found)
        return found

    @property
    def lives(self) -> bool:
        """True if the campaign's process is there, or about to be."""
        return lives(self._directory)


def lives(directory: Path) -> bool:
    """True if a campaign's process is there: it holds the lock of its plan."""
    return processes.locked(directory / PLAN) is True


def load(directory: Path) -> State:
    """The present state of a campaign."""
    follower = Follower(directory)
    follower.poll()
    return follower.state


def last_words(directory: Path) -> str | None:
    """The last line that a campaign's process printed, which it only does when something is wrong with it."""
    return files.last_line(directory / LOG)


def unfinished(wanted: Plan) -> Path | None:
    """The newest campaign with the same plan that is under way, or was broken off; None where there is none.

    One whose cells were lost with a worker or a scheduler is broken off, too.
    """
    written = msgspec.json.encode(wanted)
    for name in ids():
        directory = folder() / name
        with contextlib.suppress(OSError):
            if (directory / PLAN).read_bytes() != written:
                continue
            state = load(directory)
            if state.status != "ok" or any(state.of(cell.key).status not in END for cell in wanted.cells):
                return directory
    return None


# -- runs that belong to cells


def cells() -> Iterator[tuple[Path, Belonging]]:
    """Runs that are for a cell, newest first."""
    for name in runs.ids():
        directory = runs.folder() / name
        if (found := belonging.of(directory)) is not None:
            yield directory, found


LOOK_BACK = 50
"""Campaigns whose estimates are taken over, the newest."""


def estimates(keys: set[str], but: Path) -> dict[str, CellFinished]:
    """The newest estimates of other campaigns for cells with these keys: those without a run of their own."""
    found: dict[str, CellFinished] = {}
    for name in ids()[:LOOK_BACK]:
        if name == but.name:
            continue
        for event in Follower(folder() / name).poll():
            # A run of its own is found among the runs, where it may have been deleted.
            if isinstance(event, CellFinished) and event.key in keys and event.figures.by == "vela":
                found.setdefault(event.key, event)
    return {key: event for key, event in found.items() if event.run and (runs.folder() / event.run).is_dir()}
