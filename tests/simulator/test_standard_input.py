"""A server waits for lines, and for signals."""

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.simulator.standard_input import lines


class Ended(Exception):
    """A signal came."""


def _ended(_number: int, _frame: FrameType | None) -> None:
    raise Ended


@pytest.fixture
def ends() -> Iterator[None]:
    before = signal.signal(signal.SIGUSR1, _ended)
    yield
    signal.signal(signal.SIGUSR1, before)


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=8))
def test_lines_are_whole_however_they_come(pieces: list[bytes]) -> None:
    reading, writing = os.pipe()

    def write() -> None:
        for piece in pieces:
            os.write(writing, piece)
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    found = list(lines(reading))
    writer.join()
    os.close(reading)
    whole = b"".join(pieces).split(b"\n")
    assert found == (whole if whole[-1] else whole[:-1])


def test_a_signal_that_does_not_interrupt_the_wait_ends_it(ends: None) -> None:
    """As one that comes just before the wait: its handler is called by Python, when that is awake."""
    reading, writing = os.pipe()
    coming, about_to_wait = lines(reading), threading.Event()
    os.write(writing, b"go\n")
    assert next(coming) == b"go"

    def send() -> None:
        about_to_wait.wait()
        # This thread gets it, and runs again when the other waits: nothing there is interrupted.
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    sender = threading.Thread(target=send)
    # Should the wait go on, this ends it, and the test fails.
    giving_up = threading.Timer(10, os.write, [writing, b"too late\n"])
    sender.start()
    giving_up.start()
    with pytest.raises(Ended):
        about_to_wait.set()
        next(coming)
    assert giving_up.is_alive()
    giving_up.cancel()
    sender.join()
    os.close(reading)
    os.close(writing)
