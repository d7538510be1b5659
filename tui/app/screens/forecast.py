"""Looking up beside the event loop what Vela expects of a spec, on each size of the NPU."""

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from textual.message import Message
from textual.message_pump import MessagePump

from tui.app.widgets.background import in_background, tell
from tui.app.widgets.mac_picker import NOTHING, Prospect
from tui.errors import UserError
from tui.run.spec import Spec, lowering_of, quantization
from tui.toolchain import vela

if TYPE_CHECKING:
    from tui.analysis.prediction import Expected, Predictor
    from tui.run.index import Row


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
        self._asked: Spec | None = None
        """The newest spec; None where none is of interest."""
        self._answer: Forecast | None = None

    def ask(self, request: Spec | None) -> None:
        """Look up what decides the estimates of this spec, and no other any more."""
        wanted = None if request is None else msgspec.structs.replace(lowering_of(request), target=request.target)
        if wanted != self._asked:
            self._asked = wanted
            if wanted is not None:
                in_background("expected", lambda: self._look_up(wanted))

    def forget(self) -> None:
        """Look up again what is asked for next: a run may have lowered the model."""
        self._asked = None

    def prospect(self, request: Spec, rows: "Sequence[Row]") -> Prospect:
        """The newest answer for a spec's model; until it comes, and where there is none, what earlier runs tell.

        For another memory mode it is out of date for a moment.
        """
        answer = self._answer
        if answer is None or answer.expected is None or lowering_of(answer.request) != lowering_of(request):
            return of_runs(rows, request)
        return _estimates(answer.expected)

    def close(self) -> None:
        """End looking up."""
        self._asked = None
        if self._predictor is not None:
            self._predictor.close()

    def _look_up(self, request: Spec) -> None:
        with self._looking_up:
            # Whoever holds a key down wants only what he stops at.
            if request == self._asked:
                with contextlib.suppress(UserError, vela.VelaMissing):
                    if self._predictor is None:
                        # Only now: what the first picture does not need, it does not wait for.
                        from tui.analysis.prediction import Predictor

                        self._predictor = Predictor()
                    self._answer = Forecast(request, self._predictor.expect(request))
                    tell(self._listener, Forecast(request, self._answer.expected))


def _estimates(expected: "Expected") -> Prospect:
    """Vela's estimates as the picker shows them."""
    found = {name: e for name, e in expected.estimates.items() if not isinstance(e, str)}
    lowered = expected.lowered
    edited = ", before the last edit" if lowered.edited else ""
    at = time.strftime("%H:%M", time.localtime(lowered.at))
    return Prospect(
        ms={name: e.inference_ms for name, e in found.items() if e.inference_ms is not None},
        sram_kib={name: e.sram_kib for name, e in found.items() if e.sram_kib is not None},
        refused={name: e for name, e in expected.estimates.items() if isinstance(e, str)},
        source=f"by Vela, lowered {at}{edited}",
        brief=f"by Vela, {at}{', edited since' if edited else ''}",
    )


def of_runs(rows: "Sequence[Row]", request: Spec) -> Prospect:
    """Gather what earlier runs of a spec's model tell, on whatever size they ran; `rows` begin with the newest."""
    target = request.target
    same = [
        row
        for row in reversed(rows)
        if (row.model, row.quantize, row.channels_last) == (request.model, quantization(request), request.channels_last)
        and (row.memory_mode, row.system_config) == (target.memory_mode, target.system_config)
        and row.inference_ms is not None
    ]
    if not same:
        return NOTHING
    known = {row.accelerator: row.inference_ms for row in same if row.accelerator and row.inference_ms is not None}
    return Prospect(ms=known, source="by Vela, in earlier runs", brief="by Vela, before")
