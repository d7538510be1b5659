"""From discovery to figures with a stand-in under the FVP's name: every kind of runner, and every fault."""

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from tests.conftest import TUI, Ran, environment
from tests.platform import elves, test_logs
from tui.platform import discovery
from tui.platform.runner import KINDS, Kind
from tui.toolchain import boards
from tui.toolchain.boards import Board

ROOT = Path(__file__).parents[2]
RanModel = Callable[..., Ran]

SCRIPTS = {
    "-C mps4_board.visualisation.disable-visualisation=1",
    "-C vis_hdlcd.disable_visualisation=1",
    "-C mps4_board.telnetterminal0.start_telnet=0",
    "-C mps4_board.uart0.out_file=-",
    "-C mps4_board.uart0.unbuffered_output=1",
    "-C mps4_board.uart0.shutdown_on_eot=1",
}
"""What ExecuTorch's run_fvp.sh passes for an Ethos-U85, whatever the runner."""

SCRIPTS_300 = {
    "-C mps3_board.visualisation.disable-visualisation=1",
    "-C mps3_board.telnetterminal0.start_telnet=0",
    "-C mps3_board.uart0.out_file=-",
    "-C mps3_board.uart0.shutdown_on_eot=1",
}
"""What it passes for an Ethos-U55 or U65."""

SEMIHOSTING = {
    "-C mps4_board.subsystem.cpu0.semihosting-enable=1",
    "-C mps4_board.subsystem.cpu0.semihosting-stack_base=0",
    "-C mps4_board.subsystem.cpu0.semihosting-heap_limit=0",
}


SEMIHOSTING_300 = {word.replace("mps4_board.subsystem.", "") for word in SEMIHOSTING}

PROGRAMS = {
    boards.CORSTONE_300_U55.name: ROOT / "tests/simulator/ethosu55/conv-ethos-u55-128.pte",
    boards.CORSTONE_300_U65.name: ROOT / "tests/simulator/ethosu55/conv-ethos-u65-256.pte",
}
"""A program for each of the boards with an Ethos-U55 or U65."""


@dataclass(frozen=True)
class Machine:
    """A machine on which the stand-in is installed as the FVP of a board."""

    fvp_tui: Callable[..., "subprocess.CompletedProcess[str]"]
    folder: Path
    home: Path
    board: Board = boards.DEFAULT

    @property
    def program(self) -> str:
        """A program for its board."""
        return str(PROGRAMS[self.board.name])

    def run(self, *arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
        """``fvp-tui run ... --json``: exit status and state; no process of the platform may be left behind."""
        done = self.fvp_tui("run", *arguments, "--json", "--platform", "fvp", extra=environment)
        assert done.stdout, done.stderr
        state = json.loads(done.stdout)
        # The whole path, not the run's name: another worker's run of the same second has the same name. The run's
        # own process may be a moment behind the last event, which is all that the command waits for.
        found = [p for p in psutil.process_iter(["cmdline"]) if str(self.folder) in " ".join(p.info["cmdline"] or ())]
        left = [p.cmdline() for p in psutil.wait_procs(found, timeout=10)[1]]
        assert left == []
        return done.returncode, state

    def runner(self, kind: Kind, program: bytes = b"") -> str:
        """A runner's ELF file."""
        return str(elves.write(self.folder / f"{kind}.elf", kind, program))

    @contextlib.contextmanager
    def follow(self, name: str) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of a run as they come."""
        command = [*TUI, "attach", name, "--events"]
        with subprocess.Popen(command, env=environment(self.home), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield (json.loads(line) for line in process.stdout)

    @property
    def received(self) -> list[str]:
        """The arguments the stand-in was started with."""
        return json.loads((self.folder / "arguments.json").read_text())


@pytest.fixture
def machine(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Machine:
    """A machine with the FVP of the board that a test is for, the default one if it names none."""
    board: Board = getattr(request, "param", boards.DEFAULT)
    binary = tmp_path / "bin" / board.fvp.binary
    binary.parent.mkdir()
    called = f"STAND_IN_AS={board.fvp.binary} PYTHONPATH={ROOT}"
    binary.write_text(f'#!/bin/sh\n{called} exec {sys.executable} -u -m tests.platform.stand_in "$@"\n')
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)

    def fvp_tui(*arguments: str, extra: dict[str, str] | None = None) -> Any:
        env = {**environment(home), "STAND_IN_RECORD": str(tmp_path / "arguments.json"), **(extra or {})}
        env["PATH"] = f"{binary.parent}{os.pathsep}{env['PATH']}"
        return subprocess.run(
            [*TUI, *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return Machine(fvp_tui, tmp_path, home, board)


@pytest.fixture
def digits(ran: RanModel, tmp_path: Path) -> str:
    return str(shutil.copy(ran("sample:digits").artifacts / "model.pte", tmp_path / "digits.pte"))


def words(argv: list[str]) -> set[str]:
    return {f"-C {argv[at + 1]}" for at, word in enumerate(argv) if word == "-C"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_runner_from_discovery_to_figures(
    kind: Kind, machine: Machine, ran: RanModel, digits: str
) -> None:
    # The program inside a runner was compiled before; one that is compiled anew has the same bytes.
    inside = Path(digits).read_bytes() if kind == "embedded" else b""
    status, state = machine.run("sample:digits", "--runner", machine.runner(kind, inside))
    assert (status, state["run"]["status"], state["run"]["reason"]) == (0, "ok", None)
    (inference,) = state["inferences"]
    assert inference["source"] == "measured"
    assert inference["npu_cycles"] == ran("sample:digits").state["inferences"][0]["npu_cycles"]
    assert list(inference["pmu"].values())
    assert (state["check"]["status"], state["check"]["reference"]) == ("match", "tosa")
    assert state["platform"]["kind"] == "fvp"
    assert state["platform"]["version"] == "11.27.25"
    assert state["verdict"]["verdict"] == "pass"
    argv = machine.received
    assert words(argv) >= SCRIPTS | {"-C mps4_board.subsystem.ethosu.num_macs=256"}
    assert (words(argv) >= SEMIHOSTING) == (kind == "semihosting")
    assert argv[argv.index("-a") + 1] == machine.runner(kind, inside)
    assert "--stat" in argv and argv[argv.index("--timelimit") + 1] == "600"
    assert argv.count("--data") == {"address": 1, "mlek": 2}.get(kind, 0)
    console = (machine.home / "runs" / state["run"]["id"] / "console.log").read_bytes()
    assert b"Simulation stopped by user" in console
    shown = machine.fvp_tui("show", "last").stdout
    assert "Statistics   the whole run: " in shown
    # The stand-in's semihosting runner is the simulator, which has no core to count.
    assert (" MIPS, " in shown) == (kind != "semihosting")
    pools = "method_allocator 4,321 of 62,914,560 bytes", "method_allocator_planned 1,234 bytes"
    assert [pool in shown for pool in pools] == [kind in ("address", "embedded")] * 2


@pytest.mark.parametrize(
    ("machine", "kind"),
    [(boards.CORSTONE_300_U55, "semihosting"), (boards.CORSTONE_300_U55, "mlek"), (boards.CORSTONE_300_U65, "address")],
    indirect=["machine"],
    ids=["U55-semihosting", "U55-mlek", "U65-address"],
)
def test_corstone_300_from_discovery_to_figures(machine: Machine, kind: Kind) -> None:
    status, state = machine.run(machine.program, "--runner", machine.runner(kind))
    assert (status, state["run"]["status"], state["run"]["reason"]) == (0, "ok", None)
    assert (state["platform"]["kind"], state["platform"]["name"]) == ("fvp", machine.board.fvp.binary)
    assert state["platform"]["version"] == "11.27.42"
    assert state["verdict"]["verdict"] == "pass"
    (inference,) = state["inferences"]
    assert inference["source"] == "measured" and inference["npu_cycles"] > 0
    assert {name.partition("_RD")[0] for name in inference["pmu"] if "_RD_" in name} == {
        "ETHOSU_PMU_AXI0",
        "ETHOSU_PMU_AXI1",
    }
    argv = machine.received
    macs = machine.board.npu.default_macs
    assert words(argv) >= SCRIPTS_300 | {f"-C ethosu.num_macs={macs}"}
    assert (words(argv) >= SEMIHOSTING_300) == (kind == "semihosting")
    assert not [word for word in argv if "mps4" in word or "hdlcd" in word]
    assert argv.count("--data") == {"address": 1, "mlek": 2}.get(kind, 0)
    console = (machine.home / "runs" / state["run"]["id"] / "console.log").read_bytes()
    # The stand-in's semihosting runner is the simulator, which ends in its own way.
    assert b"Ethos-U rev " in console and (b"[warning ][main@0]" in console) == (kind != "semihosting")
    assert [note for note in state["notes"] if "warning" in note] == []
    (note,) = [note for note in state["notes"] if "does not say which NPU it was built for" in note]
    assert f"was not checked that this is the {machine.board.npu.name} of {machine.board.name}" in note


@pytest.mark.parametrize("name", ["sse300_u55_executorch_tinycnn_full"])
@pytest.mark.parametrize("machine", [boards.CORSTONE_300_U55], indirect=True)
def test_a_genuine_log_of_corstone_300_gives_the_figures_of_a_run(machine: Machine, name: str) -> None:
    for log in test_logs.SHARED.glob(f"fvp_logs/{name}.log"):
        given = {"STAND_IN_LINES": json.dumps(log.read_text(errors="replace").splitlines()), "STAND_IN_OUTPUT": "5472"}
        runner = machine.runner("semihosting")
        status, state = machine.run(machine.program, "--runner", runner, STAND_IN="says", **given)
        expected = test_logs.TABLE[name]
        (inference,) = state["inferences"]
        assert (inference["npu_cycles"],) == expected.npu and inference["pmu"] == expected.pmu
        assert (status, state["verdict"]["verdict"]) == (0, expected.verdict), state["run"]["reason"]


@pytest.mark.parametrize(
    ("fault", "kind", "status", "said"),
    [
        ("licence", "semihosting", 4, "no licence"),
        ("library", "semihosting", 4, "libpython3.9.so.1.0 is not found"),
        ("die-700", "semihosting", 1, "exited with status 3"),
        ("garble", "semihosting", 0, "ran to its end"),
        ("error", "address", 1, "the NPU refused its work"),
    ],
)
@pytest.mark.parametrize("machine", [boards.CORSTONE_300_U55], indirect=True)
def test_faults_of_corstone_300_have_their_verdicts(
    fault: str, kind: Kind, status: int, said: str, machine: Machine
) -> None:
    found, state = machine.run(machine.program, "--runner", machine.runner(kind), STAND_IN=fault)
    reason = state["run"]["reason"] or state["verdict"]["reason"]
    assert (found, said in reason) == (status, True), reason


@pytest.mark.parametrize("machine", [boards.CORSTONE_300_U55], indirect=True)
def test_what_is_said_of_corstone_300_before_a_run(machine: Machine) -> None:
    for target, npu in (("ethos-u55-64", "Ethos-U55"), ("ethos-u85-256", "Ethos-U85")):
        listed = machine.fvp_tui("params", "num_macs", "--target", target)
        name = "ethosu.num_macs" if npu == "Ethos-U55" else "mps4_board.subsystem.ethosu.num_macs"
        assert listed.stdout.splitlines()[1].split()[0] == name, listed.stderr
        assert "set by run" in listed.stdout
    window = json.loads(machine.fvp_tui("params", "--presets", "--target", "ethos-u55-64", "--json").stdout)["window"]
    assert window["parameters"] == {"mps3_board.visualisation.disable-visualisation": False}
    runner = machine.runner("semihosting")
    # The target of a ready program is in the program.
    assert machine.run(machine.program, "--runner", runner, "--preset", "fast", "--preset", "window")[0] == 0
    assert words(machine.received) >= {
        "-C ethosu.extra_args=--fast",
        f"-C {machine.board.parameters.windows[0]}=0",
    }
    done = machine.fvp_tui("run", machine.program, "--platform", "fvp", "--runner", runner, "-C", "ethosu.num_macs=256")
    assert (done.returncode, "contradicts the target" in done.stdout + done.stderr) == (2, True)


@pytest.mark.parametrize("machine", [boards.CORSTONE_300_U55], indirect=True)
def test_a_runner_of_another_board_is_refused_with_the_reason(machine: Machine) -> None:
    wrong = machine.folder / "wrong.elf"
    u65 = boards.ETHOS_U65.pmu.sram_reads.encode(), {"ethosu_pmu_desc_u65": 8}
    for name, texts, objects in (("Ethos-U85", boards.ETHOS_U85.pmu.sram_reads.encode(), {}), ("Ethos-U65", *u65)):
        elves.write(wrong, "semihosting", texts, objects)
        status, state = machine.run(machine.program, "--runner", str(wrong))
        assert status == 4
        assert f"was built for {name}, and Corstone-300 with Ethos-U55 has an Ethos-U55" in state["run"]["reason"]
    assert "firmware build CHECKOUT --target ethos-u55-128" in state["run"]["hint"]
    assert not (machine.folder / "arguments.json").exists()


def test_what_a_program_needs_is_weighed_before_the_platform_starts(machine: Machine, digits: str) -> None:
    small = {"method_allocation_pool": 100, "temp_allocation_pool": 1 << 20}
    runner = elves.write(machine.folder / "small.elf", "semihosting", objects=small)
    status, state = machine.run(digits, "--runner", str(runner))
    # The stand-in has no such limit; a real runner would have ended by now.
    assert (status, state["run"]["status"]) == (0, "ok")
    method, temporary = state["pools"]
    assert (method["name"], method["available"], method["excess"]) == ("method_allocator", 100, method["needed"] - 100)
    assert (temporary["available"], temporary["excess"]) == (1 << 20, 0)
    assert any("bytes of the runner's method_allocator, which has 100" in note for note in state["notes"])
    with machine.follow(state["run"]["id"]) as events:
        order = [event["event"] for event in events]
    assert order.index("pools_known") < order.index("platform_started")


def test_a_runner_with_another_program_inside_is_refused(machine: Machine, ran: RanModel, digits: str) -> None:
    other = (ran("executorch:ds_cnn").artifacts / "model.pte").read_bytes()
    status, state = machine.run(digits, "--runner", machine.runner("embedded", other))
    assert status == 1
    assert "embeds another program than" in state["run"]["reason"]
    assert not (machine.folder / "arguments.json").exists()


def test_a_runner_without_files_is_booted_for_each_inference(machine: Machine, digits: str) -> None:
    status, state = machine.run(digits, "--runner", machine.runner("mlek"), "--inferences", "3")
    assert status == 0
    assert [i["index"] for i in state["inferences"]] == [0, 1, 2]
    assert any("booted for each of 3" in note for note in state["notes"])


def test_the_users_parameters_take_the_place_of_ours(machine: Machine, digits: str) -> None:
    setting = "mps4_board.telnetterminal0.start_telnet=1"
    status, _ = machine.run(digits, "--runner", machine.runner("semihosting"), "-C", setting, "--fast")
    assert status == 0
    assert f"-C {setting}" in words(machine.received)
    assert "-C mps4_board.telnetterminal0.start_telnet=0" not in words(machine.received)
    assert "-C mps4_board.subsystem.ethosu.extra_args=--fast" in words(machine.received)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("mps4_board.telnetterminal0.start_telnett=1", "did you mean mps4_board.telnetterminal0.start_telnet"),
        ("mps4_board.subsystem.ethosu.num_macs=512", "contradicts the target"),
        ("mps4_board.uart0.unbuffered_output=2", "neither 0 nor 1"),
    ],
)
def test_what_the_fvp_would_not_take_is_refused_before_the_start(
    setting: str, said: str, machine: Machine, digits: str
) -> None:
    done = machine.fvp_tui("run", digits, "--platform", "fvp", "--runner", machine.runner("semihosting"), "-C", setting)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert not (machine.folder / "arguments.json").exists()


def test_a_version_with_other_names_is_driven_with_those_it_has(machine: Machine, digits: str) -> None:
    status, state = machine.run(digits, "--runner", machine.runner("semihosting"), STAND_IN="renamed")
    assert status == 0
    assert "mps4_board.visualisation.disable-visualisation" not in str(machine.received)
    assert any("does not list" in note and "left out" in note for note in state["notes"])


@pytest.mark.parametrize(
    ("fault", "kind", "status", "said"),
    [
        ("licence", "semihosting", 4, "no licence"),
        ("library", "semihosting", 4, "libpython3.9.so.1.0 is not found"),
        ("die-0", "semihosting", 1, "exited with status 3"),
        ("die-1", "semihosting", 1, "exited with status 3"),
        ("die-700", "semihosting", 1, "exited with status 3"),
        ("garble", "semihosting", 0, "ran to its end"),
        ("error", "address", 1, "the NPU refused its work"),
    ],
)
def test_each_fault_has_its_verdict(
    fault: str, kind: Kind, status: int, said: str, machine: Machine, digits: str
) -> None:
    found, state = machine.run(digits, "--runner", machine.runner(kind), STAND_IN=fault)
    reason = state["run"]["reason"] or state["verdict"]["reason"]
    assert (found, said in reason) == (status, True), reason


LOG = "I [executorch:arm_executor_runner.cpp:1 main()] "
DEFAULT_LOG = "{} 00:00:00.000412 executorch:thing.cpp:90] "
INFERENCE = [
    f"{LOG}PTE @ 0x70000000 [----ET12]",
    f"{LOG}Starting running 1 inferences...",
    f"{LOG}Ethos-U PMU report:",
    f"{LOG}ethosu_pmu_cycle_cntr :  7001 (7001.00 per inference)",
    f"{LOG}1 inferences finished",
]
COMPLETE = f"{LOG}Program complete, exiting."
WRITTEN = {"STAND_IN_OUTPUT": "40"}
"""Outputs as large as those of the model."""
PYTHON = "Fatal Python error: _Py_GetConfig: the function must be called with the GIL held, but the GIL is released"
OVER = "Info: Simulation is stopping. Reason: {} has been exceeded."


@pytest.mark.parametrize(
    ("kind", "lines", "more", "said"),
    [
        ("semihosting", [COMPLETE], {}, "0 of 1 inferences ran, though the program reports its end"),
        ("semihosting", [COMPLETE], WRITTEN, "0 of 1 inferences ran"),
        ("semihosting", ["EXITTHESIM"], WRITTEN, "0 of 1 inferences ran"),
        ("semihosting", [*INFERENCE, COMPLETE], {}, "0 of 1 inferences gave outputs: out-0.bin was not written"),
        (
            "semihosting",
            [*INFERENCE, COMPLETE],
            {"STAND_IN_OUTPUT": "12"},
            "0 of 1 inferences gave outputs: out-0.bin has 12 bytes, the output 40",
        ),
        ("address", [COMPLETE], {}, "0 of 1 inferences ran"),
        ("address", [*INFERENCE, COMPLETE], {}, "0 of 1 inferences gave outputs: the runner prints none"),
        (
            "address",
            [*INFERENCE, "Output[0][0]: (float) 0.134570", COMPLETE],
            {},
            "0 of 1 inferences gave outputs: 1 of 10 elements of output 0",
        ),
        ("mlek", ["INFO - program terminating..."], {}, "0 of 1 inferences ran"),
        ("mlek", ["INFO - Inference completed."], {}, "0 of 1 inferences gave outputs"),
        ("mlek", [*INFERENCE, "INFO - Inference completed."], {}, "outputs was not written to outputs.bin"),
        (
            "semihosting",
            [*INFERENCE, DEFAULT_LOG.format("E") + "it came apart", COMPLETE],
            WRITTEN,
            "the program reports: it came apart",
        ),
        (
            "semihosting",
            [*INFERENCE[:2], f"F{LOG[1:]}In function f(), assert failed (out.scalar_type() == 1): 2 is not int8"],
            {"STAND_IN_END": "255"},
            "the program stopped at an assertion: 2 is not int8",
        ),
        ("semihosting", INFERENCE, {**WRITTEN, "STAND_IN_LAST": [PYTHON], "STAND_IN_END": "abort"}, "SIGABRT"),
    ],
)
def test_no_end_makes_a_success_of_what_was_not_seen(
    kind: Kind, lines: list[str], more: dict[str, Any], said: str, machine: Machine, digits: str
) -> None:
    words = {name: item if isinstance(item, str) else json.dumps(item) for name, item in more.items()}
    status, state = machine.run(
        digits, "--runner", machine.runner(kind), STAND_IN="says", STAND_IN_LINES=json.dumps(lines), **words
    )
    assert (status, state["run"]["status"]) == (1, "failed")
    assert said in state["run"]["reason"]
    assert state["run"]["hint"]


@pytest.mark.parametrize(
    ("lines", "more", "note"),
    [
        ([COMPLETE], {"STAND_IN_LAST": [PYTHON], "STAND_IN_END": "abort"}, "no effect on the results"),
        ([COMPLETE], {"STAND_IN_LAST": [PYTHON], "STAND_IN_END": "134"}, "Arm knows of it"),
        (["EXITTHESIM"], {}, ""),
        (["INFO - program terminating..."], {}, ""),
        (["EXITTHESIM", OVER.format("CPU time")], {"STAND_IN_END": "1"}, "shutdown_tag=EXITTHESIM"),
        ([COMPLETE, OVER.format("Cycle limit")], {}, "kept running after the program's end"),
    ],
)
def test_a_good_run_stays_good(
    lines: list[str], more: dict[str, Any], note: str, machine: Machine, digits: str
) -> None:
    words = {name: item if isinstance(item, str) else json.dumps(item) for name, item in more.items()}
    lines = [line.replace(LOG, DEFAULT_LOG.format("I")) for line in [*INFERENCE, *lines]]
    given = {"STAND_IN": "says", "STAND_IN_LINES": json.dumps(lines), **WRITTEN, **words}
    status, state = machine.run(digits, "--runner", machine.runner("semihosting"), **given)
    assert (status, state["run"]["status"]) == (0, "ok"), state["run"]["reason"]
    assert state["inferences"][0]["npu_cycles"] == 7001
    assert any(note in one for one in state["notes"]), state["notes"]


@pytest.mark.parametrize(
    ("limit", "hint"), [("Cycle limit", "--cyclelimit"), ("Simulated time", "--simlimit"), ("CPU time", "--timeout")]
)
def test_a_limit_s_hint_is_that_limit_s(limit: str, hint: str, machine: Machine, digits: str) -> None:
    lines = json.dumps([*INFERENCE[:2], OVER.format(limit)])
    status, state = machine.run(
        digits, "--runner", machine.runner("semihosting"), STAND_IN="says", STAND_IN_LINES=lines
    )
    assert (status, hint in state["run"]["hint"]) == (1, True), state["run"]["hint"]
    assert (limit == "CPU time") == ("--timeout" in state["run"]["hint"])


def test_an_fvp_behind_a_link_is_called_by_the_link_s_name(machine: Machine, digits: str, tmp_path: Path) -> None:
    # Arm's wrapper for macOS: one script, which runs the model it is called as.
    called = tmp_path / "called"
    wrapper = tmp_path / "wrapper.sh"
    stand_in = tmp_path / "bin" / boards.DEFAULT.fvp.binary
    wrapper.write_text(f'#!/bin/sh\necho "$0" >> {called}\nexec {stand_in} "$@"\n')
    wrapper.chmod(0o755)
    link = tmp_path / "links" / boards.DEFAULT.fvp.binary
    link.parent.mkdir()
    link.symlink_to(wrapper)
    status, state = machine.run(digits, "--runner", machine.runner("semihosting"), "--fvp", str(link))
    assert (status, state["spec"]["fvp"], state["platform"]["name"]) == (0, str(link), boards.DEFAULT.fvp.binary)
    assert set(called.read_text().splitlines()) == {str(link)}
    for arguments, extra in (
        (("params", "--fvp", str(link)), {}),
        (("params",), {discovery.FVP_VARIABLE: str(link)}),
        (("doctor",), {discovery.FVP_VARIABLE: str(link)}),
    ):
        called.unlink()
        assert machine.fvp_tui(*arguments, extra=extra).stdout
        assert set(called.read_text().splitlines()) <= {str(link)}, arguments


@pytest.mark.parametrize(("fault", "said"), [("silent", "the program printed nothing"), ("flood", "time limit of 1 s")])
def test_its_time_limit_ends_one_that_hangs(fault: str, said: str, machine: Machine, digits: str) -> None:
    runner = machine.runner("semihosting")
    found, state = machine.run(digits, "--runner", runner, "--timeout", "1", STAND_IN=fault)
    assert found == 1
    assert said in state["run"]["reason"]
    assert state["statistics"]["instructions"] is not None
    assert fault == "flood" or "SEMIHOSTING" in state["run"]["hint"]


@pytest.mark.parametrize("fault", ["silent", "deaf"])
def test_stop_ends_it_politely_first(fault: str, machine: Machine, digits: str) -> None:
    runner = machine.runner("semihosting")
    arguments = ("run", digits, "--platform", "fvp", "--runner", runner, "--detach")
    name = machine.fvp_tui(*arguments, extra={"STAND_IN": fault}).stdout.strip()
    with machine.follow(name) as events:
        started = next(event for event in events if event["event"] == "platform_started")
        # Its first words: from here on it takes signals as it means to.
        next(event for event in events if event["event"] == "logged" and "telnetterminal5" in event["text"])
        machine.fvp_tui("stop", name)
        last = list(events)[-1]
    assert (last["event"], last["status"]) == ("run_finished", "stopped")
    assert not psutil.pid_exists(started["pid"])
    state = json.loads(machine.fvp_tui("show", name, "--json").stdout)
    # Statistics come from one that was asked, not killed.
    assert (state["statistics"]["instructions"] is not None) == (fault == "silent")


def test_a_program_for_another_address_is_explained(machine: Machine, digits: str) -> None:
    runner = machine.runner("address")
    status, state = machine.run(digits, "--runner", runner, "--pte-address", "0x38000000", "--timeout", "1")
    assert status == 1
    assert "no program where the runner looks for one, at 0x70000000" in state["run"]["reason"]
    assert "--pte-address 0x70000000" in state["run"]["hint"]


def test_a_trace_gives_every_operator_of_every_partition_its_measured_cycles(machine: Machine) -> None:
    status, state = machine.run("sample:split", "--runner", machine.runner("semihosting"), "--pmu-trace")
    assert status == 0
    traced = [o for o in state["operators"] if o["commands"]]
    assert {o["partition"] for o in traced} == {0, 1, 2}
    assert {o["traced_source"] for o in traced} == {"measured"}
    assert sum(o["traced_cycles"] for o in traced) == state["inferences"][0]["npu_cycles"]


@pytest.fixture(scope="module")
def etdump(shared: Path) -> Path:
    """A genuine one: of ExecuTorch's own runtime on this machine. In a process of its own, since it needs PyTorch."""
    path = shared / "etdump.bin"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            subprocess.run([sys.executable, "-c", MAKE_ETDUMP, str(path)], check=True, capture_output=True)
    return path


MAKE_ETDUMP = """
import sys, torch
from executorch.exir import to_edge_transform_and_lower
from executorch.extension.pybindings.portable_lib import _load_for_executorch_from_buffer
class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x @ x) + 1
given = (torch.ones(4, 4),)
program = to_edge_transform_and_lower(torch.export.export(Model(), given)).to_executorch()
loaded = _load_for_executorch_from_buffer(program.buffer, enable_etdump=True)
for _ in range(3):
    loaded.run_method("forward", given)
loaded.write_etdump_result_to_file(sys.argv[1], sys.argv[1] + ".debug")
"""


@pytest.mark.parametrize("kind", ["semihosting", "address"])
def test_an_etdump_is_kept_and_read_by_executorch_s_inspector(
    kind: Kind, machine: Machine, digits: str, etdump: Path
) -> None:
    status, state = machine.run(digits, "--runner", machine.runner(kind), STAND_IN_ETDUMP=str(etdump))
    assert status == 0
    kept = machine.home / "runs" / state["run"]["id"] / "artifacts" / "etdump.bin"
    assert kept.read_bytes() == etdump.read_bytes()
    profile = {event["name"]: event for event in state["profile"] if event["block"] == "Execute"}
    assert {"native_call_mm.out", "native_call_relu.out", "Method::execute"} <= profile.keys()
    assert profile["Method::execute"]["cycles"] > profile["native_call_mm.out"]["cycles"] > 0
    assert any("cycle-accurate" in note for note in state["notes"])
    assert "native_call_relu.out" in machine.fvp_tui("show", "last").stdout


def test_half_an_etdump_is_noted_and_changes_nothing(machine: Machine, digits: str, etdump: Path) -> None:
    runner = machine.runner("address")
    status, state = machine.run(digits, "--runner", runner, STAND_IN="garble-etdump", STAND_IN_ETDUMP=str(etdump))
    assert (status, state["profile"]) == (0, [])
    assert any("printed incompletely" in note for note in state["notes"])
