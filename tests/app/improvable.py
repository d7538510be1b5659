"""A run with something to improve, and how one ends in which it was tried."""

from collections.abc import Iterator

import msgspec

from tests.app import fakes
from tui.run import events
from tui.run.events import Event
from tui.run.figures import Operator

NAME = "20261123-021531-net-u85-256-7f3a"
TRIAL = "20261224-010101-net-u85-256-0001"

TRANSPOSE = Operator(
    name="features.0",
    op="Transpose",
    npu_cycles=400,
    total_cycles=400,
    ifm_shape=(1, 3, 32, 32),
    ofm_shape=(1, 32, 32, 3),
    line="digits.py:30",
)
THREE = Operator(
    name="features.1",
    op="Conv2D",
    npu_cycles=300,
    total_cycles=300,
    bound="MAC",
    ifm_shape=(1, 32, 32, 3),
    utilization=0.25,
    line="digits.py:31",
)


def improvable() -> list[Event]:
    """The events of a run whose input is transposed, and whose first convolution has three channels."""
    found: list[Event] = []
    for event in [*fakes.begun(NAME, fakes.spec_of()), *fakes.compiled(), *fakes.booted(), *fakes.inferred()]:
        if isinstance(event, events.Estimated):
            event = msgspec.structs.replace(event, operators=(TRANSPOSE, THREE, *event.operators))
        found.append(event)
    return [*found, *fakes.checked(), *fakes.finished()]


def ended(cycles: int, status: str = "match") -> Iterator[Event]:
    """The rest of a run's events, with an estimate of so many cycles."""
    for event in [*fakes.compiled(), *fakes.booted(), *fakes.inferred(), *fakes.checked(status), *fakes.finished()]:
        if isinstance(event, events.Estimated):
            estimate = msgspec.structs.replace(event.estimate, total_cycles=cycles)
            event = msgspec.structs.replace(event, estimate=estimate)
        yield event
