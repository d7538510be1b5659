"""A .pte may come from anywhere: whatever its bytes, it runs, is refused in one line, or can be stopped."""

import os
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import numpy as np
import pytest
import torch  # noqa: F401 - kernels load it when they need it: a program stopped meanwhile would leave half of it
from ethosu import mlw_codec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Ran
from tests.simulator import programs
from tests.simulator.damage import Mutation, flipped, flipped_outside_the_delegates, spliced, spoilt, truncated
from tests.simulator.programs import Part
from tui.model import pte
from tui.simulator import interpreter, npu
from tui.simulator.delegate import DelegateError, EthosU
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.stream import Stream
from tui.simulator.ethosu.swd import Decoder
from tui.simulator.ethosu85.registers import COMMANDS
from tui.simulator.interpreter import ExecutionError, LoadError, Method

RanModel = Callable[..., Ran]

PATIENCE = 2.0
"""Seconds for one damaged program: after that it is stopped as ``--timelimit`` stops it."""

MEMORY = 1 << 30
"""Bytes that all damaged programs together may add to what this process takes."""


class OutOfTime(Exception):
    """A program was stopped."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise OutOfTime


@contextmanager
def patience() -> Iterator[None]:
    """Ends the block with `OutOfTime`, as the simulator's own time limit does."""
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(data: bytes) -> str:
    """How a program ends; any exception that is not the simulator's own is the test's failure."""
    try:
        with patience():
            Method(pte.parse(data)).execute()
    except (pte.PteError, LoadError, ExecutionError, OutOfTime) as error:
        assert len(str(error).splitlines()) <= 1
        return type(error).__name__
    return "ok"


@contextmanager
def bounded_memory() -> Iterator[None]:
    """The block must not make this process much larger than it is."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < MEMORY


@pytest.fixture(scope="module")
def sound(ran: RanModel) -> bytes:
    return (ran("sample:digits").artifacts / "model.pte").read_bytes()


@pytest.fixture(scope="module", params=["ethos-u85-256", "ethos-u55-128", "ethos-u65-512"])
def part(request: pytest.FixtureRequest, ran: RanModel) -> Part:
    if request.param == "ethos-u85-256":
        (part,) = programs.parts_of_run(ran("sample:digits").artifacts)
    else:
        (part,) = programs.parts_of_fixture("conv", request.param)
    return part


@pytest.fixture(autouse=True)
def no_long_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "INSTRUCTION_LIMIT", 1000)


@pytest.mark.parametrize(
    ("mutate", "count"),
    [(flipped, 150), (truncated, 100), (spliced, 150), (flipped_outside_the_delegates, 300)],
)
def test_a_damaged_program_never_breaks_the_simulator(mutate: Mutation, count: int, sound: bytes) -> None:
    random = np.random.default_rng(11)
    with bounded_memory():
        ends = Counter(outcome(mutate(random, sound)) for _ in range(count))
    assert sum(n for end, n in ends.items() if end not in ("ok", "OutOfTime")) > count / 20
    assert ends["OutOfTime"] <= 3


GUARD = 4096
CANARY = 0xA5


def guarded(part: Part, stream: Stream, weights: bytes, size: int) -> str:
    """Run a stream on memory with guards around it; how it ends."""
    arrays = [np.full(n + 2 * GUARD, CANARY, np.uint8) for n in (size, 1 << 16)]
    scratch, fast = (array[GUARD:-GUARD] for array in arrays)
    scratch[:] = np.random.default_rng(5).integers(0, 256, size, np.uint8)
    before = bytes(weights)
    end = "ok"
    try:
        with patience():
            npu.load(stream, weights).run(scratch, fast)
    except (CommandStreamError, OutOfTime) as error:
        end = type(error).__name__
    for array in arrays:
        assert (array[:GUARD] == CANARY).all()
        assert (array[-GUARD:] == CANARY).all()
    assert weights == before
    return end


@pytest.mark.parametrize("seed", range(2))
def test_a_damaged_stream_stays_in_its_memory(seed: int, part: Part) -> None:
    random = np.random.default_rng(seed)
    engine = part.load()
    blob = bytes(part.delegate.data)
    with bounded_memory():
        ends: Counter[str] = Counter()
        for _ in range(150):
            words = spoilt(random, engine.stream.words)
            changed = replace(engine.stream, words=words)
            # All of the blob as constants: damaged weights, too.
            ends[guarded(part, changed, blob, engine.scratch_bytes)] += 1
    assert ends["CommandStreamError"] > 30
    assert ends["OutOfTime"] <= 3


MOST = 0xFFFF


@pytest.mark.parametrize(
    "values",
    [
        {"OFM_HEIGHT_M1": MOST, "OFM_WIDTH_M1": MOST},
        {"OFM_HEIGHT_M1": MOST, "OFM_WIDTH_M1": MOST, "OFM_STRIDE_X": 0, "OFM_STRIDE_Y": 0},
        {"KERNEL_HEIGHT_M1": MOST, "KERNEL_WIDTH_M1": MOST},
        {
            "KERNEL_HEIGHT_M1": MOST, "KERNEL_WIDTH_M1": MOST, "IFM_PAD_TOP": MOST, "IFM_PAD_LEFT": MOST,
            "OFM_HEIGHT_M1": 0, "OFM_WIDTH_M1": 0,
        },
        {"KERNEL_HEIGHT_M1": 4000, "KERNEL_WIDTH_M1": 15, "IFM_PAD_TOP": 4000, "IFM_PAD_LEFT": 15},
        {"IFM_DEPTH_M1": MOST, "IFM_STRIDE_X": 0, "IFM_STRIDE_Y": 0},
        {"IFM_DEPTH_M1": MOST, "IFM_PRECISION": 0xC001},
        {"IFM_DEPTH_M1": MOST, "OFM_DEPTH_M1": MOST, "OFM_BLK_DEPTH_M1": 0},
        {"OFM_BLK_DEPTH_M1": 0},
        {"OFM_BLK_DEPTH_M1": MOST},
        {"WEIGHT_LENGTH": (1 << 40) - 1},
        {"WEIGHT_LENGTH": 0},
        {"WEIGHT_BASE": (1 << 40) - 1},
        {"SCALE_BASE": (1 << 40) - 1},
        {"IFM_PAD_TOP": MOST, "IFM_PAD_LEFT": MOST},
        {"OFM_PRECISION": 0x8000, "OFM_REGION": MOST},
    ],
)  # fmt: skip
def test_extreme_registers_are_an_error_or_little_work(values: dict[str, int], part: Part) -> None:
    changed = programs.with_registers(part, **values)
    with bounded_memory(), patience():
        engine = changed.load()
        try:
            programs.simulate(changed, engine, changed.random_inputs(1))
        except DelegateError as error:
            assert str(error).startswith("command ")
            assert len(str(error).splitlines()) == 1


def stream(*words: int) -> Stream:
    return Stream(0x20000008, 0, np.array(words, np.uint32), COMMANDS)


def set0(opcode: int, value: int) -> tuple[int]:
    return (opcode | value << 16,)


def set1(opcode: int, value: int) -> tuple[int, int]:
    return opcode | 1 << 14 | value >> 32 << 16, value & 0xFFFFFFFF


DMA_START = 16


@pytest.mark.parametrize(
    "settings_",
    [
        [*set1(50, 1), *set0(304, 1 | 2 << 9), *set0(305, 1), *set0(306, MOST), *set0(307, MOST)],
        [*set1(50, (1 << 40) - 1), *set0(304, 1), *set0(305, 1)],
        [*set1(48, (1 << 40) - 1), *set1(50, 64), *set0(304, 1), *set0(305, 1)],
        [*set1(50, 64), *set1(49, 1 << 20), *set0(304, 1), *set0(305, 1)],
        [*set1(50, 64), *set0(304, 1), *set0(305, 0)],
        [*set1(50, 64), *set0(304, 7), *set0(305, 1)],
        [*set1(50, 4096), *set0(304, 1), *set0(305, 1 << 8)],
        [*set1(50, 1), *set0(304, 1 | 1 << 9 | 1 << 11), *set0(305, 1), *set0(306, 4), *set0(308, 1)],
    ],
    ids=["rows of rows", "length", "source", "target", "read-only", "no region", "lut", "index"],
)
def test_a_transfer_beyond_its_memory_is_an_error(settings_: list[int]) -> None:
    scratch = np.full(1024, 0x7F, np.uint8)
    with patience(), pytest.raises(CommandStreamError, match=r"^command 0 \(DMA_START at byte \d+\): "):
        npu.load(stream(*settings_, DMA_START), bytes(64)).run(scratch)


def test_a_loop_that_never_ends_can_be_stopped() -> None:
    # BRANCH always to where it is.
    endless = stream(256 | 1 << 14, 0)
    with pytest.raises(CommandStreamError, match="the stream does not end"):
        npu.load(endless, b"").run(np.zeros(16, np.uint8))
    asked = iter([False, False, True])
    npu.load(endless, b"").run(np.zeros(16, np.uint8), should_stop=lambda: next(asked))


@pytest.mark.parametrize("data", [b"", b"\0" * 16, b"\xff" * 16, bytes(range(256)) * 8])
def test_a_damaged_weight_stream_ends_its_decoder_alone(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with patience(), pytest.raises(CommandStreamError, match="a weight stream is damaged or too short"):
        Decoder().decode(data, 1 << 20)
    assert capfd.readouterr() == ("", "")


def test_a_child_of_ours_leaves_a_decoder_to_us() -> None:
    """It has the garbage of the process that it is forked from, too, and may collect it."""
    data = bytes(mlw_codec.encode(list(range(64))))
    decoder = Decoder()
    assert list(decoder.decode(data, 64)) == list(range(64))
    if (child := os.fork()) == 0:
        try:
            decoder.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert list(decoder.decode(data, 64)) == list(range(64))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=300), at=st.integers(0, 2000), count=st.integers(0, 300))
def test_a_damaged_delegate_is_refused_or_runs(junk: bytes, at: int, count: int, part: Part) -> None:
    blob = bytes(part.delegate.data)
    changed = pte.Delegate(part.delegate.backend, memoryview(blob[:at] + junk + blob[at + count :]), ())
    try:
        with patience():
            engine = EthosU(changed, {})
            engine.execute([np.zeros(m.nbytes, np.uint8) for m in part.inputs],
                           [np.zeros(m.nbytes, np.uint8) for m in part.outputs])  # fmt: skip
    except (DelegateError, OutOfTime) as error:
        assert len(str(error).splitlines()) <= 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_that_look_like_a_program_are_no_program(junk: bytes) -> None:
    with pytest.raises(pte.PteError):
        pte.parse(b"\x10\0\0\0ET12" + junk)


def test_parts_that_all_refer_to_one_another_are_refused() -> None:
    """Offsets of many tables to the same one, each with the same long list: quadratic in the size of the file."""
    # A table of eight fields, its only field (plans) a list of tables - all of them the root again.
    count = 20_000
    vtable = np.array([6, 8, 4], "<u2").tobytes() + b"\0\0"
    root = len(b"\0" * 8) + len(vtable)
    start = root + 8
    places = start + 4 + 4 * np.arange(count)
    data = b"".join(
        (
            np.uint32(root).tobytes() + b"ET12" + vtable,
            np.int32(root - 8).tobytes() + np.uint32(start - root - 4).tobytes(),
            np.uint32(count).tobytes(),
            ((root - places) % (1 << 32)).astype("<u4").tobytes(),
        )
    )
    with patience(), pytest.raises(pte.PteError):
        pte.parse(data)
