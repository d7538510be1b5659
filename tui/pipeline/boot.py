"""A process of the platform: its command line, inputs, outputs and traces, and its events on the record."""

import math
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tui.model import tensors
from tui.pipeline.outputs import Outputs
from tui.pipeline.record import Record
from tui.pipeline.requests import Requests
from tui.platform import command, counts, delivery, pmu_trace, selection, session
from tui.platform.verdict import Failure
from tui.run import events, store
from tui.run.events import Event
from tui.run.figures import Source

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

PMU_TRACE = "pmu_trace.json.gz"
COUNTS = "counts.jsonl"
CONSOLES = "console_{}.log"
"""Consoles of the processes after the first, where there are several side by side."""

PROGRESS_S = 0.5
"""Seconds between two events of progress: viewers draw no faster."""


@dataclass(frozen=True)
class Platform:
    """The platform of a run."""

    choice: selection.Choice
    folder: Path
    """The folder it reads and writes."""
    parameters: frozenset[str] | None
    """Names of its parameters, where it lists them."""

    @property
    def source(self) -> Source:
        """Kind of its PMU figures."""
        return "estimated" if self.choice.kind == "simulator" else "measured"

    @property
    def booted_each(self) -> bool:
        """True if each inference needs a boot: a runner without files cannot be asked for another."""
        return self.choice.runner_kind != "semihosting"


@dataclass(frozen=True)
class Share:
    """Inferences that one process of the platform does."""

    first: int
    inferences: int
    number: int = 0
    """Place among the processes side by side: the log, the trace and all else that is told are of the first one."""
    given_up: threading.Event = field(default_factory=threading.Event)
    """Set once another one has failed."""

    def console(self, record: Record) -> Path:
        """The file that gets what it prints."""
        return record.artifacts / CONSOLES.format(self.number + 1) if self.number else record.directory / store.CONSOLE


def boot(
    record: Record, platform: Platform, requests: Requests, outputs: Outputs, share: Share
) -> events.PlatformExited:
    """Run one process of the platform for its share of the inferences, and return its verdict."""
    console = share.console(record)
    argv = _command_line(record, platform, requests, share)
    request = session.Request(
        argv=argv,
        cwd=platform.folder,
        env=platform.choice.env,
        console=console,
        source=platform.source,
        timeout_s=record.spec.timeout_s,
        fast=command.is_fast(argv, record.spec.target.board),
        first=share.first,
    )
    kind = _Beside if share.number else Boot
    with np.load(record.artifacts / tensors.INPUTS) as samples:
        verdict = session.run(request, kind(record, platform, requests, outputs, request, share, samples))
    if share.number:
        record.keep(console)
    trace = platform.folder / PMU_TRACE
    if trace.exists():
        shutil.move(trace, record.artifacts / PMU_TRACE)
        record.keep(record.artifacts / PMU_TRACE)
    return verdict


def _command_line(record: Record, platform: Platform, requests: Requests, share: Share) -> list[str]:
    spec = record.spec
    traced = (spec.pmu_trace if platform.choice.kind == "fvp" else not spec.fast) and not share.number
    return command.build(
        spec,
        platform.choice,
        platform.folder,
        inputs=len(requests.manifest.inputs),
        output_bytes=sum(info.nbytes for info in requests.manifest.outputs),
        program=command.program_name(spec),
        server=share.inferences > 1 or spec.serve,
        pmu_trace=PMU_TRACE if traced else None,
        counts=COUNTS,
        listed=platform.parameters,
    )


class Boot:
    """The listener of a session: it delivers inputs, takes outputs, and puts events on the record."""

    def __init__(
        self,
        record: Record,
        platform: Platform,
        requests: Requests,
        outputs: Outputs,
        request: session.Listening,
        share: Share,
        samples: "NpzFile",
    ) -> None:
        self._record = record
        self._platform = platform
        self._requests = requests
        self._outputs = outputs
        self._request = request
        self._share = share
        self._samples = samples
        self._console_begin = request.console.stat().st_size if request.console.exists() else 0
        """Offset of this process's part in the console log."""
        self._told = -math.inf
        """Time of the last event of progress."""
        self._counting = -1
        """The inference whose instructions are being counted."""
        plan = record.program().main
        places = pmu_trace.Places(record.state.operators, plan.calls)
        self._traced = pmu_trace.Follower(platform.folder / PMU_TRACE, places, request.source)
        (platform.folder / COUNTS).unlink(missing_ok=True)
        self._counted = counts.Follower(platform.folder / COUNTS, plan, request.first)

    def demand(self) -> session.Demand:
        return self._requests.demand(self._share.inferences)

    def should_stop(self) -> bool:
        return self._record.stopping() or self._share.given_up.is_set()

    def prepare(self, inference: int) -> None:
        arrays = self._requests.inputs(inference)
        if arrays is None:
            manifest = self._requests.manifest
            sample = tensors.sample_of(manifest, inference)
            arrays = [self._samples[f"{sample}_{at}"] for at in range(len(manifest.inputs))]
        kind, folder = self._platform.choice.runner_kind, self._platform.folder
        delivery.put(kind, folder, [array.tobytes() for array in arrays])

    def started(self, pid: int | None) -> None:
        description = selection.describe(self._platform.choice, self._request.argv)
        self._record.emit(events.PlatformStarted(platform=description, pid=pid))

    def event(self, event: Event) -> None:
        # Arm's inference runner says nothing between its boot and its end; the instructions counted tell.
        if isinstance(event, events.InstructionsCounted) and self._counting != event.inference:
            self._counting = event.inference
            self.event(events.InferenceStarted(index=event.inference))
        if isinstance(event, events.InferenceStarted):
            if self._record.is_in("boot"):
                self._record.finish("boot")
                self._record.begin("infer")
            self._tell_progress(len(self._outputs))
        self._record.emit(event)

    def _tell_progress(self, done: int) -> None:
        """Tell the number of inferences that are done, of all, where there are several."""
        total, now = len(self._requests), time.monotonic()
        if total > 1 and now - self._told >= PROGRESS_S:
            self._told = now
            self._record.emit(events.StageProgressed(stage="infer", what="inferences", done=done, total=total))

    def elsewhere(self) -> Sequence[Event]:
        return [*self._traced.events(), *self._counted.events()]

    def collect(self, inference: int) -> Failure | None:
        taken = self._taken()
        if taken.outputs is None:
            return Failure(taken.why, taken.hint)
        self._outputs.take(inference, taken.outputs)
        return None

    def _taken(self) -> delivery.Taken:
        choice = self._platform.choice
        printed = b"" if choice.takes_inputs else self._printed()
        return delivery.take(choice.runner_kind, self._platform.folder, self._requests.manifest.outputs, printed)

    def _printed(self) -> bytes:
        """This process's part of the console log."""
        with self._request.console.open("rb") as file:
            file.seek(self._console_begin)
            return file.read()


class _Beside(Boot):
    """The listener of a process beside the first: of its events only figures and what is amiss go on the record."""

    def started(self, pid: int | None) -> None:
        """Say nothing: the platform is the first one's."""

    def event(self, event: Event) -> None:
        wrong = isinstance(event, events.Logged) and event.level in ("warning", "error")
        if wrong or isinstance(event, events.InferenceFinished | events.Noted):
            self._record.emit(event)

    def elsewhere(self) -> Sequence[Event]:
        return ()
