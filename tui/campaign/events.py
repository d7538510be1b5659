"""The events of a campaign, and the state that they fold into: what is known of each cell.

The events lie in ``events.jsonl`` of the campaign's folder, one JSON object a line, as those of a run do.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from tui.campaign.cells import Figures
from tui.run.events import Event
from tui.run.figures import Figure

Outcome = Literal["ok", "limit", "failed", "lost", "unavailable", "cancelled"]
"""End of a cell. One that is lost - its worker died - is tried again; one that failed is not."""

Status = Literal["waiting", "running"] | Outcome

END: tuple[Outcome, ...] = ("ok", "limit", "failed", "unavailable")
"""Outcomes that stay: a campaign that goes on does not take them up again."""


class CampaignStarted(Event, frozen=True):
    """Its process has begun, for the first time or again; `pid` and `pid_created` (Unix time) name it."""

    pid: int
    pid_created: float
    host: str
    workers: int


class CampaignWaits(Event, frozen=True):
    """Nothing can be begun for now: `reason` says what it waits for."""

    reason: str


class CellStarted(Event, frozen=True):
    """A cell is under way, in a run of its own or, of a mere estimate, on the graphs of another's."""

    key: str
    run: str | None = None
    attempt: int = 1
    worker: str | None = None
    """The worker of a cluster; None on this machine."""


class CellFinished(Event, frozen=True):
    """A cell has its outcome; `reused` if an earlier campaign or run had done the same."""

    key: str
    outcome: Outcome
    run: str | None = None
    reason: str | None = None
    seconds: float | None = None
    reused: bool = False
    figures: Figures = Figures()


class CampaignFinished(Event, frozen=True):
    """All cells have an outcome, or the user has stopped it."""

    status: Literal["ok", "stopped"]
    seconds: float


AnyEvent = CampaignStarted | CampaignWaits | CellStarted | CellFinished | CampaignFinished

_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def decode(lines: Iterable[bytes]) -> list[AnyEvent]:
    """The events of lines; one that is damaged, or of a later version, is passed over."""
    found = []
    for line in lines:
        try:
            found.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return found


class CellState(Figure, frozen=True):
    """A cell, as far as it is known."""

    status: Status = "waiting"
    run: str | None = None
    worker: str | None = None
    """The worker of a cluster; None on this machine."""
    attempt: int = 0
    begun: float | None = None
    """Unix time."""
    seconds: float | None = None
    reused: bool = False
    reason: str | None = None
    figures: Figures = Figures()


class State(Figure, frozen=True, kw_only=True):
    """A campaign, as far as it is known; `cells` by key, those that wait left out."""

    status: Literal["running", "ok", "stopped"] = "running"
    begun: float | None = None
    """Unix time of its first process."""
    seconds: float | None = None
    workers: int = 0
    cells: Mapping[str, CellState] = {}

    def of(self, key: str) -> CellState:
        """The state of a cell."""
        return self.cells.get(key, CellState())


EMPTY = State()


def fold(state: State, events: Sequence[AnyEvent]) -> State:
    """The state after further events."""
    cells = dict(state.cells)
    changes: dict[str, Any] = {}
    for event in events:
        match event:
            case CampaignStarted():
                changes |= {"status": "running", "seconds": None, "workers": event.workers}
                changes.setdefault("begun", state.begun or event.t or None)
            case CellStarted():
                cells[event.key] = CellState(
                    status="running",
                    run=event.run,
                    worker=event.worker,
                    attempt=event.attempt,
                    begun=event.t or None,
                )
            case CellFinished():
                before = cells.get(event.key, CellState())
                cells[event.key] = CellState(
                    status=event.outcome,
                    run=event.run or before.run,
                    worker=before.worker,
                    attempt=max(before.attempt, 1),
                    begun=before.begun,
                    seconds=event.seconds,
                    reused=event.reused,
                    reason=event.reason,
                    figures=event.figures,
                )
            case CampaignFinished():
                changes |= {"status": event.status, "seconds": event.seconds}
    return msgspec.structs.replace(state, cells=cells, **changes)
