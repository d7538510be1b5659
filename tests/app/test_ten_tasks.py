"""Ten tasks, each as the keys that lead to its answer on the screen: none takes more than it did.

They begin on Setup, or on a finished run that was opened from History. The keys before were counted in the same way on
version 0.1.0 with ribbon and roles of colour, of November 2026.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from textual.pilot import Pilot

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.improvable import THREE, TRANSPOSE
from tests.conftest import Ran, taken_over
from tests.screen import seen
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.table import FigureTable
from tui.run import control, events
from tui.run.delegation import CpuOperator
from tui.run.events import Event
from tui.run.spec import Spec

YESTERDAY = "20261122-021531-digits-u85-256-0001"
TODAY = "20261123-021531-digits-u85-256-7f3a"
PATIENCE_S = 120
WHY = "use amax"


def today() -> Path:
    """A finished run with something to find out about."""
    found: list[Event] = []
    kept = CpuOperator(op="aten.topk", node="topk", reason="not supported", hint="use amax", inputs=(), outputs=())
    for event in [*fakes.begun(TODAY, fakes.spec_of()), *fakes.compiled(), *fakes.booted(), *fakes.inferred()]:
        if isinstance(event, events.Estimated):
            event = msgspec.structs.replace(event, operators=(TRANSPOSE, THREE, *event.operators))
        if isinstance(event, events.DelegationKnown):
            event = msgspec.structs.replace(event, delegation=msgspec.structs.replace(event.delegation, left=(kept,)))
        found.append(event)
    return fakes.make(TODAY, fakes.spec_of(), [*found, *fakes.checked(), *fakes.finished()])


@dataclasses.dataclass(frozen=True)
class Task:
    """Where it begins, its keys, its answer among the words on the screen, and how many keys it took before."""

    begins: Literal["setup", "run", "sweepable"]
    keys: tuple[str, ...]
    answer: str
    before: int
    started: Callable[[Spec], bool] | None = None
    """What is asked of the spec that was started, where the answer is a run."""


TASKS = {
    "run the sample": Task("setup", ("enter",), "digits", 1, lambda spec: spec.model == "sample:digits"),
    "run again with another NPU": Task(
        "run", ("R", "right", "r"), "", 5, lambda spec: spec.target.accelerator == "ethos-u85-512"
    ),
    "find the slowest operator's source line": Task("run", (), "digits.py:36", 0),
    "why is it on the CPU": Task("run", ("2",), WHY, 1),
    "what peaks SRAM": Task("run", ("4",), "features.2", 1),
    "which NPU keeps 1 ms": Task("sweepable", ("w", "t", "1", "enter"), "◆9.05 µs", 4),
    "try the first advice": Task("run", ("a",), "being tried", 11, lambda spec: spec.channels_last),
    "compare with yesterday's": Task("run", ("h", "c"), "4,000", 4),
    "find the error of a failed run": Task("setup", ("h",), "float input that was not quantized", 2),
    "export a report": Task("run", ("x", "enter"), "Written", 2),
}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Spec]:
    found: list[Spec] = []

    def start(request: Spec) -> Path:
        found.append(request)
        name = f"2026122{len(found)}-051531-digits-u85-256-cccc"
        return fakes.make(name, request, fakes.begun(name, request))

    monkeypatch.setattr(control, "start", start)
    monkeypatch.setattr("tui.model.catalogue.resolve", lambda name, _: name)
    return found


def text(app: Any) -> str:
    shown = seen(app)
    return " ".join([*shown.split(), *(str(note.message) for note in app._notifications)])


async def settled(pilot: Pilot[None], until: Until) -> None:
    """Wait for what a person waits for before the next key: a picture that stands still."""
    last = [("", time.monotonic())]

    def still() -> bool:
        now = text(pilot.app)
        if now != last[0][0]:
            last[0] = (now, time.monotonic())
        return time.monotonic() - last[0][1] > 0.2

    await until(pilot, still, PATIENCE_S)


@pytest.mark.parametrize("name", TASKS)
async def test_a_task_takes_no_more_keys_than_before(
    name: str,
    started: list[Spec],
    until: Until,
    ran: Callable[..., Ran],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = TASKS[name]
    monkeypatch.chdir(tmp_path)
    assert len(task.keys) <= task.before
    if task.begins == "sweepable":
        taken_over(ran("sample:digits"), home)
    else:
        fakes.faster(YESTERDAY, 4_000)
    if task.begins == "run":
        today()
    if name == "find the error of a failed run":
        fakes.failed()
    app = FvpApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot, until)
        if task.begins == "run":
            await pilot.press("h")
            await until(
                pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).current
            )
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
            await settled(pilot, until)
        for key in task.keys:
            await pilot.press(key)
            await settled(pilot, until)
        await until(pilot, lambda: task.answer in text(app), PATIENCE_S)
        assert task.started is None or (len(started) == 1 and task.started(started[0]))
