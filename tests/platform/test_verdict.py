"""The verdict: what weighs more than what, and what the user is told."""

import signal
from dataclasses import replace

import pytest

from tui.platform import failure_table, failures
from tui.platform.verdict import End, Evidence, Failure, judge
from tui.run.events import Logged, PlatformExited

E = "E [executorch:x.cpp:1 f()] "
F = "F [executorch:x.cpp:1 main()] "
DONE = "I [executorch:x.cpp:1 main()] Program complete, exiting."


def verdict(*lines: str, fast: bool = False, source: str = "uart", end: End | None = None) -> PlatformExited:
    evidence = Evidence(fast=fast)
    for line in lines:
        evidence.add(Logged(source=source, text=line))
    return judge(evidence, end or End(exit_status=0, timeout_s=600))


# Each outweighs all below it.
PRECEDENCE = [
    ("FVP_X: error while loading shared libraries: libz.so.1: cannot open shared object file", "libz.so.1"),
    ("Fatal: license error: none left.", "none left"),
    ("Hard fault. irq=-13, pc=0x0000beef, lr=0x1", "hard fault at pc=0x0000beef"),
    ("Info: Simulation is stopping. Reason: CPU time has been exceeded.", "time limit of 600 s was reached"),
    (E + "TEST: BundleIO index[0] Test_result: FAIL", "differ from the reference"),
    (E + "something nobody knows", "the program reports: something nobody knows"),
]


@pytest.mark.parametrize("at", range(len(PRECEDENCE)))
def test_the_weightiest_failure_is_named_whatever_the_order(at: int) -> None:
    text, reason = PRECEDENCE[at]
    later = [line for line, _ in PRECEDENCE[at:]]
    for order in (later, later[::-1]):
        found = verdict(*order, DONE, end=End(exit_status=9, timeout_s=600))
        assert found.verdict == "fail"
        assert reason in found.reason
    assert text


def test_an_error_line_fails_a_run_that_exits_with_0() -> None:
    found = verdict(E + "Ethos-U invocation failed error (-1)", DONE)
    assert (found.verdict, found.exit_status) == ("fail", 0)
    assert "the NPU refused its work" in found.reason
    assert "MACs" in found.hint


def test_a_limit_tells_of_the_error_before_it() -> None:
    found = verdict("E: NPU config mismatch. npu.macs_per_cc=E: NPU config mismatch..", PRECEDENCE[3][0])
    assert found.reason.startswith("the time limit of 600 s was reached, after an error: the model was compiled for")


def test_a_limit_after_silence_points_at_semihosting() -> None:
    found = verdict(PRECEDENCE[3][0], source="platform")
    assert "printed nothing" in found.reason
    assert "SEMIHOSTING" in found.hint


def test_a_fatal_line_is_told_in_the_words_of_the_error_before_it() -> None:
    found = verdict(
        E + "Missing operator: [2] aten::sort.values", F + "Execution of method forward failed with status 0x14"
    )
    assert "lacks the operator aten::sort.values" in found.reason


def test_a_status_is_named() -> None:
    found = verdict("I [executorch:x.cpp:1 f()] Loading of method forward failed with status 0x30")
    assert "DelegateInvalidCompatibility (0x30)" in found.reason


def test_the_timing_adapter_s_complaints_mean_nothing_in_fast_mode() -> None:
    noise = (
        "E: Failed to initialize timing-adapter #3",
        "E: Timing adapter has no effect if option --fast/-F is enabled",
    )
    assert verdict(*noise, DONE, fast=True).verdict == "pass"
    assert verdict(*noise, DONE).verdict == "fail"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (End(exit_status=3), "exited with status 3"),
        (End(exit_status=127), "could not be started"),
        (End(signal=signal.SIGKILL), "ended by SIGKILL"),
        (End(signal=99), "ended by signal 99"),
        (End(exit_status=0, server=True, server_ready=True, expected=4, finished=2), "2 of 4 inferences ran"),
        (End(exit_status=0, server=True, expected=4, finished=1), "the runner has no server mode"),
    ],
)
def test_how_it_ended_counts_even_after_a_complete_program(end: End, reason: str) -> None:
    found = verdict(DONE, end=end)
    assert (found.verdict, reason in found.reason) == ("fail", True), found.reason


def test_a_program_that_was_not_complete_fails_with_exit_status_0() -> None:
    found = verdict("hello", end=End(exit_status=0, phase="infer"))
    assert (found.verdict, "in phase infer" in found.reason) == ("fail", True)
    assert "before the program printed anything" in verdict().reason


def test_a_clean_end_passes() -> None:
    assert verdict("Finished early", "Error stats below", "Output[0][0]: Hard fault", DONE).verdict == "pass"


def test_a_runner_that_aborts_after_a_failed_test_fails_for_the_test() -> None:
    aborted = (
        E + "TEST: BundleIO index[0] Test_result: FAIL",
        "I [executorch:x.cpp:1 f()] Model run: 0",
        F + "In function main(), assert failed (model_ok == true): Problem running model",
    )
    assert "differ from the reference" in verdict(*aborted).reason
    assert "did not run correctly" in verdict(*aborted[1:]).reason


KIT_ASSERTION = (
    "F [ExecuTorch: op_quantize_per_tensor.cpp:45 check_quantize_args()] In function check_quantize_args(), "
    "assert failed (out.scalar_type() == ScalarType::Char): out.scalar_type() 2 is not int8 (Char)"
)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        # The firmware's abort runs into its fault handler, whose words a simulator's come after.
        (
            (KIT_ASSERTION, "Exception caught by function HardFault_Handler", "Error: fvp-sim: it came to its handler"),
            "the program stopped at an assertion: out.scalar_type() 2 is not int8 (Char); then the program on the "
            "platform ended in its HardFault_Handler",
        ),
        ((KIT_ASSERTION, "Error: fvp-sim: it came to its handler"), "an assertion: out.scalar_type() 2 is not int8"),
        ((F + "In function g(), assert failed: n > 0",), "the program stopped at an assertion: n > 0"),
        ((E + "Check failed (a == b): sizes differ", DONE), "the program stopped at an assertion: sizes differ"),
        (
            ("E 00:00:00.000412 executorch:thing.cpp:90] it came apart", DONE),
            "the program reports: it came apart",
        ),
        (
            (E + "something odd", "Hard fault. irq=-13, pc=0x0000beef, lr=0x1"),
            "the program reports: something odd; then the program on the platform ended in a hard fault at pc=0x0000",
        ),
        (
            (E + "TEST: BundleIO index[0] Test_result: FAIL", "Hard fault. irq=-13, pc=0x0000beef, lr=0x1"),
            "the outputs differ from the reference that is bundled with the program; then",
        ),
        # What comes after it is no cause.
        (("Hard fault. irq=-13, pc=0x0000beef, lr=0x1", E + "x"), "the program on the platform ended in a hard fault"),
        (("E 00:00:00.000000 executorch:x.cpp:zu] \ufffd\ufffd",), "an error whose text is lost: newlib-nano"),
        (("[00:00:01.000,000] <err> app: no model",), "the program reports: no model"),
        (("2026-09-16T10:11:12.1234567Z \x1b[31mE: NPU config mismatch.\x1b[0m",), "compiled for another NPU"),
    ],
)
def test_the_first_cause_is_the_reason(lines: tuple[str, ...], reason: str) -> None:
    found = verdict(*lines)
    assert (found.verdict, found.reason[: len(reason)] == reason or reason in found.reason) == ("fail", True)


PYTHON = "Fatal Python error: _Py_GetConfig: the function must be called with the GIL held, but the GIL is released"
ABORTED = End(signal=signal.SIGABRT, finished=1, outputs=1)


@pytest.mark.parametrize(
    ("lines", "end", "passes"),
    [
        ((DONE, PYTHON), ABORTED, True),
        (("EXITTHESIM", PYTHON), End(exit_status=134, finished=1, outputs=1), True),
        # Before the end it is no word at the exit; and other deaths are none that Arm knows of.
        ((PYTHON, DONE), ABORTED, False),
        ((DONE, "Fatal Python error: Segmentation fault"), ABORTED, False),
        ((DONE,), ABORTED, False),
        ((DONE, PYTHON), End(signal=signal.SIGABRT, finished=1, outputs=0), False),
        ((DONE, E + "x", PYTHON), ABORTED, False),
    ],
)
def test_only_a_good_run_stays_good_when_the_fvp_s_python_aborts(
    lines: tuple[str, ...], end: End, passes: bool
) -> None:
    assert verdict(*lines, end=end).verdict == ("pass" if passes else "fail")


OVER = "Info: Simulation is stopping. Reason: CPU time has been exceeded."
SEEN = End(exit_status=1, timeout_s=600, finished=1, outputs=1)


@pytest.mark.parametrize(
    ("lines", "end", "reason"),
    [
        (("EXITTHESIM", OVER), SEEN, ""),
        ((DONE,), replace(SEEN, overdue_s=630.0), ""),
        ((OVER, DONE), SEEN, "time limit of 600 s was reached"),
        ((E + "x", DONE, OVER), SEEN, "after an error: the program reports: x"),
        (
            (DONE, OVER),
            replace(SEEN, outputs=0, lacking=Failure("none", "h")),
            "gave outputs: none; then the time limit of 600 s",
        ),
        ((DONE, OVER), replace(SEEN, finished=0), "0 of 1 inferences ran, though"),
    ],
)
def test_a_limit_after_the_program_s_end_spoils_no_good_run(lines: tuple[str, ...], end: End, reason: str) -> None:
    found = verdict(*lines, end=end)
    assert (found.verdict, reason in found.reason) == ("fail" if reason else "pass", True), found.reason


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (End(outputs=0), "0 of 1 inferences ran"),
        (
            End(finished=1, outputs=0, lacking=Failure("there is no file", "look")),
            "0 of 1 inferences gave outputs: there is no",
        ),
        (End(finished=3, expected=3, outputs=2, server=True, server_ready=True), "2 of 3 inferences gave outputs"),
        (End(finished=3, expected=3, outputs=2, server=True, server_ready=True, closed=True), "2 of 3 inferences gave"),
        (End(finished=3, expected=3, outputs=3, server=True, server_ready=True, closed=True), ""),
        (End(finished=1, outputs=1), ""),
    ],
)
def test_fewer_inferences_than_were_asked_for_are_no_success(end: End, reason: str) -> None:
    found = verdict(DONE, end=end)
    assert (found.verdict, reason in found.reason) == ("fail" if reason else "pass", True), found.reason


def test_a_stop_by_the_user_is_neither_pass_nor_fail() -> None:
    found = verdict(E + "x", end=End(signal=signal.SIGKILL, stopped=True))
    assert (found.verdict, found.reason) == ("stopped", "stopped by the user")


KNOWN = [
    ("Exception caught by function HardFault_Handler", "ended in its HardFault_Handler"),
    ("[00:00:01.000,000] <err> os: ***** MPU FAULT *****", "ended in a MPU fault"),
    (">>> ZEPHYR FATAL ERROR 19: Memory fault on CPU 0", "fatal error 19 Memory fault"),
    ("ASSERTION FAIL [thread != NULL] @ ZEPHYR_BASE/kernel/sched.c:99", "an assertion: thread != NULL"),
    ('assertion "size > 0" failed: file "pool.c", line 12, function: take', "an assertion: size > 0"),
    (E + "Total output tensor sizes do not match", "does not have the size that the compiler announced"),
    (E + "Program expects 96 bytes but got 48", "does not have the size that the compiler announced"),
    (E + "Incorrect header in vela_bin_stream", "made by another Vela or is damaged"),
    (E + "Vela bin ptr not aligned to 16 bytes: 0x70000071", "a multiple of 16 bytes"),
    (
        E + "Input 0 expected Integer (4 byte), Char (1 byte) or Bool (1 byte) integer inputs, got ScalarType id Float",
        "input 0 of the NPU is Float",
    ),
    (F + "In function Init(), assert failed (n > 0): Program has no methods", "does not have the method"),
    (E + "No method named 'forward' in given bundled program", "the runner asks for forward"),
    (F + "In function f(), assert failed (p): Could not allocate memory for input evalues", "too small for the input"),
    (E + "Bundle verification failed with status 0x20", "differ from the reference"),
    (
        "FVP_X: error while loading shared libraries: libpython3.9.so.1.0: cannot open",
        "libpython3.9.so.1.0 is not found",
    ),
    ("FVP_X: error while loading shared libraries: libz.so.1: cannot open", "the library libz.so.1 is not found"),
    ("/a/libarmctmodel.so: cannot enable executable stack as shared object requires", "executable stack"),
    ("/x/FVP: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /x/FVP)", "GLIBC_2.38"),
    ("/x/FVP: cannot execute binary file", "another processor architecture"),
    ("run.sh: line 7: docker: command not found", "docker is not found"),
    ("ERROR: Cannot connect to the Docker daemon at unix:///x. Is it running?", "Docker does not answer"),
    ("Error: (E123) uncaught exception: odd", "(E123): uncaught exception: odd"),
    ("Fatal: license error: none left.", "no licence: none left"),
    ("error_license_not_found", "no licence: license_not_found"),
    ("Hard fault", "ended in a hard fault"),
    ("Hard fault. irq=-13, pc=0x0000beef, lr=0x1", "hard fault at pc=0x0000beef"),
    ("Info: Simulation is stopping. Reason: Cycle limit has been exceeded.", "Cycle limit has been exceeded"),
    (E + "TEST: BundleIO index[0] Test_result: FAIL", "differ from the reference"),
    ("NPU config mismatch: npu.macs_per_cc=8 optimizer.macs_per_cc=7", "compiled for another NPU"),
    (
        "I [executorch:x.cpp:1 main()] PTE @ 0x70000000 [----....]",
        "no program where the runner looks for one, at 0x70000000",
    ),
    (E + "Missing operator: [2] aten::sort.values", "lacks the operator aten::sort.values"),
    (
        E + "neither the simulator nor PyTorch has a kernel for a::b.out",
        "the simulator nor PyTorch has a kernel for a::b",
    ),
    (E + "the simulator has no kernel for tflite::SecretSauce", "no kernel for tflite::SecretSauce"),
    (E + "the simulator cannot compute tflite::MUL: it is known on floats only, not on int8", "not on int8"),
    (
        E + "the simulator has no kernel for a::b.out, and PyTorch, which may have one, is not installed",
        "the simulator has no kernel for a::b.out, and PyTorch",
    ),
    (E + "Backend EthosUBackend is not registered.", "without the backend EthosUBackend"),
    (E + "Failed to allocate scratch buffer of 4096 bytes from temp_allocator", "4096 bytes are needed"),
    (F + "Planned buffer 2 uses mem_id=3, but ET_ARM_BAREMETAL_PLANNED_FAST_MEMORY_SIZE is not set", "fast memory"),
    (F + "Failed to allocate input file size:77", "pool for files is too small: 77 bytes"),
    (
        F + "assert failed (x): Could not allocate memory for planned buffer with mem_id=1, size 12",
        "buffer needs 12 bytes",
    ),
    (E + "Memory allocation failed: 640B requested (adjusted for alignment), 20B available", "640 bytes are needed"),
    (E + "input size (10) and tensor size (20) mismatch!", "an input file has 10 bytes, the program's input 20"),
    (E + "Wrong number of inputs allocated compared to method", "the number of input files"),
    (E + "Program expects 5 elements but got 6", "an input of the NPU has another size"),
    (E + "Ethos-U output 0 tensor bytes 3 not divisible by chunk count 2", "an output of the NPU"),
    (F + "Could not open file i0.bin (errno: 2) for reading, exiting!", "cannot open the file i0.bin (errno 2)"),
    (F + "Not right number of parameters!", "was not given its command line"),
    (E + "Malformed vela_bin_stream found", "another Vela"),
    (E + "Expected 14args received 15", "has 15 arguments, the runner's has 14"),
    (F + "Program loading failed @ 0x0: 0x23", "cannot read the program file"),
    (E + "Ethos-U invocation failed error (-1)", "refused its work (driver error -1)"),
    (E + "ethosu_reserve_driver_ex failed", "finds no NPU"),
    (
        "I [executorch:x.cpp:1 f()] Loading of method forward failed with status 0x30",
        "DelegateInvalidCompatibility (0x30)",
    ),
    (F + "Execution of method forward failed with status 0x99", "the method forward failed: error (0x99)"),
    ("I [executorch:x.cpp:1 f()] Model run: 0", "did not run correctly"),
    ("Application exit code: 2.", "exit code 2"),
    ("Error: fvp-sim: the firmware has no kernel for aten::sort.values", "no kernel for aten::sort.values"),
    ("Error: fvp-sim: the simulator has no kernel for tflite::LSTM", "no kernel for tflite::LSTM"),
]


@pytest.mark.parametrize(("text", "said"), KNOWN)
def test_known_texts_say_what_they_mean(text: str, said: str) -> None:
    found = verdict(text, DONE)
    assert (found.verdict, said in found.reason) == ("fail", True), found.reason


def test_every_row_of_the_table_is_met_by_one_of_them() -> None:
    first = {next(i for i, row in enumerate(failure_table.TABLE) if row.pattern.search(text)) for text, _ in KNOWN}
    assert first == set(range(len(failure_table.TABLE)))
    assert all(failures.find(text) is not None for text, _ in KNOWN)
