"""Runs on a board: a stand-in of our own on a pseudo-terminal, from the command line to the verdict."""

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import REPOSITORY, TUI, Ran, environment
from tests.platform import consoles, elves
from tests.platform.consoles import Console
from tests.platform.stand_in_board import ask
from tests.platform.stand_in_board import console as console_of

SCRIPT = Path(__file__).parent / "stand_in_board.py"
NO_CAPABILITIES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
TIOCGEXCL = 0x80045440


@dataclass
class Bench:
    """A board on a desk, and the program beside it."""

    folder: Path
    home: Path
    model: str
    spoken: Path
    boards: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def port(self) -> Path:
        return self.folder / "port"

    def plug(self, fault: str = "", text: Path | None = None) -> None:
        """Plug the board in; with a text it says that, whatever was flashed."""
        env = {**environment(self.home), "BOARD": fault, "BOARD_TEXT": str(text or self.spoken)}
        if fault == "true":
            del env["BOARD_TEXT"]
        board = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(self.folder)], env=env, stdout=subprocess.PIPE, text=True
        )
        self.boards.append(board)
        assert board.stdout is not None and board.stdout.readline() == "ready\n"

    def hook(self, *words: str) -> str:
        return shlex.join([sys.executable, str(SCRIPT), str(self.folder), *words])

    def command(self, *options: str, model: str | None = None) -> list[str]:
        """``fvp-tui run`` on the board, flashed and reset."""
        flash, reset = self.hook("flash", "{pte}"), self.hook("reset")
        line = ["--platform", "serial", "--port", str(self.port), "--flash", flash, "--reset", reset]
        return [*TUI, "run", model or self.model, *line, *options]

    def run(
        self, *options: str, model: str | None = None, prefix: list[str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Exit status and state; nothing may be left open."""
        done = subprocess.run(
            [*(prefix or []), *self.command(*options, "--json", model=model)],
            env=environment(self.home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.stdout, done.stderr
        self.check_nothing_open()
        return done.returncode, json.loads(done.stdout)

    def check_nothing_open(self) -> None:
        """No process of a run is left; the line is neither open nor locked."""
        found = [p for p in psutil.process_iter(["cmdline"]) if str(self.home) in " ".join(p.info["cmdline"] or ())]
        assert [p.cmdline() for p in psutil.wait_procs(found, timeout=10)[1]] == []
        with contextlib.suppress(FileNotFoundError):
            other = os.open(self.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert struct.unpack("i", fcntl.ioctl(other, TIOCGEXCL, bytes(4))) == (0,)
            os.close(other)

    def console(self, state: dict[str, Any]) -> bytes:
        return (self.home / "runs" / state["run"]["id"] / "console.log").read_bytes()

    def artifact(self, state: dict[str, Any], name: str) -> str:
        return (self.home / "runs" / state["run"]["id"] / "artifacts" / name).read_text()


@pytest.fixture(scope="module")
def spoken(ran: Callable[..., Ran], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console of the sample on the board: computing it once is enough."""
    file = tmp_path_factory.mktemp("spoken") / "console.txt"
    file.write_bytes(console_of((ran("sample:digits").artifacts / "model.pte").read_bytes()))
    return file


@pytest.fixture
def bench(home: Path, tmp_path: Path, ran: Callable[..., Ran], spoken: Path) -> Iterator[Bench]:
    # The path of a socket is short.
    bench = Bench(tmp_path / "b", home, str(ran("sample:digits").artifacts / "model.pte"), spoken)
    bench.folder.mkdir()
    yield bench
    for board in bench.boards:
        with board:
            board.kill()


def reason(state: dict[str, Any]) -> str:
    return str(state["run"]["reason"])


def noted(state: dict[str, Any], text: str) -> bool:
    return any(text in note for note in state["notes"])


def test_a_model_runs_on_a_board(bench: Bench, shared: Path, ran: Callable[..., Ran]) -> None:
    simulated = ran("sample:digits").state
    # Where it was compiled already.
    bench.home = shared / "home"
    bench.plug("true")
    status, state = bench.run("--board", "the bench", model="sample:digits")
    assert (status, state["run"]["status"]) == (0, "ok")
    platform = state["platform"]
    assert (platform["kind"], platform["name"], platform["board"]) == ("serial", "the bench", "the bench")
    assert noted(state, "times are NPU cycles at 1000 MHz, the clock of Ethos_U85_SYS_DRAM_Mid")
    (inference,) = state["inferences"]
    assert (inference["npu_cycles"], inference["source"]) == (simulated["inferences"][0]["npu_cycles"], "measured")
    assert state["check"]["status"] == "match"
    assert noted(state, f"{bench.port} at 115200 baud: ended by the text: Program complete, exiting.")
    assert b"Output[0][9]" in bench.console(state)
    assert "wrote" in bench.artifact(state, "flash.log")
    shown = subprocess.run(
        [*TUI, "show", state["run"]["id"]], env=environment(bench.home), capture_output=True, text=True, check=True
    )
    assert "BOARD - cycles measured   the bench" in shown.stdout
    page = bench.folder / "page.html"
    command = [*TUI, "export", state["run"]["id"], "--format", "html", "-o", str(page)]
    subprocess.run(command, env=environment(bench.home), capture_output=True, check=True)
    assert "BOARD - cycles measured: the bench" in page.read_text()


@pytest.mark.parametrize(
    ("console", "cycles", "said"),
    [
        (consoles.MLEK, consoles.MLEK.npu[0], "ended by "),
        (consoles.OLDEST, None, "ended by the text: Application exit code: 0."),
    ],
)
def test_a_board_may_speak_another_dialect(console: Console, cycles: int | None, said: str, bench: Bench) -> None:
    text = bench.folder / "text"
    text.write_bytes(console.text)
    bench.plug(text=text)
    status, state = bench.run("--silence", "0.3")
    assert status == 0
    assert [one["npu_cycles"] for one in state["inferences"]] == [cycles]
    assert noted(state, said)
    assert bench.console(state) == console.text


def test_a_slow_board_is_waited_for(bench: Bench) -> None:
    bench.plug("slow")
    status, state = bench.run()
    assert (status, len(state["inferences"])) == (0, 1)


def test_a_board_without_last_words_ends_by_silence(bench: Bench) -> None:
    bench.plug("no-end")
    status, state = bench.run("--silence", "0.3")
    assert (status, len(state["inferences"])) == (0, 1)
    assert noted(state, "ended by silence of 0.3")


def test_a_board_ends_at_the_text_that_was_asked_for(bench: Bench) -> None:
    bench.plug("no-end")
    status, state = bench.run("--end", "Back to the shell")
    assert status == 0
    assert noted(state, "ended by the text: Back to the shell")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("silent", "within 0.3 s"),
        ("stuck", "silent for 0.3 s in phase infer: no inference was seen"),
        ("garbled", "at 115200 baud is no text"),
    ],
)
def test_a_board_that_does_not_answer_fails(fault: str, said: str, bench: Bench) -> None:
    bench.plug(fault)
    status, state = bench.run("--silence", "0.3")
    assert (status, state["run"]["status"], state["inferences"]) == (1, "failed", [])
    assert said in reason(state)
    assert "--baud" in state["run"]["hint"] or fault == "stuck"


def test_noise_costs_no_figure(bench: Bench) -> None:
    bench.plug("noise")
    status, state = bench.run()
    assert (status, len(state["inferences"])) == (0, 1)
    assert noted(state, "on the console are no text")


def test_outputs_that_are_not_printed_are_not_checked(bench: Bench) -> None:
    bench.plug("no-outputs")
    status, state = bench.run("--require-match")
    assert (status, state["check"]["status"]) == (3, "skipped")
    assert noted(state, "the outputs are not known: the runner prints none")


def test_what_an_earlier_program_says_is_kept_but_does_not_count(bench: Bench) -> None:
    bench.plug("talks")
    status, state = bench.run()
    assert status == 0
    assert [one["npu_cycles"] for one in state["inferences"]] != [77]
    assert len(state["inferences"]) == 1
    assert bench.console(state).count(b"ethosu_pmu_cycle_cntr : 77 ") == 2


def test_what_follows_the_end_is_kept_but_does_not_count(bench: Bench) -> None:
    bench.plug("goes-on")
    status, state = bench.run()
    assert (status, len(state["inferences"])) == (0, 1)
    assert b"ethosu_pmu_cycle_cntr : 77 " in bench.console(state)


def test_each_inference_has_a_reset_of_its_own(bench: Bench) -> None:
    bench.plug()
    status, state = bench.run("--inferences", "2")
    assert (status, [one["index"] for one in state["inferences"]]) == (0, [0, 1])
    assert bench.artifact(state, "flash.log").count("wrote") == 1
    assert bench.artifact(state, "reset.log").count("reset") == 2


@contextlib.contextmanager
def under_way(bench: Bench, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """A run whose inference has begun."""
    command = bench.command(*options, "--events")
    with subprocess.Popen(command, env=environment(bench.home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Starting running" in line:
                break
        yield process


def last_event(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    event: dict[str, Any] = json.loads(process.stdout.readlines()[-1])
    return event


def test_a_board_may_be_unplugged(bench: Bench) -> None:
    bench.plug("unplugged")
    with under_way(bench) as process:
        ask(bench.folder, ["unplug"])
        end = last_event(process)
    assert (process.returncode, end["status"]) == (1, "failed")
    assert end["reason"] == f"{bench.port} was gone in phase infer: unplugged, or the board lost power"
    bench.check_nothing_open()


def test_a_run_may_be_stopped(bench: Bench) -> None:
    bench.plug("stuck")
    with under_way(bench) as process:
        process.send_signal(signal.SIGINT)
        end = last_event(process)
    assert (process.returncode, end["status"]) == (130, "stopped")
    bench.check_nothing_open()


# -- commands


def test_a_command_that_fails_fails_the_run_with_its_last_line(bench: Bench) -> None:
    bench.plug()
    status, state = bench.run("--flash", bench.hook("fail"))
    assert status == 1
    assert reason(state) == "the flash command failed with exit status 1: no probe found"
    assert bench.artifact(state, "flash.log").splitlines() == ["connecting to the probe", "no probe found"]


def test_a_port_may_go_while_a_command_runs(bench: Bench) -> None:
    bench.plug()
    status, state = bench.run("--flash", bench.hook("unplug"))
    assert status == 1
    assert reason(state) == f"{bench.port} was gone while the flash command ran"


def test_a_command_that_does_not_end_is_ended(bench: Bench) -> None:
    bench.plug()
    status, state = bench.run("--reset", "tail -f /dev/null", "--timeout", "0.5")
    assert status == 1
    assert reason(state) == "the reset command did not end within 0.5 s"


def test_a_command_has_nobody_to_ask(bench: Bench) -> None:
    bench.plug()
    status, state = bench.run("--reset", "cat", "--silence", "0.3")
    assert status == 1
    assert "nothing came from" in reason(state)


def test_a_command_that_is_not_there_is_named(bench: Bench) -> None:
    bench.plug()
    status, state = bench.run("--reset", "./no-such-probe reset")
    assert status == 1
    assert "the reset command cannot be started" in reason(state)
    assert "no-such-probe" in reason(state)


def test_a_program_inside_the_elf_is_flashed_with_it(bench: Bench) -> None:
    bench.plug()
    program = Path(bench.model).read_bytes()
    runner = elves.write(bench.folder / "runner.elf", "embedded", program)
    flash = f"{bench.hook('flash')} {{elf}} {{pte}}"
    status, state = bench.run("--runner", str(runner), "--flash", flash)
    assert status == 0
    assert f"flash {runner} " in (bench.home / "runs" / state["run"]["id"] / "events.jsonl").read_text()
    other = elves.write(bench.folder / "other.elf", "embedded", program[:-4] + b"else" + program)
    status, state = bench.run("--runner", str(other), "--flash", flash)
    assert "embeds another program" in reason(state)


def test_a_program_is_placed_at_the_address_of_the_runner(bench: Bench) -> None:
    bench.plug()
    runner = elves.write(bench.folder / "runner.elf", "address")
    flash = f"{bench.hook('flash')} {{address}} {{pte}}"
    status, state = bench.run("--runner", str(runner), "--pte-address", "0x38000000", "--flash", flash)
    assert status == 0
    assert "flash 0x38000000 " in (bench.home / "runs" / state["run"]["id"] / "events.jsonl").read_text()
    status, state = bench.run("--runner", str(runner), "--flash", flash)
    assert status == 2 and "it is not known where the program goes" in reason(state)


def test_a_board_that_is_not_flashed_is_not_taken_at_its_word(bench: Bench) -> None:
    text = bench.folder / "console.txt"
    text.write_bytes(b"I [executorch:a.cpp:1 main()] 1 inferences finished\r\nProgram complete, exiting.\r\n")
    bench.plug(text=text)
    command = [*TUI, "run", bench.model, "--port", str(bench.port), "--reset", bench.hook("reset"), "--json"]
    done = subprocess.run(command, env=environment(bench.home), capture_output=True, text=True, check=False)
    state = json.loads(done.stdout)
    assert state["run"]["status"] == "ok"
    assert noted(state, "it was not checked that the board runs this program")


# -- the port


def test_a_port_that_is_not_there_is_named(bench: Bench) -> None:
    status, state = bench.run()
    assert status == 4
    assert reason(state) == f"there is no port {bench.port}"


def test_a_port_in_use_is_left_alone(bench: Bench) -> None:
    bench.plug()
    opener = "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", opener, str(bench.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None and holder.stdout.readline()
        done = subprocess.run(
            [*bench.command("--json")], env=environment(bench.home), capture_output=True, text=True, check=False
        )
        holder.communicate(b"\n")
    state = json.loads(done.stdout)
    assert done.returncode == 4
    assert f"{bench.port} is in use by python" in reason(state)
    assert f"(process {holder.pid})" in reason(state)


def test_a_port_of_another_run_is_left_alone(bench: Bench) -> None:
    bench.plug("stuck")
    with under_way(bench) as process:
        done = subprocess.run(
            bench.command("--json"), env=environment(bench.home), capture_output=True, text=True, check=False
        )
        process.send_signal(signal.SIGINT)
        assert last_event(process)["status"] == "stopped"
    assert f"{bench.port} is in use by another run of fvp-tui" in reason(json.loads(done.stdout))
    bench.check_nothing_open()


def test_a_port_without_permission_is_named(bench: Bench) -> None:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed, and the superuser may use any port")
    bench.plug()
    bench.port.chmod(0)
    status, state = bench.run(prefix=NO_CAPABILITIES if os.geteuid() == 0 else None)
    bench.port.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert status == 4
    assert reason(state) == f"no permission to use {bench.port}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--platform", "serial"], "which port?"),
        (["--platform", "simulator", "--port", "/dev/ttyX"], "--port is for a board"),
        (["--reset", "reset"], "--reset is for a board"),
        (["--port", "/dev/ttyX", "--fast"], "--fast has no effect on a board"),
        (["--port", "/dev/ttyX", "--inferences", "2"], "each inference on a board needs a reset"),
        (["--port", "/dev/ttyX", "--silence", "0"], "--silence must be positive"),
        (["--port", "/dev/ttyX", "--baud", "0"], "--baud must be positive"),
    ],
)
def test_options_that_contradict_are_refused(options: list[str], said: str, bench: Bench) -> None:
    done = subprocess.run(
        [*TUI, "run", bench.model, *options], env=environment(bench.home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dry_run_prints_the_commands(bench: Bench) -> None:
    bench.plug()
    done = subprocess.run(bench.command("--dry-run"), env=environment(bench.home), capture_output=True, text=True)
    flash, reset = done.stdout.splitlines()
    assert flash.startswith("flash: ") and flash.endswith("flash program.pte")
    assert reset == f"reset: {bench.hook('reset')}"


def test_without_pyserial_the_extra_is_named(bench: Bench) -> None:
    bench.plug()
    (bench.folder / "serial.py").write_text("raise ImportError\n")
    path = f"PYTHONPATH={bench.folder}:{REPOSITORY}"
    status, state = bench.run(prefix=["env", path])
    assert (status, reason(state)) == (4, "boards need pyserial, which is not installed")
    assert state["run"]["hint"] == "pip install 'fvp-tui[serial]'"
