"""Genuine console logs, where they lie beside the repository: expected phases, figures and verdicts, written by hand.

They are not part of this repository; without them there is nothing to test here.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.platform.uart import Parser
from tui.platform.verdict import End, Evidence, judge, remarks
from tui.run import events
from tui.run.events import Event, Logged

SHARED = Path(__file__).parent.parent.parent.parent / "shared"
FILES = sorted(SHARED.glob("*_logs/*.log"))


@dataclass(frozen=True)
class Expected:
    """What a log means: NPU and CPU cycles, instructions, and the verdict for an exit status of 0."""

    phases: str = "boot"
    npu: tuple[int | None, ...] = ()
    cpu: tuple[int | None, ...] = ()
    instructions: int | None = None
    verdict: str = "fail"
    reason: str = ""
    pmu: dict[str, int] = field(default_factory=dict)
    errors: int = 0
    note: str = ""
    """Words of a note that must be there."""


INCOMPLETE = "ended before the program"
TABLE = {
    "sse300_u55_executorch_tinycnn_full": Expected(
        "boot load prepare infer report exit",
        (247553,),
        (1070301,),
        verdict="pass",
        pmu={
            "ETHOSU_PMU_AXI0_RD_DATA_BEAT_RECEIVED": 44542,
            "ETHOSU_PMU_AXI1_RD_DATA_BEAT_RECEIVED": 3629,
            "ETHOSU_PMU_AXI0_WR_DATA_BEAT_WRITTEN": 42419,
            "ETHOSU_PMU_NPU_IDLE": 501,
        },
    ),
    "executorch_docs_0.7_mv2_runner": Expected(
        "boot load prepare infer report exit",
        (5920305,),
        (6925114,),
        verdict="pass",
        pmu={
            "ETHOSU_PMU_EXT0_RD_DATA_BEAT_RECEIVED": 359921,
            "ETHOSU_PMU_EXT1_RD_DATA_BEAT_RECEIVED": 0,
            "ETHOSU_PMU_EXT0_WR_DATA_BEAT_WRITTEN": 0,
            "ETHOSU_PMU_NPU_IDLE": 503,
        },
    ),
    "executorch_u55_add_perf_issue9356": Expected(
        "boot report", (411,), (2585,), reason=INCOMPLETE, pmu={"ethosu_pmu_cntr0": 6}
    ),
    "executorch_u85_mv2_pmu_lp": Expected(
        "boot report",
        (4738932,),
        (None,),
        reason=INCOMPLETE,
        pmu={f"ethosu_pmu_cntr{i}": n for i, n in enumerate((1447178, 420661, 0, 0, 130))},
    ),
    "executorch_memory_status_lines_pr16580": Expected(reason=INCOMPLETE),
    "sse300_u55_executorch_docs_0.3_add_delegate": Expected(
        "boot load prepare infer report exit",
        (None,),
        (None,),
        verdict="pass",
        errors=1,
        note="the platform kept running after the program's end until a limit stopped it",
    ),
    "sse300_u55_executorch_docs_0.3_softmax_timelimit": Expected(
        "boot load prepare infer report exit",
        (None,),
        (None,),
        verdict="pass",
        errors=1,
        note="shutdown_tag=EXITTHESIM",
    ),
    "sse300_u55_executorch_semihosting_cpu_time_exceeded_issue7568": Expected(
        "boot exit", reason="time limit of 600 s was reached", errors=1
    ),
    "sse320_executorch_add_softmax_run_sh_tail": Expected("boot report exit", (None,), (None,), verdict="pass"),
    "sse320_executorch_simple_nn_lp": Expected("boot load", reason="in phase load"),
    "sse320_executorch_zephyr_memory_errors_ultralytics": Expected(
        reason="6144000 bytes are needed, 2000 are left", errors=4
    ),
    "zephyr_executorch_expected_output": Expected("boot report exit", (None,), (None,), verdict="pass"),
    "sse300_u55_mlek_inference_runner_uart": Expected(
        "boot report",
        npu=(34178,),
        cpu=(None,),
        reason=INCOMPLETE,
        pmu={
            "AXI0_RD_DATA_BEAT_RECEIVED": 9332,
            "AXI0_WR_DATA_BEAT_WRITTEN": 3248,
            "AXI1_RD_DATA_BEAT_RECEIVED": 2219,
            "ACTIVE": 33145,
            "IDLE": 1033,
        },
    ),
    "sse300_u55_mv2_5images_stat": Expected(
        "boot" + 5 * " infer report" + " exit", (None,) * 5, (None,) * 5, instructions=5735052, verdict="pass"
    ),
    "sse300_tflm_person_detect_benchmark_stat": Expected("boot exit", instructions=73961463, verdict="pass"),
    "sse300_m55_hello_stat_mps2_variant": Expected("boot exit", instructions=4810, reason=INCOMPLETE),
    "avh_stat_block_doc": Expected(instructions=65196784, reason="before the program printed anything"),
    "vht300_microspeech_1116_cyclelimit_stat": Expected(
        "boot exit", instructions=768000000, reason="Cycle limit has been exceeded", errors=1
    ),
    "vht300_microspeech_simlimit_stat": Expected(
        "boot exit", instructions=394585852, reason="Simulated time has been exceeded", errors=1
    ),
    "vht300_getstarted_unity_cyclelimit_quiet": Expected("boot exit", reason="Cycle limit has been exceeded", errors=1),
    "sse300_u55_zephyr_hello_xterm_headless": Expected(
        "boot exit", reason="Simulated time has been exceeded", errors=1
    ),
    "alif_e8_mv2_board": Expected(
        "boot load prepare infer report", (None,), (None,), verdict="pass", note="an inference took 30 ms"
    ),
    "e84_board_serial_tinycnn": Expected(
        "boot infer report", (None,), (None,), verdict="pass", note="have lost their text: newlib-nano"
    ),
    "mlek_ad": Expected(
        "boot report",
        (968172,),
        (None,),
        reason=INCOMPLETE,
        pmu={
            "AXI0_RD_DATA_BEAT_RECEIVED": 485194,
            "AXI0_WR_DATA_BEAT_WRITTEN": 138111,
            "AXI1_RD_DATA_BEAT_RECEIVED": 56245,
            "ACTIVE": 967731,
            "IDLE": 441,
        },
    ),
    "mlek_asr_2inf_u55": Expected(
        "boot report", (28451172,), (None,), reason=INCOMPLETE, note="one profile for 2 inferences"
    ),
    "mlek_kws_asr_two_models": Expected(
        "boot report exit",
        (414172, 30164672),
        (None, None),
        verdict="pass",
        pmu={
            "AXI0_RD_DATA_BEAT_RECEIVED": 132130,
            "AXI0_WR_DATA_BEAT_WRITTEN": 48252,
            "AXI1_RD_DATA_BEAT_RECEIVED": 17544,
            "ACTIVE": 413814,
            "IDLE": 358,
        },
        note="one profile for 2 inferences",
    ),
    "sds_fvp_python_fatal_at_exit": Expected("boot exit", reason=INCOMPLETE, note="Arm knows of it"),
    "error_libpython_sse320": Expected(reason="libpython3.9.so.1.0 is not found", errors=1),
    "error_e549_execstack_issue2038": Expected(reason="executable stack", errors=1),
    "error_license_other_user": Expected(reason="no licence: The license found is assigned to another user", errors=1),
    "mlek_npu_config_mismatch": Expected(reason="compiled for another NPU", errors=2),
    "run_fvp_false_success_issue22316": Expected(reason="another processor architecture", errors=1),
}


BEGINNINGS = (
    "avh_port_conflict_terminals_5003_5005",
    "cmsis_dsp_eventrecorder_port_shuffle",
    "gdbserver_plugin_banner_sse320",
    "help_sse300_windows_partial_issue3018",
    "params_mps2_cm85_cmsis6_model_config",
    "params_sse300_avh_fvp_config",
    "params_sse320_avh_fvp_config",
    "pmu_trace_event_pr14401",
    "rd_n2_headless_visualisation_warning",
    "sse300_u55_mlek_banner_2020",
    "sse300_u55_mlek_boot_uart",
    "sse320_mlek_asr_uart_lp",
    "sse320_zephyr_west_header_ultralytics_yolov8n",
    "version_sse300_11_27_42",
    "vht300_iris_server_banner",
)
"""Lists, banners and the first lines of a run: nothing that they say is a figure, a fault or an end."""

TABLE |= {name: Expected(reason=INCOMPLETE) for name in BEGINNINGS}


def parse(data: bytes) -> tuple[Parser, list[Event]]:
    parser = Parser("measured", clock=lambda: 0.0)
    return parser, parser.feed(data) + parser.close()


def means_what_it_says(file: Path) -> None:
    expected = TABLE[file.stem]
    parser, found = parse(file.read_bytes())

    assert " ".join(e.phase for e in found if isinstance(e, events.PhaseChanged)) == expected.phases
    inferences = [e.inference for e in found if isinstance(e, events.InferenceFinished)]
    assert tuple(i.npu_cycles for i in inferences) == expected.npu
    assert tuple(i.cpu_cycles for i in inferences) == expected.cpu
    if expected.pmu:
        assert inferences[0].pmu == expected.pmu
    blocks = [e.statistics.instructions for e in found if isinstance(e, events.StatisticsKnown)]
    assert blocks == ([] if expected.instructions is None else [expected.instructions])

    logged = [e for e in found if isinstance(e, Logged)]
    assert sum(e.level == "error" for e in logged) == expected.errors
    evidence = Evidence()
    for line in logged:
        evidence.add(line)
    end = End(exit_status=0, timeout_s=600, finished=parser.finished, phase=parser.phase)
    verdict = judge(evidence, end)
    notes = [e.text for e in found if isinstance(e, events.Noted)] + remarks(evidence, end)
    assert any(expected.note in note for note in notes) or not expected.note, notes
    assert (verdict.verdict, expected.reason in verdict.reason) == (expected.verdict, True), verdict.reason


def is_logged_whole_however_it_is_cut(file: Path) -> None:
    data = file.read_bytes()
    _, found = parse(data)
    logged: list[Any] = [e for e in found if isinstance(e, Logged)]
    assert "\n".join(e.text for e in logged) == data.decode("utf-8", "replace").removesuffix("\n")
    parser = Parser("measured", clock=lambda: 0.0)
    bytewise = [e for i in range(len(data)) for e in parser.feed(data[i : i + 1])] + parser.close()
    assert bytewise == found


@given(st.data())
@settings(max_examples=40, deadline=None)
def cut_off_or_spoilt_it_is_still_read(file: Path, data: st.DataObject) -> None:
    whole = file.read_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    at = data.draw(st.integers(0, len(cut)))
    spoilt = cut[:at] + data.draw(st.binary(max_size=200)) + cut[at:]
    for text in (cut, spoilt):
        _, found = parse(text)
        logged = [event.text for event in found if isinstance(event, Logged)]
        lines = [line.strip(b"\r").decode("utf-8", "replace") for line in text.split(b"\n")]
        assert logged == (lines if text and not text.endswith(b"\n") else lines[:-1])
        assert [events.decode(events.encode(event)) for event in found] == found
    # What was read before the cut does not change by what comes after it.
    complete = cut[: cut.rfind(b"\n") + 1]
    before = Parser("measured", clock=lambda: 0.0).feed(complete)
    assert Parser("measured", clock=lambda: 0.0).feed(whole)[: len(before)] == before


# An empty parametrisation would be reported as a skip.
if FILES:
    test_a_genuine_log_means_what_it_says = pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)(
        means_what_it_says
    )
    test_a_genuine_log_is_logged_whole_however_it_is_cut = pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)(
        is_logged_whole_however_it_is_cut
    )
    test_a_genuine_log_that_is_cut_off_or_spoilt_is_still_read = pytest.mark.parametrize(
        "file", FILES, ids=lambda f: f.stem
    )(cut_off_or_spoilt_it_is_still_read)
