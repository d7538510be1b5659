"""The serial line by itself, on a pseudo-terminal and a clock of the test's own."""

import contextlib
import os
import pty
import tty
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.platform import consoles
from tui.errors import PlatformUnavailable
from tui.platform import board_verdict, serial_port
from tui.platform.serial_line import LineEnd, SerialLine, Terms, beginning
from tui.platform.verdict import End, Evidence
from tui.run.events import Logged
from tui.toolchain import ports

TERMS = Terms(silence_s=20, limit_s=600)


@dataclass
class Desk:
    """Both ends of a line, and the time."""

    master: int
    path: str
    now: float = 0.0
    boards: list[SerialLine] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def say(self, data: bytes) -> None:
        os.write(self.master, data)


@pytest.fixture
def desk() -> Iterator[Desk]:
    master, other = pty.openpty()
    tty.setraw(other)
    path = os.ttyname(other)
    os.close(other)
    yield Desk(master, path)
    with contextlib.suppress(OSError):
        os.close(master)


@contextlib.contextmanager
def line(desk: Desk, terms: Terms = TERMS) -> Iterator[SerialLine]:
    with serial_port.opened(desk.path, 115200) as port:
        yield SerialLine(port, terms, desk.clock)


def heard(one: SerialLine, enough: int) -> bytes:
    """What the line says until that much was read, or it has ended."""
    data = b""
    while len(data) < enough and (more := one.read(10)) is not None:
        data += more
    return data


def test_what_is_said_is_read_as_it_is(desk: Desk) -> None:
    said = bytes(range(256)) * 4
    with line(desk) as one:
        desk.say(said)
        assert heard(one, len(said)) == said
        assert one.end is None


def test_pauses_shorter_than_the_silence_are_no_end(desk: Desk) -> None:
    with line(desk) as one:
        for _ in range(5):
            desk.now += 19
            desk.say(b"going on\r\n")
            assert heard(one, 10) == b"going on\r\n"
        desk.now += 21
        assert one.read(0) == b""
        assert one.read(0) is None
    assert one.end is not None and (one.end.by, one.end.seconds) == ("silence", 20)


def test_a_board_that_never_stops_is_left_at_the_limit(desk: Desk) -> None:
    with line(desk) as one:
        for _ in range(40):
            desk.now += 15
            desk.say(b"again\r\n")
            assert heard(one, 7) == b"again\r\n"
        desk.now += 1
        assert one.read(0) is None
    assert one.end is not None and one.end.by == "limit"


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(
    ("terms", "last", "text"),
    [
        (TERMS, b"I [executorch:a.cpp:1 main()] Program complete, exiting.\r\n", "Program complete, exiting."),
        (TERMS, b"[00:00:01.000,000] <inf> app: EXITTHESIM\n", "EXITTHESIM"),
        (Terms(20, 600, "msh />"), b"msh />", "msh />"),
    ],
)
def test_the_end_is_the_same_however_it_is_cut(terms: Terms, last: bytes, text: str, size: int, desk: Desk) -> None:
    said = b"Inference completed in 30 ms\r\n" + last
    with line(desk, terms) as one:
        got = b""
        for at in range(0, len(said), size):
            desk.say(said[at : at + size])
            got += heard(one, len(said[at : at + size]))
        assert got == said
        desk.say(b"what follows\r\n")
        assert one.read(0) is None
        assert one.readable()
        assert one.after() == b"what follows\r\n"
    assert one.end is not None and (one.end.by, one.end.text, one.end.heard) == ("text", text, len(said))


def test_a_line_that_is_gone_is_unplugged(desk: Desk) -> None:
    with line(desk) as one:
        os.close(desk.master)
        assert one.read(10) is None
        assert one.end is not None and one.end.by == "unplugged"


def test_nothing_stays_open(desk: Desk) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with line(desk) as one:
            desk.say(b"a\n")
            heard(one, 2)
            with pytest.raises(PlatformUnavailable, match="is locked by another program"), line(desk):
                pass
    assert set(Path("/proc/self/fd").iterdir()) == before


# -- ports


def test_a_lock_file_of_a_program_that_lives_is_heeded(tmp_path: Path) -> None:
    (tmp_path / "LCK..ttyACM0").write_text(f"{os.getpid():10}\n")
    (tmp_path / "LCK..ttyACM1").write_text("4194305\n")
    (tmp_path / "LCK..ttyACM2").write_text("no number\n")
    (holder,) = serial_port.lock_holders("/dev/ttyACM0", [tmp_path])
    assert holder.endswith(f"(process {os.getpid()})")
    assert serial_port.lock_holders("/dev/ttyACM1", [tmp_path]) == []
    assert serial_port.lock_holders("/dev/ttyACM2", [tmp_path]) == []


def test_what_is_no_port_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path, said in ((str(file), "is no serial port"), ("/dev/zero", "cannot be opened")):
        with pytest.raises(PlatformUnavailable, match=said), serial_port.opened(path, 115200):
            pass


def test_a_pseudo_terminal_counts_no_errors(desk: Desk) -> None:
    with line(desk) as one:
        assert serial_port.errors(one.fileno()) is None


# -- where a run begins


RUN = consoles.CURRENT.text.replace(b"Profiler report", b"Report")
TAIL = RUN[RUN.index(b"Ethos-U PMU report") :]


@pytest.mark.parametrize("before", [b"", b"noise\xff\r\n", TAIL, TAIL + b"booting\r\n", RUN + TAIL])
def test_a_run_begins_after_what_was_told_before(before: bytes) -> None:
    told = before.rpartition(b"\n")[0] + b"\n" if TAIL[:40] in before else b""
    begin = beginning(before + RUN)
    assert (before + RUN)[begin:].endswith(RUN)
    assert begin <= len(told)
    assert TAIL[:40] not in (before + RUN)[begin : len(before)]


def test_what_has_no_beginning_is_all_the_runs() -> None:
    assert beginning(TAIL) == 0
    assert beginning(b"") == 0


# -- verdicts


def verdict(line_end: LineEnd, text: str = "", **end: object) -> str:
    evidence = Evidence()
    for said in text.splitlines():
        evidence.add(Logged(source="uart", text=said))
    judged = board_verdict.judge_board(evidence, End(**end), line_end)  # type: ignore[arg-type]
    return f"{judged.verdict}: {judged.reason}"


def test_a_test_that_passed_is_as_good_as_an_inference() -> None:
    end = LineEnd("silence", "/dev/ttyX", 115200, seconds=20, heard=900)
    passed = "TEST: BundleIO index[0] Test_result: PASS"
    assert verdict(end, passed).startswith("pass: ")
    assert verdict(end, "TEST: BundleIO index[0] Test_result: FAIL", finished=1).startswith("fail: ")
    assert verdict(end).startswith("fail: the board was silent for 20 s")


def test_errors_of_the_program_come_before_the_loss_of_the_line() -> None:
    end = LineEnd("unplugged", "/dev/ttyX", 115200, heard=900)
    said = verdict(end, "E [executorch:a.cpp:1 b()] Something is wrong", finished=1)
    assert "Something is wrong; then /dev/ttyX was gone" in said


def test_framing_errors_speak_for_another_speed() -> None:
    end = LineEnd(
        "silence",
        "/dev/ttyX",
        9600,
        seconds=20,
        heard=100,
        no_text=60,
        errors=serial_port.Errors(framing=12, overruns=0),
    )
    assert verdict(end).endswith("at 9600 baud is no text: 60 of 100 bytes, and the driver counted 12 framing errors")
    assert any("12 framing errors" in note for note in board_verdict.remarks_on(end))


def test_ports_that_are_plugged_in_are_found_by_their_names(tmp_path: Path) -> None:
    for name in ("ttyUSB1", "ttyACM10", "ttyACM0", "ttyS0", "tty", "null"):
        (tmp_path / name).touch()
    assert [Path(port).name for port in ports.plugged(tmp_path)] == ["ttyACM0", "ttyACM10", "ttyUSB1"]


WORDS = [b"Program complete", b", exiting.\r\n", b"PTE @ 0x7", b"1 inferences finished", b"\n"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"Program complete", b", exiting.\r\n", b"PTE @ 0x7", b"\n"]))
)
def test_nothing_that_is_said_is_lost(parts: list[bytes]) -> None:
    master, other = pty.openpty()
    tty.setraw(other)
    path = os.ttyname(other)
    os.close(other)
    desk, said = Desk(master, path), b"".join(parts)
    with contextlib.closing(os.fdopen(master, "wb", buffering=0)), line(desk) as one:
        got = b""
        for part in parts:
            desk.say(part)
            got += heard(one, len(part))
        desk.now += 30
        got += one.read(0) or b""
        assert got + one.after() == said
        assert one.read(0) is None
        assert one.end is not None and one.end.by in ("text", "silence")
        assert one.end.heard == len(got)
        assert 0 <= beginning(said) <= len(said)
