"""Bundled programs on the simulator: test cases run, compared and reported as ExecuTorch's runner does it."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tests.conftest import Ran
from tests.simulator.bundles import bundle
from tests.simulator.test_fvp_sim import STOPPED, semihosting, sim
from tui.model import bundled, pte
from tui.model.pte import PteError
from tui.simulator.executor_runner import Runner
from tui.toolchain import boards

RanModel = Callable[..., Ran]

DUMMY = "executor_runner -m program.bpte -i dummy.bin -o out"
MESSAGE = re.compile(r"^[IEF] \[executorch:[^]]+\] (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Known:
    """The program of digits, an input of it and what comes of that."""

    program: Path
    shown: np.ndarray
    expected: np.ndarray

    @property
    def good(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return [self.shown], [self.expected]


@pytest.fixture(scope="module")
def known(ran: RanModel) -> Known:
    artifacts = ran("sample:digits").artifacts
    with np.load(artifacts / "inputs.npz") as data:
        shown = data["0_0"].view(np.float32).reshape(1, 1, 8, 8)
    with np.load(artifacts / "references.npz") as data:
        return Known(artifacts / "model.pte", shown, data["tosa_0_0"])


@pytest.fixture
def place(tmp_path: Path) -> Callable[[bytes], list[str]]:
    """Puts a bundle into a folder; the arguments to run it there."""

    def put(data: bytes, words: str = DUMMY) -> list[str]:
        (tmp_path / "program.bpte").write_bytes(data)
        (tmp_path / "dummy.bin").write_bytes(b"no tensor of any kind")
        return semihosting(tmp_path, words)

    return put


def messages(console: str, begin: str) -> list[str]:
    """What the program said, from the message `begin` on, without prefixes."""
    found = MESSAGE.findall(console.replace("\r", ""))
    return found[found.index(begin) :]


def test_a_test_case_that_is_met(known: Known, place: Callable[..., list[str]], tmp_path: Path) -> None:
    done = sim(*place(bundle(known.program, known.good)), "-C", "mps4_board.subsystem.ethosu.extra_args=--fast")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"PTE Model data loaded. Size: {known.program.stat().st_size} bytes." in done.stdout
    assert messages(done.stdout, "Preparing inputs...") == [
        "Preparing inputs...",
        "Input testset[0] from bundled bpte",
        "Input prepared.",
        "Starting running 1 inferences...",
        "NPU Inferences : 1",
        "NPU delegations: 1 (1.00 per inference)",
        "no PMU report: --fast leaves out the cycle model",
        "1 inferences finished",
        "1 outputs: ",
        "Writing output to file: out-0.bin",
        "=== Error stats for testset 0 ===",
        " mean_absolute_error: 0.000000",
        " max_absolute_error:  0.000000",
        " mean_relative_error: 0.000000",
        " max_relative_error:  0.000000",
        "Model output match expected BundleIO bpte ref data.",
        "TEST: BundleIO index[0] Test_result: PASS",
        "Model run: 1",
        "Model run: 1",
        "Program complete, exiting.",
    ]
    assert (tmp_path / "out-0.bin").read_bytes() == known.expected.tobytes()
    assert STOPPED in done.stdout


def test_a_wrong_expectation_fails(known: Known, place: Callable[..., list[str]], tmp_path: Path) -> None:
    wrong = known.expected.copy()
    at = int(np.argmax(np.abs(wrong)))
    wrong.flat[at] *= 1.5
    done = sim(*place(bundle(known.program, ([known.shown], [wrong]))))
    assert (done.returncode, done.stderr) == (1, "")
    error = abs(float(wrong.flat[at]) - float(known.expected.flat[at]))
    assert messages(done.stdout, "=== Error stats for testset 0 ===") == [
        "=== Error stats for testset 0 ===",
        f" mean_absolute_error: {error / wrong.size:f}",
        f" max_absolute_error:  {error:f}",
        f" mean_relative_error: {1 / 3 / wrong.size:f}",
        f" max_relative_error:  {1 / 3:f}",
        "Method's output data mismatched the expected one.",
        "Model output don't match expected BundleIO bpte ref data. rtol=0.010000 atol=0.010000",
        "TEST: BundleIO index[0] Test_result: FAIL",
        "Bundle verification failed with status 0x20",
        "Model run: 0",
        "Model run: 0",
        "In function main(), assert failed (model_ok == true): Problem running model",
    ]
    # What the program made of it is there all the same.
    assert (tmp_path / "out-0.bin").read_bytes() == known.expected.tobytes()


def test_every_test_case_runs_and_one_failure_is_enough(known: Known, place: Callable[..., list[str]]) -> None:
    wrong = ([known.shown], [known.expected + 1])
    done = sim(*place(bundle(known.program, known.good, wrong, known.good)))
    assert done.returncode == 1
    results = re.findall(r"BundleIO index\[(\d)\] Test_result: (\w+)", done.stdout)
    assert results == [("0", "PASS"), ("1", "FAIL"), ("2", "PASS")]
    assert re.findall(r"Input testset\[(\d)\]", done.stdout) == ["0", "1", "2"]
    assert done.stdout.count("Writing output to file") == 1
    assert "Program complete" not in done.stdout


def test_test_cases_bring_their_own_inputs(known: Known, place: Callable[..., list[str]]) -> None:
    """Were the second case's input not taken, its outputs would be those of the first."""
    other = np.ascontiguousarray(known.shown[..., ::-1])
    done = sim(*place(bundle(known.program, known.good, ([other], [known.expected]))))
    assert re.findall(r"Test_result: (\w+)", done.stdout) == ["PASS", "FAIL"]


def test_a_bundle_placed_in_memory(known: Known, tmp_path: Path) -> None:
    file = tmp_path / "program.bpte"
    for expected, status in ((known.expected, 0), (known.expected + 1, 1)):
        file.write_bytes(bundle(known.program, ([known.shown], [expected])))
        done = sim("--data", f"{file}@0x70000000")
        assert done.returncode == status
        assert f"Test_result: {'FAIL' if status else 'PASS'}" in done.stdout
        assert f"Output[0][0]: (float) {known.expected.flat[0]:f}" in done.stdout


def test_what_no_test_case_can_be_run_with(known: Known, place: Callable[..., list[str]]) -> None:
    for data, said in (
        (bundle(known.program, known.good, method="backward"), "No method named 'forward' in given bundled program"),
        (bundle(known.program), "No method named 'forward' in given bundled program, or no test case for it"),
        (bundle(known.program, ([known.shown[..., :4]], None)), "input 0 of the test case is float32 (1, 1, 8, 4)"),
        (bundle(known.program, ([known.shown.astype(np.int8)], None)), "input 0 of the test case is int8 (1, 1, 8, 8)"),
        (bundle(known.program, ([known.shown] * 2, None)), "the test case has 2 inputs, the program 1"),
    ):
        done = sim(*place(data))
        assert (done.returncode, done.stderr) == (1, "")
        assert said in done.stdout
        assert "Problem running model" in done.stdout
        assert "Test_result" not in done.stdout


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (None, ["No bundled expected outputs, so we can't verify the method outputs.", "status 0x10"]),
        ([np.zeros((1, 11), np.float32)], ["output 0 of the test case is float32 (1, 11)", "status 0x20"]),
        ([np.zeros((1, 10), np.int8)], ["output 0 of the test case is int8 (1, 10)", "status 0x20"]),
    ],
)
def test_outputs_that_cannot_be_compared_fail(
    outputs: list[np.ndarray] | None, said: list[str], known: Known, place: Callable[..., list[str]]
) -> None:
    done = sim(*place(bundle(known.program, ([known.shown], outputs))))
    assert done.returncode == 1
    assert "=== Error calculating stats for testset 0 ERROR:18 ===" in done.stdout
    assert "TEST: BundleIO index[0] Test_result: FAIL" in done.stdout
    assert all(words in done.stdout for words in said)


def test_the_server_and_a_missing_file_are_refused(known: Known, place: Callable[..., list[str]]) -> None:
    data = bundle(known.program, known.good)
    for words, said in (
        (f"{DUMMY} --server_mode true", "the server takes its inputs from files"),
        (DUMMY.replace("dummy", "missing"), "Could not open file missing.bin (errno: 2)"),
    ):
        done = sim(*place(data, words))
        assert done.returncode == 1
        assert said in done.stdout


def ended(data: bytes) -> tuple[int, str]:
    """Exit status and console of a file placed in memory; whatever it holds, nothing may be raised."""
    console = io.StringIO()
    status = Runner(boards.DEFAULT.npu.accelerator_of(256), lambda _: "", console).run_placed(data, [])
    return status, console.getvalue()


@pytest.mark.parametrize("kind", ["truncated", "flipped", "spliced"])
def test_a_damaged_bundle_is_refused_in_one_line(kind: str, known: Known) -> None:
    sound = bundle(known.program, known.good)
    inner = known.program.read_bytes()
    begin = sound.index(inner)
    # What is not the program within: damage there is the concern of the tests of programs.
    places = [*range(8, begin), *range(begin + len(inner), len(sound))]
    assert ended(sound)[0] == 0
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(300):
        if kind == "truncated":
            data = sound[: random.integers(8, len(sound))]
        elif kind == "flipped":
            changed = bytearray(sound)
            for at in random.choice(places, 2):
                changed[at] = random.choice([0, 1, 0x7F, 0x80, 0xFF, int(random.integers(256))])
            data = bytes(changed)
        else:
            first, last = sorted(random.choice(places, 2))
            data = sound[:first] + sound[last:]
        status, console = ended(data)
        assert all(line.isprintable() for line in console.splitlines())
        refused += status != 0
        if status:
            assert "Problem running model" in console
    assert refused > 30


def test_a_bundle_within_a_bundle_is_no_program(known: Known, tmp_path: Path) -> None:
    file = tmp_path / "inner.bpte"
    file.write_bytes(bundle(known.program, known.good))
    status, console = ended(bundle(file, known.good))
    assert status == 1
    assert "Program loading failed" in console


def test_every_kind_of_value_is_read(known: Known) -> None:
    from executorch.devtools.bundled_program import schema
    from executorch.devtools.bundled_program.serialize import serialize_from_bundled_program_to_flatbuffer

    values = [schema.Value(schema.Int(-5)), schema.Value(schema.Bool(True)), schema.Value(schema.Double(0.25))]
    suite = schema.BundledMethodTestSuite("forward", [schema.BundledMethodTestCase(values, [])])

    class Whole:
        def serialize_to_schema(self) -> schema.BundledProgram:
            return schema.BundledProgram(0, [suite], known.program.read_bytes())

    found = bundled.read(bytes(serialize_from_bundled_program_to_flatbuffer(Whole())))
    assert found.suites["forward"][0].inputs == (-5, True, 0.25)
    assert found.program == known.program.read_bytes()


def test_a_number_of_the_plan_is_met_by_itself_only() -> None:
    plan = pte.Plan("forward", (7, True, 0.5), (0, 1, 2), (), (), (), (), ())
    assert bundled.misfit((7, True, 0.5), plan, plan.inputs, "input") is None
    for wrong in ((8, True, 0.5), (7, 1, 0.5), (7, True, 0.25)):
        assert bundled.misfit(wrong, plan, plan.inputs, "input") is not None


def test_a_plain_program_is_no_bundle(known: Known) -> None:
    data = known.program.read_bytes()
    assert bundled.program_of(data) is data
    with pytest.raises(PteError):
        bundled.read(data)


NUMBERS = st.one_of(st.floats(width=32), st.floats(-2, 2, width=32))
PAIRS = st.integers(0, 6).flatmap(
    lambda n: st.tuples(*[arrays_of.arrays(np.float32, n, elements=NUMBERS) for _ in "ab"])
)


@given(PAIRS)
def test_close_is_what_pytorch_calls_close(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected, got = (torch.from_numpy(a.astype(np.float64)) for a in pair)
    error, allowed = bundled.deviation(*pair)
    close = torch.isclose(expected, got, rtol=bundled.RTOL, atol=bundled.ATOL, equal_nan=True)
    assert (error <= allowed) == bool(close.all())


@pytest.mark.parametrize(("got", "good"), [(2**60, True), (2**60 + 1, False)])
def test_integers_are_equal_or_not(got: int, good: bool) -> None:
    error, allowed = bundled.deviation(np.array([1, 2**60]), np.array([1, got]))
    assert (error <= allowed) == good
