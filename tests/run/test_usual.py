"""Usual figures come from earlier runs of the model, the nearest first, and say where others stood in."""

import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.app import fakes
from tui.run import events, index, store, usual
from tui.run.events import Event
from tui.run.figures import PlatformInfo
from tui.run.options import Spec
from tui.toolchain.target import Target

OTHER_NPU = Target("ethos-u85-512", "Ethos_U85_SYS_DRAM_Mid", "Sram_Only")


def name_of(number: int) -> str:
    return f"20261123-02{number // 60:02}{number % 60:02}-digits-u85-256-{number:04x}"


def later(what: list[Event], minutes: int) -> list[Event]:
    """The same, so much later."""
    return [msgspec.structs.replace(event, t=event.t + 60 * minutes) if event.t else event for event in what]


def ran(
    number: int,
    request: Spec | None = None,
    *,
    lower: float = 6.2,
    boot: float = 0.2,
    cached: bool = False,
    engine: str = "interpreter",
    end: list[Event] | None = None,
) -> Path:
    """A run of the model that took so many seconds, each a minute after the one of the number before."""
    request = request or fakes.spec_of()
    what: list[Event] = []
    for event in [*fakes.begun(name_of(number), request, alive=False), *fakes.compiled(), *fakes.booted()]:
        if isinstance(event, events.StageFinished) and event.stage in ("lower", "vela"):
            seconds = lower if event.stage == "lower" else event.seconds
            event = msgspec.structs.replace(event, seconds=0.0 if cached else seconds, cached=cached)
        elif isinstance(event, events.StageFinished) and event.stage == "boot":
            event = msgspec.structs.replace(event, seconds=boot)
        elif isinstance(event, events.PlatformStarted):
            platform = PlatformInfo(kind="simulator", name="fvp-sim", engine=engine, version="0.1.0")
            event = msgspec.structs.replace(event, platform=platform)
        what.append(event)
    what += [*fakes.inferred(), *fakes.checked(), *(end or fakes.finished())]
    return fakes.make(name_of(number), request, later(what, number))


def test_without_earlier_runs_nothing_is_usual(home: Path) -> None:
    fakes.whole(request=fakes.spec_of("sample:split"))
    assert usual.usual(fakes.spec_of()) == usual.NOTHING
    assert usual.NOTHING.words == ""


def test_stages_usually_take_their_median(home: Path) -> None:
    for number, seconds in enumerate((6.0, 9.0, 7.0)):
        ran(number, lower=seconds)
    found = usual.usual(fakes.spec_of())
    assert found.stages == {"load": 0.4, "export": 0.6, "quantize": 1.1, "lower": 7.0, "vela": 0.5, "emit": 0.2} | {
        "boot": 0.2,
        "infer": 0.1,
        "check": 0.1,
    }
    assert found.words == "median of 3 runs of this model"


def test_what_a_cache_answered_took_no_usual_time(home: Path) -> None:
    ran(0, lower=7.0)
    for number in range(1, 5):
        ran(number, cached=True)
    found = usual.usual(fakes.spec_of())
    assert found.stages["lower"] == 7.0 and found.stages["vela"] == 0.5
    assert found.words == "median of 5 runs of this model"


def test_stages_of_a_run_that_failed_count_as_far_as_it_came(home: Path) -> None:
    fakes.failed(model="sample:digits")
    found = usual.usual(fakes.spec_of())
    assert found.stages == {"load": 0.4}
    assert found.words == "one run of this model"
    assert found.last is None


def test_a_run_does_not_count_for_itself_nor_for_those_before_it(home: Path) -> None:
    for number, seconds in enumerate((6.0, 7.0, 8.0)):
        ran(number, lower=seconds)
    found = usual.usual(fakes.spec_of(), without=name_of(1), before=fakes.T0 + 61)
    assert found.stages["lower"] == 6.0
    assert found.last is not None and found.last.run.id == name_of(0)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (fakes.spec_of(inferences=5), "one run of this model, also with other numbers of inferences"),
        (fakes.spec_of(target=OTHER_NPU), "one run of this model, also on other NPUs"),
        (fakes.spec_of(quantize="a16w8"), "one run of this model, also with other options"),
        (fakes.spec_of(quantize="a16w8", target=OTHER_NPU), "one run of this model, also with other options"),
    ],
)
def test_runs_of_other_options_stand_in_and_are_named(home: Path, request_: Spec, words: str) -> None:
    ran(0)
    found = usual.usual(request_)
    assert found.stages["lower"] == 6.2
    assert found.words == words
    assert found.last is not None and found.last_scope == found.scope != "same"


def test_the_nearest_runs_count_alone_stage_by_stage(home: Path) -> None:
    ran(0, fakes.spec_of(quantize="a16w8"), lower=99.0)
    ran(1, lower=6.0)
    ran(2, fakes.spec_of(target=OTHER_NPU), lower=50.0)
    found = usual.usual(fakes.spec_of())
    assert (found.stages["lower"], found.words) == (6.0, "one run of this model")
    # The cache answered the only run on this NPU: what it took to lower comes from the other one, and is said to.
    request = fakes.spec_of(target=Target("ethos-u85-128", "Ethos_U85_SYS_DRAM_Mid", "Sram_Only"))
    ran(3, request, cached=True)
    found = usual.usual(request)
    assert (found.stages["lower"], found.stages["load"]) == (28.0, 0.4)
    assert found.words == "median of 3 runs of this model, also on other NPUs"


def test_another_platform_says_nothing_of_boot_inference_and_check(home: Path) -> None:
    ran(0, boot=0.2)
    ran(1, boot=40.0, engine="firmware")
    assert usual.usual(fakes.spec_of()).stages["boot"] == 40.0  # as the newest run
    assert usual.usual(fakes.spec_of(engine="interpreter")).stages["boot"] == 0.2
    assert "boot" not in usual.usual(fakes.spec_of(platform="fvp")).stages


def test_the_last_run_is_the_newest_that_ended_well(home: Path) -> None:
    for number in range(3):
        ran(number)
    ran(3, end=fakes.finished("failed", "no luck", exit_status=1))
    live = name_of(4)
    fakes.make(live, fakes.spec_of(), fakes.begun(live, fakes.spec_of()))
    last = usual.usual(fakes.spec_of(), without=live).last
    assert last is not None and last.run.id == name_of(2)
    assert last.inferences[0].npu_cycles == 4_333


def test_the_index_is_asked_for_the_model_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of other models are not read, whether or not the index has them; nor are those that it has."""
    loaded: list[str] = []
    real = store.load
    monkeypatch.setattr(store, "load", lambda directory: loaded.append(directory.name) or real(directory))
    clock = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: clock() + 10 * index.UNSETTLED_NS)
    for number in range(3):
        fakes.whole(name_of(number), fakes.spec_of("sample:digits-2"))
    ran(3)
    assert [row.name for row in index.of_model("sample:digits", 10)] == [name_of(3)] == loaded
    ran(4)
    loaded.clear()
    assert [row.name for row in index.of_model("sample:digits", 10)] == [name_of(4), name_of(3)]
    assert loaded == [name_of(4)]
    assert [row.name for row in index.of_model("sample:digits", 1)] == [name_of(4)]
    assert list(index.history()) == [
        index.row(name, real(store.folder() / name), pinned=False) for name in sorted(store.ids(), reverse=True)
    ]


def test_a_run_that_was_deleted_or_changed_is_not_what_the_index_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: clock() + 10 * index.UNSETTLED_NS)
    ran(0)
    gone = ran(1)
    assert len(index.of_model("sample:digits", 10)) == 2
    store.remove(gone)
    fakes.append(store.folder() / name_of(0), [events.Noted(t=fakes.T0 + 99, text="more")])
    store.pin(store.folder() / name_of(0), True)
    (row,) = index.of_model("sample:digits", 10)
    assert row.name == name_of(0) and row.pinned
    (home / index.FILE).write_bytes(b"no database" * 99)
    for _ in range(2):  # the first finds that it is damaged, and removes it
        assert [row.name for row in index.of_model("sample:digits", 10)] == [name_of(0)]


def test_a_run_that_asks_what_is_usual_is_not_read_for_it(home: Path) -> None:
    ran(1)
    asks = ran(2)
    opened: list[str] = []
    listening = True

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event == "open":
            opened.append(str(arguments[0]))

    sys.addaudithook(hear)
    found = usual.usual(fakes.spec_of(), without=asks.name)
    listening = False
    assert found.runs == 1
    assert any(name_of(1) in path for path in opened) and not any(asks.name in path for path in opened)
