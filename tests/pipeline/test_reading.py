"""Logs from elsewhere as runs: figures, label and verdict of each dialect, and of genuine logs where they are."""

import codecs
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.platform import dialects
from tests.platform.dialects import BOARD, FVP, NOBODY, Captured
from tests.platform.test_torn_lines import figures
from tui.pipeline.log_request import log_spec
from tui.pipeline.process import RunProcess
from tui.pipeline.record import Record
from tui.platform import captured
from tui.platform.uart import Parser
from tui.run import store
from tui.run.derived import badge, gone_through, outcome
from tui.run.state import State

Read = Callable[..., tuple[Path, State]]

SHARED = Path(__file__).parent.parent.parent.parent / "shared"
FILES = sorted(SHARED.glob("*_logs/*.log"))


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """A log, read in this process as the run process does it: its directory and its state."""

    def run(text: bytes, name: str = "console.log", program: str | None = None, origin: Any = None) -> Any:
        file = tmp_path / name
        file.write_bytes(text)
        spec = log_spec(str(file), program, origin)
        directory = store.create(spec)
        RunProcess(Record(directory, spec)).run()
        return directory, store.load(directory)

    return run


@pytest.mark.parametrize("log", dialects.ALL, ids=lambda log: log.name)
def test_a_dialect_gives_its_figures_its_label_and_its_verdict(log: Captured, read: Read) -> None:
    directory, state = read(log.text)
    assert (outcome(state), badge(state)) == (log.outcome, log.badge), state.run.reason
    assert log.reason in (state.run.reason or "")
    assert len(state.inferences) == log.inferences
    if log.inference:
        first = msgspec.to_builtins(state.inferences[0])
        assert {name: first[name] for name in log.inference} == log.inference
    for words in log.notes:
        assert any(words in note for note in state.notes), state.notes
    assert (directory / store.CONSOLE).read_bytes() == log.text
    # Only what the log shows: no stage of compiling, and no time that nobody took.
    assert {stage.name for stage in gone_through(state)} <= {"boot", "infer", "check"}
    assert all(stage.seconds is None for stage in gone_through(state))


@pytest.mark.parametrize("around", dialects.AROUND)
def test_stamps_colours_and_noise_before_each_line_change_nothing(around: str) -> None:
    for log in dialects.ALL:
        plain, dressed = log.ended("\n"), log.within(dialects.AROUND[around])
        assert figures(parsed(dressed)) == figures(parsed(plain)), log.name
        assert captured.told([dressed]).origin == captured.told([plain]).origin, log.name


def parsed(*pieces: bytes) -> list[Any]:
    parser = Parser("measured", clock=lambda: 0.0)
    return [event for piece in pieces for event in parser.feed(piece)] + parser.close()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_bytes_that_are_no_text_before_a_line_or_its_stamp_change_nothing(data: st.DataObject) -> None:
    noise = st.binary(max_size=6).map(lambda some: bytes(b % 8 + 0xF8 if b > 60 else b % 4 for b in some))
    log = data.draw(st.sampled_from(dialects.ALL))
    stamp = data.draw(st.sampled_from([b"", b"[10:11:12.123] ", b"2026-09-16T10:11:12.1234567Z "]))
    text = b"".join(data.draw(noise) + stamp + data.draw(noise) + line.encode() + b"\r\n" for line in log.lines)
    assert figures(parsed(text)) == figures(parsed(log.text))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_stamped_log_gives_the_same_events_however_it_is_cut(data: st.DataObject) -> None:
    log = data.draw(st.sampled_from(dialects.ALL))
    text = log.within(data.draw(st.sampled_from(list(dialects.AROUND.values()))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    assert parsed(*(text[a:b] for a, b in pairwise([0, *cuts, len(text)]))) == parsed(text)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_an_excerpt_gives_the_figures_that_it_shows_or_none(data: st.DataObject) -> None:
    # Where the line of an overflow is cut off, the figure that it takes back is not.
    log = data.draw(st.sampled_from([log for log in dialects.ALL if log is not dialects.KIT]))
    text = log.within(data.draw(st.sampled_from(["{}", *dialects.AROUND.values()])))
    whole = figures(parsed(text))
    begin = data.draw(st.integers(0, len(text)))
    cut = text[begin : data.draw(st.integers(begin, len(text)))]
    for name, value in figures(parsed(cut)).items():
        # A counter whose names come later has its number, an inference whose like is cut off another place.
        assert value in whole.values(), name


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_the_beginning_of_a_good_log_never_fails(data: st.DataObject) -> None:
    """An excerpt is not known, for what it does not show."""
    from tui.platform.verdict import End, Evidence, judge_log
    from tui.run.events import Logged

    log = data.draw(st.sampled_from([log for log in dialects.ALL if log.outcome == "ok"]))
    for at in range(len(log.text)):
        parser, evidence = Parser("measured", clock=lambda: 0.0), Evidence()
        for event in parser.feed(log.text[:at]) + parser.close():
            if isinstance(event, Logged):
                evidence.add(event)
        assert judge_log(evidence, End(finished=parser.finished, phase=parser.phase)).verdict != "fail"


def test_what_powershell_redirects_is_read_and_kept_as_it_is(read: Read) -> None:
    text = codecs.BOM_UTF16_LE + dialects.LIBRARY.ended("\r\n").decode().encode("utf-16-le")
    directory, state = read(text)
    assert (outcome(state), state.inferences[0].npu_cycles) == ("ok", 7001)
    assert (directory / store.CONSOLE).read_bytes() == text


def test_the_user_says_whose_log_it_is_but_estimates_stay_estimates(read: Read) -> None:
    _, state = read(dialects.KIT.text, origin="board")
    assert (badge(state), state.inferences[0].source) == (BOARD, "measured")
    assert not any("cycle-accurate" in note for note in state.notes), "a board's CPU counts truly"
    _, state = read(dialects.KIT.text, origin="fvp")
    assert badge(state) == FVP
    _, state = read(dialects.SIMULATED.text, origin="fvp")
    assert (badge(state), state.inferences[0].source) == (dialects.SIMULATOR, "estimated")
    _, state = read(dialects.LIBRARY.text, origin="board")
    assert any("--from says board, and the log has a line of the fvp" in note for note in state.notes)


def test_outputs_of_a_log_are_kept_and_what_the_runner_compared_is_its_check(read: Read) -> None:
    import numpy as np

    directory, state = read(dialects.LIBRARY.text)
    with np.load(directory / "artifacts" / "outputs.npz") as outputs:
        assert outputs["0_0"].tolist() == [0.25, -1.5]
    assert state.check is not None
    assert (state.check.status, "--model" in (state.check.reason or "")) == ("skipped", True)
    _, state = read(dialects.BUNDLE.text)
    assert state.check is not None
    assert (state.check.status, state.check.reference, state.check.links[0].max_abs_error) == (
        "match",
        "bundle",
        0.0045,
    )
    (test,) = state.bundle
    assert (test.passed, test.mean_abs_error, test.max_relative_error) == (True, 0.00125, 0.25)


@pytest.mark.parametrize(
    "printed",
    [
        [
            "I [executorch:r.cpp:9 main()]   output[0]: tensor scalar_type=Float numel=2",
            "I [executorch:r.cpp:9 main()]     [0] = 0.250000",
            "I [executorch:r.cpp:9 main()]     [1] = -1.500000",
            "I [executorch:r.cpp:9 main()] SUCCESS: Program complete, exiting.",
        ],
        ["[executorch] output0[0] float_bits=0x3e800000", "[executorch] output0[1] float_bits=0xbfc00000"],
        ["Output[0][0]: 0.250000", "Output[0][1]: -1.500000"],
    ],
    ids=["Zephyr", "PSoC", "without a type"],
)
@pytest.mark.parametrize("around", ["{}", "[12:34:56] {}", "2026-09-16T10:11:12Z {}"])
def test_outputs_of_every_form_are_read(printed: list[str], around: str, read: Read) -> None:
    import numpy as np

    directory, _ = read("".join(around.format(line) + "\r\n" for line in printed).encode())
    with np.load(directory / "artifacts" / "outputs.npz") as outputs:
        assert outputs["0_0"].tolist() == [0.25, -1.5]


@pytest.mark.parametrize(
    "said",
    [
        "Total output tensor sizes do not match",
        "Program expects 96 bytes but got 48",
        "Incorrect header in vela_bin_stream",
        "Vela bin ptr not aligned to 16 bytes",
        "Input 0 expected Integer (4 byte), Char (1 byte) or Short (2 byte), got ScalarType id 6",
        "Program has no methods",
        "No method named 'forward'",
        "Could not allocate memory for input evalues",
        "Bundle verification failed with status 0x12",
    ],
)
@pytest.mark.parametrize("prefix", ["E [executorch:a.cpp:1 f()] ", "E 00:00:01.000120 executorch:a.cpp:1] "])
def test_a_known_error_has_its_meaning_and_a_next_step(said: str, prefix: str, read: Read) -> None:
    _, state = read(f"2026-09-16T10:11:12Z \x1b[31m{prefix}{said}\x1b[0m\r\n".encode())
    assert outcome(state) == "failed"
    assert state.run.reason and not state.run.reason.startswith("the program reports")
    assert state.run.hint and "see the lines before it" not in state.run.hint


def test_the_npu_is_the_one_that_the_log_names_but_of_its_clock_it_says_nothing(read: Read) -> None:
    named = b"Running runner for ethos-u55-128 run with FVP:FVP_Corstone_SSE-300_Ethos-U55 num_macs:128\n"
    _, state = read(named + dialects.LIBRARY.text)
    assert state.spec is not None and state.platform is not None
    assert (state.spec.target.accelerator, state.clock_hz) == ("ethos-u55-128", None)
    assert state.platform.name == "FVP_Corstone_SSE-300_Ethos-U55"
    assert any("--target gives it a clock" in note for note in state.notes)
    # Of two, nobody knows which; and what looks like one may be none.
    for other in (b"--target=ethos-u85-256\n", b"ethos-u55-77\n"):
        _, state = read(named + other)
        assert state.spec is not None and not state.spec.target.is_known


def test_an_inference_of_the_kit_that_a_stop_cut_off_is_none(read: Read) -> None:
    _, state = read(b"INFO - Inference 1/2\nInfo: /OSCI/SystemC: Simulation stopped by user.\n")
    assert (outcome(state), state.inferences) == ("unknown", ())


def test_lines_before_the_platform_are_not_its_failures_but_its_own_are(read: Read) -> None:
    _, state = read(b"E: Unable to locate package x\nnothing else\n")
    assert outcome(state) == "unknown"
    _, state = read(b"docker: command not found\n")
    assert (outcome(state), "docker is not found" in (state.run.reason or "")) == ("failed", True)
    _, state = read(b"FVP_Corstone_SSE-320: error while loading shared libraries: libpython3.9.so.1.0: cannot open\n")
    assert "libpython3.9.so.1.0 is not found" in (state.run.reason or "")
    _, state = read(b"[x/run_fvp.sh] Simulation complete, 3\n")
    assert (outcome(state), state.run.reason) == ("failed", "the platform exited with status 3")


EXPECTED: dict[str, tuple[str, str, tuple[int | None, ...]]] = {
    "alif_e8_mv2_board": ("ok", NOBODY, (None,)),
    "e84_board_serial_tinycnn": ("ok", BOARD, (None,)),
    "mlek_ad": ("unknown", NOBODY, (968172,)),
    "mlek_asr_2inf_u55": ("unknown", NOBODY, (28451172,)),
    "mlek_kws_asr_two_models": ("ok", NOBODY, (414172, 30164672)),
    "sds_fvp_python_fatal_at_exit": ("unknown", FVP, ()),
    "error_e549_execstack_issue2038": ("failed", FVP, ()),
    "error_libpython_sse320": ("failed", FVP, ()),
    "error_license_other_user": ("failed", NOBODY, ()),
    "executorch_docs_0.7_mv2_runner": ("ok", NOBODY, (5920305,)),
    "executorch_u55_add_perf_issue9356": ("unknown", NOBODY, (411,)),
    "executorch_u85_mv2_pmu_lp": ("unknown", NOBODY, (4738932,)),
    "mlek_npu_config_mismatch": ("failed", NOBODY, ()),
    "run_fvp_false_success_issue22316": ("failed", FVP, ()),
    "sse300_u55_executorch_docs_0.3_add_delegate": ("ok", FVP, (None,)),
    "sse300_u55_executorch_docs_0.3_softmax_timelimit": ("ok", FVP, (None,)),
    "sse300_u55_executorch_semihosting_cpu_time_exceeded_issue7568": ("failed", FVP, ()),
    "sse300_u55_executorch_tinycnn_full": ("ok", FVP, (247553,)),
    "sse300_u55_mlek_inference_runner_uart": ("unknown", NOBODY, (34178,)),
    "sse300_u55_mv2_5images_stat": ("ok", FVP, (None,) * 5),
    "sse300_u55_zephyr_hello_xterm_headless": ("failed", FVP, ()),
    "sse320_executorch_add_softmax_run_sh_tail": ("ok", FVP, (None,)),
    "sse320_executorch_zephyr_memory_errors_ultralytics": ("failed", NOBODY, ()),
    "vht300_getstarted_unity_cyclelimit_quiet": ("failed", FVP, ()),
    "vht300_microspeech_1116_cyclelimit_stat": ("failed", FVP, ()),
    "vht300_microspeech_simlimit_stat": ("failed", FVP, ()),
    "zephyr_executorch_expected_output": ("ok", NOBODY, (None,)),
    # Beginnings, lists and banners: nothing that they say is a figure, a fault or an end.
    "executorch_memory_status_lines_pr16580": ("unknown", NOBODY, ()),
    "mlek_boot": ("unknown", NOBODY, ()),
    "params_mps2_cm85_cmsis6_model_config": ("unknown", NOBODY, ()),
    "params_sse300_avh_fvp_config": ("unknown", NOBODY, ()),
    "params_sse320_avh_fvp_config": ("unknown", NOBODY, ()),
    "pmu_trace_event_pr14401": ("unknown", NOBODY, ()),
    "rd_n2_headless_visualisation_warning": ("unknown", NOBODY, ()),
    "sse300_u55_mlek_boot_uart": ("unknown", NOBODY, ()),
    "sse320_mlek_asr_uart_lp": ("unknown", NOBODY, ()),
}
"""Outcome, label and NPU cycles of each genuine log; of those that are not here, not known and an FVP's."""


def genuine(file: Path, read: Read) -> None:
    directory, state = read(file.read_bytes(), file.name)
    cycles = tuple(inference.npu_cycles for inference in state.inferences)
    assert (outcome(state), badge(state), cycles) == EXPECTED.get(file.stem, ("unknown", FVP, ()))
    assert (directory / store.CONSOLE).read_bytes() == file.read_bytes()


# An empty parametrisation would be reported as a skip.
if FILES:
    test_a_genuine_log_is_read_for_what_it_is = pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)(genuine)
