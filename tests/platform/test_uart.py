"""The console parser: what it makes of every generation of runner, and that nothing upsets it."""

from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.platform import consoles
from tests.platform.consoles import Console
from tui.platform import lines
from tui.platform.uart import Parser
from tui.run import events
from tui.run.events import Event, Logged


def parse(*chunks: bytes, source: Any = "measured") -> list[Event]:
    parser = Parser(source, clock=lambda: 0.0)
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    return found + parser.close()


def of(kind: type[Event], found: list[Event]) -> list[Any]:
    return [event for event in found if isinstance(event, kind)]


def texts(found: list[Event]) -> list[str]:
    return [event.text for event in of(Logged, found)]


@pytest.mark.parametrize("console", consoles.ALL, ids=lambda c: c.name)
def test_the_figures_of_every_generation_are_read(console: Console) -> None:
    found = parse(console.text)
    inferences = [event.inference for event in of(events.InferenceFinished, found)]

    assert [event.phase for event in of(events.PhaseChanged, found)] == console.phases
    assert [inference.index for inference in inferences] == list(range(len(console.npu)))
    assert [inference.npu_cycles for inference in inferences] == console.npu
    assert [inference.cpu_cycles for inference in inferences] == console.cpu
    assert [inference.pmu for inference in inferences] == console.pmu
    pools = {event.pool.name: (event.pool.used, event.pool.size) for event in of(events.MemoryKnown, found)}
    assert pools == console.pools
    blocks = [event.statistics for event in of(events.StatisticsKnown, found)]
    known = [(s.instructions, s.mips, s.simulated_s, s.wall_s) for s in blocks]
    assert known == ([] if console.statistics is None else [console.statistics])


@pytest.mark.parametrize("source", ["measured", "estimated"])
def test_figures_carry_the_source_the_platform_has(source: str) -> None:
    (finished,) = of(events.InferenceFinished, parse(consoles.CURRENT.text, source=source))
    assert finished.inference.source == source


@pytest.mark.parametrize("console", consoles.ALL, ids=lambda c: c.name)
def test_every_line_is_logged_once_and_raw(console: Console) -> None:
    expected = [line.strip("\r") for line in console.text.decode().split("\n")[:-1]]
    assert texts(parse(console.text)) == expected


@pytest.mark.parametrize("console", consoles.ALL, ids=lambda c: c.name)
def test_one_byte_at_a_time_gives_the_same_events(console: Console) -> None:
    whole = parse(console.text)
    assert parse(*(console.text[i : i + 1] for i in range(len(console.text)))) == whole


def test_a_cut_at_any_byte_gives_the_same_events() -> None:
    data = consoles.INTERLEAVED.text
    whole = parse(data)
    assert all(parse(data[:at], data[at:]) == whole for at in range(len(data) + 1))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_chunking_gives_the_same_events(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(consoles.ALL)).text
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    chunks = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
    assert parse(*chunks) == parse(text)


SPICE = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\x04",
        b"\x00",
        b"\xff\xfe",
        b"\x1b[2J",
        "é".encode()[:1],
        b"I [executorch:",
        b"--- x statistics: ---\n",
        b"ethosu_pmu_cycle_cntr : 99999999999999999999\n",
        b"cpu0 : 1.2.3 MIPS ( 5 Inst)\n",
        b"Ethos-U PMU Events:[",
        b"Starting running 0 inferences...\n",
        b"1 inferences finished\n",
        b"temp_allocator: 1\n",
        b"Profile for Inference\nNPU X beats: 5\n",
    ]
)


@given(st.lists(st.one_of(st.binary(max_size=40), SPICE), max_size=40), st.integers(0, 5000), st.data())
@settings(max_examples=150, deadline=None)
def test_garbage_upsets_nothing_and_is_fit_for_the_journal(junk: list[bytes], at: int, data: st.DataObject) -> None:
    text = consoles.CURRENT.text
    dirty = text[:at] + b"".join(junk) + text[at:]
    cut = data.draw(st.integers(0, len(dirty)))
    found = parse(dirty)
    assert parse(dirty[:cut], dirty[cut:]) == found
    assert [events.decode(events.encode(event)) for event in found] == found


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_the_log_says_what_the_bytes_say(data: bytes) -> None:
    expected = [line.strip(b"\r").decode("utf-8", "replace") for line in data.split(b"\n")]
    assert texts(parse(data)) == (expected if data and not data.endswith(b"\n") else expected[:-1])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\n\r"])
def test_line_ends_of_all_kinds_make_no_difference(end: str) -> None:
    plain = consoles.PATCHED.text.decode()
    assert texts(parse(plain.replace("\n", end).encode()))[: plain.count("\n")] == plain.split("\n")[:-1]


def test_a_line_of_megabytes_is_cut_in_the_log_and_the_next_line_is_read() -> None:
    long = b'echo "' + b"QUJD" * 500_000
    found = parse(b"before\n" + long + b"\r\nStarting running 1 inferences...\n")
    before, cut, after = texts(found)
    assert (before, after) == ("before", "Starting running 1 inferences...")
    assert len(cut) < lines.LINE_LIMIT + 100
    assert cut.endswith(f"[cut: {len(long) + 1} bytes in console.log]")
    assert of(events.InferenceStarted, found)


def test_a_line_without_its_end_is_logged_at_the_close() -> None:
    parser = Parser("measured")
    assert texts(parser.feed(b"no end")) == []
    assert texts(parser.close()) == ["no end"]


def test_counters_without_an_events_line_keep_their_number() -> None:
    found = parse(b"Ethos-U PMU report:\nethosu_pmu_cycle_cntr : 5\nethosu_pmu_cntr1 : 7\n")
    (finished,) = of(events.InferenceFinished, found)
    assert finished.inference.pmu == {"ethosu_pmu_cntr1": 7}


def test_an_inference_whose_last_words_are_torn_has_ended_with_its_outputs() -> None:
    start, torn, outputs = (
        b"Starting running 1 inferences...\n",
        b"1 infe[sec] hello\nrences finished\n",
        b"1 outputs: \n",
    )
    for console, ended in (
        (start + torn, 0),
        (start + torn + outputs, 1),
        (start + b"1 inferences finished\n" + outputs, 1),
    ):
        assert len(of(events.InferenceFinished, parse(console))) == ended
    assert len(of(events.InferenceFinished, parse(b"INFO - Inference completed.\n"))) == 1


def test_a_failed_execution_is_no_finished_inference() -> None:
    report = b"Starting running 1 inferences...\nethosu_pmu_cycle_cntr : 5\n"
    failed = b"F [executorch:r.cpp:1 run_model()] Execution of method forward failed with status 0x1\n"
    assert of(events.InferenceFinished, parse(report + failed)) == []


def test_why_there_are_no_cycles_is_noted_in_the_words_of_the_platform() -> None:
    notes = of(events.Noted, parse(consoles.NO_MODEL.text))
    assert [note.text for note in notes] == [
        "no NPU cycles: Info: fvp-sim: no cycle model for this accelerator, no PMU report"
    ]
    assert [note.text for note in of(events.Noted, parse(consoles.OLDEST.text))] == [
        "no NPU cycles: the program printed no PMU report"
    ]


def test_wall_time_runs_from_the_start_to_the_end_of_the_execution() -> None:
    now = 10.0
    parser = Parser("measured", clock=lambda: now)
    parser.feed(b"Starting running 1 inferences...\n")
    now = 12.5
    parser.feed(b"NPU Inferences : 1\nethosu_pmu_cycle_cntr : 5\n")
    now = 99.0
    (finished,) = of(events.InferenceFinished, parser.feed(b"1 inferences finished\n"))
    assert finished.inference.wall_s == 2.5


def test_start_and_end_in_one_read_give_no_wall_time() -> None:
    ticks = count()
    parser = Parser("measured", clock=lambda: float(next(ticks)))
    (finished,) = of(events.InferenceFinished, parser.feed(consoles.CURRENT.text))
    assert finished.inference.wall_s is None
    # Nor does a read that ends between them, where the rest had come as well: see the session.
    parser = Parser("measured", clock=lambda: 5.0)
    parser.feed(consoles.CURRENT.text[:600])
    (finished,) = of(events.InferenceFinished, parser.feed(consoles.CURRENT.text[600:]))
    assert finished.inference.wall_s is None


def test_a_server_s_inferences_begin_when_told() -> None:
    now = 0.0
    parser = Parser("measured", clock=lambda: now)
    parser.feed(b"Running in semihosting server mode.\n")
    assert parser.server_ready
    for index in range(2):
        assert of(events.InferenceStarted, parser.begin())[0].index == index
        now += 1.5
        (finished,) = of(events.InferenceFinished, parser.feed(f"SERVER_INFERENCE_DONE {index}\n".encode()))
        assert finished.inference.wall_s == 1.5
        assert parser.served == index + 1


@pytest.mark.parametrize(
    ("line", "source", "level"),
    [
        ("E [executorch:x.cpp:1 f()] no", "uart", "error"),
        ("F [executorch:x.cpp:1 f()] no", "uart", "error"),
        ("D [executorch:x.cpp:1 f()] x", "uart", "debug"),
        ("E [ExecuTorch: method.cpp:7 g()] no", "uart", "error"),
        ("E: driver", "uart", "error"),
        ("W: driver", "uart", "warning"),
        ("Finished the job", "uart", "info"),
        ("Error stats follow", "uart", "info"),
        ("ERROR - failed", "uart", "error"),
        ("Hard fault. irq=-13, pc=0x10", "uart", "error"),
        ("Info: /OSCI/SystemC: Simulation stopped by user.", "platform", "info"),
        ("[warning ][main@0][01 ns] Simulation stopped by user", "platform", "info"),
        ("Info: Simulation is stopping. Reason: CPU time has been exceeded.", "platform", "error"),
        ("Warning: A: b:: something", "platform", "warning"),
        ("Fatal: license error: none.", "platform", "error"),
        ("telnetterminal0: Listening for serial connection on port 5000", "platform", "info"),
        ("Program complete, exiting.\x04Info: /OSCI/SystemC: Simulation stopped by user.", "platform", "info"),
        ("\x04", "platform", "info"),
    ],
)
def test_lines_are_told_apart_by_who_wrote_them_and_how_serious_they_are(line: str, source: str, level: str) -> None:
    (logged,) = of(Logged, parse(line.encode() + b"\n"))
    assert (logged.text, logged.source, logged.level) == (line, source, level)
