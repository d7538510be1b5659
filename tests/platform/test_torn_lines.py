"""Figures from lines that others wrote into: the right figure or none, and the same under every prefix there is."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.platform import consoles
from tui.model.tensors import TensorInfo
from tui.platform import delivery, etdump
from tui.platform.lines import NANO
from tui.platform.uart import Parser
from tui.platform.verdict import End, Evidence, judge
from tui.run import events
from tui.run.events import Event

EVENTS = ("ETHOSU_PMU_SRAM_RD", "ETHOSU_PMU_NPU_IDLE")

BRACKETED = [
    "Starting running 1 inferences...",
    "NPU Inferences : 1",
    "Inference runtime: 54321 CPU cycles total (54321.00 per inference)",
    "NOTE: CPU cycle values and ratio calculations require FPGA and identical CPU/NPU frequency",
    "Ethos-U PMU report:",
    "ethosu_pmu_cycle_cntr :  7001 (7001.00 per inference)",
    "ethosu_pmu_cntr0 : 44542 (44542.00 per inference)",
    "ethosu_pmu_cntr1 : 3629 (3629.00 per inference)",
    "Ethos-U per-delegate PMU report:",
    "Ethos-U delegate 0: 1 backend invocations, 1 NPU invocations",
    "Ethos-U delegate 0 PMU cycles: 7001",
    "Ethos-U delegate 0 PMU counter 0: 44542",
    f"Ethos-U PMU Events:[{', '.join(EVENTS)}]",
    "1 inferences finished",
    "model_pte_program_size:     31696 bytes.",
    "input_file_allocator_used: 10976 / 62914560 free: 62903584 ( used: 0 % ) ",
    "method_allocator_planned:  138240 bytes",
    "temp_allocator:            2097152",
    "Program complete, exiting.",
]
PLAIN = [
    line.replace(" (54321.00 per inference)", "").partition(" (")[0] if "cntr" in line or "runtime" in line else line
    for line in BRACKETED
]
KIT = [
    "INFO - Profile for Inference :",
    "INFO - NPU AXI0_RD_DATA_BEAT_RECEIVED beats: 31696",
    "INFO - NPU ACTIVE cycles: 33145",
    "INFO - NPU IDLE cycles: 1033",
    "INFO - NPU TOTAL cycles: 34178",
    "INFO - CPU TOTAL: 99999 cycles",
    "INFO - Inference completed.",
    "INFO - \tMethod memory: Used: 1209; Peak: 1234; Available: 2097152",
    "INFO - program terminating...",
]
METRICS = base64.b64encode(
    json.dumps([{"samples": [{"name": "NPU TOTAL", "value": [34178]}, {"name": "NPU IDLE", "value": [1033]}]}]).encode()
).decode()
RUNNER = [
    "INFO - Profile for Inference:",
    "INFO - NPU IDLE: 1033 cycles",
    "INFO - NPU TOTAL: 34178 cycles",
    f"INFO - <metrics>{METRICS}</metrics>",
    "INFO - Inference completed.",
]
STATISTICS = [
    "Program complete, exiting.",
    "Info: /OSCI/SystemC: Simulation stopped by user.",
    "",
    "--- Corstone_SSE_320_Main statistics: " + "-" * 41,
    f"{'Simulated time':40}: 1.500000s",
    f"{'Wall time':40}: 3.000000s",
    f"{'cpu0':40}:  20.00 MIPS (    60000000 Inst)",
    f"{'cpu1':40}:   1.00 MIPS (     3000000 Inst)",
    f"{'Memory highwater mark':40}: 0x100 bytes ( 0.000 GB )",
    "-" * 79,
]
CONSOLES = {"bracketed": BRACKETED, "plain": PLAIN, "kit": KIT, "runner": RUNNER, "statistics": STATISTICS}

PREFIXES = {
    "none": "{}",
    "oldest": "I executorch:runner.cpp:64] {}",
    "older": "I [executorch:arm_perf_monitor.cpp:180] {}",
    "current": "I [executorch:arm_perf_monitor.cpp:180 StopMeasurements()] {}",
    "Arm's firmware": "I [ExecuTorch: perf.cpp:12 stop()] {}",
    "ExecuTorch's own": "I 00:00:01.902250 executorch:x.cpp:1] {}",
    "without a line number": "I [executorch:main.cpp] {}",
    "Zephyr's": "[00:00:01.000,250] <inf> executorch: {}",
}
AROUND = {
    "nothing": "{}",
    "GitHub": "2026-09-16T10:11:12.1234567Z {}",
    "gh": "run-fvp\tRun the model\t2026-09-16T10:11:12.1234567Z {}",
    "GitLab": "2026-09-16T10:11:12.123456Z 00O {}",
    "Jenkins": "[2026-09-16T10:11:12.123Z] {}",
    "ts": "Sep 16 10:11:12 {}",
    "seconds": "[   12.345678] {}",
    "a container in CI": "2026-09-16T10:11:12Z 10:11:12 {}",
    "colour": "\x1b[32m{}\x1b[0m",
    "stamp and colour": "\x1b[36m10:11:12\x1b[0m \x1b[1;31m{}\x1b[0m\x1b[K",
}


def figures(found: list[Event]) -> dict[str, Any]:
    """Every figure by name; one that is not known is left out."""
    known: dict[str, Any] = {}
    for event in found:
        match event:
            case events.InferenceFinished():
                one = event.inference
                known |= {f"{one.index} npu": one.npu_cycles, f"{one.index} cpu": one.cpu_cycles}
                known |= {f"{one.index} {name}": count for name, count in one.pmu.items()}
            case events.MemoryKnown():
                known |= {f"{event.pool.name} used": event.pool.used, f"{event.pool.name} size": event.pool.size}
            case events.StatisticsKnown():
                known |= {name: getattr(event.statistics, name) for name in ("instructions", "mips", "wall_s")}
                known["simulated_s"] = event.statistics.simulated_s
    return {name: value for name, value in known.items() if value is not None}


def parse(data: bytes) -> list[Event]:
    parser = Parser("measured", clock=lambda: 0.0)
    return parser.feed(data) + parser.close()


def printed(lines: list[str], end: str = "\r\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def numbers(found: dict[str, Any]) -> Iterator[Any]:
    """Figures whose counters have no names, since the line that names them is torn, count by their value."""
    return (value for name, value in found.items() if "ethosu_pmu_cntr" in name)


FOREIGN = st.one_of(
    st.sampled_from(
        [
            "[sec] hello\n",
            "\n[sec] hello\n",
            "\r\nInterrupt. status=0xffff0022, qread=4724\r\n",
            "hello",
            "\n",
            "\r\n",
            "I: irq\n",
            "\nInfo: /OSCI/SystemC: Simulation stopped by user.\n",
            "xterm: xterm: Xt error: Can't open display:\n",
            "\x1b[0m",
            "\x04",
            "\r",
            "I [executorch:EthosUBackend.cpp:79 init()] data:x\r\n",
        ]
    ),
    st.text(st.sampled_from("abxyz[]:(). \n\r\t\x1b"), max_size=20),
)
"""What others write. None of it begins or ends with a digit: what looks like a whole number is one."""


@pytest.mark.parametrize("name", CONSOLES)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_line_that_others_wrote_into_gives_the_right_figure_or_none(name: str, data: st.DataObject) -> None:
    prefix = data.draw(st.sampled_from(sorted(PREFIXES))) if name in ("bracketed", "plain") else "none"
    text = printed(
        [PREFIXES[prefix].format(line) for line in CONSOLES[name]], data.draw(st.sampled_from(["\n", "\r\n"]))
    )
    whole = figures(parse(text))
    # Inside numbers above all.
    digits = [at for at, byte in enumerate(text) if chr(byte).isdigit()]
    places = st.one_of(st.sampled_from(digits), st.integers(0, len(text)))
    # Each at a place of its own: two in one may be a line's end and a whole message, and a number that has no unit
    # behind it, such as temp_allocator's, ends like that in a good log, too.
    for at in sorted(data.draw(st.lists(places, min_size=1, max_size=3, unique=True)), reverse=True):
        text = text[:at] + data.draw(FOREIGN).encode() + text[at:]
    torn = figures(parse(text))
    for figure, value in torn.items():
        assert value == whole.get(figure, value)
    assert set(numbers(torn)) <= {value for figure, value in whole.items() if figure.startswith("0 ")}
    assert torn.keys() <= whole.keys() | {f"0 ethosu_pmu_cntr{i}" for i in range(2)}


@pytest.mark.parametrize("name", CONSOLES)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_console_that_is_cut_off_gives_the_right_figure_or_none(name: str, data: st.DataObject) -> None:
    text = printed(CONSOLES[name])
    whole, cut = figures(parse(text)), figures(parse(text[: data.draw(st.integers(0, len(text)))]))
    assert all(value == whole.get(figure, value) for figure, value in cut.items())
    assert set(numbers(cut)) <= {value for figure, value in whole.items() if figure.startswith("0 ")}


@given(st.sampled_from([consoles.CURRENT, consoles.OLDER, consoles.PATCHED, consoles.OLDEST]), FOREIGN, st.data())
@example(consoles.PATCHED, "\n[sec] hello\n", None)
@settings(max_examples=300, deadline=None)
def test_a_good_run_stays_good_whatever_others_write_into_a_line(
    console: consoles.Console, foreign: str, data: st.DataObject | None
) -> None:
    # Without data: into the NOTE of the perf monitor, whose rest looks like an error of the driver's.
    at = console.text.index(b"NOTE:") + 3 if data is None else data.draw(st.integers(0, len(console.text)))
    parser, evidence = Parser("measured"), Evidence()
    text = console.text[:at] + foreign.encode() + console.text[at:]
    for event in parser.feed(text) + parser.close():
        if isinstance(event, events.Logged):
            evidence.add(event)
    verdict = judge(evidence, End(exit_status=0, finished=parser.finished, outputs=1))
    assert verdict.verdict == "pass", verdict.reason


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("around", AROUND)
def test_every_prefix_gives_the_same_figures(prefix: str, around: str) -> None:
    for name in ("bracketed", "plain"):
        expected = figures(parse(printed(CONSOLES[name])))
        assert (expected["0 npu"], expected["0 cpu"], expected["0 ETHOSU_PMU_NPU_IDLE"]) == (7001, 54321, 3629)
        assert expected["temp_allocator size"] == 2097152
        lines = [AROUND[around].format(PREFIXES[prefix].format(line)) for line in CONSOLES[name]]
        assert figures(parse(printed(lines))) == expected


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", ["kit", "runner", "statistics"])
def test_time_stamps_and_colours_hide_no_figure(name: str, around: str) -> None:
    expected = figures(parse(printed(CONSOLES[name])))
    assert expected.get("0 npu", 34178) == 34178
    assert figures(parse(printed([AROUND[around].format(line) for line in CONSOLES[name]]))) == expected


@pytest.mark.parametrize(
    ("lines", "npu", "noted"),
    [
        (["ethosu_pmu_cycle_cntr :  700[sec] hello", "1 (7001.00 per inference)"], None, "700[sec] hello"),
        (["ethosu_pmu_cycle_cntr : 700", "1 (7001.00 per inference)"], None, "is torn"),
        (["ethosu_pmu_cycle_cntr : 700 (7001.00 per inference)"], None, "is torn"),
        (["ethosu_pmu_cycle_cntr : 700", "[sec] hello1"], None, "is torn"),
        (["ethosu_pmu_cycle_cntr : 7001", "[sec] hello"], 7001, ""),
        (["ethosu_pmu_cycle_cntr : 7001 (7001.00 per inference)", "7"], 7001, ""),
        (["ethosu_pmu_cycle_cntr : 28004 (7001.00 per inference)"], 7001, "4 inferences in one go"),
        (["ethosu_pmu_cycle_cntr : 7001 ( per inference)"], 7001, ""),
        (["ethosu_pmu_cycle_cntr : lu ( per inference)"], None, NANO),
        (["ethosu_pmu_cycle_cntr : 7001 (3629.00 per inference)"], None, "is torn"),
    ],
)
def test_a_number_ends_where_its_format_says(lines: list[str], npu: int | None, noted: str) -> None:
    found = parse(printed(["Starting running 1 inferences...", *lines, "1 inferences finished"], "\n"))
    (finished,) = (event.inference for event in found if isinstance(event, events.InferenceFinished))
    assert (finished.npu_cycles, finished.source) == (npu, None if npu is None else "measured")
    notes = [event.text for event in found if isinstance(event, events.Noted)]
    assert any(noted in note for note in notes) or not noted, notes
    # Why there is none is told as it is: the program did print a report.
    assert not any("printed no PMU report" in note for note in notes)


def test_what_newlib_nano_could_not_print_is_said_to_be_lost() -> None:
    found = parse(printed(["I [executorch:x.cpp:zu main()] \ufffd", "model_pte_program_size: zu bytes."]))
    notes = " ".join(event.text for event in found if isinstance(event, events.Noted))
    assert "some lines of the log have lost their text: newlib-nano" in notes
    assert "figures are lost: newlib-nano" in notes
    assert figures(found) == {}


@pytest.mark.parametrize("torn", [0, 6])
def test_a_profile_whose_head_is_torn_is_that_of_its_inference(torn: int) -> None:
    profile = [
        *KIT[:5],
        "INFO - Keyword spotted",
        "INFO - Inference 1/1",
        *(line.replace("34178", "7") for line in KIT[:5]),
    ]
    at = torn and profile.index(KIT[0], 1)
    profile[at] = "INFO - Prof[sec] hello\nile for Inference :"
    found = figures(parse(printed(profile)))
    assert (found["0 npu"], found["1 npu"]) == (34178, 7)


@pytest.mark.parametrize(
    ("counter", "left"),
    [("NPU IDLE", {"AXI0_RD_DATA_BEAT_RECEIVED"}), ("NPU AXI0_RD_DATA_BEAT_RECEIVED", {"ACTIVE", "IDLE"})],
)
def test_a_counter_that_overflowed_is_worth_nothing(counter: str, left: set[str]) -> None:
    found = parse(printed([f"WARN - Counter overflow detected for {counter}.", *KIT]))
    (finished,) = (event.inference for event in found if isinstance(event, events.InferenceFinished))
    assert (finished.npu_cycles, finished.pmu.keys()) == (34178, left)
    assert any(
        f"the counter of {counter} overflowed" in event.text for event in found if isinstance(event, events.Noted)
    )


def test_cycles_whose_counter_overflowed_are_not_known() -> None:
    found = parse(printed(["WARN - Counter overflow detected for NPU TOTAL.", *KIT]))
    (finished,) = (event.inference for event in found if isinstance(event, events.InferenceFinished))
    assert finished.npu_cycles is None
    assert "no NPU cycles: their counter overflowed" in [e.text for e in found if isinstance(e, events.Noted)]


def test_metrics_and_lines_that_contradict_each_other_give_no_figure() -> None:
    lines = [line.replace("TOTAL: 34178", "TOTAL: 34179") for line in RUNNER]
    assert figures(parse(printed(lines))) == {"0 IDLE": 1033}


def test_a_core_whose_row_is_torn_is_not_left_out_of_the_sum() -> None:
    lines = [line.replace("3000000 Inst", "30[x]") for line in STATISTICS]
    found = figures(parse(printed(lines)))
    assert ("instructions" in found, found["wall_s"]) == (False, 3.0)
    # Nor one that was to come when the console ended.
    assert "instructions" not in figures(parse(printed(STATISTICS[:7])))


# -- outputs and ETDumps on the console

INFOS = [
    TensorInfo(dtype="int8", shape=(1, 3), dim_order=(0, 1)),
    TensorInfo(dtype="float32", shape=(2,), dim_order=(0,)),
    TensorInfo(dtype="bool", shape=(1,), dim_order=(0,)),
]
OUTPUTS = [
    "I [executorch:arm_executor_runner.cpp:9 print_outputs()] 3 outputs: ",
    "Output[0][0]: (char) -128",
    "Output[0][1]: (char) 27",
    "Output[0][2]: (char) 5",
    "Output[1][0]: (float) 0.134570",
    "Output[1][1]: (float) -12.000000",
    "Output[2][0]: (bool) true  (0x1)",
    "I [executorch:arm_executor_runner.cpp:9 run_model()] Model run: 1",
]
BYTES = [np.array([-128, 27, 5], "int8").tobytes(), np.array([0.13457, -12], "float32").tobytes(), b"\x01"]


def taken(console: bytes) -> delivery.Taken:
    return delivery._printed(console, INFOS)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("around", AROUND)
def test_printed_outputs_are_read(end: str, around: str) -> None:
    assert taken(printed([AROUND[around].format(line) for line in OUTPUTS], end)).outputs == BYTES


def test_printed_outputs_of_older_runners_have_no_type() -> None:
    lines = [line.replace("(char) ", "").replace("(float) ", "") for line in OUTPUTS]
    assert taken(printed(lines)).outputs == BYTES


def test_outputs_that_are_no_tensors_have_a_number_and_nothing_else(tmp_path: Path) -> None:
    lines = [
        *OUTPUTS[:4],
        "Output[1]: Not Tensor",
        *(line.replace("t[1]", "t[2]") for line in OUTPUTS[4:6]),
        OUTPUTS[6].replace("t[2]", "t[3]"),
    ]
    assert taken(printed(lines)).outputs == BYTES
    for number, content in zip((0, 2, 3), BYTES, strict=True):
        (tmp_path / f"out-{number}.bin").write_bytes(content)
    assert delivery.take("semihosting", tmp_path, INFOS, b"").outputs == BYTES
    (tmp_path / "out-2.bin").unlink()
    found = delivery.take("semihosting", tmp_path, INFOS, b"")
    assert (found.outputs, found.why) == (None, "out-1.bin was not written")


@given(st.integers(0, len(printed(OUTPUTS))), FOREIGN)
@example(printed(OUTPUTS).index(b"27") + 1, "\n[sec] hello\n")
@example(printed(OUTPUTS).index(b"4570"), "\n")
@settings(max_examples=300, deadline=None)
def test_an_element_that_others_wrote_into_is_right_or_not_there(at: int, foreign: str) -> None:
    text = printed(OUTPUTS)
    found = taken(text[:at] + foreign.encode() + text[at:])
    assert found.outputs in (None, BYTES)
    assert (found.outputs is None) == bool(found.why)


@pytest.mark.parametrize(
    ("lines", "infos", "why"),
    [
        ([OUTPUTS[0], OUTPUTS[-1]], INFOS, "the runner prints none"),
        (OUTPUTS[:3] + OUTPUTS[4:], INFOS, "2 of 3 elements of output 0"),
        (OUTPUTS, [TensorInfo(dtype="int16", shape=(1,), dim_order=(0,))], "the runner prints no int16"),
    ],
)
def test_outputs_that_cannot_be_had_are_named(lines: list[str], infos: list[TensorInfo], why: str) -> None:
    found = delivery._printed(printed(lines), infos)
    assert (found.outputs, why in found.why) == (None, True), found.why
    assert "semihosting runner" in found.hint


DUMP = bytes(range(256)) * 3
DUMP_LINES = [
    f"I [executorch:r.cpp:9 write_etdump()] [base64] buffer size: {len(base64.b64encode(DUMP))}",
    "#[RUN THIS]",
    f'echo "{base64.b64encode(DUMP).decode()}" | base64 -d >etdump.bin',
    "#[END]",
]


def test_an_etdump_is_read_from_the_console(tmp_path: Any) -> None:
    assert list(etdump.files(tmp_path, printed(DUMP_LINES))) == [("etdump.bin", DUMP)]


@given(at=st.integers(0, len(printed(DUMP_LINES))), foreign=FOREIGN)
@example(at=300, foreign="abcd")
@settings(max_examples=150, deadline=None)
def test_an_etdump_that_others_wrote_into_is_whole_or_nothing(at: int, foreign: str, tmp_path_factory: Any) -> None:
    text = printed(DUMP_LINES)
    found = dict(etdump.files(tmp_path_factory.getbasetemp(), text[:at] + foreign.encode() + text[at:]))
    assert found.get("etdump.bin") in (None, DUMP)


def test_a_size_whose_unit_was_torn_off_is_no_figure() -> None:
    torn = [
        "model_pte_program_size: 3",
        "[sec] hello",
        "I [executorch:EthosUBackend.cpp:79 init()] data:x",
        "1696 bytes.",
    ]
    assert "model_pte_program size" not in figures(parse(printed(torn)))
    assert figures(parse(printed(["model_pte_program_size: 31696 bytes."]))) == {"model_pte_program size": 31696}
