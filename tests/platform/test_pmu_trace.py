"""Following a PMU trace while it is written: however its bytes come, and whatever they are."""

import gzip
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tui.platform.pmu_trace import Follower, Places, Reader, Step
from tui.run.events import Event, OperatorsTraced
from tui.run.figures import Operator

OPERATORS = (
    Operator(name="first", op="Conv2D", commands=(100,)),
    Operator(name="fused", op="Relu"),
    Operator(name="second", op="MaxPool", commands=(200, 240)),
    Operator(name="other", op="Conv2D", partition=1, commands=(80,)),
)


def read_at(position: int, cycle: int) -> dict[str, Any]:
    """The NPU has come to byte `position` of its command stream when `cycle` cycles are over."""
    return {"name": "qread", "tid": "qread", "ts": str(cycle + 1), "args": {"qread": str(position // 4)}}


def other(cycle: int) -> dict[str, Any]:
    return {"name": "axi_enabled_cycles", "ph": "X", "ts": str(cycle), "pid": "DMA", "tid": "axi", "dur": "12"}


def trace(events: Sequence[dict[str, Any]]) -> bytes:
    return gzip.compress(json.dumps({"otherData": {"version": "1"}, "traceEvents": list(events)}).encode())


INFERENCE = [read_at(0, 0), other(3), read_at(100, 10), read_at(200, 50), read_at(220, 60), read_at(240, 61)]
TWO_PARTITIONS = [*INFERENCE, read_at(280, 100), read_at(0, 100), read_at(80, 105), other(110), read_at(120, 130)]


def test_a_step_ends_where_the_next_position_is_read() -> None:
    steps = Reader().feed(trace([*INFERENCE, read_at(0, 70), read_at(100, 72)]))
    assert steps == [
        Step(0, 0, 0, 10),
        Step(0, 100, 10, 50),
        Step(0, 200, 50, 60),
        Step(0, 220, 60, 61),
        Step(1, 0, 70, 72),
    ]


@given(st.lists(st.integers(1, 60), max_size=40), st.booleans())
def test_however_the_bytes_are_cut_the_steps_are_the_same(cuts: list[int], spaced: bool) -> None:
    data = trace(TWO_PARTITIONS)
    if spaced:
        data = gzip.compress(json.dumps({"traceEvents": TWO_PARTITIONS}, indent=1).encode())
    reader, found, at = Reader(), [], 0
    for cut in cuts:
        found += reader.feed(data[at : at + cut])
        at += cut
    found += reader.feed(data[at:])
    assert found == Reader().feed(data)
    assert reader.complete


@given(st.binary(max_size=200), st.integers(0, 200), st.booleans())
def test_damage_never_raises_and_what_came_before_stays(junk: bytes, at: int, inside: bool) -> None:
    if inside:
        text = json.dumps({"traceEvents": INFERENCE}).encode()
        data = gzip.compress(text[:at] + junk + text[at:])
    else:
        whole = trace(INFERENCE)
        data = whole[:at] + junk + whole[at:]
    for step in Reader().feed(data):
        assert step.begin <= step.end


def test_what_was_flushed_is_read_before_the_file_is_complete() -> None:
    pack = zlib.compressobj(wbits=31)
    text = json.dumps({"traceEvents": INFERENCE})
    end = text.index(json.dumps(INFERENCE[3])) + len(json.dumps(INFERENCE[3]))
    reader = Reader()
    first = reader.feed(pack.compress(text[:end].encode()) + pack.flush(zlib.Z_SYNC_FLUSH))
    assert [step.offset for step in first] == [0, 100]
    assert not reader.complete
    rest = reader.feed(pack.compress(text[end:].encode()) + pack.flush())
    assert [step.offset for step in rest] == [200, 220]


def follow(path: Path, calls: Sequence[int]) -> Follower:
    return Follower(path, Places(OPERATORS, calls), "measured")


def traced(events: Sequence[Event]) -> list[tuple[int, dict[int, int], int]]:
    found = []
    for event in events:
        assert isinstance(event, OperatorsTraced)
        assert event.source == "measured"
        found.append((event.inference, event.cycles, event.running))
    return found


def test_cycles_are_those_of_the_operator_whose_commands_they_are(tmp_path: Path) -> None:
    path = tmp_path / "trace.gz"
    follower = follow(path, (0, 1))
    assert follower.events() == []
    path.write_bytes(trace([*TWO_PARTITIONS, read_at(0, 130), read_at(100, 150)]))
    assert traced(follower.events()) == [
        # What comes before the first command is done for it; 39 cycles of the second are of its second command.
        (0, {0: 50, 2: 50, 3: 30}, 3),
        (1, {0: 20}, 0),
    ]
    assert follower.events() == []


def test_the_operator_at_work_is_the_one_the_npu_has_come_to(tmp_path: Path) -> None:
    path, pack = tmp_path / "trace.gz", zlib.compressobj(wbits=31)
    follower = follow(path, (0,))
    found = []
    for word in ['{"traceEvents": [', *(json.dumps(event) + "," for event in INFERENCE)]:
        with path.open("ab") as file:
            file.write(pack.compress(word.encode()) + pack.flush(zlib.Z_SYNC_FLUSH))
        found += traced(follower.events())
    assert found == [(0, {0: 10}, 0), (0, {0: 50}, 2), (0, {2: 10}, 2), (0, {2: 11}, 2)]


def test_where_the_data_decides_which_partition_runs_nothing_is_claimed(tmp_path: Path) -> None:
    path = tmp_path / "trace.gz"
    path.write_bytes(trace(INFERENCE))
    assert follow(path, ()).events() == []


def test_a_partition_without_known_commands_claims_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trace.gz"
    path.write_bytes(trace(INFERENCE))
    assert Follower(path, Places(OPERATORS[1:2], (0,)), "measured").events() == []
