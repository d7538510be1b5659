"""Reading of a campaign beside the event loop: its plan once, its journal as it grows."""

import threading
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from tui.app.widgets.background import in_background, tell
from tui.campaign import result, store
from tui.campaign.result import Result
from tui.errors import UserError

LOOK_S = 0.5
"""Interval between looks at the journal, in seconds."""


class CampaignRead(Message):
    """The present result of a campaign; `problem` says why there is none."""

    def __init__(self, name: str, result: Result | None, problem: str = "") -> None:
        super().__init__()
        self.name = name
        self.result = result
        self.problem = problem


class CampaignReader:
    """Follows a campaign, and tells what is new by `CampaignRead`."""

    def __init__(self, listener: MessagePump, directory: Path) -> None:
        self._listener = listener
        self._directory = directory
        self._left = threading.Event()

    def begin(self) -> None:
        """Begin to read."""
        in_background("campaign", self._read)

    def leave(self) -> None:
        """Read no further."""
        self._left.set()

    def _read(self) -> None:
        name = self._directory.name
        try:
            plan, follower, lived = store.plan(self._directory), store.Follower(self._directory), None
            baseline = result.baseline(plan)
            while not self._left.is_set():
                lives = follower.lives
                # Before anything else the first picture, of a campaign without an event too.
                if follower.poll() or lives != lived:
                    lived = lives
                    found = result.of(name, plan, follower.state, baseline, lives=lives)
                    if not tell(self._listener, CampaignRead(name, found)):
                        return
                self._left.wait(LOOK_S)
        except UserError as error:
            tell(self._listener, CampaignRead(name, None, str(error)))
