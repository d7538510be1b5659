"""Journals of runs that go on, or did not end well, and of those before them."""

from pathlib import Path

import msgspec

from tests.app import fakes
from tui.run import events
from tui.run.check import Accuracy, Answer
from tui.run.events import Event
from tui.run.figures import Inference

NAME = "20261124-061531-digits-u85-256-dddd"


def yesterday(name: str = "20261123-061531-digits-u85-256-dddd", lower: float = 20.0) -> Path:
    """A good run of a day before that took so long to lower."""
    what: list[Event] = [*fakes.begun(name, fakes.spec_of(), alive=False), *fakes.compiled(), *fakes.booted()]
    what += [*fakes.inferred(), *fakes.checked(), *fakes.finished()]
    found = []
    for event in what:
        if isinstance(event, events.StageFinished) and event.stage == "lower":
            event = msgspec.structs.replace(event, seconds=lower)
        found.append(msgspec.structs.replace(event, t=event.t - 86_400) if event.t else event)
    return fakes.make(name, fakes.spec_of(), found)


def lowering(name: str = NAME, done: int = 34) -> Path:
    """A run that has begun to lower two seconds after its begin."""
    request = fakes.spec_of()
    what = [
        *fakes.begun(name, request),
        *fakes.compiled()[:6],
        events.StageStarted(t=fakes.T0 + 2.1, stage="lower"),
        events.StageProgressed(t=fakes.T0 + 9, stage="lower", what="passes", done=done, total=147),
        *fakes.log(["FuseBatchNormPass: 9 folded", "partition 0: 79 nodes"], source="compile"),
    ]
    return fakes.make(name, request, what)


def inferring(done: int = 214, right: int = 213) -> list[Event]:
    """Inferences that have ended, with the answers they gave."""
    t = fakes.T0 + 9.2
    found: list[Event] = [events.StageProgressed(t=t, stage="infer", what="inferences", done=0, total=360)]
    for index in range(done):
        one = Inference(index=index, npu_cycles=6_163, source="estimated", wall_s=0.015 + 0.03 * (index % 17 == 0))
        answer = Answer(inference=index, label=6, top=((6, 5.91), (8, 0.11), (5, -0.05)))
        accuracy = Accuracy(
            inputs=index + 1,
            float_correct=min(index + 1, right),
            quantized_correct=min(index + 1, right),
            platform_correct=min(index + 1, right),
            agree=index + 1,
        )
        found += [
            events.InferenceFinished(t=t + 0.012 * index, inference=one),
            events.Answered(t=t, answer=answer, accuracy=accuracy),
            events.InferenceStarted(t=t + 0.012 * (index + 1), index=index + 1),
        ]
    return found


def several(name: str = NAME) -> Path:
    request = fakes.spec_of(inferences=360)
    return fakes.make(name, request, [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted(), *inferring()])


def failing(name: str = "20261124-031531-split-u85-128-00aa") -> Path:
    """A run that failed while lowering, with a long log around its only error."""
    request = fakes.spec_of("sample:split")
    reason = "aten.atan2 has a float input that was not quantized; at split.py:31 (quantize the whole model)"
    lines = [*(f"line {n}" for n in range(80)), "ValueError: no such luck", *(f"more {n}" for n in range(80))]
    logged = [
        event
        for text in lines
        for event in fakes.log([text], "error" if text.startswith("ValueError") else "info", "compile")
    ]
    what = [
        *fakes.begun(name, request),
        *fakes.compiled()[:6],
        events.StageStarted(t=fakes.T0 + 2.1, stage="lower"),
        *logged,
        events.StageFinished(
            t=fakes.T0 + 9, stage="lower", status="failed", seconds=5.6, reason=reason, line="split.py:31"
        ),
        *fakes.finished("failed", f"lower: {reason}", exit_status=1),
    ]
    return fakes.make(name, request, what)


def further(name: str = "20261123-061531-split-u85-128-0001") -> Path:
    """A compilation of the same model, a day before, in which that line was on the NPU."""
    request = fakes.spec_of("sample:split")
    found = []
    for event in [*fakes.begun(name, request, alive=False), *fakes.compiled(), *fakes.finished()]:
        if isinstance(event, events.Estimated):
            first, second, *rest = event.operators
            second = msgspec.structs.replace(second, line="split.py:31")
            event = msgspec.structs.replace(event, operators=(first, second, *rest))
        found.append(msgspec.structs.replace(event, t=event.t - 86_400) if event.t else event)
    return fakes.make(name, request, found)
