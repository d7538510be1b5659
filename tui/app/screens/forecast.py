"""Looking up beside the event loop what Vela expects of a spec."""

import contextlib
import threading
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from tui.app.widgets.background import in_background, tell
from tui.errors import UserError
from tui.run.spec import Spec
from tui.toolchain import vela

if TYPE_CHECKING:
    from tui.analysis.prediction import Expected, Predictor


class Forecast(Message):
    """The estimates for a spec; None for a model that was not lowered yet."""

    def __init__(self, request: Spec, expected: "Expected | None") -> None:
        super().__init__()
        self.request = request
        self.expected = expected


class Forecaster:
    """Tells a listener by `Forecast`. One spec is looked up at a time, and only the newest is of interest."""

    def __init__(self, listener: MessagePump) -> None:
        self._listener = listener
        self._predictor: Predictor | None = None
        self._looking_up = threading.Lock()
        self.asked: Spec | None = None
        """The newest spec; None where none is of interest."""

    def ask(self, request: Spec | None) -> None:
        """Look up this spec, and no other any more."""
        self.asked = request
        if request is not None:
            in_background("expected", lambda: self._look_up(request))

    def close(self) -> None:
        """End looking up."""
        self.asked = None
        if self._predictor is not None:
            self._predictor.close()

    def _look_up(self, request: Spec) -> None:
        with self._looking_up:
            # Whoever holds a key down wants only what he stops at.
            if request == self.asked:
                with contextlib.suppress(UserError, vela.VelaMissing):
                    if self._predictor is None:
                        # Only now: what the first picture does not need, it does not wait for.
                        from tui.analysis.prediction import Predictor

                        self._predictor = Predictor()
                    tell(self._listener, Forecast(request, self._predictor.expect(request)))
