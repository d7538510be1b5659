"""Bytes that reach the terminal while a run goes on: what has changed, and of a long stage its clock alone."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.app import fakes
from tests.app.going_on import NAME, yesterday
from tests.app.pseudo_terminal import Terminal
from tui.run import events
from tui.run.events import Event

SPEED = 16
"""A stage of two minutes takes eight seconds of the test's."""
FRAMES = 4
PLACE = re.compile(rb"\x1b\[(\d+);\d+H")
MOST_BYTES = {24: 2_500, 40: 4_000}
"""Most bytes of a frame that moves the clock on, by rows of the terminal."""


def two_minutes(home: Path) -> Path:
    """A run that lowered for two minutes, and one before it that told how long that takes."""
    yesterday(lower=125.0)
    request = fakes.spec_of()
    begun = [*fakes.begun(NAME, request, alive=False), *fakes.compiled()[:6]]
    lowered: list[Event] = [
        events.StageStarted(t=fakes.T0 + 2.1, stage="lower"),
        events.StageFinished(t=fakes.T0 + 122.1, stage="lower", status="ok", seconds=120.0),
        *(msgspec.structs.replace(event, t=fakes.T0 + 123) for event in fakes.finished("stopped", "stopped")),
    ]
    return fakes.make(NAME, request, [*begun, *lowered])


def frames(tui: Terminal, count: int) -> list[bytes]:
    """So many frames: what comes, cut where nothing came for a while. The last one may not be whole."""
    found: list[bytes] = []
    limit = last = time.monotonic()
    while len(found) < count:
        before = len(tui.raw)
        assert tui.read() and time.monotonic() - limit < 20
        if new := tui.raw[before:]:
            if time.monotonic() - last > 0.25 or not found:
                found.append(b"")
            found[-1] += new
            last = time.monotonic()
    return found


def settled(tui: Terminal, quiet_s: float = 2.2) -> None:
    """Wait until nothing has come for longer than two ticks of a clock take."""
    last, sent = time.monotonic(), len(tui.raw)
    limit = last + 20
    while time.monotonic() - last < quiet_s:
        assert time.monotonic() < limit, "it never falls silent"
        tui.read()
        if len(tui.raw) != sent:
            last, sent = time.monotonic(), len(tui.raw)


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (40, 120)])
def test_a_stage_of_two_minutes_sends_its_clock_alone(
    rows: int, columns: int, home: Path, terminal: Callable[..., Terminal]
) -> None:
    two_minutes(home)
    tui = terminal("replay", NAME, "--speed", f"{SPEED}", rows=rows, columns=columns, COLORTERM="truecolor")
    # To its last row: on a busy machine a picture may stand half drawn for seconds.
    tui.wait(lambda: all(words in tui.text for words in ("lower", "to go", "following", "Help")))
    # Paused, its clock stands still, and nothing is sent.
    tui.child.send(" ")
    tui.wait(lambda: "PAUSED" in tui.text)
    settled(tui)
    lines = tui.text.splitlines()
    clocks = {at for at, line in enumerate(lines, 1) if "lower" in line or "Stages" in line}
    clocks |= {at - 1 for at, line in enumerate(lines, 1) if "load" in line and "vela" in line}  # the rail's upper row
    begun = time.monotonic()
    tui.child.send(" ")
    sent = frames(tui, FRAMES)
    assert time.monotonic() - begun > FRAMES - 2, "more than one frame a second"
    for frame in sent[1:-1]:  # the first one says that it goes on
        assert len(frame) < MOST_BYTES[rows]
        assert {int(row) for row in PLACE.findall(frame)} - {1} <= clocks, tui.text
