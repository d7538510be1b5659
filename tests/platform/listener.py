"""A caller of the session that asks for one inference, and does nothing."""

from collections.abc import Sequence

from tui.platform.session import Demand
from tui.platform.verdict import Failure
from tui.run.events import Event


class Idle:
    def demand(self) -> Demand:
        return Demand(1)

    def should_stop(self) -> bool:
        return False

    def prepare(self, inference: int) -> None:
        pass

    def started(self, pid: int) -> None:
        pass

    def event(self, event: Event) -> None:
        pass

    def elsewhere(self) -> Sequence[Event]:
        return ()

    def collect(self, inference: int) -> Failure | None:
        return None
