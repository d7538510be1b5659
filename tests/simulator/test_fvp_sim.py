"""``fvp-sim`` as whoever starts it sees it: a subprocess with the FVP's command line."""

import gzip
import json
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.conftest import Ran, environment
from tests.simulator.programs import SMALL
from tui.platform.pmu_trace import Reader
from tui.simulator import parameters
from tui.simulator.parameters import Settings
from tui.toolchain import boards

RanModel = Callable[..., Ran]

FVP_SIM = [sys.executable, "-m", "tui.simulator"]
NAMES = boards.DEFAULT.parameters
STOPPED = "Info: /OSCI/SystemC: Simulation stopped by user."
STATISTICS = "--- fvp_sim statistics:"
PATIENCE = 60.0


def sim(*arguments: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """``fvp-sim ARGUMENTS`` to its end."""
    return subprocess.run(
        [*FVP_SIM, *map(str, arguments)],
        env=environment(cwd or Path.cwd()),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def semihosting(folder: Path, words: str) -> list[str]:
    """A semihosting command line in single quotes, as ExecuTorch's scripts write it."""
    return [
        "-C",
        f"{NAMES.semihosting('cwd')}='{folder}'",
        "-C",
        f"{NAMES.semihosting('cmd_line')}='{words}'",
    ]


ONCE = "executor_runner -m program.pte -i i0.bin -o out"
SERVER = f"{ONCE} --server_mode true"


@dataclass(frozen=True)
class Digits:
    """A folder with the program of digits and an input, and what has to come of it."""

    folder: Path
    expected: bytes
    shown: np.ndarray


@pytest.fixture
def digits(ran: RanModel, tmp_path: Path) -> Digits:
    artifacts = ran("sample:digits").artifacts
    (tmp_path / "program.pte").write_bytes((artifacts / "model.pte").read_bytes())
    with np.load(artifacts / "inputs.npz") as data:
        (tmp_path / "i0.bin").write_bytes(data["0_0"].tobytes())
    with np.load(artifacts / "references.npz") as data:
        return Digits(tmp_path, data["tosa_0_0"].tobytes(), data["quantized_0_0"])


@dataclass
class Live:
    """A running fvp-sim, its output read line by line as it comes."""

    process: "subprocess.Popen[str]"
    lines: "queue.Queue[str | None]" = field(default_factory=queue.Queue)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def wait_for(self, text: str) -> str:
        """The next line that holds `text`."""
        end = time.monotonic() + PATIENCE
        while (line := self.lines.get(timeout=end - time.monotonic())) is not None:
            self.seen.append(line)
            if text in line:
                return line.strip()
        raise AssertionError(f"{text!r} never came: {''.join(self.seen)}")

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def end(self) -> str:
        """The rest of the output."""
        while (line := self.lines.get(timeout=PATIENCE)) is not None:
            self.seen.append(line)
        self.process.wait(PATIENCE)
        return "".join(self.seen)


@pytest.fixture
def live(digits: Digits) -> Iterator[Callable[..., Live]]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Live:
        process = subprocess.Popen(
            [*FVP_SIM, *semihosting(digits.folder, SERVER), *arguments],
            env=environment(digits.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return Live(process)

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_version_is_one_line_and_needs_no_numpy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tui.simulator", "--version"],
        env=environment(Path.cwd()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("fvp-sim ")
    assert len(done.stdout.splitlines()) == 1
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tui.simulator.cli" in imported
    assert not imported & {"numpy", "torch", "ethosu"}


def test_the_listing_is_taken_back_as_a_configuration(tmp_path: Path) -> None:
    changed = (
        *("-C", f"{NAMES.macs}=0x400"),
        *("-C", f"{NAMES.semihosting('cmd_line')}='executor_runner -m a.pte -o out'"),
        *("-C", f"{NAMES.semihosting('cwd')}=/tmp/run#1"),
    )
    first = sim(*changed, "-l")
    assert first.returncode == 0
    assert all(parameter in first.stdout for parameter in parameters.available(boards.DEFAULT))
    file = tmp_path / "parameters.txt"
    file.write_text(first.stdout)
    again = sim("-f", file, "-l")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == first.stdout
    assert "/tmp/run#1 " in again.stdout


def test_later_settings_win_and_those_of_the_command_line_last() -> None:
    settings = Settings()
    settings.set(f"{NAMES.macs}=512")
    settings.set(f"{NAMES.macs} = '0x80'")
    assert settings.macs == 128


def test_instances_name_the_npu() -> None:
    done = sim("--list-instances")
    assert done.returncode == 0
    assert done.stdout.startswith(NAMES.ethosu)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to run"),
        (["-C", "no.such.parameter=1"], "unknown parameter no.such.parameter"),
        (["-C", NAMES.macs], "expected NAME=VALUE"),
        (["-C", f"{NAMES.macs}=many"], "expected a number"),
        (["-C", f"{NAMES.macs}=4096"], "expected 0x80 to 0x800"),
        (["-C", f"{NAMES.macs}=300"], "expected one of 128, 256, 512, 1024, 2048"),
        (["-C", f"{NAMES.semihosting('enable')}=2"], "expected 0 or 1"),
        (["-f", "missing.txt"], "cannot read missing.txt"),
        (["-a", "missing.elf", "--data", "missing.pte@0"], "missing.pte"),
        (["--data", "missing.pte"], "expected FILE@ADDRESS"),
        (["--data", "missing.pte@nowhere"], "expected FILE@ADDRESS"),
        (["-a", "missing.elf", *semihosting(Path(), ONCE)], "no application missing.elf"),
        (["-a", "cpu0=missing.elf", *semihosting(Path(), ONCE)], "no application cpu0=missing.elf"),
    ],
)
def test_a_wrong_command_line_is_exit_status_2_and_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = sim(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("fvp-sim: ")


def test_an_unknown_option_is_exit_status_2() -> None:
    done = sim("--no-such-option")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--no-such-option" in done.stderr


def test_one_inference_through_semihosting(digits: Digits) -> None:
    done = sim(*semihosting(digits.folder, ONCE), "--stat")
    assert (done.returncode, done.stderr) == (0, "")
    assert (digits.folder / "out-0.bin").read_bytes() == digits.expected
    found = np.frombuffer(digits.expected, np.float32)
    assert found.argmax() == digits.shown.argmax()
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    begin = next(n for n, line in enumerate(lines) if line.startswith(STATISTICS))
    assert lines.index(STOPPED) < begin
    names = [line.partition(":")[0].strip() for line in lines[begin + 1 : -1]]
    assert names == ["Simulated time", "User time", "System time", "Wall time", "Performance index"]
    assert "I [executorch:executor_runner.py] Program complete, exiting." in lines
    assert not any(line.startswith(("E ", "E:", "F ", "F:")) for line in lines)
    # Nothing of this program's own source, whose lines move, is on its console.
    assert not any("executor_runner.py:" in line for line in lines)


def test_quiet_leaves_the_programs_own_words(digits: Digits) -> None:
    done = sim(*semihosting(digits.folder, ONCE), "-q")
    assert done.returncode == 0
    assert STOPPED not in done.stdout
    assert STATISTICS not in done.stdout
    assert "Program complete, exiting." in done.stdout


def test_a_quoted_file_name_may_have_blanks(digits: Digits) -> None:
    (digits.folder / "i0.bin").rename(digits.folder / "input 0.bin")
    words = 'executor_runner -m program.pte -i "input 0.bin" -o out'
    assert sim(*semihosting(digits.folder, words)).returncode == 0
    assert (digits.folder / "out-0.bin").read_bytes() == digits.expected


@pytest.mark.parametrize(
    ("words", "spoil", "said"),
    [
        (ONCE, lambda f: (f / "i0.bin").write_bytes(b"1234"), "input size (4) and tensor size (256) mismatch!"),
        (ONCE, lambda f: (f / "i0.bin").unlink(), "Could not open file i0.bin (errno: 2) for reading, exiting!"),
        (ONCE, lambda f: (f / "program.pte").unlink(), "Could not open file program.pte (errno: 2)"),
        (ONCE, lambda f: (f / "program.pte").write_bytes(b"no program"), "Program loading failed: "),
        (ONCE, lambda f: (f / "program.pte").write_bytes(b""), "Program loading failed: "),
        (ONCE, lambda f: (f / "out-0.bin").mkdir(), "Could not open file out-0.bin"),
        ("executor_runner -m program.pte -o out", None, "Not right number of parameters! (0 of 1 inputs are given)"),
        (f"{ONCE} -i i0.bin", None, "Not right number of parameters! (2 of 1 inputs are given)"),
        (f"{ONCE} -x y", None, "Not right number of parameters! (unknown option -x)"),
        (f"{ONCE} -i", None, "Not right number of parameters!"),
        ("executor_runner -i i0.bin -o out", None, "Not right number of parameters!"),
        ("executor_runner -m program.pte -i i0.bin", None, "Missing required -o output_basename"),
        ('executor_runner -m "program.pte', None, "Not right number of parameters!"),
    ],
)
def test_what_the_runner_refuses_is_exit_status_1_in_its_words(
    words: str, spoil: Callable[[Path], object] | None, said: str, digits: Digits
) -> None:
    if spoil is not None:
        spoil(digits.folder)
    done = sim(*semihosting(digits.folder, words))
    assert (done.returncode, done.stderr) == (1, "")
    assert said in done.stdout
    assert any(line.startswith("E [executorch:") for line in done.stdout.splitlines())
    assert "Program complete" not in done.stdout
    assert STOPPED in done.stdout


def test_a_program_for_another_npu_is_refused(digits: Digits) -> None:
    done = sim(*semihosting(digits.folder, ONCE), "-C", f"{NAMES.macs}=1024")
    assert done.returncode == 1
    assert "E: NPU config mismatch: npu.macs_per_cc=10 optimizer.macs_per_cc=8" in done.stdout
    assert "Ethos-U invocation failed" in done.stdout
    assert not (digits.folder / "out-0.bin").exists()


def test_a_program_placed_in_memory_prints_its_outputs(digits: Digits) -> None:
    done = sim(
        *("--data", f"{digits.folder / 'program.pte'}@0x70000000"),
        *("--data", f"cpu0={digits.folder / 'i0.bin'}@0x71000000"),
    )
    assert done.returncode == 0
    expected = np.frombuffer(digits.expected, np.float32)
    assert [line for line in done.stdout.splitlines() if line.startswith("Output[")] == [
        f"Output[0][{n}]: (float) {value:f}" for n, value in enumerate(expected)
    ]


@pytest.mark.parametrize("size", [3, 257])
def test_a_placed_input_of_another_size_is_refused(size: int, digits: Digits) -> None:
    (digits.folder / "i0.bin").write_bytes(bytes(size))
    done = sim(
        *("--data", f"{digits.folder / 'program.pte'}@0x70000000"),
        *("--data", f"{digits.folder / 'i0.bin'}@0x71000000"),
    )
    assert done.returncode == 1
    assert f"input size ({size})" in done.stdout


def test_the_server_infers_once_for_each_line(digits: Digits, live: Callable[..., Live]) -> None:
    one = live("--stat")
    one.wait_for("Running in semihosting server mode.")
    outputs = []
    for number in (0, 1):
        (digits.folder / "out-0.bin").unlink(missing_ok=True)
        one.go()
        assert one.wait_for("SERVER_INFERENCE_DONE") == f"SERVER_INFERENCE_DONE {number}"
        outputs.append((digits.folder / "out-0.bin").read_bytes())
        # Inputs are read anew for each.
        (digits.folder / "i0.bin").write_bytes(np.linspace(-1, 3, 64, dtype=np.float32).tobytes())
    assert outputs[0] == digits.expected
    assert outputs[1] != outputs[0]
    assert one.process.stdin is not None
    one.process.stdin.close()
    said = one.end()
    assert one.process.returncode == 0
    assert said.index("Program complete, exiting.") < said.index(STOPPED) < said.index(STATISTICS)


def test_the_server_ends_with_a_wrong_input(digits: Digits, live: Callable[..., Live]) -> None:
    one = live()
    one.wait_for("Running in semihosting server mode.")
    (digits.folder / "i0.bin").write_bytes(b"")
    one.go()
    assert "input size (0) and tensor size (256) mismatch!" in one.end()
    assert one.process.returncode == 1


@pytest.mark.parametrize("given", ["< /dev/null", "<&-"], ids=["at its end", "closed"])
def test_without_input_the_server_ends_at_once(given: str, digits: Digits) -> None:
    command = shlex.join([*FVP_SIM, *semihosting(digits.folder, SERVER)])
    done = subprocess.run(
        f"{command} {given}", shell=True, env=environment(digits.folder), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Running in semihosting server mode." in done.stdout
    assert "SERVER_INFERENCE_DONE" not in done.stdout


def test_the_time_limit_ends_a_server_that_waits(live: Callable[..., Live]) -> None:
    one = live("--timelimit", "2", "--stat")
    one.wait_for("Running in semihosting server mode.")
    said = one.end()
    assert "Info: Simulation is stopping. Reason: CPU time has been exceeded." in said
    assert said.index("Reason") < said.index(STOPPED) < said.index(STATISTICS)
    assert one.process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(number: signal.Signals, live: Callable[..., Live]) -> None:
    one = live("--stat")
    one.wait_for("Running in semihosting server mode.")
    one.process.send_signal(number)
    said = one.end()
    assert said.index(STOPPED) < said.index(STATISTICS)
    assert "Reason" not in said
    assert "Traceback" not in said
    assert one.process.returncode == 130


@pytest.mark.parametrize(
    "moment",
    [
        "os.register_at_fork(after_in_parent=stop)",
        "gc.callbacks.append(lambda *_: callable(signal.getsignal(signal.SIGTERM)) and stop())",
    ],
    ids=["fork", "collection of garbage"],
)
def test_a_signal_is_not_lost_where_python_drops_what_is_raised(moment: str, digits: Digits) -> None:
    code = (
        "import functools, gc, os, signal\n"
        "stop = functools.partial(os.kill, os.getpid(), signal.SIGTERM)\n"
        f"{moment}\n"
        "gc.set_threshold(50)\n"
        "from tui.simulator.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *semihosting(digits.folder, SERVER)],
        env=environment(digits.folder),
        input="go\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout.rstrip().endswith(STOPPED)


def trace_of(path: Path) -> list[dict[str, str]]:
    """The events of a trace that is complete."""
    return json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]


def traced(extra: str = "--pmu-trace trace.gz") -> list[str]:
    return ["-C", f"{NAMES.extra_args}={extra}"]


def test_the_trace_is_a_chrome_trace_of_as_many_cycles_as_are_reported(digits: Digits) -> None:
    done = sim(*semihosting(digits.folder, ONCE), *traced(), cwd=digits.folder)
    (cycles,) = re.findall(r"ethosu_pmu_cycle_cntr : (\d+)", done.stdout)
    events = trace_of(digits.folder / "trace.gz")
    assert {event["ph"] for event in events} == {"X", "i"}
    assert all(isinstance(event["ts"], str) for event in events)
    assert max(int(event["ts"]) for event in events if event["tid"] == "qread") - 1 == int(cycles)
    steps = Reader().feed((digits.folder / "trace.gz").read_bytes())
    assert sum(step.end - step.begin for step in steps) == int(cycles)


def test_the_trace_grows_with_each_inference_and_outlives_a_kill(digits: Digits, live: Callable[..., Live]) -> None:
    path = digits.folder / "trace.gz"
    server = live(*traced(f"--pmu-trace {path}"))
    server.wait_for("Running in semihosting server mode.")
    reader = Reader()
    for inference in range(2):
        server.go()
        server.wait_for("SERVER_INFERENCE_DONE")
        read = Reader()
        steps = read.feed(path.read_bytes())
        assert not read.complete
        assert {step.stream for step in steps} == set(range(inference + 1))
    helpers = psutil.Process(server.process.pid).children(recursive=True)
    assert helpers
    server.process.kill()
    server.end()
    assert reader.feed(path.read_bytes()) == steps
    assert psutil.wait_procs(helpers, timeout=20)[1] == []


def test_fast_leaves_out_the_trace_and_says_so_in_one_line(digits: Digits) -> None:
    extra = traced("--fast --pmu-trace trace.gz")
    done = sim(*semihosting(digits.folder, ONCE), *extra, cwd=digits.folder)
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if "no trace" in line]
    assert not (digits.folder / "trace.gz").exists()


@pytest.mark.parametrize("extra", ["--pmu-trace", "--pmu-trace --fast", "--pmu-trace missing/trace.gz"])
def test_a_trace_that_cannot_be_written_is_exit_status_2(extra: str, digits: Digits) -> None:
    done = sim(*semihosting(digits.folder, ONCE), *traced(extra), cwd=digits.folder)
    assert done.returncode == 2
    assert "--pmu-trace" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_limit_of_simulated_time_is_named(digits: Digits) -> None:
    done = sim(*semihosting(digits.folder, ONCE), "--simlimit", "1e-9")
    assert "Reason: Simulated time has been exceeded." in done.stdout
    assert "Reason" not in sim(*semihosting(digits.folder, ONCE), "--simlimit", "1").stdout


def test_a_closed_console_is_no_traceback(digits: Digits) -> None:
    process = subprocess.Popen(
        [*FVP_SIM, *semihosting(digits.folder, ONCE)],
        env=environment(digits.folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(PATIENCE) == 1
    process.stderr.close()


def test_a_trace_without_cycles_is_no_error_of_the_program(tmp_path: Path) -> None:
    program = (SMALL / "conv-ethos-u55-128.pte").read_bytes()
    (tmp_path / "program.pte").write_bytes(program.replace(b"U55_High_End_Embedded", b"U55_Low_End__Embedded"))
    extra = f"{boards.CORSTONE_300_U55.parameters.extra_args}=--pmu-trace trace.gz"
    done = sim("--data", "program.pte@0x70000000", "-C", extra, cwd=tmp_path)
    assert done.returncode == 0
    (said,) = (line for line in done.stdout.splitlines() if "trace" in line)
    assert re.match(r"I \[executorch:\S+\] the trace is not complete: .*U55_Low_End__Embedded", said)
    assert trace_of(tmp_path / "trace.gz") == []
