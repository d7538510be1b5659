"""The trace keeps to the rules of Chrome's trace-event format."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.app import fakes
from tui.reports import export
from tui.reports.perfetto import NPU, OPERATORS_TRACK, STAGES_TRACK, WALL, trace
from tui.run import state, store
from tui.run.state import State

REQUIRED = {
    "X": {"name", "ts", "dur", "pid", "tid"},
    "C": {"name", "ts", "pid", "args"},
    "M": {"name", "pid", "args"},
}
"""Keys that an event of each phase we write has to have, by the format's description."""
METADATA = {
    "process_name": ("name", str),
    "thread_name": ("name", str),
    "process_sort_index": ("sort_index", int),
    "thread_sort_index": ("sort_index", int),
}


def check(document: Any) -> None:
    """Refuse what is no trace in the JSON object format."""
    assert isinstance(document["traceEvents"], list) and document.get("displayTimeUnit") in ("ms", "ns")
    last = 0.0
    named: set[tuple[str, int, int]] = set()
    open_until: dict[tuple[int, int], list[float]] = defaultdict(list)
    for event in document["traceEvents"]:
        phase = event["ph"]
        assert phase in REQUIRED and REQUIRED[phase] <= event.keys(), event
        assert isinstance(event["name"], str) and event["name"]
        assert all(type(event[key]) is int for key in ("pid", "tid") if key in event)
        if phase == "M":
            key, kind = METADATA[event["name"]]
            assert type(event["args"][key]) is kind
            named.add((event["name"], event["pid"], event["tid"]))
            continue
        assert event["ts"] >= last >= 0, "events are in the order of time"
        last = event["ts"]
        assert ("process_name", event["pid"], 0) in named
        if phase == "C":
            assert event["args"] and all(type(value) in (int, float) for value in event["args"].values())
            continue
        assert event["dur"] >= 0 and isinstance(event["args"], dict)
        assert ("thread_name", event["pid"], event["tid"]) in named
        # Slices of a thread are inside each other or beside each other.
        above = open_until[event["pid"], event["tid"]]
        while above and above[-1] <= event["ts"] + 0.0015:
            above.pop()
        end = event["ts"] + event["dur"]
        assert not above or end <= above[-1] + 0.0015, f"{event['name']} sticks out of what it is in"
        above.append(end)


def slices(document: Any, pid: int, tid: int) -> list[Any]:
    return [e for e in document["traceEvents"] if e["ph"] == "X" and (e["pid"], e["tid"]) == (pid, tid)]


def whole_state(*more: Any) -> State:
    what = [*fakes.begun("r", fakes.spec_of()), *fakes.compiled(), *fakes.booted(), *more]
    return state.fold_all([*what, *fakes.checked(), *fakes.finished()])


def test_stages_are_on_the_wall_clock_and_operators_on_the_npus() -> None:
    found = trace(whole_state(*fakes.traced({0: 541, 1: 2_000}, 1), *fakes.inferred((4_333, 4_400))))
    check(found)
    stages = slices(found, WALL, STAGES_TRACK)
    assert [s["name"] for s in stages][:3] == ["load", "export", "quantize"]
    assert stages[3]["name"] == "lower" and stages[3]["dur"] == pytest.approx(6.2e6, rel=1e-3)
    operators = slices(found, NPU, OPERATORS_TRACK)
    # 1 GHz: a thousand cycles a microsecond; both inferences have all of them.
    assert [(o["name"], o["dur"]) for o in operators[:2]] == [("features.0 Conv2D", 0.54), ("features.2 Conv2D", 1.98)]
    assert len(operators) == 12 and operators[1]["ts"] == 0.54
    assert operators[1]["args"]["cycles"] == 1_980 and operators[1]["args"]["source"] == "estimated"
    (second,) = [e for e in found["traceEvents"] if e["name"] == "inference 2"]
    assert second["dur"] == 4.4 and second["ts"] > 4.333
    counters = {e["name"] for e in found["traceEvents"] if e["ph"] == "C"}
    assert "PMU NPU_IDLE, an inference (estimated)" in counters
    tracks = {e["args"]["name"] for e in found["traceEvents"] if e["name"] in ("thread_name", "process_name")}
    assert "operators (estimated by Vela)" in tracks and "NPU: its cycles at 1 GHz" in tracks


def test_memory_in_use_is_a_counter_of_the_schedule() -> None:
    found = whole_state(*fakes.inferred())
    timed = tuple(msgspec.structs.replace(o, time=2 * n) for n, o in enumerate(found.operators))
    document = trace(msgspec.structs.replace(found, operators=timed))
    check(document)
    counts = [e["args"]["bytes"] for e in document["traceEvents"] if e["name"] == "Sram in use (Vela's schedule)"]
    assert counts == [1_088, 5_120, 5_120, 1_040, 16, 0]


def test_a_stage_inside_another_is_drawn_inside_it() -> None:
    started = {"lower": (10.0, 20.0), "vela": (12.0, 15.0), "emit": (19.5, 21.0)}
    found = whole_state()
    stages = tuple(
        msgspec.structs.replace(s, started=started[s.name][0], finished=started[s.name][1])
        if s.name in started
        else state.StageState(name=s.name)
        for s in found.stages
    )
    run = msgspec.structs.replace(found.run, created=10.0)
    document = trace(msgspec.structs.replace(found, stages=stages, run=run))
    check(document)
    drawn = {s["name"]: (s["ts"], s["ts"] + s["dur"]) for s in slices(document, WALL, STAGES_TRACK)}
    assert drawn["lower"] == (0, 10e6) and drawn["vela"] == (2e6, 5e6)


@pytest.mark.parametrize("make", [fakes.whole, fakes.failed, fakes.gone])
def test_any_run_gives_a_valid_trace(make: Callable[[], Any], home: object) -> None:
    directory = make()
    found = msgspec.json.decode(export.document(directory, "perfetto"))
    check(found)
    status = store.load(directory).run.status
    assert found["otherData"]["status"].startswith(status.upper())
    assert status == "ok" or any(f"the run is {status}" in note for note in found["otherData"]["notes"])


def test_a_run_without_a_first_event_gives_an_empty_trace(home: object) -> None:
    check(msgspec.json.decode(export.document(fakes.make("20261123-1-x", fakes.spec_of(), []), "perfetto")))


def test_a_real_run(ran: Any) -> None:
    document = msgspec.json.decode(export.document(ran("sample:digits").directory, "perfetto"))
    check(document)
    (inference,) = [e for e in document["traceEvents"] if e["name"] == "inference 1"]
    operators = slices(document, NPU, OPERATORS_TRACK)
    assert sum(o["dur"] for o in operators) == pytest.approx(inference["dur"], rel=0.02)
